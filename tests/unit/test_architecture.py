"""The page of the architecture shows the rooms that exist, in the order that import-linter enforces."""

import re
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "ARCHITECTURE.md").read_text(encoding="utf-8")
ROWS = [
    {name.rstrip("/") for name in re.findall(r"`([a-z_/]+)`", row)}
    for row in re.findall(r"^\| (`.+?) \|", PAGE, re.MULTILINE)
]
PAGES = [PROJECT / "ARCHITECTURE.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").rglob("*.md"))]


def test_the_rooms_are_the_layers_from_top_to_bottom():
    with (PROJECT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    assert [{room.removeprefix("lupus_assets.") for room in layer.split(" | ")} for layer in layers] == ROWS


def test_every_room_of_the_package_is_on_the_page():
    package = PROJECT / "lupus_assets"
    rooms = {path.parent.name for path in package.glob("*/__init__.py")}
    rooms |= {path.stem for path in package.glob("*.py") if path.stem != "__init__"}
    assert rooms == set().union(*ROWS) - {"definitions"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_a_module_named_on_a_page_exists(page: Path):
    names = re.findall(r"`((?:[a-z_]+/)*[a-z_]+\.py)`", page.read_text(encoding="utf-8"))
    places = (PROJECT, PROJECT / "lupus_assets")
    assert [name for name in names if not any((place / name).exists() for place in places)] == []


def test_the_page_is_one_page():
    assert len(PAGE.split()) <= 1_000
