"""Whatever a log holds, a sentence says what is wrong with it, and what is right of it is still measured."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lupus_assets.records import Window
from tests.dagster.site import Site, small_model, small_rows

MODEL = small_model("bad")
REST = ("2013-03-01", "2013-03-09")  # a history to be judged against
CATEGORIES = 1_000_000


def replaced(rows: pa.Table, column: str, values: object) -> pa.Table:
    return rows.set_column(rows.schema.get_field_index(column), column, values)


def with_values(column: str, values: list[float]) -> Callable[[pa.Table], pa.Table]:
    """Return a function that puts `values` in the place of a column's first ones."""

    def change(rows: pa.Table) -> pa.Table:
        return replaced(rows, column, pa.array([*values, *rows[column].to_pylist()[len(values) :]]))

    return change


def from_another_zone(rows: pa.Table) -> pa.Table:
    """Return rows of which every second is timed as New York's clocks show it, taken for UTC."""
    moments = [
        moment - timedelta(hours=5) if row % 2 else moment
        for row, moment in enumerate(rows["at"].to_pylist())
    ]
    return replaced(rows, "at", pa.array(moments, rows["at"].type))


@dataclass(frozen=True)
class Case:
    """One bad partition.

    Attributes
    ----------
    change : callable
        From good rows to bad ones.
    check : str
        The check that fails.
    says : str
        Words of its sentence.
    measured : tuple of str
        Columns that still have a distance from the reference.
    """

    change: Callable[[pa.Table], pa.Table]
    check: str
    says: str
    measured: tuple[str, ...] = ("amount", "channel", "p")


