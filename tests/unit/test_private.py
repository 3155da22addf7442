"""What an embedded installation keeps is for its owner alone; elsewhere the umask of the process decides."""

import os
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lupus_assets.installation import Installation, keep_private
from lupus_assets.records import Place

PROJECT = Path(__file__).parents[2]
DAY = datetime(2025, 3, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def open_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(root: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in [root, *root.rglob("*")]}


def write(installation: Installation) -> None:
    for _ in range(2):
        installation.tables().replace("incidents", Place("shop.churn", "champion", DAY, DAY, "2025-03"), [])
    installation.tables().compact("incidents", model="shop.churn", month="2025-03")


def test_tables_of_the_embedded_home_are_their_owners_whatever_the_umask(tmp_path):
    home = tmp_path / "new" / "home"
    write(Installation.from_environment({}, home))
    assert modes(home) == {0}


def test_tables_that_others_show_have_the_modes_that_the_umask_gives(tmp_path):
    environment = {"LUPUS_ENV": "services", "LUPUS_WAREHOUSE": str(tmp_path / "warehouse")}
    os.umask(0o027)
    write(Installation.from_environment(environment, tmp_path))
    assert modes(tmp_path / "warehouse") == {0o050, 0o040}


def test_a_home_that_the_world_could_read_is_closed_and_its_group_stays(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    keep_private({}, home, tmp_path / "nowhere")
    assert stat.S_IMODE(home.stat().st_mode) == 0o750
    (home / "new").write_text("")
    assert modes(home / "new") == {0}


def test_elsewhere_neither_homes_nor_the_umask_are_touched(tmp_path):
    tmp_path.chmod(0o755)
    keep_private({"LUPUS_ENV": "production"}, tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    assert os.umask(0o022) == 0o022


def test_processes_of_dagster_write_for_their_owner_alone(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    program = (
        "import definitions.location, dagster as dg\n"
        "from pathlib import Path; import os\n"
        "Path(os.environ['DAGSTER_HOME']).mkdir()\n"
        "with dg.DagsterInstance.get() as instance: instance.all_asset_keys()\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LUPUS_")}
    environment |= {"LUPUS_HOME": str(home), "DAGSTER_HOME": str(home / "dagster"), "DO_NOT_TRACK": "1"}
    subprocess.run([sys.executable, "-c", program], check=True, cwd=PROJECT, env=environment)
    assert len(list(home.rglob("*"))) > 3
    assert modes(home) <= {0, 0o050}
    assert modes(home / "dagster") == {0}


def test_make_makes_the_home_for_its_owner(tmp_path):
    home = tmp_path / "home"
    made = ["make", "--silent", f"LUPUS_HOME={home}", f"{home}/dagster/dagster.yaml"]
    subprocess.run(made, check=True, cwd=PROJECT)
    assert modes(home) == {0}
