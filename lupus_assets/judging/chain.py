"""What is judged together, partition by partition: the detector with all that verdicts need besides it.

What the rows say is one chain, what the labels say, which come later, another. A chain that has learned what
is ordinary is a state that goes on from partition to partition; `lupus_assets.judging.checkpoint` keeps it.
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
    """What judging depends on besides the metrics.

    Attributes
    ----------
    model : MonitoredModel
    budgets : tuple of float
        False incidents a month; each is judged by itself in the same pass.
    taught : datetime
        Where the partitions end that teach what is ordinary.
    """

    model: MonitoredModel
    budgets: tuple[float, ...]
    taught: datetime


@dataclass
class Chain:
    """What is known of K judged series between two partitions, once what is ordinary has been learned.

    Attributes
    ----------
    series : list of tuple
        Every series that the chain has had, sorted as in `Ledger`.
    judged : array of bool
        Which of them are judged: K.
    usual : array of float, shape (K,)
        Usual sampling variances, as `lupus_assets.judging.history.history` returns them.
    detector : Detector
    warm : int
        First partitions that have no verdict.
    partitions : int
        Seen so far.
    seen : array of int, shape (K,)
        Partitions with a number.
    since : array of int, shape (budgets, K)
        Start of the partition in µs since which a series has been flagged; `NEVER` where it is not.
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
        """Take in a partition that was judged: its numbers, shape (K,), and where it starts, in µs."""
        self.seen = self.seen + ~np.isnan(values)
        began = np.where(self.since == NEVER, start, self.since)
        flagged = [flagged_of(self.detector.series, judged, budget) for budget in range(len(self.since))]
        self.since = np.where(np.stack(flagged), began, NEVER)
        self.partitions += 1


@dataclass(frozen=True)
class Step:
    """One partition that was judged: its index in the ledger, and what there is to say of it.

    Attributes
    ----------
    at : int
    judged : Judged
    verdict : bool
        Whether there is enough history for a verdict.
    seen : array of int, shape (K,)
        How often each series had a number before.
    since : array of int, shape (budgets, K)
        As in `Chain`, with this partition.
    """

    at: int
    judged: Judged
    verdict: bool
    seen: Ints
    since: Ints


@dataclass(frozen=True)
class Told:
    """What one chain tells another of a partition that both have: one of `Heard`."""

    z: Array
    rows: Mask


class Judging:
    """One chain on its way through a ledger.

    Parameters
    ----------
    ledger : Ledger
        The whole history of the chain, or what comes after `chain`.
    setting : Setting
    chain : Chain or None
        It is taken over and moved on.
    heard : int
        Series of another chain that may explain these.
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
        # So many partitions are learned from at once.
        self.first = 0 if chain else min(self.history.warm or LONE_WARM, len(self._places))

    @property
    def tells(self) -> int:
        """Number of series of which another chain hears."""
        series = self.history.series
        return int(np.count_nonzero(series.foretells & ~series.rare))

    def is_learning(self, start: datetime) -> bool:
        """Return whether a partition is among those that are learned from at once, and not the last."""
        return bool(self.first) and start < self.starts[self.first - 1]

    def step(self, start: datetime, told: Told | None = None) -> Iterator[Step]:
        """Judge the partition that starts there, naive UTC, if the chain has it.

        Partitions that are learned from at once come when the last of them does.

        Parameters
        ----------
        start : datetime
        told : Told, optional
            By the other chain, of this partition.
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
            # The first partitions are looked at, and not judged: they teach what is ordinary.
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
        """Return what there is to say of a partition, for every budget."""
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
        """Return the state behind the last partition; None where what is ordinary is not learned yet."""
        if self.chain is None or self.chain.partitions <= self.first:
            return None
        self.chain.usual = self._usual
        return self.chain


def told(judged: Judged, series: Series) -> Told:
    """Return what one chain, of `series`, tells another of a partition."""
    explains = series.foretells[~series.rare]
    counted, about = np.flatnonzero(series.role == Role.ROWS), np.flatnonzero(series.group == Group.ROWS)
    rows = [
        bool(judged.out[budget, counted].any() and set(about.tolist()) & set(named))
        for budget, named in enumerate(judged.named)
    ]
    return Told(np.nan_to_num(judged.values.z[:, explains]), np.array(rows, dtype=bool))
