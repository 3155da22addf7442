"""A prediction log in a bucket of a real S3 store: found, read in pieces, and every way of being refused."""

from io import BytesIO
from itertools import count
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lupus_assets.cli import main
from lupus_assets.errors import ColumnMismatch, PartitionMissing, SourceError, SourceUnreadable
from lupus_assets.installation import Installation
from lupus_assets.pipeline import Pipeline
from lupus_assets.records import TABLES
from lupus_assets.sinks.files.s3_range import TAIL
from lupus_assets.sinks.memory import MemoryStore
from lupus_assets.sources.column import TEXT
from lupus_assets.sources.parquet import ParquetSource
from tests.models import DAY, SALT, START, day, declared, log

pytestmark = pytest.mark.services

ROWS = pa.table({"score": [0.1, 0.9, 0.5], "dest": ["JFK", None, "JFK"], "late": [True, False, None]})
KEY = day(0).key
UTC = ZoneInfo("UTC")
SERIAL = count()


@pytest.fixture
def prefix():
    """Return a folder of the bucket that no other test has."""
    return f"logs{next(SERIAL)}"


@pytest.fixture
def write(bucket_server, prefix):
    def write(name: str, table: pa.Table = ROWS, **options: object) -> None:
        data = BytesIO()
        pq.write_table(table, data, **options)
        put(name, data.getvalue())

    def put(name: str, data: bytes) -> None:
        bucket_server.client().put_object(Bucket="lupus", Key=f"{prefix}/{name}", Body=data)

    write.bytes = put
    return write


@pytest.fixture
def installation(bucket_server, monkeypatch, tmp_path):
    for name, value in bucket_server.variables().items():
        monkeypatch.setenv(name, value)
    given = {"LUPUS_ENV": "services", "LUPUS_S3_ENDPOINT": bucket_server.endpoint}
    return Installation.from_environment(given, tmp_path)


@pytest.fixture
def source(installation, prefix):
    def source(pattern: str = "{partition}.parquet") -> ParquetSource:
        root, path = installation.folder(f"s3://lupus/{prefix}/{pattern}")
        return ParquetSource(path, root, UTC)

    return source


def read(source, columns, window=None):
    return pa.Table.from_batches(source.batches(window or day(0), columns))


@pytest.mark.parametrize(
    ("pattern", "file"),
    [
        ("{partition}.parquet", "2024-01-01.parquet"),
        ("{start:%Y/%m/%d}.parquet", "2024/01/01.parquet"),
        ("dt={partition}", "dt=2024-01-01/part-0.parquet"),
        ("dt={partition}/", "dt=2024-01-01/part-0.parquet"),
        ("dt={partition}/part-*", "dt=2024-01-01/part-0.parquet"),
        ("*/{partition}", "eu/2024-01-01/part-0.parquet"),
        ("a/?/{partition}/[p]*.parquet", "a/b/2024-01-01/p.parquet"),
        ("dt={partition}*", "dt=2024-01-01T00/part-0.parquet"),
    ],
)
def test_a_pattern_names_a_file_a_folder_or_a_glob(write, source, pattern, file):
    write("dt=2024-01-02/part-0.parquet")
    write("other.parquet")
    assert not source(pattern).arrived(day(0))
    write(file)
    assert source(pattern).arrived(day(0))
    assert read(source(pattern), ["score"])["score"].to_pylist() == [0.1, 0.9, 0.5]


def test_a_folder_is_its_parquet_files_in_the_order_of_their_names(write, source):
    for name in ("b", "a", "c", "deeper/d", "_metadata", ".hidden"):
        write(f"{KEY}/{name}.parquet", pa.table({"name": [name]}))
    write.bytes(f"{KEY}/_SUCCESS", b"")
    write.bytes(f"{KEY}/", b"")
    assert read(source("{partition}"), ["name"])["name"].to_pylist() == ["a", "b", "c"]
    assert read(source("{partition}/*"), ["name"])["name"].to_pylist() == ["a", "b", "c", "deeper/d"]


