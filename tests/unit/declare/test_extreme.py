"""Whatever a file holds, loading it ends soon and in a model or in mistakes: with a line, a key, a remedy."""

import os
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lupus_assets.cli import main
from lupus_assets.declare import find, load_all
from lupus_assets.errors import DeclarationError
from tests.unit.declare.text import GOOD, mistakes, swapped, write

DEEP = 5_000
BOMB = "".join(f"  g{n}: &g{n} [{', '.join([f'*g{n - 1}'] * 10)}]\n" for n in range(1, 12))
MERGED = "".join(f"  h{n}: &h{n} {{<<: [{', '.join([f'*h{n - 1}'] * 2)}], k{n}: 1}}\n" for n in range(1, 40))
WIDE = "".join(f"  w{n}: &w{n} {{<<: *w{n - 1}, k{n}: 1}}\n" for n in range(1, 2_000))


def hostile(text: str) -> str:
    return GOOD + text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (hostile(f"  x: {'[' * DEEP}{']' * DEEP}\n"), "YAML: is nested too deeply, write it out, on fewer l"),
        (hostile(f"  x: {'{a: ' * DEEP}1{'}' * DEEP}\n"), "YAML: is nested too deeply"),
        (hostile("  g0: &g0 [a]\n" + BOMB), "YAML: holds too many values once its aliases (*) are written o"),
        (hostile("  w0: &w0 {k0: 1}\n" + WIDE), "YAML: holds too many values once its aliases (*) are writt"),
        (hostile("  x: &x {<<: *x}\n"), "x: is not a key here"),
        (hostile("  x: &x {<<: &y {<<: *x}}\n"), "x: is not a key here"),
        (hostile("  x: {<<: 5}\n"), "<<: brings along no mapping"),
        (hostile("  x: !!bool maybe\n"), "x: is no bool, write it without its tag (!!)"),
        (hostile("  x: !!timestamp now\n"), "x: is no timestamp, write it without its tag (!!)"),
        (hostile("  x: !!binary aGk=\n"), "x: is no text and no number, write it without its tag (!!)"),
        (hostile("  x: !!python/object/apply:os.system [ls]\n"), "is not a key here"),
        (hostile("  x: !!python/name:os.system ls\n"), "could not determine a constructor for the tag"),
        (swapped("late_arrival", '"\\ud800"'), "model: holds the character '\\ud800', which no text may, re"),
        (swapped("{partition}.parquet", "{partition}\\0"), "holds the character '\\x00', which no text may"),
        (swapped("origin]}", '"a\\x1b[31m"]}'), "holds the character '\\x1b', which no text may, remove it"),
        (hostile(f"  x: 0x{'F' * 5_000}\n"), "x: is a number of more than 64 bits, write a smaller one, or"),
        (swapped("below: 500", f"below: {'9' * 5_000}"), "not a number"),
        (hostile("#" * 1_000_000), "file: cannot be read (larger than 1 MB), check the path and its rights"),
        (swapped("late_arrival", "x" * 100_000), "is longer than 60 characters, write a shorter name"),
    ],
)  # fmt: skip
def test_what_is_hostile_is_a_mistake_and_said_shortly(tmp_path, text, said):
    found = mistakes(tmp_path, text)
    assert any(said in each for each in found), found
    assert all(len(each) < 1_500 for each in found)


def test_merging_the_same_mapping_again_and_again_is_cheap(tmp_path):
    found = mistakes(tmp_path, hostile("  h0: &h0 {k0: 1}\n" + MERGED))
    assert all("is not a key here" in each for each in found)


