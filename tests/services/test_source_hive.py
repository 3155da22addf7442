"""A prediction log in a real Hive: by the location of its partitions, and by a query."""
# ruff: noqa: S608 - the names in the statements are this file's

from contextlib import closing
from io import BytesIO
from itertools import count
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lupus_assets.errors import ColumnMismatch, PartitionMissing, SourceError, SourceUnreadable
from lupus_assets.installation import Installation
from lupus_assets.pipeline import Pipeline
from lupus_assets.reading.arrow import instants
from lupus_assets.records import TABLES
from lupus_assets.sinks.memory import MemoryStore
from lupus_assets.sources.column import TEXT
from lupus_assets.sources.hive import HiveSource
from lupus_assets.sources.hive_query import HiveQuerySource
from tests.models import DAY, SALT, START, day, declared, log
from tests.services.hive import HiveServer

pytestmark = pytest.mark.services

UTC = ZoneInfo("UTC")
SERIAL = count()
ROWS = pa.table({"score": [0.1, 0.9, 0.5], "dest": ["JFK", None, "JFK"], "late": [True, False, None]})
COLUMNS = "score double, dest string, late boolean"
TYPES = (
    "b boolean, t tinyint, s smallint, i int, l bigint, f float, d double, m decimal(20,2), "
    "x string, v varchar(5), c char(2), day date, at timestamp, a array<int>"
)
VALUES = (
    "true, cast(1 as tinyint), cast(2 as smallint), 3, 4000000000, cast(0.5 as float), 0.25D, "
    "cast(123456789012345678.25 as decimal(20,2)), 'text', cast('var' as varchar(5)), cast('ch' as char(2)), "
    "date '2024-01-01', timestamp '2024-01-01 10:20:30.5', array(1, 2)"
)


@pytest.fixture(scope="module")
def ask(hive):
    """Return a function that runs a statement in Hive."""
    with closing(hive.connect()) as connection:

        def ask(*statements: str) -> None:
            for statement in statements:
                with closing(connection.cursor()) as cursor:
                    cursor.execute(statement)

        yield ask


@pytest.fixture(scope="module")
def database(ask):
    ask("CREATE DATABASE logs")
    return "logs"


@pytest.fixture
def installation(hive, bucket_server, monkeypatch, tmp_path):
    for name, value in bucket_server.variables().items():
        monkeypatch.setenv(name, value)
    given = {
        "LUPUS_ENV": "services",
        "LUPUS_S3_ENDPOINT": bucket_server.endpoint,
        "LUPUS_HIVE_HOST": hive.host,
        "LUPUS_HIVE_PORT": str(hive.port),
        "LUPUS_HIVE_AUTH": hive.auth,
    }
    return Installation.from_environment(given, tmp_path)


@pytest.fixture
def table(ask, database, bucket_server):
    """Return a function that makes an external table in the bucket, and returns its name and folder."""

    def table(keys: str = "dt string", columns: str = COLUMNS, form: str = "PARQUET") -> tuple[str, str]:
        name = f"{database}.t{next(SERIAL)}"
        ask(
            f"CREATE EXTERNAL TABLE {name} ({columns}) PARTITIONED BY ({keys}) STORED AS {form} "
            f"LOCATION 's3a://lupus/{name}'"
        )
        return name, name

    return table


@pytest.fixture
def write(bucket_server):
    def write(path: str, table: pa.Table = ROWS, **options: object) -> None:
        data = BytesIO()
        pq.write_table(table, data, **options)
        bucket_server.client().put_object(Bucket="lupus", Key=path, Body=data.getvalue())

    return write


@pytest.fixture
def source(installation):
    """Return a function from what is declared to its source."""

    def source(**track: str) -> HiveSource | HiveQuerySource:
        model = declared(tracks={"champion": track})
        return installation.source(model, "champion", installation.files.root)

    return source


def read(source, columns, window=None):
    return pa.Table.from_batches(source.batches(window or day(0), columns))


