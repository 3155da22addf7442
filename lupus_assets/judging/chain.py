"""The judgement of one chain of series, partition by partition: the detector and the counts for verdicts.

The metrics of the rows are one chain, those of the labels, which come later, another. After the warm-up, a
chain is a state that every partition updates; `lupus_assets.judging.checkpoint` serialises it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from lupus_assets.declare import MonitoredModel
from lupus_assets.detect.detector import LONE_WARM, Detector, Judged
from lupus_assets.detect.evidence import LEAST_HISTORY
from lupus_assets.detect.history import WINDOWS, Group, Heard, Ints, Mask, Role, Series
from lupus_assets.judging.detected import Detected, flagged_of
from lupus_assets.judging.history import history, judged_series
from lupus_assets.judging.series import Array, Key, Ledger
from lupus_assets.judging.verdict import Judgement

NEVER = -1  # µs


@dataclass(frozen=True)
class Setting:
    """The inputs of judging besides the metrics.

    Attributes
    ----------
    model : MonitoredModel
    budgets : tuple of float
        False incidents a month; one pass judges every budget separately.
    taught : datetime
        End of the warm-up: the detector learns from the partitions before it.
    """

    model: MonitoredModel
    budgets: tuple[float, ...]
    taught: datetime


@dataclass
class Chain:
    """The state of K judged series between two partitions, after the warm-up.

    Attributes
    ----------
    series : list of tuple
        All series of the chain so far, sorted as in `Ledger`.
    judged : array of bool
        Whether each of them is judged; K are.
    usual : array of float, shape (K,)
        Usual sampling variances, as `lupus_assets.judging.history.history` returns them.
    detector : Detector
    warm : int
        Number of first partitions without a verdict.
    partitions : int
        Number of partitions so far.
    seen : array of int, shape (K,)
        Number of partitions with a value.
    since : array of int, shape (budgets, K)
        Start in µs of the first partition of the present run of flags; `NEVER` where a series is not flagged.
    """

    series: list[Key]
    judged: Mask
    usual: Array
    detector: Detector
    warm: int
    partitions: int
    seen: Ints
    since: Ints

    @property
    def keys(self) -> list[Key]:
        """The judged series."""
        return [key for key, kept in zip(self.series, self.judged.tolist(), strict=True) if kept]

    def count(self, values: Array, start: int, judged: Judged) -> None:
        """Add a judged partition: its values, shape (K,), and its start in µs."""
        self.seen = self.seen + ~np.isnan(values)
        began = np.where(self.since == NEVER, start, self.since)
        flagged = [flagged_of(self.detector.series, judged, budget) for budget in range(len(self.since))]
        self.since = np.where(np.stack(flagged), began, NEVER)
        self.partitions += 1


@dataclass(frozen=True)
class Step:
    """The result of one judged partition.

    Attributes
    ----------
    at : int
        Index of the partition in the ledger.
    judged : Judged
    verdict : bool
        Whether there is enough history for a verdict.
    seen : array of int, shape (K,)
        Number of earlier partitions with a value.
    since : array of int, shape (budgets, K)
        As in `Chain`, this partition included.
    """

    at: int
    judged: Judged
    verdict: bool
    seen: Ints
    since: Ints


@dataclass(frozen=True)
class Told:
    """The results of one chain at one partition, as input of another chain: one partition of `Heard`."""

    z: Array
    rows: Mask


class Judging:
    """The judgement of the partitions of a ledger by one chain.

    Parameters
    ----------
    ledger : Ledger
        The whole history of the chain, or the partitions after `chain`.
    setting : Setting
    chain : Chain or None
        The state to continue from; it is updated in place. None starts with the warm-up.
    heard : int
        Number of series of another chain that may explain these.
    """

    def __init__(self, ledger: Ledger, setting: Setting, chain: Chain | None = None, heard: int = 0) -> None:
        self.setting = setting
        self.chain = chain
        self.known = ledger.series if chain is None else chain.series
        model, taught = setting.model, setting.taught
        self.judged = judged_series(ledger, model, taught) if chain is None else chain.judged
        mine = [key for key, kept in zip(self.known, self.judged.tolist(), strict=True) if kept]
        self.ledger = ledger.of_series(mine)
        self.history, self._usual = history(
            self.ledger, model, taught, None if chain is None else chain.usual
        )
        self._heard = heard
        self._pending: list[Told] = []
        self.starts: list[datetime] = self.ledger.starts.tolist()  # naive UTC
        self._places = {start: at for at, start in enumerate(self.starts)}
        # Number of partitions of the warm-up, which the detector learns from at once.
        self.first = 0 if chain else min(self.history.warm or LONE_WARM, len(self._places))

    @property
    def tells(self) -> int:
        """Number of series whose deviations are passed to another chain."""
        series = self.history.series
        return int(np.count_nonzero(series.foretells & ~series.rare))

    def is_learning(self, start: datetime) -> bool:
        """Return whether a partition is in the warm-up, its last partition excluded."""
        return bool(self.first) and start < self.starts[self.first - 1]

    def step(self, start: datetime, told: Told | None = None) -> Iterator[Step]:
        """Judge the partition with this start, naive UTC; yield nothing if the chain does not have it.

        The partitions of the warm-up are yielded together, with its last one.

        Parameters
        ----------
        start : datetime
        told : Told, optional
            Results of the other chain at this partition.
        """
        at = self._places.get(start)
        if at is None:
            return
        given = told or Told(np.zeros((len(WINDOWS), self._heard)), np.zeros(len(self.setting.budgets), bool))
        if at < self.first:
            self._pending.append(given)
            if at == self.first - 1:
                yield from self._begun()
            return
        of, chain = self.history, self._learned()
        judged = chain.detector.step(
            of.values[at], of.variance[at], of.n[at], of.design[at], of.phases[at], given.z, given.rows
        )
        yield self._step(chain, at, judged)

    def _learned(self) -> Chain:
        if self.chain is None:
            raise ValueError("partitions are taken in time order; the first ones teach what is ordinary")
        return self.chain

    def _begun(self) -> Iterator[Step]:
        of, first, budgets = self.history, self.first, self.setting.budgets
        detector = Detector(of.series, of.per_month, budgets, self._heard)
        heard = Heard(
            np.stack([each.z for each in self._pending]),
            np.stack([each.rows for each in self._pending], axis=1),
        )
        found = detector.start(
            of.values[:first], of.variance[:first], of.n[:first], of.design[:first], of.phases[:first],
            of.cycles, heard,
        )  # fmt: skip
        size = len(self.ledger.series)
        self.chain = Chain(
            series=self.known,
            judged=self.judged,
            usual=self._usual,
            detector=detector,
            # The partitions of the warm-up get no verdict: the detector learns from them.
            warm=max(of.warm, LEAST_HISTORY),
            partitions=0,
            seen=np.zeros(size, np.int64),
            since=np.full((len(budgets), size), NEVER),
        )
        for at, judged in enumerate(found):
            yield self._step(self.chain, at, judged)

    def _step(self, chain: Chain, at: int, judged: Judged) -> Step:
        seen, verdict = chain.seen, chain.partitions >= chain.warm
        chain.count(self.ledger.values[at], int(self.ledger.starts[at].astype(np.int64)), judged)
        return Step(at, judged, verdict, seen, chain.since)

    def judgements(self, step: Step) -> list[Judgement]:
        """Return the judgement of a partition for every budget."""
        series, model = self.history.series, self.setting.model
        return [
            Judgement(
                model,
                self.ledger,
                step.at,
                step.seen,
                Detected.of(series, step.judged, budget, step.since[budget]) if step.verdict else None,
                budget,
            )
            for budget in range(len(self.setting.budgets))
        ]

    def done(self) -> Chain | None:
        """Return the state after the last partition; None where no partition came after the warm-up."""
        if self.chain is None or self.chain.partitions <= self.first:
            return None
        self.chain.usual = self._usual
        return self.chain


def told(judged: Judged, series: Series) -> Told:
    """Return the results of a chain, of `series`, at one partition as input of another chain."""
    explains = series.foretells[~series.rare]
    counted, about = np.flatnonzero(series.role == Role.ROWS), np.flatnonzero(series.group == Group.ROWS)
    rows = [
        bool(judged.out[budget, counted].any() and set(about.tolist()) & set(named))
        for budget, named in enumerate(judged.named)
    ]
    return Told(np.nan_to_num(judged.values.z[:, explains]), np.array(rows, dtype=bool))