def test_what_is_hostile_stops_neither_the_check_nor_the_others(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, GOOD, "definitions/good/defs.yaml")
    for number, text in enumerate(
        ["[" * DEEP, "x: &x {<<: *x}", "\x07", "  g0: &g0 [a]\n" + BOMB, "#" * 1_000_001]
    ):
        write(tmp_path, hostile(f"  x: {text}\n"), f"definitions/bad{number}/defs.yaml")
    (tmp_path / "definitions" / "folder" / "defs.yaml").mkdir(parents=True)
    (tmp_path / "definitions" / "latin").mkdir()
    (tmp_path / "definitions" / "latin" / "defs.yaml").write_bytes(GOOD.encode() + b"# caf\xe9")
    os.mkfifo(tmp_path / "definitions" / "latin" / "pipe.yaml")
    models, errors = load_all(find("definitions"))
    assert [str(path) for path in models] == ["definitions/good/defs.yaml"]
    assert len(errors) == 6
    assert main(["check"]) == 1
    out, err = capsys.readouterr()
    assert err == f"{len(out.splitlines())} mistakes in 6 of 7 declarations\n"
    assert all(line.startswith("definitions/") for line in out.splitlines())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_a_mistake(tmp_path):
    path = write(tmp_path, GOOD, "a/defs.yaml")
    path.chmod(0)
    assert "cannot be read" in str(load_all(find(tmp_path))[1][path])


def test_a_pipe_is_no_file_to_wait_for(tmp_path):
    path = tmp_path / "defs.yaml"
    os.mkfifo(path)
    _, errors = load_all([path])
    assert "cannot be read (no regular file), check the path and its rights" in str(errors[path])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("start: 2013-05-01, end: 2014-01-01", "start: 9999-12-01", "cadence.start: 9999-12-01 is not betwe"),
        ("start: 2013-05-01, end", "start: 0001-01-01, end", "cadence.start: 0001-01-01 is not between 1970"),
        ("end: 2014-01-01", "end: 9999-12-31T23:59:59+14:00", "is not between 1970 and 2199"),
        ("to: 2013-06-30", "to: 9999-12-31", "reference.to: 9999-12-31 is not between 1970 and 2199"),
        ("every: day", "every: '0 0 29 2 0#1'", "is no plain cron string"),
        ("every: day", "every: '* * * * *'", "fires more than once an hour, write one minute, or hour"),
        ("every: day", "every: '*/15 * * * *'", "fires more than once an hour"),
        ("every: day", "every: '0,30 9 * * *'", "fires more than once an hour"),
        ("every: day", "every: '0 * * * *'", "fires in every hour of a day, write hour, or fewer of the hou"),
        ("every: day", "every: '0 0-23 * * 1'", "fires in every hour of a day"),
        ("every: day", "every: '0 0 31 2 *'", "is no cron string"),
        ("every: day", "every: '0 0 1-1 * *'", "1-1 in '0 0 1-1 * *' is no range, write 1"),
        ("every: day", "every: '0 0 13 * */2'", "narrows both the day of the month and the weekday"),
        ("every: day", "every: '0 0 * * 5L'", "is no plain cron string"),
        ("every: day", "every: '0 1/2 * * *'", "is no plain cron string"),
        ("2014-01-01}", "2014-01-01, timezone: localtime}", "'localtime' is no time zone"),
        ("2014-01-01}", "2014-01-01, timezone: right/UTC}", "'right/UTC' is no time zone"),
        ("2014-01-01}", "2014-01-01, grace: 999999999d}", "cadence.grace: the duration is longer than ten y"),
        ("{column: late}", "{column: late, arrives_within: 999999999d}", "arrives_within: the duration is l"),
        ("every: day", "every: hour, grace: 9999h", "cadence.grace: 9999h is thousands of partitions"),
        ("below: 500", "falls_from_recent: {partitions: 1000000000000, by: 1}", "not at most 10000"),
        ("below: 500", "below: .nan", "is nan, not a finite number"),
        ("rules:", "alarms: {budget: 1.0e+308}\n  rules:", "is not between 0.000833333 and 1,000 false inci"),
        ("rules:", "alarms: {budget: 0x1FFFFFFFFFFFFFFF}\n  rules:", "is not between 0.000833333 and 1,000"),
        ("rules:", "alarms: {budget: .nan}\n  rules:", "is not between 0.000833333 and 1,000 false incident"),
        ("{partition}.parquet", "{partition!x}", "cannot be filled in"),
        ("{partition}.parquet", "{start:{nothing}}", "cannot be filled in"),
        ("model: late_arrival", "model: late__arrival", "has two _ in a row, or one at an end, write late_a"),
        ("team: flights", "team: _flights", "has two _ in a row, or one at an end, write flights"),
        ("team: flights", f"team: {'x' * 61}", "is longer than 60 characters, write a shorter name"),
        ("champion: {parquet", "a_vs_b: {parquet", "'a_vs_b' has a vs, which stands between the tracks"),
        ("segments:", "upstream: [flights/late_arrival/late_arrival_champion_verdicts]\n  segments:",
            "upstream[0]: flights/late_arrival is made from flights/late_arrival itself"),
    ],
)  # fmt: skip
def test_what_no_run_or_tick_could_take_is_refused(tmp_path, old, new, said):
    path = write(tmp_path, swapped(old, new))
    _, errors = load_all([path])
    found = [str(problem) for problem in errors[path].problems]
    assert any(said in each for each in found), found


