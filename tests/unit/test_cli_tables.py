"""`lupus sql` and `lupus incidents` print tables, and say what is not there."""

from datetime import UTC, datetime
from importlib.metadata import version

import pytest

from lupus_assets.cli import main
from lupus_assets.records import IncidentRow, Place
from lupus_assets.sinks.files.folder import Folder
from lupus_assets.sinks.files.parquet import ParquetStore

DAY = datetime(2025, 3, 9, tzinfo=UTC)
ROW = IncidentRow(
    track="champion",
    partition_key="2025-03-09",
    window_start=DAY,
    as_of=DAY,
    incident="i1",
    event="opened",
    column_name="price",
    metric="psi",
    sentence="price moved",
)


@pytest.fixture
def home(tmp_path):
    store = ParquetStore(Folder(tmp_path / "warehouse"))
    store.replace("incidents", Place("shop.churn", "champion", DAY, DAY, "2025-03"), [ROW])
    # No incident yet, but a table of another kind.
    store.replace("verdicts", Place("shop.price", "champion", DAY, DAY, "2025-03"), [])
    return tmp_path


def ask(home, *arguments):
    return main([*arguments, "--home", str(home)])


@pytest.mark.parametrize("model", [[], ["shop.churn"], ["shop/churn"]])
def test_incidents_are_listed_of_all_models_or_of_one(home, capsys, model):
    assert ask(home, "incidents", *model) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1].split() == [
        "shop.churn", "i1", "2025-03-09", "2025-03-09", "price", "price", "moved",
    ]  # fmt: skip
    assert err == "1 row\n"


def test_a_model_with_tables_and_no_incident_has_none(home, capsys):
    assert ask(home, "incidents", "shop.price") == 0
    assert capsys.readouterr().err == "0 rows\n"


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("shop.chrn", "no model 'shop.chrn' in {warehouse}, did you mean shop.churn?"),
        ("shop/chrn", "no model 'shop.chrn' in {warehouse}, did you mean shop.churn?"),
        ("zzz", "no model 'zzz' in {warehouse}, there are: shop.churn, shop.price"),
        ("o'x", "no model 'o'x' in {warehouse}, there are: shop.churn, shop.price"),
    ],
)
def test_a_model_without_tables_is_no_model_without_incidents(home, capsys, model, message):
    assert ask(home, "incidents", model) == 2
    message = message.format(warehouse=home / "warehouse")
    assert capsys.readouterr() == ("", f"lupus incidents: {message}\n")


@pytest.mark.parametrize(
    "command",
    [
        ["sql", "select 1"],
        ["incidents"],
        ["incidents", "shop.churn"],
        ["search"],
        ["compact"],
        ["compare", "shop.churn", "2025-03-09", "2025-03-10"],
    ],
)
def test_a_warehouse_that_is_not_there_is_made_by_materialising(tmp_path, capsys, command):
    assert ask(tmp_path, *command) == 2
    assert capsys.readouterr() == (
        "",
        f"lupus {command[0]}: {tmp_path / 'warehouse'} does not exist, "
        "give --home, or materialise a model first (`make demo` does)\n",
    )


STRAYS = [
    "incidents/model=shop.churn/month=2025-03/champion copy.parquet",
    "incidents/model=shop.churn/month=2025-03/champion~20251399T9999Z~20250309T0000Z.parquet",
    "incidents/notes.parquet",
    "generations/incidents/model=shop.churn/month=2025-03/copy/rows.parquet",
    "generations/incidents/rows.parquet",
]


@pytest.mark.parametrize("stray", STRAYS)
@pytest.mark.parametrize(
    "command", [["sql", "select count(*) from incidents"], ["incidents"], ["incidents", "shop.churn"]]
)
def test_a_stray_file_is_left_out_and_said_and_stops_no_answer(home, capsys, stray, command):
    path = home / "warehouse" / stray
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"no Parquet")
    assert ask(home, *command) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1].strip()
    assert err == f"left out: {stray} is no file of this store; move it out of the way\n1 row\n"


def test_a_stray_file_keeps_one_month_from_being_one_file_and_is_named(home, capsys):
    (home / "warehouse" / STRAYS[0]).write_bytes(b"no Parquet")
    assert ask(home, "compact") == 1
    assert capsys.readouterr().err == (
        "lupus compact: 1 months were made one file each, and 1 not: "
        f"{STRAYS[0]} is no file of this store; move it out of the way\n"
    )
    store = ParquetStore(Folder(home / "warehouse"))
    assert store.places("verdicts", models=["shop.churn", "shop.price"]) == {
        Place("shop.price", "champion", DAY, DAY, "2025-03")
    }


@pytest.mark.parametrize(
    ("size", "printed"),
    [(0, "<0 B>"), (999, "<999 B>"), (1_000, "<1 kB>"), (53_700, "<54 kB>"), (2_400_000, "<2 MB>")],
)
def test_bytes_are_printed_as_their_size(home, capsys, size, printed):
    assert ask(home, "sql", f"select encode(repeat('x', {size})) as state, 0.123456789::double as share") == 0
    assert [cell.strip() for cell in capsys.readouterr().out.splitlines()[1].split("  ") if cell] == [
        printed,
        "0.123457",
    ]


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"lupus {version('lupus')}\n"


def test_compact_makes_one_file_of_every_closed_month(tmp_path, capsys):
    store = ParquetStore(Folder(tmp_path / "warehouse"))
    for month in (1, 2):
        for day in (1, 2):
            start = datetime(2013, month, day, tzinfo=UTC)
            store.replace("incidents", Place("a.b", "c", start, start, f"2013-{month:02d}"), [])
    assert main(["compact", "--before", "2013-02", "--home", str(tmp_path)]) == 0
    assert "1 month before 2013-02 made one file each" in capsys.readouterr().err
    assert [month.month for month in store.open_months("2014-01")] == ["2013-02"]
    assert len(store.places("incidents", models=["a.b"])) == 4
    assert main(["compact", "--home", str(tmp_path)]) == 0
    assert store.open_months("2014-01") == []


def test_tables_in_a_bucket_are_hives_to_answer_about(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LUPUS_ENV", "services")
    monkeypatch.setenv("LUPUS_WAREHOUSE", "s3://lupus/warehouse")
    assert ask(tmp_path, "sql", "select 1") == 2
    assert capsys.readouterr().err == (
        "lupus sql: DuckDB reads no bucket, and the tables are in s3a://lupus/warehouse/; ask Hive: "
        "lupus sql --hive\n"
    )
