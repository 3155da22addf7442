"""What a command prints fits a terminal and is obeyed by none; it is JSON or CSV where asked."""

import csv
import io
import json
import math
import subprocess
import sys
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lupus_assets.cli import main
from lupus_assets.records import IncidentRow, Place
from lupus_assets.sinks.files.folder import Folder
from lupus_assets.sinks.files.parquet import ParquetStore

DAY = datetime(2025, 3, 9, tzinfo=UTC)
EVIL = "price\x1b[31m\n\x9b\u202e\u2028\tend"


@pytest.fixture
def home(tmp_path):
    store = ParquetStore(Folder(tmp_path / "warehouse"))
    row = IncidentRow(
        track="champion", partition_key="2025-03-09", window_start=DAY, as_of=DAY, incident="i1",
        event="opened", column_name=EVIL, metric="psi", sentence=f"{EVIL} moved. " * 20,
    )  # fmt: skip
    store.replace("incidents", Place("shop.churn", "champion", DAY, DAY, "2025-03"), [row])
    return tmp_path


def ask(home, *arguments):
    return main([*arguments, "--home", str(home)])


def is_clean(text: str) -> bool:
    return all(each == "\n" or each.isprintable() for each in text)


def columns(line: str) -> int:
    """Return how many columns of a terminal a line takes."""
    return sum(1 + (unicodedata.east_asian_width(each) in "WF") for each in line)


@pytest.mark.parametrize("command", [["incidents"], ["sql", "select * from incidents"]])
def test_names_and_values_reach_no_terminal_raw_and_fit_it(home, capsys, command):
    assert ask(home, *command) == 0
    out, err = capsys.readouterr()
    assert is_clean(out)
    assert is_clean(err)
    assert "\\x1b[31m\\n\\x9b\\u202e\\u2028\\tend" in out.replace("\n", "").replace(" ", "")
    assert max(map(len, out.splitlines())) <= 100


def test_a_profile_and_a_comparison_reach_no_terminal_raw_and_fit_it(tmp_path, capsys):
    rng = np.random.default_rng(0)
    rows = pa.table(
        {
            EVIL: rng.normal(size=100) * 1e-9,
            "text": [EVIL, "東京" * 30] * 50,
            "x" * 300: np.arange(100.0) - 1e9,
        }
    )
    path = tmp_path / "evil\x1b[31m\n.parquet"
    pq.write_table(rows, path)
    for arguments in ([], ["--against", str(path)]):
        assert main(["profile", str(path), *arguments]) == 0
        out, err = capsys.readouterr()
        assert is_clean(out)
        assert is_clean(err)
        assert max(map(columns, out.splitlines())) <= 100


@pytest.mark.parametrize(
    "command",
    [["sql", "select 1 as \x1b[31m from no"], ["incidents", "\x1b[31m"], ["compare", "\x1b", "\x1b", "x"],
     ["search", "--since", "\x1b[31m"], ["profile", "\x1b[31m\n"], ["\x1b[31m"], ["check", "a\x1b[31m"],
     ["sql", "x", "\x1b[31m"], ["backtest", "\x1b[31m\n"], ["search", "--group", "\x1b[31m"],
     ["incidents", "\udcff"], ["sql", "select '\udcff'"], ["check", "a\0"], ["profile", "x" * 5_000]],
)  # fmt: skip
def test_what_a_user_typed_is_repeated_escaped_and_in_one_line(home, capsys, command, monkeypatch):
    monkeypatch.setenv("LUPUS_HOME", str(home))
    with pytest.raises(SystemExit) as stopped:
        sys.exit(main(command))
    assert stopped.value.code in (1, 2)
    out, err = capsys.readouterr()
    assert out == ""
    assert is_clean(err)
    said = [line for line in err.splitlines() if not line.startswith(("usage: ", " "))]
    assert len(said) == 1
    err.encode()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("selec 1", 'DuckDB: Parser Error: syntax error at or near "selec"'),
        (
            "select foo from incidents",
            'Referenced column "foo" not found in FROM clause! Candidate bindings:',
        ),
        ("select * from incident", 'Table with name incident does not exist! Did you mean "incidents"?'),
        ("", "the warehouse answers one SELECT at a time, not nothing"),
    ],
)
def test_a_query_that_is_wrong_is_one_clear_line(home, capsys, query, said):
    assert ask(home, "sql", query) == 1
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert err.startswith("lupus sql: ")
    assert said in err


