"""An installation on the real servers that tests do harm to, and what its bucket and its views then hold.

Imported by the processes that are killed as well, so it starts no server; not a test.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from lupus_assets.assets import load_location
from lupus_assets.assets.view import CHECK, view_key
from lupus_assets.installation import HIVE, SEARCH, Installation
from lupus_assets.ports import ObjectStore
from lupus_assets.resources.installation import Serviced
from lupus_assets.sinks.elasticsearch.document import KEYS
from lupus_assets.sinks.elasticsearch.view import SearchView
from lupus_assets.sinks.hive.connection import Hive
from lupus_assets.sinks.schema import SCHEMAS
from tests.dagster.site import Site, small_model, small_rows

TRACKS = ("champion", "challenger")
MODEL = small_model(
    "fault",
    tracks={track: {"parquet": f"fault/{track}/{{partition}}.parquet"} for track in TRACKS},
    compare=[{"old": "champion", "new": "challenger"}],
    reference={"from": "2013-03-11", "to": "2013-03-15"},
)
RANGE = ("2013-03-11", "2013-03-24")  # two weeks
DAYS, WRONG = 14, "2013-03-20"
PIECES = DAYS * (2 * 4 + 1) + 2  # four tables of each track, the comparison, and the two references
VIEWS = (HIVE, SEARCH)
# What follows upon a run until everything is in order: the views, the night's compaction, the views again.
AFTERWARDS = ("follow_hive", "follow_search", "compaction", "follow_hive", "follow_search")
PATIENT = 120.0  # seconds; a busy Hive needs some


class Timed(Serviced):
    """As `Serviced`, with what no variable says: time-outs, and indices that are a test's own."""

    prefix: str
    timeout_seconds: float

    def installation(self) -> Installation:
        """Return what this resource describes."""
        found, seconds = super().installation(), self.timeout_seconds
        return replace(
            found,
            hive=found.hive and replace(found.hive, timeout_seconds=seconds),
            elasticsearch=found.elasticsearch
            and replace(found.elasticsearch, prefix=self.prefix, timeout_seconds=seconds),
        )


@dataclass(frozen=True)
class Place:
    """An installation by the environment ``services``: its own folder of the bucket, database and indices.

    Attributes
    ----------
    name : str
        Of the database and of the indices.
    home : Path
        What its processes print is below it.
    data : Path
        Folder of the logs.
    variables : mapping of str to str
        What the environment says of it.
    timeout_seconds : float
        How long Hive and Elasticsearch may take for one answer.
    """

    name: str
    home: Path
    data: Path
    variables: Mapping[str, str]
    timeout_seconds: float = PATIENT

    def resource(self) -> Timed:
        """Return the installation as a location has it."""
        fields = {
            name.removeprefix("LUPUS_").lower(): value
            for name, value in self.variables.items()
            if name.startswith("LUPUS_") and name not in ("LUPUS_ENV", "LUPUS_HIVE_DATABASE")
        }
        return Timed(
            home=str(self.home),
            data_root=str(self.data),
            salt="test",
            prefix=f"lupus-{self.name}",
            hive_database=f"lupus_{self.name}",
            timeout_seconds=self.timeout_seconds,
            **fields,
        )

    def site(self, instance: dg.DagsterInstance) -> Site:
        """Return the location over the installation."""
        resources = {"lupus": self.resource()}
        return Site(self.home, [MODEL], instance, load_location(self.home, self.home, resources, [MODEL]))

    @property
    def installation(self) -> Installation:
        """The installation."""
        return self.resource().installation()

    @property
    def files(self) -> ObjectStore:
        """The files."""
        return self.installation.files


def write_logs(site: Site) -> None:
    """Write all logs; the scores of one day cannot be, so that there is an incident."""
    (day,) = site.windows(MODEL, WRONG, WRONG)
    rows = small_rows(day)
    wrong = rows.set_column(rows.column_names.index("p"), "p", pc.add(rows["p"], 1.0))
    for track in TRACKS:
        site.write(MODEL, site.windows(MODEL, *RANGE), track=track, rows={WRONG: wrong})


