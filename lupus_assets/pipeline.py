"""The steps of every asset, without Dagster: read, compute, write."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from lupus_assets.declare import MonitoredModel
from lupus_assets.errors import PartitionMissing
from lupus_assets.judge import Judge, Writer, kind_of
from lupus_assets.judging.fact import fact_rows
from lupus_assets.judging.fact import facts as facts_of
from lupus_assets.judging.verdict import LABELS
from lupus_assets.measuring.comparison import compared_roles, comparison_rows, predictions
from lupus_assets.measuring.partition import metric_rows
from lupus_assets.picturing.sparkline import COLUMNS as COLUMNS_SHOWN
from lupus_assets.picturing.sparkline import SHOWN
from lupus_assets.ports import MetricStore, Source
from lupus_assets.profiling.partition import profile_partition
from lupus_assets.profiling.profiled import Profiled
from lupus_assets.profiling.record import profile_rows, profiles_from
from lupus_assets.reading.batch import UNIT, Reading
from lupus_assets.reading.cut import Cut, cuts, open_cuts, place
from lupus_assets.reading.role import needed, roles
from lupus_assets.reading.table import microseconds, rows_where, table_integers
from lupus_assets.records import ComparisonRow, MetricRow, VerdictRow, Window
from lupus_assets.reference_store import ReferenceStore, subset
from lupus_assets.stats.reference.frozen import Reference


@dataclass(frozen=True)
class Trial:
    """A backtest on a log: the log gives the reference window, and only judged metrics are stored.

    No profile is stored. If the model has rules, which may be on any metric, all metrics are stored. The
    declared start and reference window are ignored.

    Attributes
    ----------
    start, end : datetime
        The reference window ``[start, end)``, aware.
    """

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Pipeline:
    """The steps from a prediction log to its verdicts.

    Parameters
    ----------
    store : MetricStore
    source : callable
        Returns the prediction log of a (model, track).
    salt : bytes
        Key of the hashes of categories, keys and entities.
    trial : Trial, optional
        Settings of a backtest; None otherwise.
    """

    store: MetricStore
    source: Callable[[MonitoredModel, str], Source]
    salt: bytes = field(repr=False)
    trial: Trial | None = None

    def reference_window(self, model: MonitoredModel) -> tuple[datetime, datetime]:
        """Return start and exclusive end of the reference window: the declared one, or that of the trial."""
        return model.reference_window() if self.trial is None else (self.trial.start, self.trial.end)

    def freeze(self, model: MonitoredModel, windows: Sequence[Window], now: datetime) -> dict[str, Reference]:
        """Freeze the reference of every track; see `ReferenceStore.freeze`."""
        return self._references.freeze(model, windows, self.reference_window(model), now)

    def reference(self, model: MonitoredModel, track: str) -> Reference | None:
        """Return the frozen reference of a track; see `ReferenceStore.read`."""
        return self._references.read(model, track, self.reference_window(model))

    @property
    def _references(self) -> ReferenceStore:
        return ReferenceStore(self.store, self.source, self.salt)

    def profile(
        self, model: MonitoredModel, track: str, window: Window, reference: Reference, now: datetime
    ) -> dict[Cut, Profiled]:
        """Read the rows of one partition once, and write its profile at every open cut.

        A backtest writes nothing here.

        Raises
        ------
        PartitionMissing
            The partition does not exist, is before the model's start, or is not due yet.
        SourceError
        """
        cadence = model.cadence
        if self.trial is None and window.start < cadence.start_instant:
            raise PartitionMissing(
                f"partition {window.key} is before the model's start {cadence.start_instant:%Y-%m-%d %H:%M}; "
                "declare an earlier `cadence.start` or leave it out of the backfill"
            )
        wanted = open_cuts(model, window, now)
        if not wanted:
            raise PartitionMissing(
                f"partition {window.key} is not due before {cuts(model, window)[0].as_of:%Y-%m-%d %H:%M} UTC"
            )
        source = self.source(model, track)
        schema = source.schema(window)
        listed = roles(model, reference.kinds)
        columns = [name for name in needed(model, listed) if name in schema.names]
        found = profile_partition(
            source.batches(window, columns),
            schema=subset(schema, columns),
            reading=Reading(model, listed, reference.grids, self.salt),
            reference=reference,
            window=window,
            cuts=wanted,
        )
        if self.trial is None:
            for cut, profiled in found.items():
                rows = profile_rows(profiled, track, window, cut.as_of, reference.digest)
                self.store.replace("profiles", place(model, track, window, cut.as_of), rows)
        return found

    def stored_profile(
        self, model: MonitoredModel, track: str, window: Window, reference: Reference
    ) -> dict[Cut, Profiled]:
        """Return the profile that `profile` wrote with the same reference, by cut.

        Raises
        ------
        PartitionMissing
            There is no profile, or one with another reference, whose bins and sums are not comparable.
        StateError
            The stored profile is damaged, or of a format that this version cannot read.
        """
        table = self.store.read(
            "profiles", model=model.name, track=track, since=window.start, until=window.end
        )
        made_with = set(table["reference"].to_pylist())
        if made_with - {reference.digest}:
            raise PartitionMissing(
                f"the profile of partition {window.key} was made with another reference than is in force; "
                "materialise the profile again"
            )
        found = {}
        for cut in cuts(model, window):
            mine = rows_where(table, table_integers(table, "as_of") == microseconds(cut.as_of))
            if mine.num_rows:
                found[cut] = profiles_from(mine)
        if not found:
            raise PartitionMissing(f"partition {window.key} has no profile; materialise it first")
        return found

    def metrics(
        self,
        model: MonitoredModel,
        track: str,
        window: Window,
        reference: Reference,
        profiled: Mapping[Cut, Profiled],
    ) -> list[MetricRow]:
        """Write the metrics of one profiled partition, and return them."""
        listed = {role.column: role for role in roles(model, reference.kinds)}
        first, end = self.reference_window(model)
        writer = Writer.of(self.store, model, track)
        written = []
        for cut, found in profiled.items():
            rows = metric_rows(
                found.profiles,
                reference,
                model,
                track=track,
                window=window,
                as_of=cut.as_of,
                roles=listed,
                within=first <= window.start < end,
                judged_only=self.trial is not None and not model.rules,
            )
            # Checkpoints of the labels depend on the rows' metrics too, but not the other way round.
            writer.replace("metrics", place(model, track, window, cut.as_of), rows, {LABELS, kind_of(cut)})
            written += rows
        return written

    def verdicts(
        self,
        model: MonitoredModel,
        track: str,
        reference: Reference,
        profiled: Mapping[Window, Mapping[Cut, Profiled]],
    ) -> dict[Window, list[VerdictRow]]:
        """Judge partitions in time order from the stored history; write and return verdicts, write incidents.

        Parameters
        ----------
        model : MonitoredModel
        track : str
        reference : Reference
        profiled : dict of Window to dict of Cut to Profiled
            The partitions to judge; their metrics must be written already.
        """
        windows = sorted(profiled)
        if not windows:
            return {}
        judge = Judge(self.store, model, track, reference.digest, profiled)
        facts = (self.facts(model, track, window, reference, profiled[window]) for window in windows)
        found = judge.told(
            [*judge.rows(), *(row for by_cut in facts for rows in by_cut.values() for row in rows)]
        )
        verdicts: dict[Window, list[VerdictRow]] = {window: [] for window in windows}
        for (window, cut), (rows, events) in found.items():
            where = place(model, track, window, cut.as_of)
            judge.replace("verdicts", where, rows, kind_of(cut))
            self.store.replace("incidents", where, events)
            verdicts[window] += rows
        judge.keep()
        return verdicts

    def trails(self, model: MonitoredModel, track: str, windows: Sequence[Window]) -> pa.Table:
        """Return the verdicts that `lupus_assets.picturing.sparkline.trail` needs for any of `windows`."""
        since = min(window.start for window in windows) - (SHOWN + 1) * model.cadence.period
        until = max(window.end for window in windows)
        return self.store.read(
            "verdicts", model=model.name, track=track, since=since, until=until, columns=COLUMNS_SHOWN
        )

    def facts(
        self,
        model: MonitoredModel,
        track: str,
        window: Window,
        reference: Reference,
        profiled: Mapping[Cut, Profiled],
    ) -> dict[Cut, list[VerdictRow]]:
        """Return the facts of one profiled partition as verdicts, by cut; writes nothing."""
        listed = {role.column: role for role in roles(model, reference.kinds)}
        return {
            cut: list(
                fact_rows(
                    facts_of(found, reference, model.columns),
                    listed,
                    track=track,
                    window=window,
                    as_of=cut.as_of,
                )
            )
            for cut, found in profiled.items()
        }

    def compare(
        self,
        model: MonitoredModel,
        tracks: tuple[str, str],
        window: Window,
        reference: Reference,
        now: datetime,
    ) -> list[ComparisonRow]:
        """Compare two tracks over the rows of one partition, as of the latest open cut; write the result.

        Parameters
        ----------
        model : MonitoredModel
        tracks : tuple of str
            The old and the new track.
        window : Window
        reference : Reference
            Reference of the old track; gives the kinds of columns and the bins of predictions.
        now : datetime

        Raises
        ------
        PartitionMissing, SourceError
        """
        wanted = open_cuts(model, window, now)
        if not wanted:
            raise PartitionMissing(f"partition {window.key} is not over")
        cut = Cut(wanted[-1].as_of, rows=True, labels=wanted[-1].labels)
        listed = compared_roles(roles(model, reference.kinds), model.columns.key)
        reading = Reading(model, listed, reference.grids, self.salt)
        said = []
        for track in tracks:
            source = self.source(model, track)
            present = source.schema(window).names
            columns = [
                name for name in needed(model, listed) if name in present and name not in model.segments
            ]
            said.append(predictions(source.batches(window, columns), reading, cut))
        rows = comparison_rows(
            *said,
            model=model,
            tracks=tracks,
            window=window,
            as_of=cut.as_of,
            grid=reference.grids.get(model.columns.prediction.column, UNIT),
        )
        self.store.replace("comparisons", place(model, "~".join(tracks), window, cut.as_of), rows)
        return rows