def test_what_is_not_there_has_not_arrived_and_is_missing(write, source, prefix):
    write.bytes(f"{KEY}/_SUCCESS", b"")
    for pattern in ("{partition}.parquet", "{partition}", "{partition}/*.parquet"):
        assert not source(pattern).arrived(day(0))
        with pytest.raises(
            PartitionMissing, match=rf"s3://lupus/{prefix}/{KEY}.*nothing there .*run it again"
        ):
            source(pattern).schema(day(0))


def test_columns_come_in_the_order_asked_for_text_encoded(write, source):
    write(f"{KEY}.parquet")
    table = read(source(), ["dest", "score"])
    assert table.schema == pa.schema({"dest": TEXT, "score": pa.float64()})
    assert table["dest"].to_pylist() == ["JFK", None, "JFK"]
    assert source().schema(day(0)) == pa.schema({"score": pa.float64(), "dest": TEXT, "late": pa.bool_()})
    assert sum(batch.num_rows for batch in source().batches(day(0), [])) == 3


def test_of_a_large_file_only_the_columns_and_row_groups_that_are_read_are_fetched(
    write, source, installation
):
    rows = 400_000
    rng = np.random.default_rng(1)
    table = pa.table({name: rng.random(rows) for name in "abcdef"})  # 19 MB that nothing compresses
    write(f"{KEY}.parquet", table, row_group_size=100_000, use_dictionary=False)
    source()  # which makes the client
    (bucket,) = installation._buckets.values()
    fetched: list[int] = []
    bucket.client.meta.events.register(
        "after-call.s3.GetObject", lambda parsed, **_: fetched.append(parsed["ContentLength"])
    )
    before = pa.total_allocated_bytes()
    batches = source().batches(day(0), ["b", "c"])
    first = next(batches)
    assert sum(fetched) < 2 * TAIL + 2 * 100_000 * 8 * 1.2
    assert pa.total_allocated_bytes() - before < 6 * 100_000 * 8
    whole = pa.Table.from_batches([first, *batches])
    assert whole.equals(table.select(["b", "c"]))
    assert sum(fetched) < 2 * TAIL + 2 * rows * 8 * 1.05 < table.nbytes / 2
    assert len(fetched) <= 2 + 4, "a question for every file, a second when it is read, one for a row group"


def test_a_damaged_file_is_unreadable_and_named(write, source, prefix):
    write(f"{KEY}/a.parquet")
    for damage in (b"", b"score,dest\n0.1,JFK\n", b"PAR1" + b"x" * 100 + b"PAR1"):
        write.bytes(f"{KEY}/b.parquet", damage)
        assert source("{partition}").arrived(day(0)), "it is there, and not late"
        match = rf"s3://lupus/{prefix}/{KEY}/b\.parquet is no readable Parquet file: .+; write it again"
        with pytest.raises(SourceUnreadable, match=match):
            list(source("{partition}").batches(day(0), ["score"]))


def test_a_missing_column_is_named_with_what_was_probably_meant(write, source):
    write(f"{KEY}.parquet")
    with pytest.raises(ColumnMismatch, match=r"2024-01-01\.parquet has no column 'scores' \(did you mean"):
        source().batches(day(0), ["scores"])


def test_a_file_that_is_replaced_while_it_is_read_is_not_read_on(write, source):
    """Else rows of two versions would be mixed."""
    table = pa.table({"x": np.random.default_rng(1).random(600_000)})
    write(f"{KEY}.parquet", table, row_group_size=200_000)
    batches = source().batches(day(0), ["x"])
    next(batches)
    write(f"{KEY}.parquet", pa.table({"x": np.zeros(600_000) + np.arange(600_000)}), row_group_size=200_000)
    with pytest.raises(SourceUnreadable, match=r"\.parquet was removed or replaced while it was read; run"):
        list(batches)


def test_wrong_credentials_are_named_and_not_repeated(write, installation, prefix, monkeypatch):
    write(f"{KEY}.parquet")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")
    root, path = installation.folder(f"s3://lupus/{prefix}/{{partition}}.parquet")
    log_there = ParquetSource(path, root, UTC)
    for ask in (log_there.arrived, log_there.schema):
        with pytest.raises(SourceError, match=r"cannot list s3://lupus/.*AWS_SECRET_ACCESS_KEY") as caught:
            ask(day(0))
        assert not isinstance(caught.value, SourceUnreadable), "nothing is known of the log"
        assert "not-the-secret" not in str(caught.value)