def test_a_partition_is_read_where_hive_says_it_is(table, ask, write, source):
    name, folder = table()
    log_there = source(hive=f"{name}/dt={{partition}}")
    write(f"{folder}/elsewhere/000000_0")
    write(f"{folder}/elsewhere/_tmp.x", pa.table({"score": [7.0]}))
    assert not log_there.arrived(day(0)), "the files are there, but Hive does not know them yet"
    ask(f"ALTER TABLE {name} ADD PARTITION (dt='{day(0).key}') LOCATION 's3a://lupus/{folder}/elsewhere'")
    assert log_there.arrived(day(0))
    assert not log_there.arrived(day(1))
    assert log_there.schema(day(0)) == pa.schema({"score": pa.float64(), "dest": TEXT, "late": pa.bool_()})
    assert read(log_there, ["dest", "score"]).to_pydict() == {
        "dest": ["JFK", None, "JFK"],
        "score": [0.1, 0.9, 0.5],
    }
    assert sum(batch.num_rows for batch in log_there.batches(day(0), [])) == 3


def test_a_partition_that_is_not_there_is_missing(table, source):
    name, _ = table()
    log_there = source(hive=f"{name}/dt={{partition}}")
    for ask_for in (log_there.schema, lambda window: log_there.batches(window, ["score"])):
        with pytest.raises(
            PartitionMissing, match=rf"{name} of Hive at .* has no partition dt=2024-01-01; run"
        ):
            ask_for(day(0))


def test_a_partition_without_files_has_arrived_and_has_no_rows(table, ask, source):
    name, _ = table("dt string, hour int")
    ask(f"ALTER TABLE {name} ADD PARTITION (dt='{day(0).key}', hour=1)")
    log_there = source(hive=f"{name}/dt={{partition}}")
    assert log_there.arrived(day(0))
    assert list(log_there.batches(day(0), ["score", "hour"])) == []
    assert log_there.schema(day(0)) == pa.schema(
        {"score": pa.float64(), "dest": TEXT, "late": pa.bool_(), "hour": pa.int32()}
    )
    with pytest.raises(ColumnMismatch, match=r"has no column 'scor' \(did you mean 'score'"):
        log_there.batches(day(0), ["scor"])


def test_partitions_that_are_left_open_are_read_together_with_their_values(table, ask, write, source):
    name, _ = table("dt string, country string, hour int")
    ask("SET hive.exec.dynamic.partition.mode=nonstrict")
    ask(
        f"INSERT INTO {name} PARTITION (dt, country, hour) "
        f"SELECT 0.1D, 'a', true, '{day(0).key}', 'd/e', 5 UNION ALL "
        f"SELECT 0.2D, 'b', true, '{day(0).key}', cast(null as string), 6 UNION ALL "
        f"SELECT 0.3D, 'c', true, '{day(0).key}', 'jp', cast(null as int) UNION ALL "
        f"SELECT 0.4D, 'd', true, '{day(1).key}', 'jp', 7"
    )
    whole = read(source(hive=f"{name}/dt={{partition}}"), ["country", "score", "hour"]).to_pylist()
    assert sorted(whole, key=lambda row: row["score"]) == [
        {"country": "d/e", "score": 0.1, "hour": 5},
        {"country": None, "score": 0.2, "hour": 6},
        {"country": "jp", "score": 0.3, "hour": None},
    ]
    one = source(hive=f"{name}/hour={{start:%H}}/dt={{partition}}")
    assert not one.arrived(day(0))
    assert source(hive=f"{name}/hour=05/dt={{partition}}").arrived(day(0)), "Hive says hour=5"
    assert "dt" not in source(hive=f"{name}/dt={{partition}}").schema(day(0)).names


