"""`lupus profile` says what any Parquet holds, and how far one is from another."""

import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lupus_assets.cli import main


@pytest.fixture
def path(tmp_path):
    return write(tmp_path / "day.parquet", 0.0)


def write(path, shift, rows=2_000):
    rng = np.random.default_rng(int(shift * 10))
    amount = rng.normal(10 + shift, 2, rows)
    amount[:20] = np.nan
    table = pa.table(
        {
            "amount": pa.array(amount, mask=np.arange(rows) >= rows - 100),
            "count": pa.array(rng.integers(0, 4, rows)),
            "country": pa.array(["de"] * (rows // 2) + ["fr"] * (rows // 2)),
            "new": pa.array([True, None] * (rows // 2)),
            "at": pa.array(np.datetime64("2013-05-01T12:00:00", "us") + np.arange(rows)),
            "list": pa.array([[1]] * rows),
        }
    )
    pq.write_table(table, path, row_group_size=300)
    return path


def described(capsys, *arguments):
    assert main(["profile", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_every_column_is_described_by_its_own_type(path, capsys):
    found = described(capsys, path)
    assert found["rows"] == 2_000
    assert found["left_out"] == {"list": "list<element: int64> has no profile"}
    amount = found["columns"]["amount"]
    values = pq.read_table(path)["amount"].drop_null().to_numpy()
    finite = values[np.isfinite(values)]
    assert (amount["kind"], amount["nulls"], amount["nans"]) == ("numeric", 100, 20)
    assert amount["mean"] == pytest.approx(finite.mean(), rel=1e-12)
    assert amount["sd"] == pytest.approx(finite.std(ddof=1), rel=1e-9)
    assert (amount["minimum"], amount["maximum"]) == (finite.min(), finite.max())
    assert amount["median"] == pytest.approx(np.median(finite), abs=0.02)
    assert found["columns"]["country"]["most_frequent"] == {"de": 1_000, "fr": 1_000}
    assert found["columns"]["new"]["nulls"] == 1_000
    assert found["columns"]["at"]["minimum"] == "2013-05-01T12:00:00+00:00"


def test_the_table_has_a_line_per_column(path, capsys):
    assert main(["profile", str(path)]) == 0
    out, err = capsys.readouterr()
    numbers, others = (table.splitlines() for table in out.split("\n\n"))
    assert numbers[0].split()[:4] == ["column", "null", "NaN", "distinct"]
    assert others[0].split()[:4] == ["column", "kind", "null", "distinct"]
    assert [line.split()[0] for line in numbers[1:] + others[1:]] == [
        "amount",
        "count",
        "country",
        "new",
        "at",
    ]
    assert {"de 50.0%, fr 50.0%", "fr 50.0%, de 50.0%"} & {others[1][-18:]}
    assert err.splitlines() == [
        "left out: list (list<element: int64> has no profile)",
        "2,000 rows, 5 columns",
    ]


def test_a_folder_is_one_log_however_it_is_cut(path, tmp_path, capsys):
    folder = tmp_path / "parts"
    folder.mkdir()
    table = pq.read_table(path)
    for at in range(4):
        pq.write_table(table.slice(at * 500, 500), folder / f"{at}.parquet")
    whole, parts = described(capsys, path), described(capsys, folder)
    for name in ("mean", "sd", "q05", "median", "q95"):  # grids are placed by the first batch
        for column in ("amount", "count"):
            value = whole["columns"][column].pop(name)
            assert parts["columns"][column].pop(name) == pytest.approx(value, rel=1e-2)
    assert parts == whole


def test_what_moved_comes_first(path, tmp_path, capsys):
    other = write(tmp_path / "next.parquet", 1.0)
    assert main(["profile", str(other), "--against", str(path)]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1].split()[0] == "amount"
    assert err.splitlines()[-1] == f"{other} (2,000 rows) against {path} (2,000 rows)"
    found = described(capsys, other, "--against", path)
    amount = next(each for each in found["columns"] if each["column"] == "amount")
    assert amount["distances"]["wasserstein"] == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize(
    ("name", "said"), [("nowhere", "does not exist"), ("empty", "holds no Parquet file")]
)
def test_what_is_not_there_is_said(tmp_path, capsys, name, said):
    (tmp_path / "empty").mkdir()
    assert main(["profile", str(tmp_path / name)]) == 2
    assert f"{name} {said}, give another file or folder" in capsys.readouterr().err


def test_a_misspelt_name_is_guessed(path, capsys):
    misspelt = path.with_name(f"{path.stem}s{path.suffix}")
    assert main(["profile", str(misspelt)]) == 2
    assert f"{misspelt} does not exist, did you mean {path}?" in capsys.readouterr().err


def test_profiling_a_file_needs_neither_declarations_nor_dagster_nor_pandas(path):
    program = (
        "import sys\nfrom lupus_assets.cli import main\n"
        f"main(['profile', {str(path)!r}])\n"
        "sys.exit(bool({'dagster', 'pydantic', 'pandas', 'duckdb'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True).returncode == 0


def test_a_file_of_a_folder_that_lacks_a_column_is_named(path, tmp_path, capsys):
    other = pq.read_table(path).drop_columns(["country", "count"])
    pq.write_table(other, tmp_path / "other.parquet")
    assert main(["profile", str(tmp_path)]) == 1
    said = "other.parquet has no column 'count', 'country', as files beside it have"
    assert said in capsys.readouterr().err


def test_a_file_without_rows_has_its_columns(path, tmp_path, capsys):
    pq.write_table(pq.read_table(path).slice(0, 0), tmp_path / "none.parquet")
    found = described(capsys, tmp_path / "none.parquet")
    assert found["rows"] == 0
    assert list(found["columns"]) == ["amount", "count", "country", "new", "at"]


def test_no_quantile_lies_beyond_the_extremes_and_no_more_values_differ_than_there_are(tmp_path, capsys):
    values = np.random.default_rng(4).random(4_279)
    table = pa.table({"one": np.ones(500).repeat(8), "big": np.arange(4_000) + 2**60})
    pq.write_table(table, tmp_path / "some.parquet")
    pq.write_table(pa.table({"x": values}), tmp_path / "all.parquet")
    columns = described(capsys, tmp_path / "some.parquet")["columns"]
    assert [columns["one"][name] for name in ("minimum", "q05", "q95", "maximum")] == [1.0] * 4
    assert columns["big"]["distinct"] == pytest.approx(4_000, rel=0.06)
    assert columns["big"]["distinct"] <= 4_000
    assert described(capsys, tmp_path / "all.parquet")["columns"]["x"]["distinct"] <= 4_279
