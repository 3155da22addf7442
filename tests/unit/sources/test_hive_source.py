"""A prediction log in Hive: what is asked, and what is made of the answers."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lupus_assets.errors import PartitionMissing, ServiceUnreachable, SourceError, SourceUnreadable
from lupus_assets.installation import Installation
from lupus_assets.sinks.files.folder import Folder
from lupus_assets.sources.column import TEXT
from lupus_assets.sources.hive import HiveSource
from lupus_assets.sources.hive_query import HiveQuerySource
from tests.unit.sources.conftest import NEW_YORK

PARQUET = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
TABLE = [
    ("# col_name            ", "data_type           ", "comment             "),
    ("score", "double", "of the model: a number"),
    ("", None, None),
    ("# Partition Information", None, None),
    ("# col_name            ", "data_type           ", "comment             "),
    ("dt", "string", ""),
    ("hour", "int", ""),
    ("", None, None),
    ("# Detailed Table Information", None, None),
    ("Table Type:         ", "EXTERNAL_TABLE      ", None),
    ("Table Parameters:", None, None),
    ("", "bucketing_version   ", "2                   "),
]


class Asked:
    """Stands for HiveServer2: the answer to a statement is that of the first key which begins it."""

    place = "Hive at hive:10000"

    def __init__(self, **answers):
        self.answers = answers
        self.statements = []

    def run(self, *statements):
        """Return names that nobody reads, and the rows of the last statement's answer."""
        self.statements += statements
        for key, rows in self.answers.items():
            if statements[-1].startswith(key.replace("_", " ")):
                if isinstance(rows, Exception):
                    raise rows
                return [], [(row,) if isinstance(row, str) else row for row in rows]
        raise AssertionError(statements)

    def columns(self, query):
        """Return the types of the answer to a query."""
        self.statements.append(f"columns of {query}")
        return self.answers["columns"]

    def stream(self, query):
        """Yield blocks of rows."""
        self.statements.append(query)
        yield from self.answers["blocks"]


def hive(location: str, *, table=TABLE, partitions=("dt=2013-05-01/hour=5",), form=PARQUET) -> Asked:
    """Return a Hive with one table, all of whose partitions are at `location`."""
    return Asked(
        **{
            "DESCRIBE FORMATTED `a`.`log` PARTITION": [
                ("Location:           ", location, None), ("InputFormat:        ", form, None)
            ],
            "DESCRIBE": table,
            "SHOW": partitions,
        }
    )  # fmt: skip


def located(asked: Asked, pattern: str = "a.log/dt={partition}") -> HiveSource:
    return HiveSource(pattern, asked, Installation(Folder(Path("unused"))).folder, NEW_YORK)


@pytest.fixture
def day(window):
    return window(2013, 5, 1)


def test_files_are_read_at_the_location_with_the_keys_that_are_left_open(tmp_path, day):
    for name in ("000000_0", "HIVE_UNION_SUBDIR_1/000000_0", "_tmp/x", ".hive-staging/y"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        pq.write_table(pa.table({"score": [0.5], "hour": ["of the file"]}), path)
    source = located(hive(f"file:{tmp_path}"))
    assert source.schema(day) == pa.schema({"score": pa.float64(), "hour": pa.int32()})
    rows = pa.Table.from_batches(source.batches(day, ["hour", "score"])).to_pylist()
    assert rows == [{"hour": 5, "score": 0.5}] * 2


def test_statements_quote_what_they_are_filled_with(window):
    asked = hive("file:/nowhere", partitions=[])
    source = located(asked, "a.log/hour={start:%H}/dt={partition}x")
    with pytest.raises(
        PartitionMissing, match=r"a\.log of Hive at hive:10000 has no partition hour=00, dt=it's"
    ):
        source.schema(window(2013, 5, 1, key=r"it's\ "))
    assert asked.statements[-1] == r"SHOW PARTITIONS `a`.`log` PARTITION (`hour`='0', `dt`='it\'s\\ x')"


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (
            {"location": "hdfs://node/log"},
            r"hdfs://node/log is on no disk and in no bucket; .* by hive_query",
        ),
        (
            {"form": "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat"},
            r"has Orc and not Parquet in file:/x; ",
        ),
        (
            {"table": [*TABLE, ("", "transactional       ", "true                ")]},
            r"a\.log of Hive at hive:10000 is transactional, .*; declare it by hive_query",
        ),
        ({"partitions": ["dt=2013-05-01/hour=noon"]}, r"has a partition whose value no int32 can be"),
        ({"table": ServiceUnreachable("Hive is down; start it")}, r"^Hive is down; start it$"),
    ],
)
def test_what_arrow_cannot_read_is_said_with_the_remedy(tmp_path, day, answers, said):
    with pytest.raises(SourceError, match=said):
        located(hive(**{"location": "file:/x"} | answers)).schema(day)


def test_a_query_is_pruned_by_hive_and_typed_by_it(day):
    asked = Asked(
        columns=[("score", "double"), ("hour", "int"), ("m", "decimal(4,2)"), ("x", "array<int>")],
        blocks=[[(1, 0.5), (None, 0.25)], [(3, None)]],
        SELECT=[(1,)],
    )
    query = "SELECT * FROM v WHERE dt = '{start:%d.%m.%Y}'"
    source = HiveQuerySource(query, asked, NEW_YORK)
    assert source.schema(day).types == [pa.float64(), pa.int32(), pa.decimal128(4, 2), pa.binary()]
    assert [batch.to_pydict() for batch in source.batches(day, ["hour", "score"])] == [
        {"hour": [1, None], "score": [0.5, 0.25]},
        {"hour": [3], "score": [None]},
    ]
    assert asked.statements[-1] == (
        "SELECT `hour`, `score` FROM (SELECT * FROM v WHERE dt = '01.05.2013') `lupus`"
    )


def test_text_of_a_query_is_dictionary_encoded_and_a_value_that_does_not_fit_is_not_repeated(day):
    asked = Asked(columns=[("s", "varchar(9)"), ("i", "int")], blocks=[[("a",), ("a",)]], SELECT=[(1,)])
    (batch,) = HiveQuerySource("SELECT {partition}", asked, NEW_YORK).batches(day, ["s"])
    assert batch.schema == pa.schema({"s": TEXT})
    asked.answers["blocks"] = [[("secret",)]]
    with pytest.raises(SourceUnreadable, match=r"values of column 'i' that no int32 can be; cast") as caught:
        list(HiveQuerySource("SELECT {partition}", asked, NEW_YORK).batches(day, ["i"]))
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__
