"""`lupus compare` prints what moved most first, or JSON."""

import csv
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from lupus_assets.cli import main
from lupus_assets.records import Place, ProfileRow
from lupus_assets.sinks.files.folder import Folder
from lupus_assets.sinks.files.parquet import ParquetStore
from lupus_assets.stats.codec import to_bytes
from lupus_assets.stats.column import NumericColumn
from lupus_assets.stats.distance.table import DISTANCES
from lupus_assets.stats.grid import Grid

DAY = datetime(2013, 5, 1, tzinfo=UTC)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.delenv("LUPUS_ENV", raising=False)
    store = ParquetStore(Folder(tmp_path / "warehouse"))
    rng = np.random.default_rng(0)
    for day, shift in enumerate((0.0, 0.0, 3.0)):
        start, as_of = DAY + timedelta(days=day), DAY + timedelta(days=day + 1)
        columns = {"steady": rng.normal(0, 1, 500), "moved": rng.normal(shift, 1, 500), "dry": np.zeros(500)}
        rows = [
            ProfileRow(
                track="champion", version="*", partition_key=f"{start:%Y-%m-%d}", window_start=start,
                as_of=as_of, segment="*", column_name=name, kind="NumericColumn", reference="r",
                state=to_bytes(NumericColumn.of(values, 0, Grid(0.0, 1.0))),
            )
            for name, values in columns.items()
        ]  # fmt: skip
        store.replace("profiles", Place("shop.score", "champion", start, as_of, "2013-05"), rows)
    return tmp_path


def test_the_column_that_moved_most_comes_first(home, capsys):
    assert main(["compare", "shop/score", "2013-05-01..2013-05-02", "2013-05-03", "--home", str(home)]) == 0
    out, err = capsys.readouterr()
    header, *lines = out.splitlines()
    assert header.split()[:3] == ["column", "null", "median"]
    assert lines[0].startswith("moved")
    dry = next(line for line in lines if line.startswith("dry"))
    assert dry.split()[1:7] == ["0.00%", "→", "0.00%", "0", "→", "0"]
    assert err == "2013-05-01..2013-05-02 (2 profiles, 1,000 rows) against 2013-05-03 (1 profile, 500 rows)\n"


def test_json_holds_every_distance(home, capsys):
    arguments = ["compare", "shop.score", "2013-05-01", "2013-05-03", "--json", "--home", str(home)]
    assert main(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["partitions"] == [1, 1]
    moved = next(column for column in found["columns"] if column["column"] == "moved")
    assert moved["distances"]["wasserstein"] == pytest.approx(3.0, abs=0.3)
    assert set(moved["distances"]) == {each.name for each in DISTANCES}
    assert set(moved["distances"]) >= {
        "psi", "jensen_shannon", "chi_square", "chi_square_p", "l_infinity", "ks", "wasserstein",
    }  # fmt: skip


def test_what_is_no_window_is_said(home, capsys):
    assert main(["compare", "shop.score", "may", "2013-05-03", "--home", str(home)]) == 2
    assert capsys.readouterr().err.startswith("lupus compare: 'may' is no window; write 2013-05-01..")


@pytest.mark.parametrize("window", ["0001-01-01..9999-12-31", "0001-01-01", "9999-12-31"])
def test_days_at_the_ends_of_the_calendar_are_days_like_others(home, capsys, window):
    whole = ".." in window
    assert main(["compare", "shop.score", "2013-05-01", window, "--home", str(home)]) == (0 if whole else 2)
    err = capsys.readouterr().err
    said = f"{window} (3 profiles" if whole else f"shop.score has no profile in {window}; materialise it"
    assert said in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("model", "window", "said"),
    [
        ("shop.scor", "2013-05-01", "no model 'shop.scor' in {home}/warehouse, did you mean shop.score?"),
        ("zzz", "2013-05-01", "no model 'zzz' in {home}/warehouse, there are: shop.score"),
        ("shop.score", "champio:2013-05-01", "no track 'champio' in shop.score of {home}/warehouse, did you"),
        (
            "shop.score",
            "new:reference",
            "no track 'new' in shop.score of {home}/warehouse, there are: ",
        ),
    ],
)
def test_a_name_that_does_not_exist_is_said_with_those_that_do(home, capsys, model, window, said):
    assert main(["compare", model, window, "2013-05-03", "--home", str(home)]) == 2
    assert capsys.readouterr().err.startswith(f"lupus compare: {said.format(home=home)}")


def test_csv_has_a_row_per_column_with_every_distance(home, capsys):
    assert main(["compare", "shop.score", "2013-05-01", "2013-05-03", "--csv", "--home", str(home)]) == 0
    moved, *_ = csv.DictReader(capsys.readouterr().out.splitlines())
    assert (moved["column"], moved["rows_reference"], moved["rows_current"]) == ("moved", "500", "500")
    assert float(moved["wasserstein"]) == pytest.approx(3.0, abs=0.3)


def test_a_reader_that_has_read_enough_is_no_error(home):
    program = Path(sys.executable).parent / "lupus"
    command = [program, "compare", "shop.score", "2013-05-01", "2013-05-03", "--home", str(home)]
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert "Broken pipe" not in done.stderr