def live(place: Place) -> None:
    """Run everything to the end, as a process of its own does; its output is in ``process.log``."""
    os.environ.update(place.variables)
    log = os.open(place.home / "process.log", os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    with dg.DagsterInstance.ephemeral() as instance:
        site = place.site(instance)
        (place.home / "began").touch()
        assert site.run(MODEL, RANGE).success
        for job in AFTERWARDS:
            assert do(site, job).success, job


def do(site: Site, job: str) -> dg.ExecuteInProcessResult:
    """Execute a job that has no partitions."""
    return site.location.resolve_job_def(job).execute_in_process(instance=site.instance, raise_on_error=False)


def tick(site: Site, view: str, cursor: str | None = None) -> Any:
    """Return what the sensor of a view says."""
    context = dg.build_sensor_context(
        instance=site.instance, cursor=cursor, definitions=site.location, resources=site.location.resources
    )
    return site.location.resolve_sensor_def(f"{view}_view").evaluate_tick(context)


def said(result: dg.ExecuteInProcessResult) -> list[str]:
    """Return the errors of the steps that failed, as Dagit shows them."""
    texts = []
    for event in result.all_events:
        if event.is_step_failure:
            failed = event.step_failure_data
            own = failed.user_failure_data
            texts.append(own.description or "" if own else str(failed.error))
    return texts


def view_says(site: Site, view: str) -> tuple[bool, str]:
    """Return whether the latest check of a view passed, and its sentence."""
    key = dg.AssetCheckKey(view_key(view), CHECK)
    summary = site.instance.event_log_storage.get_asset_check_summary_records([key])[key]
    latest = summary.last_check_execution_record.event.asset_check_evaluation
    return latest.passed, latest.description


def tables_of(files: ObjectStore) -> dict[str, str]:
    """Return the digest of every file of the tables by its path, whether a piece or a generation."""
    folders = [*SCHEMAS, "generations"]
    return {
        entry.path: hashlib.sha256(files.get(entry.path)).hexdigest()
        for folder in folders
        for entry in files.list(folder)
    }


def assert_shown(place: Place, views: Sequence[str] = VIEWS) -> None:
    """Hold that views show exactly the rows of the tables, none lost and none twice."""
    found = place.installation
    tables = found.tables()
    for view in views:
        rows_by = by_hive if view == HIVE else by_search
        for table, shown in rows_by(found).items():
            stored = tables.read(table, model=MODEL.name)
            assert len(stored) > 0, f"{table} holds nothing"
            assert shown == counted(stored), f"{view} shows another {table}"
        assert found.view(view).behind(tables.months()) == []


def by_hive(found: Installation) -> dict[str, "Counter[str]"]:
    """Return the rows that Hive shows of every table, after it has counted as many."""
    assert found.hive is not None
    shown = {}
    counts = " UNION ALL ".join(f"SELECT '{table}', count(*) FROM `{table}`" for table in SCHEMAS)  # noqa: S608
    with closing(Hive(found.hive)) as hive:
        for table, schema in SCHEMAS.items():
            names = ", ".join(f"`{name}`" for name in schema.names)
            _, rows = hive.sql(f"SELECT {names} FROM `{table}`")  # noqa: S608
            values = [[row[i] for row in rows] for i in range(len(schema))]
            arrays = [pa.array(each, field.type) for each, field in zip(values, schema, strict=True)]
            shown[table] = counted(pa.Table.from_arrays(arrays, schema=schema))
        # By a query of its own: it reads the files otherwise than one that returns rows.
        assert dict(hive.sql(counts)[1]) == {table: rows.total() for table, rows in shown.items()}
    return shown


def by_search(found: Installation) -> dict[str, "Counter[str]"]:
    """Return the rows that Elasticsearch shows of every table that it has, after it has counted as many."""
    view = found.view(SEARCH)
    assert isinstance(view, SearchView)
    shown = {}
    for table in KEYS:
        rows = view.rows(table, MODEL.name)
        assert view.count(table) == len(rows)
        shown[table] = counted(pa.Table.from_pylist(rows, SCHEMAS[table]))
    return shown


def counted(table: pa.Table) -> Counter[str]:
    """Return how often each row is there."""
    return Counter(map(repr, table.to_pylist()))


@contextmanager
def before_call(number: int, owner: type, method: str, act: Callable[[], None]) -> Iterator[None]:
    """Do something right before the call of that number, from 1, of a method, and then call it.

    The harm is done at the same place of the work on a slow machine and on a fast one.
    """
    calls, original = count(1), getattr(owner, method)

    def counting(self: Any, *arguments: Any, **options: Any) -> Any:
        if next(calls) == number:
            act()
        return original(self, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, method, counting)
        yield
    assert next(calls) > number, f"{method} was called less than {number} times"
