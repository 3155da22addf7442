"""`import lupus_assets` is light, says its names, and its examples are true."""

import doctest
import importlib
import subprocess
import sys

import pytest

import lupus_assets

MODULES = ("api.rows", "text", "api.profiled", "api.compared", "api.tried", "picturing.drawing")
LIGHT = """
import sys, os
before, environment = set(sys.modules), dict(os.environ)
import lupus_assets
print([name for name in set(sys.modules) - before if name.startswith(("lupus_assets.", "numpy", "pyarrow"))])
print(dir(lupus_assets), lupus_assets.__version__)
lupus_assets.profile
print([name for name in sys.modules if name.partition(".")[0] in ("dagster", "pandas", "polars", "duckdb")])
print(dict(os.environ) == environment)
"""


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_the_docstrings_are_true(name):
    found = doctest.testmod(importlib.import_module(f"lupus_assets.{name}"))
    assert found.attempted or name == "api.rows"
    assert not found.failed


def test_the_import_imports_nothing_and_a_profile_neither_dagster_nor_pandas():
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True)
    imported, names, heavy, unchanged = done.stdout.splitlines()
    assert (imported, heavy, unchanged) == ("[]", "[]", "True")
    assert names.startswith("['MonitoredModel', '__version__', 'backtest', 'compare', 'profile']")


def test_a_name_that_there_is_not_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'lupus_assets' has no attribute 'profil'"):
        lupus_assets.profil  # noqa: B018
