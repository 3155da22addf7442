"""The wheel alone, in an environment of its own: what a user of the package gets."""

import json
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

PROJECT = Path(__file__).parents[2]
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "lupus_assets", "definitions", "resources")
DECLARATION = """
type: lupus_assets.assets.MonitoredModel
attributes:
  model: churn
  team: shop
  cadence: {every: day, start: 2026-01-01}
  tracks: {champion: {parquet: "churn/{partition}.parquet"}}
  columns: {timestamp: at, prediction: {score: p}}
"""
USER = """
import lupus_assets

p = lupus_assets.profile("a.parquet")
print(p.columns["p"].rows, p.columns["p"].nulls)
c = lupus_assets.compare("a.parquet", "a.parquet")
print(c.columns["p"].distances["ks"])
b = lupus_assets.backtest("defs.yaml", "a.parquet", budgets=[1.0])
print(b.incidents[1.0], lupus_assets.__version__, lupus_assets.__file__)
m: lupus_assets.MonitoredModel
"""
WRONG = 'import lupus_assets\nlupus_assets.profile(3).columns["x"].meen\n'


def run(*command: str | Path, place: Path) -> str:
    done = subprocess.run(command, cwd=place, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("wheel")


@pytest.fixture(scope="module")
def python(folder) -> Path:
    """Return the interpreter of an empty environment that borrows only the dependencies of this one."""
    run(sys.executable, "-m", "venv", "env", place=folder)
    found = folder / "env" / "bin" / "python"
    asked = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(run(found, "-c", asked, place=folder).strip())
    # A path and no more: the .pth files of that folder, and with them the editable install, are not read.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return found


@pytest.fixture(scope="module")
def wheel(folder, python) -> Path:
    source = folder / "source"
    source.mkdir()
    for name in SOURCES:  # all that the repository has to offer; building leaves files of its own behind
        run("cp", "-R", PROJECT / name, source / name, place=folder)
    # As pip does without build isolation; the environment's own setuptools may be older than ours.
    build = f"from setuptools import build_meta; build_meta.build_wheel({str(folder)!r})"
    run(sys.executable, "-c", build, place=source)
    (found,) = folder.glob("*.whl")
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", found, place=folder)
    return found


@pytest.fixture(scope="module")
def user(folder, wheel) -> Path:
    place = folder / "user"
    place.mkdir()
    day = np.repeat(np.arange(40), 50)
    at = np.datetime64("2026-01-01", "us") + day.astype("timedelta64[D]")
    p = np.random.default_rng(1).uniform(0.2, 0.4, day.size)
    pq.write_table(pa.table({"at": at, "p": p}), place / "a.parquet")
    (place / "defs.yaml").write_text(DECLARATION)
    (place / "user.py").write_text(USER)
    (place / "wrong.py").write_text(WRONG)
    return place


def test_it_holds_one_package_and_says_that_it_has_types(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"lupus_assets"}
    assert "lupus_assets/py.typed" in names
    assert "lupus_assets/resources/environment.py" in names


def test_a_users_lines_run_on_it_and_on_nothing_of_the_repository(python, user):
    said = run(python, "user.py", place=user).split()
    assert said[:4] == ["2000", "0", "0.0", "0"]
    assert Path(said[-1]).is_relative_to(python.parents[1])


def test_the_command_is_there(python, user):
    lupus = python.with_name("lupus")
    assert "backtest" in run(lupus, "--help", place=user)
    assert run(lupus, "profile", "a.parquet", "--csv", place=user).startswith("column,kind,rows")


def test_a_users_lines_have_types(python, user):
    said = {}
    for name in ("user", "wrong"):
        options = ("--strict", "--output=json", "--python-executable", python)
        command = (sys.executable, "-m", "mypy", *options, f"{name}.py")
        done = subprocess.run(command, cwd=user, capture_output=True, text=True)
        said[name] = [json.loads(line)["code"] for line in done.stdout.splitlines() if line.startswith("{")]
    assert said["user"] == []
    assert sorted(said["wrong"]) == ["arg-type", "attr-defined"]


def test_a_project_of_the_users_own_finds_its_resources_in_it(python, user):
    lines = "from pathlib import Path; from lupus_assets.resources.environment import resources; "
    assert "Embedded" in run(python, "-c", f"{lines}print(resources(Path('.')))", place=user)
