"""What every test can ask for: the real servers. Examples of properties have no deadline."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.services.fixture"]

settings.register_profile("without deadline", deadline=None)
# Of `make mutants`: the same examples every time, and few of them, since a mutant that lives meets them all.
# A busy machine that draws them slowly is no fault of the mutant's.
settings.register_profile(
    "mutants", deadline=None, derandomize=True, max_examples=25, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("without deadline")