@pytest.mark.parametrize("form", ["PARQUET", "ORC"])
def test_a_query_gives_every_type_as_arrow_has_it(table, ask, source, form):
    name, _ = table(columns=TYPES, form=form)
    nulls = ", ".join(["null"] * 13 + ["array(cast(null as int))"])
    ask(
        f"INSERT INTO {name} PARTITION (dt='{day(0).key}') SELECT {VALUES}",
        f"INSERT INTO {name} PARTITION (dt='{day(1).key}') SELECT {nulls}",
    )
    asked = source(hive_query=f"SELECT * FROM {name} WHERE dt = '{{partition}}'")
    schema = asked.schema(day(0))
    assert [str(schema.field(each).type) for each in ("t", "s", "i", "l", "f", "d", "m", "day", "at")] == [
        "int8", "int16", "int32", "int64", "float", "double",
        "decimal128(20, 2)", "date32[day]", "timestamp[us]",
    ]  # fmt: skip
    (row,) = read(asked, schema.names).to_pylist()
    assert {name: str(value) for name, value in row.items() if name != "a"} == {
        "b": "True", "t": "1", "s": "2", "i": "3", "l": "4000000000", "f": "0.5", "d": "0.25",
        "m": "123456789012345678.25", "x": "text", "v": "var", "c": "ch", "day": "2024-01-01",
        "at": "2024-01-01 10:20:30.500000", "dt": day(0).key,
    }  # fmt: skip
    (row,) = read(asked, schema.names, day(1)).to_pylist()
    assert {value for name, value in row.items() if name != "a"} == {None, day(1).key}
    located = source(hive=f"{name}/dt={{partition}}")
    if form == "ORC":
        with pytest.raises(SourceUnreadable, match=r"has Orc and not Parquet in s3a://.*by hive_query"):
            located.schema(day(0))
    else:
        both = [read(each, ["i", "l", "f", "d", "m", "x", "v", "b"]).to_pylist() for each in (located, asked)]
        assert both[0] == both[1]
        micros = [
            instants(read(each, ["at"])["at"].combine_chunks(), "at", UTC)[0].tolist()
            for each in (located, asked)
        ]
        assert micros[0] == micros[1]


def test_a_view_is_read_by_a_query_and_only_so(table, ask, write, source):
    name, folder = table()
    write(f"{folder}/dt={day(0).key}/x.parquet")
    ask(
        f"MSCK REPAIR TABLE {name}",
        f"CREATE VIEW {name}_view AS SELECT score, upper(dest) AS dest, dt FROM {name} WHERE score > 0.2",
    )
    asked = source(hive_query=f"SELECT v.* FROM {name}_view v WHERE dt = '{{start:%Y-%m-%d}}'")
    assert asked.arrived(day(0))
    assert not asked.arrived(day(1))
    assert read(asked, ["dest", "score"]).to_pydict() == {"dest": [None, "JFK"], "score": [0.9, 0.5]}
    assert sum(batch.num_rows for batch in asked.batches(day(0), [])) == 2
    for ask_for in (asked.schema, lambda window: asked.batches(window, ["score"])):
        with pytest.raises(PartitionMissing, match=r"the query has no row for partition 2024-01-02"):
            ask_for(day(1))
    with pytest.raises(ColumnMismatch, match=r"has no column 'scores' \(did you mean 'score'\?\)"):
        asked.batches(day(0), ["scores"])
    with pytest.raises(SourceError, match="is a view, which has no files; declare it by hive_query"):
        source(hive=f"{name}_view/dt={{partition}}").arrived(day(0))


def test_many_rows_of_a_query_come_in_blocks(table, write, ask, source):
    name, folder = table(columns="x bigint")
    write(f"{folder}/dt={day(0).key}/x.parquet", pa.table({"x": range(25_000)}))
    ask(f"MSCK REPAIR TABLE {name}")
    sizes, seen = [], []
    for batch in source(hive_query=f"SELECT x FROM {name} WHERE dt='{{partition}}'").batches(day(0), ["x"]):
        sizes.append(len(batch))
        seen += batch["x"].to_pylist()
    assert seen == list(range(25_000))
    assert max(sizes) <= 10_000


def test_a_query_that_is_left_halfway_leaves_the_connection_usable(table, write, ask, source):
    name, folder = table(columns="x bigint")
    write(f"{folder}/dt={day(0).key}/x.parquet", pa.table({"x": range(25_000)}))
    ask(f"MSCK REPAIR TABLE {name}")
    asked = source(hive_query=f"SELECT x FROM {name} WHERE dt='{{partition}}'")
    next(iter(asked.batches(day(0), ["x"])))
    assert asked.arrived(day(0))


