"""What every test can ask for: the real servers. Examples of properties may take their time on a busy machine."""

from hypothesis import settings

pytest_plugins = ["tests.services.fixture"]

settings.register_profile("without deadline", deadline=None)
settings.load_profile("without deadline")