@pytest.mark.parametrize("most", ["-1", "0", "1.5", "x", "10001"])
def test_a_number_of_incidents_that_is_none_is_refused(home, capsys, most):
    with pytest.raises(SystemExit):
        ask(home, "incidents", "--most", most)
    assert f"'{most}' is no number from 1 to 10,000" in capsys.readouterr().err


ODD = """select 'nan'::double as nan, '-inf'::double as low, 1.5::decimal(4, 2) as money, 3::hugeint as huge,
    timestamp '2025-03-09' as at, timestamp 'infinity' as never, date '20000-01-01' as far,
    'ab'::blob as bytes,
    [1, null] as list, {'a': 'b'} as struct, 1 as twice, 2 as twice"""


def test_json_holds_every_value_also_those_that_it_has_no_number_for(home, capsys):
    assert ask(home, "sql", ODD, "--json") == 0
    assert json.loads(capsys.readouterr().out) == [
        {
            "nan": "NaN", "low": "-Infinity", "money": 1.5, "huge": 3, "at": "2025-03-09T00:00:00",
            "never": "infinity", "far": "20000-01-01", "bytes": "YWI=",
            "list": [1, None], "struct": {"a": "b"}, "twice": 1, "twice_2": 2,
        }
    ]  # fmt: skip


def test_csv_holds_every_value_exactly(home, capsys):
    assert ask(home, "sql", ODD, "--csv") == 0
    names, values = csv.reader(io.StringIO(capsys.readouterr().out))
    assert names[-2:] == ["twice", "twice"]
    assert values == [
        "NaN", "-Infinity", "1.5", "3", "2025-03-09T00:00:00", "infinity", "20000-01-01", "YWI=", "[1, null]",
        '{"a": "b"}', "1", "2",
    ]  # fmt: skip
    assert ask(home, "incidents", "--csv") == 0
    _, row = csv.reader(io.StringIO(capsys.readouterr().out, newline=""))
    assert row[4] == EVIL


def test_csv_on_a_terminal_is_escaped(home, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert ask(home, "incidents", "--csv") == 0
    assert is_clean(capsys.readouterr().out)


@pytest.mark.parametrize(
    "command", [["sql", "select 1"], ["incidents"], ["search"], ["compare", "a.b", "c", "d"]]
)
def test_json_and_csv_exclude_each_other(home, capsys, command):
    with pytest.raises(SystemExit):
        main([*command, "--json", "--csv"])
    assert "not allowed with argument" in capsys.readouterr().err


def test_an_output_that_cannot_spell_a_character_is_no_traceback(home):
    program = Path(sys.executable).parent / "lupus"
    done = subprocess.run(
        [program, "sql", "select '東京 → ∞' as x", "--home", str(home)],
        capture_output=True,
        env={"PYTHONIOENCODING": "ascii", "PATH": ""},
    )
    assert done.returncode == 0
    assert b"\\u6771\\u4eac \\u2192 \\u221e" in done.stdout


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_a_time_beyond_the_calendar_is_shown_or_left_out(tmp_path, capsys, unit):
    path = tmp_path / "far.parquet"
    pq.write_table(pa.table({"x": [1], "at": pa.array([1_790_000_000_000_000], pa.timestamp(unit))}), path)
    assert main(["profile", str(path)]) == 0
    out, err = capsys.readouterr()
    if unit == "s":
        assert "left out: at (column 'at' holds times that no calendar has" in err
    else:
        assert {"ms": "58692-11-03 14:13:20", "us": "2026-09-21 14:13:20"}[unit] in out
    assert main(["profile", str(path), "--json"]) == 0
    assert math.isfinite(json.loads(capsys.readouterr().out)["rows"])


def test_columns_of_nan_and_infinity_say_so_in_the_table(tmp_path, capsys):
    path = tmp_path / "nan.parquet"
    pq.write_table(pa.table({"half": [math.nan, 1.5], "none": [math.nan] * 2, "far": [math.inf, 1]}), path)
    assert main(["profile", str(path)]) == 0
    header, half, none, far = (line.split() for line in capsys.readouterr().out.splitlines())
    assert header[:4] == ["column", "null", "NaN", "±∞"]
    assert half[:4] == ["half", "0.00%", "50.00%", "0.00%"]
    assert none[:4] == ["none", "0.00%", "100.00%", "0.00%"]
    assert far[:4] == ["far", "0.00%", "0.00%", "50.00%"]