def test_a_file_that_hive_cannot_read_is_said_by_a_query(table, bucket_server, ask, source):
    name, folder = table()
    bucket_server.client().put_object(Bucket="lupus", Key=f"{folder}/dt={day(0).key}/x", Body=b"no Parquet")
    ask(f"MSCK REPAIR TABLE {name}")
    with pytest.raises(SourceError, match=r"Hive at .* refused SELECT"):
        list(source(hive_query=f"SELECT * FROM {name} WHERE dt='{{partition}}'").batches(day(0), ["score"]))
    with pytest.raises(SourceUnreadable, match=r"s3://lupus/.*/x is no readable Parquet file"):
        source(hive=f"{name}/dt={{partition}}").batches(day(0), ["score"])


def test_tables_and_keys_that_are_not_there_are_said(table, source, database):
    name, _ = table()
    for absent in (f"{database}.nothing", "nowhere.nothing"):
        with pytest.raises(SourceError, match=rf"has no table {absent}; correct hive in the declaration"):
            source(hive=f"{absent}/dt={{partition}}").arrived(day(0))
    with pytest.raises(SourceError, match=r"is partitioned by dt and not by day; correct hive"):
        source(hive=f"{name}/day={{partition}}").arrived(day(0))
    with pytest.raises(SourceError, match=r"refused SELECT .*nothing"):
        source(hive_query=f"SELECT * FROM {database}.nothing WHERE d = '{{partition}}'").arrived(day(0))
    with pytest.raises(SourceError, match=r"refused"):
        source(hive_query="SELECT 1) x; DROP TABLE y -- {partition}").arrived(day(0))


def test_a_table_on_the_disk_is_read_as_well(ask, database, source, tmp_path):
    name = f"{database}.t{next(SERIAL)}"
    ask(
        f"CREATE EXTERNAL TABLE {name} ({COLUMNS}) PARTITIONED BY (dt string) STORED AS PARQUET "
        f"LOCATION 'file:{tmp_path}/t'",
        f"ALTER TABLE {name} ADD PARTITION (dt='{day(0).key}')",
    )
    (tmp_path / "t" / f"dt={day(0).key}").mkdir(parents=True, exist_ok=True)
    pq.write_table(ROWS, tmp_path / "t" / f"dt={day(0).key}" / "000000_0")
    assert read(source(hive=f"{name}/dt={{partition}}"), ["score"])["score"].to_pylist() == [0.1, 0.9, 0.5]


class TokyoHive(HiveServer):
    """A Hive whose clock is not UTC's."""

    def command(self) -> list[str]:
        """Return the JVM, in Tokyo."""
        return [
            each.replace("-Duser.timezone=UTC", "-Duser.timezone=Asia/Tokyo") for each in super().command()
        ]