ROWS = {
    "missing column": Case(
        lambda rows: rows.drop_columns(["amount"]),
        "completeness",
        "column 'amount' is missing",
        ("channel", "p"),
    ),
    "missing prediction": Case(
        lambda rows: rows.drop_columns(["p"]), "completeness", "column 'p' is missing", ("amount", "channel")
    ),
    "wrong type": Case(
        lambda rows: replaced(rows, "amount", pa.array(["much"] * len(rows))),
        "completeness",
        "column 'amount' is",
        ("channel", "p"),
    ),
    "score as text": Case(
        lambda rows: replaced(rows, "p", pa.array([f"{each:.3f}" for each in rows["p"].to_pylist()])),
        "completeness",
        "column 'p' is",
        ("amount", "channel"),
    ),
    "no rows": Case(lambda rows: rows.slice(0, 0), "completeness", "the partition holds no rows", ()),
    "all null": Case(
        lambda rows: replaced(rows, "amount", pa.nulls(len(rows), pa.float64())),
        "completeness",
        "`amount` is null in all 300 rows",
        ("channel", "p"),
    ),
    "all null without a type": Case(
        lambda rows: replaced(rows, "channel", pa.nulls(len(rows))),
        "completeness",
        "channel",
        ("amount", "p"),
    ),
    "not a number": Case(
        with_values("amount", [float("nan")] * 3),
        "completeness",
        "3 of 300 values of `amount` are NaN; the reference held none",
    ),
    "infinity": Case(
        with_values("amount", [float("inf"), float("-inf")]),
        "completeness",
        "2 of 300 values of `amount` are infinite; the reference held none",
    ),
    "score outside": Case(
        with_values("p", [1.5, -0.1, 7.0]), "completeness", "3 of 300 scores in `p` lie outside [0, 1]"
    ),
    "duplicated keys": Case(
        lambda rows: pa.concat_tables([rows, rows.slice(0, 60)]),
        "completeness",
        "60 of 360 rows repeat another row",
    ),
    "mixed zones": Case(from_another_zone, "completeness", "mixed time zones look like this"),
}
BYTES: dict[str, Callable[[bytes], bytes]] = {
    "unreadable": lambda _: b"an error page in the place of a file",
    "truncated": lambda good: good[: len(good) // 2],
    "truncated in the middle of its rows": lambda good: good[:40] + bytes(len(good) - 80) + good[-40:],
    "0 bytes": lambda _: b"",
}


def million(window: Window) -> pa.Table:
    """Return a million rows, each with a channel of its own."""
    rng = np.random.default_rng(20)
    seconds = np.sort(rng.integers(0, 86_400, CATEGORIES))
    start = np.datetime64(window.start.replace(tzinfo=None), "us")
    amount = rng.normal(20, 5, CATEGORIES)
    return pa.table(
        {
            "at": pa.array(start + seconds.astype("timedelta64[s]"), pa.timestamp("us", "UTC")),
            "id": pa.array(np.arange(CATEGORIES)).cast(pa.string()),
            "amount": amount,
            "channel": pa.array(rng.permutation(CATEGORIES)).cast(pa.string()),
            "p": 1 / (1 + np.exp(-(amount - 20) / 5)),
            "bought": rng.random(CATEGORIES) < 0.5,
        }
    )


@dataclass(frozen=True)
class Judged:
    """One location over which everything bad was run at once, and where each case is."""

    site: Site
    days: dict[str, str]
    success: bool

    def said(self, case: str, check: str) -> tuple[bool, str]:
        """Return whether the check of a case passed, and its sentence."""
        found = self.site.checked(MODEL, check)[self.days[case]]
        assert found.current
        return found.passed, found.sentence

    def measured(self, case: str) -> set[str]:
        """Return the columns with a distance from the reference."""
        (window,) = self.site.windows(MODEL, self.days[case], self.days[case])
        rows = self.site.pipeline.store.read(
            "metrics", model=MODEL.name, since=window.start, until=window.end
        ).to_pylist()
        return {row["column_name"] for row in rows if row["metric"] == "psi" and row["value"] is not None}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    home = tmp_path_factory.mktemp("bad")
    with dg.DagsterInstance.ephemeral() as instance:
        site = Site.of(home, [MODEL], instance)
        site.write(MODEL, site.windows(MODEL, *REST))
        names = [*ROWS, *BYTES, "many categories", "good"]
        windows = site.windows(MODEL, "2013-03-10", "2013-05-31")[: len(names)]
        for name, window in zip(names, windows, strict=True):
            path: Path = site.log(MODEL, window)
            site.write(MODEL, [window])
            if name in ROWS:
                pq.write_table(ROWS[name].change(small_rows(window)), path)
            elif name in BYTES:
                path.write_bytes(BYTES[name](path.read_bytes()))
            elif name == "many categories":
                pq.write_table(million(window), path)
        before = site.windows(MODEL, "2013-02-26", "2013-02-27")
        site.write(MODEL, before)
        assert site.run(MODEL, (before[0].key, REST[1])).success
        result = site.run(MODEL, (windows[0].key, windows[-1].key))
        days = dict(zip(names, [window.key for window in windows], strict=True))
        yield Judged(site, days | {"before the start": before[-1].key}, result.success)


def test_the_run_over_everything_bad_succeeds_and_the_good_partition_is_judged(judged):
    assert judged.success
    assert judged.said("good", "completeness")[0]
    assert judged.said("good", "arrival") == (True, "300 rows arrived")
    assert judged.measured("good") == {"amount", "channel", "p", "bought"}


@pytest.mark.parametrize("name", ROWS)
def test_bad_rows_fail_a_check_that_says_so_and_leave_the_other_columns_measured(judged, name):
    case = ROWS[name]
    passed, sentence = judged.said(name, case.check)
    assert not passed
    assert case.says in sentence
    assert judged.measured(name) >= set(case.measured)
    assert judged.said(name, "arrival")[0]


@pytest.mark.parametrize("name", BYTES)
def test_a_damaged_file_fails_completeness_with_its_path_and_materialises_nothing(judged, name):
    passed, sentence = judged.said(name, "completeness")
    assert not passed
    assert f"{judged.days[name]}.parquet is no readable Parquet file: " in sentence
    assert sentence.endswith("; write it again")
    assert judged.days[name] not in judged.site.materialised(MODEL, "metrics")
    assert judged.said(name, "arrival") == (True, "arrived, and cannot be read")


def test_a_million_categories_are_counted_as_what_they_are(judged):
    passed, sentence = judged.said("many categories", "completeness")
    assert not passed
    assert "`channel` has about " in sentence
    assert "distinct values, 3 in the reference" in sentence
    assert judged.measured("many categories") >= {"amount", "channel", "p"}


def test_a_partition_before_the_start_fails_arrival_and_is_not_measured(judged):
    passed, sentence = judged.said("before the start", "arrival")
    assert not passed
    assert "is before the model's start 2013-03-01 00:00" in sentence
    assert judged.measured("before the start") == set()
