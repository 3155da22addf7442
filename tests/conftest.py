"""What every test can ask for: the real servers. Examples of properties have no deadline."""

from hypothesis import settings

pytest_plugins = ["tests.services.fixture"]

settings.register_profile("without deadline", deadline=None)
settings.load_profile("without deadline")
