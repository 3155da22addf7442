"""Verdicts become check outcomes: passed or not, and one sentence that says why."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from lupus_assets.declare.duration import format_duration, parse_duration
from lupus_assets.declare.metric import METRICS
from lupus_assets.judging.fact import FACT_RULE
from lupus_assets.judging.incident import ranked
from lupus_assets.judging.verdict import HISTORY_RULE
from lupus_assets.judging.wording import listed, target
from lupus_assets.records import NOTICE, VerdictRow

CHECKS: dict[str, str] = {
    "arrival": "Did the partition arrive within its grace?",
    "completeness": "Are rows, nulls, schema, entities and duplicates as expected?",
    "input_drift": "Did the inputs move more than they ordinarily do?",
    "prediction_shift": "Did the predictions move more than they ordinarily do?",
    "target_shift": "Did the labels move more than they ordinarily do?",
    "performance": "Is the realised performance as expected?",
    "rules": "Do the team's own thresholds hold?",
}
OF_LABELS = ("target_shift", "performance")
BEHIND = re.compile(r"\(known (\w+) later\)$")
COMPLETENESS = frozenset(name for name, metric in METRICS.items() if metric.completeness)
BY_FAMILY = {
    "input": "input_drift",
    "prediction": "prediction_shift",
    "target": "target_shift",
    "performance": "performance",
}


@dataclass(frozen=True)
class Outcome:
    """The result of one check at one partition.

    Attributes
    ----------
    check : str
    passed : bool
    sentence : str
    offenders : tuple of VerdictRow
        Most telling first.
    judged : int
        Number of series behind the result.
    explained : tuple of VerdictRow
        Out of their range, and no alarm, since something explains them; furthest out first.
    """

    check: str
    passed: bool
    sentence: str
    offenders: tuple[VerdictRow, ...] = ()
    judged: int = 0
    explained: tuple[VerdictRow, ...] = ()


def described(check: str, behind: timedelta) -> str:
    """Return the question that a check asks, and how much later it is answered where labels are late.

    >>> described("performance", timedelta(days=3))
    'Is the realised performance as expected? (known 3d later)'
    """
    late = check in OF_LABELS and behind
    return f"{CHECKS[check]} (known {format_duration(behind)} later)" if late else CHECKS[check]


def behind(description: str) -> timedelta:
    """Return how much later a check is answered than the others, from what `described` says.

    >>> behind("Is the realised performance as expected? (known 3d later)")
    datetime.timedelta(days=3)
    """
    found = BEHIND.search(description)
    return parse_duration(found[1]) if found else timedelta(0)


def check_of(row: VerdictRow) -> str:
    """Return the check that a verdict speaks to."""
    if row.rule not in (HISTORY_RULE, FACT_RULE):
        return "rules"
    return "completeness" if row.metric in COMPLETENESS or row.rule == FACT_RULE else BY_FAMILY[row.family]


def outcomes(
    rows: Sequence[VerdictRow], checks: Iterable[str], awaited: str | None, rules: Sequence[str] = ()
) -> list[Outcome]:
    """Return the outcome of each of `checks` at one partition.

    Parameters
    ----------
    rows : sequence of VerdictRow
        All verdicts of the partition.
    checks : iterable of str
    awaited : str or None
        Where labels are still due: until when.
    rules : sequence of str
        The rules that ought to have a verdict, as `lupus_assets.judging.rule.describe` has them.
    """
    found = [_outcome(check, [row for row in rows if check_of(row) == check], awaited) for check in checks]
    silent = [] if awaited is not None else _silent(rows, rules)
    return [_with_silent(each, silent) if each.check == "rules" and silent else each for each in found]


def _silent(rows: Sequence[VerdictRow], rules: Sequence[str]) -> list[str]:
    """Return the rules that no number of the partition speaks to: of a column misspelt there never is one."""
    spoken = {row.rule for row in rows}
    return [rule for rule in dict.fromkeys(rules) if rule not in spoken]


def _with_silent(outcome: Outcome, silent: Sequence[str]) -> Outcome:
    said = f"{outcome.sentence}; without any number to hold against it: {listed(silent)}"
    return replace(outcome, sentence=said)


def _outcome(check: str, rows: Sequence[VerdictRow], awaited: str | None) -> Outcome:
    offenders = ranked(rows)
    notices = [row for row in rows if row.severity == NOTICE]
    explained = tuple(sorted(notices, key=lambda row: -(row.surprise or 0.0)))
    if offenders:
        first, others = offenders[0], [target(row) for row in offenders[1:]]
        named = [name for name in others if name != target(first)]
        more = f" (also {listed(named)})" if named else ""
        return Outcome(check, False, first.sentence + more, tuple(offenders), len(rows), explained)
    if check in OF_LABELS and awaited is not None:
        return Outcome(check, True, f"no labels yet: due {awaited}", (), 0)
    waiting = [row for row in rows if row.rule == HISTORY_RULE and row.p is None]
    if rows and len(waiting) == len([row for row in rows if row.rule == HISTORY_RULE]) and waiting:
        said = f"too little history for a verdict: {waiting[0].history} earlier partitions"
        return Outcome(check, True, said, (), len(rows))
    within = "within the team's thresholds" if check == "rules" else "within their expected ranges"
    said = f"{len(rows) - len(explained):,} series {within}" if rows else "nothing to judge"
    if explained:
        more = f" (and {len(explained) - 1:,} more)" if len(explained) > 1 else ""
        said += f"; explained: {explained[0].sentence}{more}"
    return Outcome(check, True, said, (), len(rows), explained)
