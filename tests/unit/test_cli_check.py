"""`lupus check` prints every mistake and fails if there is one."""

import sys
from datetime import date
from pathlib import Path

import pytest

from lupus_assets.assets.scaffold import declaration
from lupus_assets.cli import main
from lupus_assets.declare.rhythm import NAMED

GOOD = """\
type: lupus_assets.assets.MonitoredModel
attributes:
  model: NAME
  team: flights
  cadence: {every: day, start: 2013-05-01}
  tracks: {champion: {parquet: "{partition}.parquet"}}
  columns: {timestamp: time_hour, prediction: {score: p_late}}
"""


@pytest.fixture
def definitions(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        (tmp_path / "definitions" / name).mkdir(parents=True)
        (tmp_path / "definitions" / name / "defs.yaml").write_text(GOOD.replace("NAME", name))
    return tmp_path / "definitions"


def test_correct_declarations_pass(definitions, capsys):
    assert main(["check"]) == 0
    assert capsys.readouterr() == ("", "2 declarations, no mistakes\n")


def test_one_file_can_be_checked(definitions, capsys):
    assert main(["check", "definitions/a/defs.yaml"]) == 0
    assert capsys.readouterr().err == "1 declaration, no mistakes\n"


def test_every_mistake_is_a_line_and_the_command_fails(definitions, capsys):
    (definitions / "b" / "defs.yaml").write_text(GOOD.replace("NAME", "B").replace("score", "scor"))
    assert main(["check"]) == 1
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "definitions/b/defs.yaml:3: model: 'B' is not made of a-z, 0-9 and _ only, write b",
        "definitions/b/defs.yaml:7: columns.prediction.scor: is not a key here, did you mean 'score'?",
    ]
    assert err == "2 mistakes in 1 of 2 declarations\n"


@pytest.mark.parametrize("data", [b"", b"\x00\xff", GOOD.encode("utf-16"), b"- a", b"attributes: {}"])
def test_a_damaged_file_beside_good_ones_is_no_passed_check(definitions, capsys, data):
    (definitions / "b" / "defs.yaml").write_bytes(data)
    assert main(["check"]) == 1
    out, err = capsys.readouterr()
    assert all(line.startswith("definitions/b/defs.yaml:1: ") for line in out.splitlines())
    assert err.endswith(" in 1 of 2 declarations\n")


def test_a_path_that_is_not_there_is_no_passed_check(definitions, capsys):
    assert main(["check", "nowhere"]) == 2
    assert capsys.readouterr() == (
        "",
        "lupus check: nowhere does not exist, give a declaration or a directory\n",
    )


def test_a_directory_without_declarations_is_no_passed_check(definitions, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert main(["check", "empty"]) == 2
    assert capsys.readouterr().err == "lupus check: no declaration below empty, give another directory\n"


def test_no_command_is_a_usage_error(capsys):
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert "COMMAND" in capsys.readouterr().err


def test_a_misspelt_type_is_no_passed_check(definitions, capsys):
    misspelt = GOOD.replace("NAME", "b").replace("MonitoredModel", "MonitoredMdel")
    (definitions / "b" / "defs.yaml").write_text(misspelt)
    assert main(["check"]) == 1
    assert capsys.readouterr().out == (
        "definitions/b/defs.yaml:1: type: is 'lupus_assets.assets.MonitoredMdel', "
        "which is no monitored model, did you mean lupus_assets.assets.MonitoredModel?\n"
    )


def test_a_scaffold_passes_and_says_how_long_the_default_reference_is(definitions, capsys):
    text = declaration(Path("shop/churn"), "lupus_assets.assets.MonitoredModel", date(2025, 3, 9))
    (definitions / "b" / "defs.yaml").write_text(text)
    assert main(["check"]) == 0
    assert (
        "# reference, by default the first partitions (hour: 14 days, day: 28 days, week: 12 partitions"
        in text
    )
    assert all(f"{every}: {rhythm.reference_length}" in text for every, rhythm in NAMED.items())


def test_a_reference_that_lies_far_ahead_is_a_mistake_with_its_line(definitions, capsys):
    ahead = "  reference: {from: 2013-05-01, to: 2150-06-30}\n"
    (definitions / "b" / "defs.yaml").write_text(GOOD.replace("NAME", "b") + ahead)
    assert main(["check"]) == 1
    assert capsys.readouterr() == (
        "definitions/b/defs.yaml:8: reference.to: 2150-06-30 is over a year ahead, and nothing is judged "
        "before the reference is over, write days that the log covers\n",
        "1 mistake in 1 of 2 declarations\n",
    )


BY_PYTHON = """\
import sys

TEXT = "no function"

def rows(start, end): ...
def one(start): ...
def more(start, end, *others, zone=None): ...
"""


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("shop.log:rows", None),
        ("shop.log:more", None),
        (
            "shop.log:rosw",
            "cannot be imported: AttributeError: module 'shop.log' has no attribute 'rosw'",
        ),
        (
            "shop.lgo:rows",
            "cannot be imported: ModuleNotFoundError: No module named 'shop.lgo'",
        ),
        ("shop.log:TEXT", "'shop.log:TEXT' is str, not a function, name one of (start, end)"),
        (
            "shop.log:one",
            "'shop.log:one' does not take (start, end): too many positional arguments",
        ),
        ("shop.exits:rows", "cannot be imported: SystemExit: 3, correct its name, or install what it needs"),
        ("shop.broken:rows", "cannot be imported: SyntaxError: "),
    ],
)
def test_functions_are_imported_from_the_folder_as_dagster_does(
    definitions, capsys, monkeypatch, function, said
):
    folder = definitions.parent / "shop"
    folder.mkdir()
    (folder / "log.py").write_text(BY_PYTHON)
    (folder / "exits.py").write_text("raise SystemExit(3)")
    (folder / "broken.py").write_text("def")
    monkeypatch.setattr("sys.path", [*sys.path])
    for name in ("shop", "shop.log", "shop.exits", "shop.broken"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    text = GOOD.replace("NAME", "b").replace('parquet: "{partition}.parquet"', f'function: "{function}"')
    (definitions / "b" / "defs.yaml").write_text(text)
    assert main(["check"]) == (0 if said is None else 1)
    out, err = capsys.readouterr()
    if said is None:
        assert (out, err) == ("", "2 declarations, no mistakes\n")
    else:
        assert out.startswith("definitions/b/defs.yaml:6: tracks.champion.function: ")
        assert said in out
        assert err == "1 mistake in 1 of 2 declarations\n"