def test_models_whose_upstream_tables_go_in_a_circle_are_refused_one_by_one(tmp_path):
    paths = []
    for name, upstream in (("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")):
        text = swapped("late_arrival", name).replace(
            "segments:", f"upstream: [flights/{upstream}/{upstream}_champion_metrics, raw/table]\n  segments:"
        )
        paths.append(write(tmp_path, text, f"{name}/defs.yaml"))
    models, errors = load_all(paths)
    assert list(models) == [paths[0], paths[1], paths[3]]
    assert str(errors[paths[2]]).endswith(
        "upstream[0]: flights/a is made from flights/c itself, "
        "name what the model reads, and not what is made of it"
    )


TAGS = st.sampled_from(
    ["", "!!str ", "!!int ", "!!float ", "!!bool ", "!!null ", "!!timestamp ", "!!binary ", "!!set ",
     "!!omap ", "!!pairs ", "!!map ", "!!seq ", "!!merge ", "!x ", "&a ", "!!python/tuple "]
)  # fmt: skip
LEAVES = st.sampled_from(
    ["1", "x", "~", ".nan", "-.inf", "2013-02-30", "2013-05-01T00:00:00+99:99", "*a", "<<", "=", "0o9",
     "1:99:99", "''",     '"\\ud800"', '"\\0"', "0x" + "F" * 50, "1e999", "yes", "[", "? a", "9999-12-31",
     "{}",
     "!!bool x", "|", "%TAG"]
)  # fmt: skip
FLOWS = st.recursive(
    st.tuples(TAGS, LEAVES).map("".join),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.lists(
            st.tuples(st.sampled_from(["a", "<<", "every", "start", "? [b]", "1"]), inner), max_size=3
        ).map(lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}")
    ),
    max_leaves=8,
)
PLACES = [
    line.split(":")[0].strip() for line in GOOD.splitlines() if line.startswith("  ") and line[2] != " "
]


@given(st.sampled_from(PLACES), FLOWS)
def test_odd_yaml_anywhere_is_a_model_or_mistakes(tmp_path_factory, place, flow):
    lines = [line for line in GOOD.splitlines() if not line.startswith(f"  {place}:")]
    path = write(tmp_path_factory.getbasetemp(), "\n".join([*lines, f"  {place}: {flow}", ""]), "odd.yaml")
    models, errors = load_all([path])
    assert len(models) + len(errors) == 1
    for error in errors.values():
        assert all(each.what and each.remedy and each.line >= 1 for each in error.problems)
        str(error).encode()


@given(st.binary(max_size=60))
def test_any_bytes_are_a_model_or_mistakes(tmp_path_factory, data):
    path = Path(tmp_path_factory.getbasetemp()) / "bytes" / "defs.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"type: lupus_assets.assets.MonitoredModel\n" + data)
    find(path.parent)
    models, errors = load_all([path])
    assert not models
    assert isinstance(errors[path], DeclarationError)


def test_dumped_extremes_are_mistakes_with_places(tmp_path):
    data = yaml.safe_load(GOOD)
    data["attributes"]["cadence"] |= {"start": "2199-12-31", "end": "1970-01-01"}
    data["attributes"]["reference"] = {"from": "2199-12-31", "to": "2199-12-31"}
    found = mistakes(tmp_path, yaml.safe_dump(data))
    assert any("cadence.end: 1970-01-01 is not after the start 2199-12-31" in each for each in found)
