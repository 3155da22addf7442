"""What every test can ask for: the real servers."""

pytest_plugins = ["tests.services.fixture"]
