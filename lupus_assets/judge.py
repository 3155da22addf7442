"""The verdicts of a track from its stored metrics: resumes from checkpoints and reads only newer metrics."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from lupus_assets.checkpoint_store import CheckpointStore, Claim
from lupus_assets.declare import MonitoredModel
from lupus_assets.errors import ServiceUnreachable, StoreError
from lupus_assets.judging import rule, series
from lupus_assets.judging.chain import Setting
from lupus_assets.judging.checkpoint import Checkpoint, key_of
from lupus_assets.judging.incident import Episodes, Open, incident_rows, marked, resumed
from lupus_assets.judging.rule import rule_rows, rules_of
from lupus_assets.judging.series import Ledger
from lupus_assets.judging.track import Found, chains, foreign_since, go_on, judge, told_of
from lupus_assets.judging.verdict import LABELS, LATE, ROWS
from lupus_assets.ports import MetricStore, Replacement
from lupus_assets.reading.cut import Cut, cuts
from lupus_assets.reading.table import is_in, microseconds, rows_where, table_integers
from lupus_assets.records import IncidentRow, Place, Row, VerdictRow, Window

PAST = ("partition_key", "window_start", "as_of", "family", "column_name", "flagged")
MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def kind_of(cut: Cut) -> str:
    """Return the kind of a cut: `LABELS` if it has only labels, after the cut of the rows; else `ROWS`."""
    return LABELS if cut.labels and not cut.rows else ROWS


@dataclass(frozen=True)
class Writer:
    """Writes rows that checkpoints of a track depend on, and invalidates those checkpoints.

    Parameters
    ----------
    store : MetricStore
    checkpoints : CheckpointStore
    """

    store: MetricStore
    checkpoints: CheckpointStore

    @classmethod
    def of(cls, store: MetricStore, model: MonitoredModel, track: str) -> "Writer":
        """Return the writer of a track."""
        return cls(store, CheckpointStore(store.files, model.name, track))

    def replace(
        self,
        table: str,
        place: Place,
        rows: Sequence[Row],
        kinds: Collection[str],
        but: Collection[Claim] = (),
    ) -> None:
        """Replace the rows of `table` at `place` by `rows`; equal rows are not written again.

        Parameters
        ----------
        table : str
        place : Place
        rows : sequence of Row
        kinds : collection of str
            Kinds of the checkpoints that depend on these rows.
        but : collection of Claim
            Claims of the checkpoints that will depend on the new rows; these stay valid.
        """
        replacement = self.store.replacement(table, place, rows)
        if _is_held(replacement) and not self.checkpoints.left(table, place, kinds):
            return
        intents = self.checkpoints.intend(table, place, kinds)
        replacement.write()
        self.checkpoints.written(intents, place, kinds, but)


def _is_held(replacement: Replacement) -> bool:
    try:
        return replacement.is_held()
    except ServiceUnreachable:
        raise
    except StoreError:  # unreadable rows are written again
        return False


@dataclass
class Judge:
    """Judges the partitions of one track, in time order.

    Parameters
    ----------
    store : MetricStore
    model : MonitoredModel
    track : str
    reference : str
        Digest of the reference.
    windows : mapping of Window to collection of Cut
        The partitions and cuts to judge.
    """

    store: MetricStore
    model: MonitoredModel
    track: str
    reference: str
    windows: Mapping[Window, Collection[Cut]]
    claims: dict[str, Claim] = field(init=False)
    after: dict[str, Checkpoint] = field(init=False, default_factory=dict)
    _before: dict[str, Checkpoint] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._writer = Writer.of(self.store, self.model, self.track)
        self._spans = sorted(self.windows)
        self._split = len(cuts(self.model, self._spans[0])) > 1
        # The last partition with a cut of each kind.
        self._last = {ROWS: self._spans[-1]}
        labelled = [
            window for window in self._spans if any(kind_of(cut) == LABELS for cut in self.windows[window])
        ]
        if labelled:
            self._last[LABELS] = labelled[-1]
        self._key = key_of(self.model, self.track, self.reference)
        self.claims = {}

    def rows(self) -> list[VerdictRow]:
        """Return the verdicts of the detector and of the team's rules, for every partition in time order."""
        checkpoints = self._writer.checkpoints
        self.claims = {
            kind: checkpoints.claim(kind, window.start, self._key) for kind, window in self._last.items()
        }
        self._before = self._checkpoints(checkpoints)
        model = self.model
        setting = Setting(model, (model.alarms.budget,), model.reference_window()[1])
        if self._before:
            parts = self._parts()
            states = {name: chain for each in self._before.values() for name, chain in each.chains.items()}
            found = go_on(self._ledgers(parts), setting, self._spans, states)
            if found is not None:
                return self._told(found, parts)
            self._before = {}
        parts = self._parts()
        return self._told(judge(self._ledgers(parts), setting, self._spans), parts)

    def alarms(self, setting: Setting) -> list[list[VerdictRow]]:
        """Return the flagged verdicts of every budget of `setting`, and of the team's rules.

        All budgets are judged in one pass from the first partition on; no checkpoint is read or stored.
        """
        model, track = self.model, self.track
        parts = self._parts()
        judgements = judge(self._ledgers(parts), setting, self._spans).judgements
        keys = {window.start: window for window in self._spans}
        broken = [
            row
            for part in parts.values()
            for row in rule_rows(
                part, model=model, track=track, reference=self.reference, windows=self._spans
            )
            if row.flagged
        ]
        flagged: list[list[VerdictRow]] = [[] for _ in setting.budgets]
        for each in judgements:
            flagged[each.budget] += each.rows(keys[each.start], track=track, flagged_only=True)
        return [[*rows, *broken] for rows in flagged]

    def _checkpoints(self, checkpoints: CheckpointStore) -> dict[str, Checkpoint]:
        """Return the checkpoints to resume from; empty if one of them is missing."""
        first, found = microseconds(self._spans[0].start), {}
        if LABELS in self._last:
            labels = checkpoints.newest(LABELS, self._key, first)
            if labels is None:
                return {}
            found[LABELS] = labels
            first = min(first, labels.upto + 1)  # judging labels needs the rows' results of each partition
        rows = checkpoints.newest(ROWS, self._key, first)
        return {} if rows is None else {**found, ROWS: rows}

    def _parts(self) -> dict[str, pa.Table]:
        """Return the metrics of each kind after the checkpoints in `_before`."""
        of_rules = rule.COLUMNS if rules_of(self.model, self.track) else ()
        metrics = self.store.read(
            "metrics",
            model=self.model.name,
            track=self.track,
            since=self._since(),
            until=self._spans[-1].end,
            columns=list(dict.fromkeys([*series.COLUMNS, *of_rules])),
        )
        return {kind: self._part(metrics, kind, last) for kind, last in self._last.items()}

    def _ledgers(self, parts: Mapping[str, pa.Table]) -> dict[str, Ledger]:
        if not self._split:
            return chains(Ledger.of(parts[ROWS], self.reference))
        nothing = parts[ROWS].slice(0, 0)
        return {name: Ledger.of(parts.get(name, nothing), self.reference) for name in (ROWS, LABELS)}

    def _told(self, found: Found, parts: Mapping[str, pa.Table]) -> list[VerdictRow]:
        """Return the verdicts of the judgements and of the rules, and put the new states into `after`."""
        model, track, reference = self.model, self.track, self.reference
        rows: list[VerdictRow] = []
        rules: list[VerdictRow] = []
        first: datetime | None = None
        for kind, part in parts.items():
            named = {kind} if self._split else {ROWS, LABELS}
            before = self._before.get(kind)
            foreign = before.foreign if before and before.foreign else foreign_since(part, reference)
            first = min(filter(None, (first, foreign)), default=None)
            mine = [each for each in found.judgements if each.chain in named]
            rows += told_of(mine, self._spans, track, first)
            pasts = before.pasts if before else [{} for _ in rules_of(model, track)]
            rules += rule_rows(
                part, model=model, track=track, reference=reference, windows=self._spans, pasts=pasts
            )
            learned = {name: chain for name, chain in found.chains.items() if name in named}
            if learned and named <= {*learned, *(name for name in named if name not in found.series)}:
                upto = microseconds(self._last[kind].start)
                self.after[kind] = Checkpoint(upto, foreign, learned, pasts, Open())
        return [*rows, *rules]

    def _since(self) -> datetime | None:
        """Return the first time after the oldest checkpoint; None without checkpoints."""
        if not self._before:
            return None
        return EPOCH + timedelta(microseconds=min(each.upto for each in self._before.values())) + MICROSECOND

    def _part(self, table: pa.Table, kind: str, last: Window) -> pa.Table:
        """Return the rows of a kind after its checkpoint, up to its last partition."""
        starts = table_integers(table, "window_start")
        kept = starts <= microseconds(last.start)
        if kind in self._before:
            kept &= starts > self._before[kind].upto
        if self._split:
            late = is_in(table, "family", LATE)
            kept &= late if kind == LABELS else ~late
        return rows_where(table, kept)

    def told(
        self, judged: Sequence[VerdictRow]
    ) -> dict[tuple[Window, Cut], tuple[list[VerdictRow], list[IncidentRow]]]:
        """Return the verdicts of every partition and cut, each alarm with its incident, and the events.

        Parameters
        ----------
        judged : sequence of VerdictRow
            All verdicts; those of other cuts are left out.
        """
        by_cut: dict[tuple[Window, Cut], list[VerdictRow]] = {
            (window, cut): [] for window in self._spans for cut in self.windows[window]
        }
        at = {(window.start, cut.as_of): rows for (window, cut), rows in by_cut.items()}
        for row in judged:
            if (row.window_start, row.as_of) in at:
                at[row.window_start, row.as_of].append(row)
        found = self._incidents(by_cut)
        told = {}
        for (window, cut), rows in by_cut.items():
            incidents = found[kind_of(cut)]
            kept = marked(rows, incidents)
            told[window, cut] = kept, incident_rows(window, cut.as_of, self.track, kept, incidents)
        return told

    def _incidents(self, judged: Mapping[tuple[Window, Cut], Sequence[VerdictRow]]) -> dict[str, Episodes]:
        """Return the incidents of each kind, given all verdicts of the judged cuts."""
        past = self.store.read(
            "verdicts",
            model=self.model.name,
            track=self.track,
            since=self._since(),
            until=self._spans[-1].start,
            columns=PAST,
        )
        found = {}
        for kind, last in self._last.items():
            mine = {key: rows for key, rows in judged.items() if kind_of(key[1]) == kind}
            part = self._part(past, kind, last)
            again = {microseconds(window.start) for window, _ in mine}
            starts = table_integers(part, "window_start")
            part = rows_where(part, ~np.isin(starts, sorted(again)))
            name = f"{self.track}/labels" if kind == LABELS else self.track
            known = self._before.get(kind)
            found[kind] = resumed(name, part, mine, known.incident if known else Open())
            if kind in self.after:
                self.after[kind].incident = found[kind].last
        return found

    def replace(self, table: str, place: Place, rows: Sequence[Row], kind: str) -> None:
        """Write rows that the checkpoints of a kind depend on; those of this judge stay valid."""
        self._writer.replace(table, place, rows, {kind}, self.claims.values())

    def keep(self) -> None:
        """Store the new checkpoints; to be called after all rows were written."""
        for kind, claim in self.claims.items():
            if kind in self.after:
                self._writer.checkpoints.keep(claim, self.after[kind], self.model.cadence.period)
            else:
                self._writer.checkpoints.abandon(claim)