def test_times_that_a_hive_in_tokyo_wrote_are_those_it_shows(tmp_path):
    """Hive writes the times of its zone as UTC's, so that who reads the file alone is nine hours off."""
    with TokyoHive(tmp_path / "hive", heap="512m") as server:
        with closing(server.connect()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(
                "CREATE EXTERNAL TABLE shown (at timestamp) PARTITIONED BY (dt string) STORED AS PARQUET "
                f"LOCATION 'file:{tmp_path}/shown'"
            )
            cursor.execute(
                f"INSERT INTO shown PARTITION (dt='{day(0).key}') SELECT timestamp '2024-01-01 10:20:30.5'"
            )
        given = {"LUPUS_ENV": "services", "LUPUS_HIVE_HOST": server.host, "LUPUS_HIVE_AUTH": server.auth}
        there = Installation.from_environment(given | {"LUPUS_HIVE_PORT": str(server.port)}, tmp_path)
        found = []
        for track in (
            {"hive": "default.shown/dt={partition}"},
            {"hive_query": "SELECT * FROM shown WHERE dt = '{partition}'"},
        ):
            source = there.source(declared(tracks={"champion": track}), "champion", tmp_path)
            (row,) = read(source, ["at"]).to_pylist()
            found.append(str(row["at"]))
        (file,) = (tmp_path / "shown").rglob("0*")
        assert pq.read_table(file)["at"].to_pylist()[0].hour == 1, "what is in the file is nine hours earlier"
    assert [each[:21] for each in found] == ["2024-01-01 10:20:30.5"] * 2


def test_wrong_credentials_of_the_bucket_and_no_hive_are_said(
    table, ask, write, installation, monkeypatch, tmp_path
):
    name, folder = table()
    write(f"{folder}/dt={day(0).key}/x.parquet")
    ask(f"MSCK REPAIR TABLE {name}")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")
    model = declared(tracks={"champion": {"hive": f"{name}/dt={{partition}}"}})
    with pytest.raises(SourceError, match=r"cannot list s3://lupus/.*AWS_SECRET_ACCESS_KEY") as caught:
        installation.source(model, "champion", tmp_path).schema(day(0))
    assert "not-the-secret" not in str(caught.value)
    with pytest.raises(SourceError, match=r"the log is in Hive, and no Hive here; set LUPUS_HIVE_HOST"):
        Installation.from_environment({}, tmp_path).source(model, "champion", tmp_path)


def test_a_model_whose_logs_are_in_a_bucket_and_in_hive_has_the_metrics_of_one_on_a_disk(
    table, ask, write, installation, tmp_path
):
    """From log to verdict and comparison; the challenger's rows are in Hive, by location and by query."""
    columns = (
        "id string, `user` string, at timestamp, version string, amount double, country string, p double, "
        "y boolean"
    )
    name, folder = table(columns=columns)
    for number in range(5):
        rows = log(number, 150)
        at = rows["at"].cast(pa.timestamp("us"))  # naive, as Hive's are
        rows = rows.set_column(rows.column_names.index("at"), "at", at)
        for track in ("champion", "challenger"):
            path = tmp_path / track / f"{day(number).key}.parquet"
            path.parent.mkdir(exist_ok=True)
            pq.write_table(rows, path)
        write(f"pipeline/champion/{day(number).key}.parquet", rows)
        write(f"{folder}/dt={day(number).key}/part-0.parquet", rows)
    ask(f"MSCK REPAIR TABLE {name}")
    local = judged(
        installation, tmp_path, "champion/{partition}.parquet", {"parquet": "challenger/{partition}.parquet"}
    )
    champion = "s3://lupus/pipeline/champion/{partition}.parquet"
    located = judged(installation, tmp_path, champion, {"hive": f"{name}/dt={{partition}}"})
    # Hive's own `dt` is a column of the table, and no feature of the model.
    names = ", ".join(f"`{each}`" for each in log(0).column_names)
    asked = judged(
        installation,
        tmp_path,
        champion,
        {"hive_query": f"SELECT {names} FROM {name} WHERE dt = '{{partition}}'"},
    )
    assert local["metrics"].num_rows > 200
    assert local["comparisons"].num_rows > 10
    assert located == local
    assert asked == local


def judged(installation, data, champion, challenger):
    model = declared(
        tracks={"champion": {"parquet": champion}, "challenger": challenger},
        reference={"from": START.date(), "to": (START + DAY).date()},
        compare=[{"old": "champion", "new": "challenger"}],
    )
    now = START + 100 * DAY
    pipeline = Pipeline(MemoryStore(), lambda model, track: installation.source(model, track, data), SALT)
    references = pipeline.freeze(model, [day(0), day(1)], now)
    for track, reference in references.items():
        done = {}
        for number in range(2, 5):
            done[day(number)] = pipeline.profile(model, track, day(number), reference, now)
            pipeline.metrics(model, track, day(number), reference, done[day(number)])
        pipeline.verdicts(model, track, reference, done)
    for number in range(2, 5):
        pipeline.compare(model, ("champion", "challenger"), day(number), references["champion"], now)
    return {table: pipeline.store.read(table, model=model.name) for table in TABLES}