def test_no_credentials_no_bucket_and_nobody_there_are_said(
    installation, bucket_server, tmp_path, monkeypatch
):
    def said(given: Installation, address: str) -> str:
        root, path = given.folder(address)
        with pytest.raises(SourceError) as caught:
            ParquetSource(path, root, UTC).arrived(day(0))
        return str(caught.value)

    assert "correct its name" in said(installation, "s3://nobucket/{partition}")
    away = Installation.from_environment(
        {"LUPUS_ENV": "services", "LUPUS_S3_ENDPOINT": "http://127.0.0.1:9"}, tmp_path
    )
    assert "http://127.0.0.1:9 does not answer" in said(away, "s3://lupus/{partition}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert "set AWS_PROFILE" in said(
        Installation.from_environment(
            {"LUPUS_ENV": "services", "LUPUS_S3_ENDPOINT": bucket_server.endpoint}, tmp_path
        ),
        "s3://lupus/{partition}",
    )


def test_the_embedded_environment_reads_a_bucket_as_every_aws_tool_does(
    write, bucket_server, prefix, monkeypatch, tmp_path
):
    write(f"{KEY}.parquet")
    for name, value in bucket_server.variables().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", bucket_server.endpoint)
    root, path = Installation.from_environment({}, tmp_path).folder(
        f"s3://lupus/{prefix}/{{partition}}.parquet"
    )
    assert ParquetSource(path, root, UTC).arrived(day(0))


def test_lupus_profile_reads_a_bucket(write, bucket_server, prefix, monkeypatch, capsys):
    write("a.parquet")
    write("folder/b.parquet")
    for name, value in bucket_server.variables().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LUPUS_ENV", "services")
    monkeypatch.setenv("LUPUS_S3_ENDPOINT", bucket_server.endpoint)
    assert main(["profile", f"s3://lupus/{prefix}/a.parquet"]) == 0
    assert "3 rows, 3 columns" in capsys.readouterr().err
    assert (
        main(["profile", f"s3://lupus/{prefix}/folder", "--against", f"s3://lupus/{prefix}/a.parquet"]) == 0
    )
    assert main(["profile", f"s3://lupus/{prefix}/none.parquet"]) == 2
    assert f"s3://lupus/{prefix}/none.parquet does not exist" in capsys.readouterr().err


def test_a_log_in_a_bucket_gives_the_bytes_that_one_on_a_disk_gives(write, installation, prefix, tmp_path):
    for number in range(5):
        for each, size in (("a", 200), ("b", 90)):
            table = log(number, size)
            write(f"{day(number).key}/{each}.parquet", table, row_group_size=64)
            path = tmp_path / day(number).key / f"{each}.parquet"
            path.parent.mkdir(exist_ok=True)
            pq.write_table(table, path, row_group_size=64)
    found = [
        tables(installation, pattern, tmp_path)
        for pattern in ("{partition}", f"s3://lupus/{prefix}/{{partition}}")
    ]
    assert found[0]["metrics"].num_rows > 100
    assert found[0] == found[1]


def tables(installation, pattern, data):
    model = declared(
        tracks={"champion": {"parquet": pattern}},
        reference={"from": START.date(), "to": (START + DAY).date()},
    )
    now = START + 100 * DAY
    pipeline = Pipeline(MemoryStore(), lambda model, track: installation.source(model, track, data), SALT)
    reference = pipeline.freeze(model, [day(0), day(1)], now)["champion"]
    done = {}
    for number in range(2, 5):
        done[day(number)] = pipeline.profile(model, "champion", day(number), reference, now)
        pipeline.metrics(model, "champion", day(number), reference, done[day(number)])
    pipeline.verdicts(model, "champion", reference, done)
    return {table: pipeline.store.read(table, model=model.name) for table in TABLES}
