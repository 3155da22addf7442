"""The judgement of a track: its chains over its partitions, from the first one or from stored states.

A verdict is a function of the metrics up to its partition: the series and the warm-up of that time. Where
partitions of a range differ in these, they are judged in separate passes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from lupus_assets.detect.detector import LONE_WARM
from lupus_assets.detect.evidence import LEAST_HISTORY
from lupus_assets.judging.chain import Chain, Judging, Setting, Step, Told, told
from lupus_assets.judging.history import judged_series, naive
from lupus_assets.judging.series import Ledger
from lupus_assets.judging.verdict import LABELS, LATE, ROWS, Judgement
from lupus_assets.reading.table import comparable, is_in, table_integers
from lupus_assets.records import EVERYTHING, VerdictRow, Window

OTHER_REFERENCE = ", and others were measured against another reference: materialise those again"

Chains = Mapping[str, Chain]


def chains(ledger: Ledger) -> dict[str, Ledger]:
    """Return the ledgers of the two chains: the metrics of the rows, and those of the labels."""
    late = np.array([family in LATE for _, family, _, _ in ledger.series], dtype=bool)
    return {ROWS: ledger.only(~late), LABELS: ledger.only(late)}


def told_of(
    judgements: Sequence[Judgement], windows: Sequence[Window], track: str, foreign: datetime | None
) -> list[VerdictRow]:
    """Return the rows of `judgements`; from `foreign` on, metrics were measured against another reference."""
    keys = {window.start: window for window in windows}
    return [
        row
        for each in judgements
        for row in each.rows(
            keys[each.start],
            track=track,
            unlike=OTHER_REFERENCE if foreign is not None and foreign <= each.start else "",
        )
    ]


def foreign_since(metrics: pa.Table, reference: str) -> datetime | None:
    """Return the first window start, aware UTC, with metrics against another reference; None for none."""
    foreign = is_in(metrics, "version", {EVERYTHING}) & ~comparable(metrics, reference)
    starts = table_integers(metrics, "window_start")[foreign]
    if not starts.size:
        return None
    first: datetime = starts.min().astype("datetime64[us]").astype(datetime)
    return first.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Found:
    """The result of judging.

    Attributes
    ----------
    judgements : list of Judgement
        Of every budget, in time order, those of the rows before those of the labels.
    chains : mapping of str to Chain
        The states after the last partition, of chains past their warm-up.
    series : set of str
        Names of the chains that have series.
    """

    judgements: list[Judgement]
    chains: Chains
    series: frozenset[str] = frozenset()


def judge(ledgers: Mapping[str, Ledger], setting: Setting, windows: Sequence[Window]) -> Found:
    """Judge the partitions of `windows` from the whole history.

    Parameters
    ----------
    ledgers : mapping of str to Ledger
        Of `ROWS` and `LABELS`, from the first partition to the last of `windows`.
    setting : Setting
    windows : sequence of Window
    """
    judgements: list[Judgement] = []
    found = Found([], {})
    for group in _groups(ledgers, setting, _starts(windows)):
        end = np.datetime64(group[-1], "us")
        found = _run({name: each.until(end) for name, each in ledgers.items()}, setting, group, {})
        judgements += found.judgements
    return Found(judgements, found.chains, found.series)


def go_on(
    ledgers: Mapping[str, Ledger], setting: Setting, windows: Sequence[Window], before: Chains
) -> Found | None:
    """Judge the partitions of `windows` as `judge` does, continuing from the states `before`.

    Parameters
    ----------
    ledgers : mapping of str to Ledger
        Of `ROWS` and `LABELS`: the partitions after `before`, up to the last of `windows`.
    setting : Setting
    windows : sequence of Window
    before : mapping of str to Chain
        States to continue from; updated in place.

    Returns
    -------
    Found or None
        None where a series is new: all partitions have to be judged with it, from the first one.
    """
    for name, ledger in ledgers.items():
        known = before[name].series if name in before else []
        if not set(ledger.series).issubset(known):
            return None
    return _run(ledgers, setting, _starts(windows), before)


def _starts(windows: Sequence[Window]) -> list[datetime]:
    return sorted({naive(window.start).astype(datetime) for window in windows})


def _groups(
    ledgers: Mapping[str, Ledger], setting: Setting, wanted: Sequence[datetime]
) -> Iterator[list[datetime]]:
    """Yield groups of partitions that one pass can judge: those with the same series and warm-up."""
    starts = np.array(wanted, dtype="datetime64[us]")
    part = np.zeros(len(wanted), dtype=np.int64)
    for ledger in ledgers.values():
        if ledger.series:
            first = ledger.starts[(~np.isnat(ledger.as_of)).argmax(axis=0)]
            part += np.searchsorted(np.sort(first), starts, side="right")
            if ledger.starts[0] >= naive(setting.taught):  # the warm-up is its first partitions
                part += np.minimum(np.searchsorted(ledger.starts, starts, side="right"), LONE_WARM + 1)
    for each in np.unique(part):
        yield [wanted[at] for at in np.flatnonzero(part == each).tolist()]


def _run(
    ledgers: Mapping[str, Ledger], setting: Setting, wanted: Sequence[datetime], before: Chains
) -> Found:
    """Judge in one pass."""
    judgements: dict[tuple[datetime, bool], list[Judgement]] = {}
    if not before:
        for name, ledger in ledgers.items():
            of_young = {(start, name == LABELS): _young(ledger, setting, start) for start in wanted}
            judgements |= {key: [young] for key, young in of_young.items() if young is not None}
    pending = {
        start
        for name, ledger in ledgers.items()
        for start in set(ledger.starts.tolist()) & set(wanted)
        if (start, name == LABELS) not in judgements
    }
    after = dict(before)
    if pending or before:
        for name, judging, step in _passed(ledgers, setting, before, after):
            key = judging.starts[step.at], name == LABELS
            if key[0] in pending and key not in judgements:
                judgements[key] = judging.judgements(step)
    named = {name for name, ledger in ledgers.items() if ledger.series}
    return Found([each for key in sorted(judgements) for each in judgements[key]], after, frozenset(named))


def _passed(
    ledgers: Mapping[str, Ledger], setting: Setting, before: Chains, after: dict[str, Chain]
) -> Iterator[tuple[str, Judging, Step]]:
    """Judge both ledgers; yield each judged partition, and put the final states into `after`."""
    rows = Judging(ledgers[ROWS], setting, before.get(ROWS))
    labels = Judging(ledgers[LABELS], setting, before.get(LABELS), heard=rows.tells)
    has_labels = set(labels.starts)
    told_by_rows: dict[datetime, Told] = {}
    waiting: list[datetime] = []
    for start in sorted({*rows.starts, *labels.starts}):
        for step in rows.step(start):
            if (when := rows.starts[step.at]) in has_labels:
                told_by_rows[when] = told(step.judged, rows.history.series)
            yield ROWS, rows, step
        waiting.append(start)
        if not rows.is_learning(start):  # the results of the rows for these partitions are known
            for each in waiting:
                for step in labels.step(each, told_by_rows.pop(each, None)):
                    yield LABELS, labels, step
            waiting.clear()
    for name, judging in ((ROWS, rows), (LABELS, labels)):
        chain = judging.done()
        if chain is not None:
            after[name] = chain


def _young(ledger: Ledger, setting: Setting, start: datetime) -> Judgement | None:
    """Return the judgement of a partition that is too early for verdicts; None for any other partition."""
    end = np.datetime64(start, "us")
    count = int(np.searchsorted(ledger.starts, end, side="right"))
    if not count or ledger.starts[count - 1] != end:
        return None
    taught = naive(setting.taught)
    if end >= taught and (ledger.starts[0] < taught or count > LEAST_HISTORY):
        return None
    known = ledger.until(end)
    mine = known.only(judged_series(known, setting.model, setting.taught))
    numbers = ~np.isnan(mine.values)
    return Judgement(setting.model, mine.last(), 0, numbers.sum(axis=0) - numbers[-1])
