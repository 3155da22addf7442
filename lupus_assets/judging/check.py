"""The checks of a partition: one entry of `CHECKS` each, from which all else about a check follows.

Belongs here: the question, the verdicts that answer it, what a declaration needs to have the check, and what
it says when it passes. Does not belong here: how verdicts come about, and what Dagster is told of an outcome.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from lupus_assets.declare import MonitoredModel
from lupus_assets.declare.duration import format_duration, parse_duration
from lupus_assets.declare.metric import METRICS
from lupus_assets.judging.finding import (
    Findings,
    coverage,
    explained,
    rows_arrived,
    unheard_rules,
    within_ranges,
    within_thresholds,
)
from lupus_assets.judging.incident import ranked
from lupus_assets.judging.rule import rules_of
from lupus_assets.judging.wording import listed, target
from lupus_assets.records import FACT_RULE, HISTORY_RULE, VerdictRow

ARRIVAL, COMPLETENESS = "arrival", "completeness"  # the checks that fail where there is nothing to judge
TEAM = "team"  # of a verdict on one of the team's own rules, whatever its name
OF_COMPLETENESS = tuple(name for name, metric in METRICS.items() if metric.completeness)
BEHIND = re.compile(r"\(known (\w+) later\)$")


@dataclass(frozen=True)
class Topic:
    """Verdicts by what they are about; what is empty stands for all.

    Attributes
    ----------
    families, metrics : tuple of str
    rules : tuple of str
        `HISTORY_RULE`, `FACT_RULE` or `TEAM`.
    """

    families: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    rules: tuple[str, ...] = (HISTORY_RULE, FACT_RULE)

    def holds(self, row: VerdictRow) -> bool:
        """Return whether a verdict is about it."""
        rule = row.rule if row.rule in (HISTORY_RULE, FACT_RULE) else TEAM
        return (
            rule in self.rules
            and (not self.families or row.family in self.families)
            and (not self.metrics or row.metric in self.metrics)
        )


def _of_any(_model: MonitoredModel, _track: str) -> bool:
    return True


def _of_labelled(model: MonitoredModel, _track: str) -> bool:
    return model.columns.label is not None


def _of_ruled(model: MonitoredModel, track: str) -> bool:
    return bool(rules_of(model, track))


def _nothing(_findings: Findings) -> str | None:
    return None


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes
    ----------
    name : str
        What Dagster calls it; ``a-z``, ``0-9`` and ``_``.
    question : str
        What it asks, as Dagit shows it.
    topics : tuple of Topic
        The verdicts that answer it, but for those of an earlier check in `CHECKS`.
    about : str
        What the columns of these verdicts are, in the singular, for the sentence of a passing check.
    needs : callable
        Whether a track of a model has what the check judges.
    late : bool
        Whether it is answered when the labels are in.
    passing : callable
        Returns what a passing check says, of its verdicts, all findings, and `about`.
    remark : callable
        Returns what else is to be said of the partition, whether it passes or not; None where nothing is.
    """

    name: str
    question: str
    topics: tuple[Topic, ...] = ()
    about: str = "column"
    needs: Callable[[MonitoredModel, str], bool] = _of_any
    late: bool = False
    passing: Callable[[Sequence[VerdictRow], Findings, str], str] = within_ranges
    remark: Callable[[Findings], str | None] = _nothing

    def holds(self, row: VerdictRow) -> bool:
        """Return whether a verdict is of one of its topics."""
        return any(topic.holds(row) for topic in self.topics)


# A verdict answers one check, the first that holds it: what is particular comes before what is general.
CHECKS: dict[str, Check] = {
    check.name: check
    for check in (
        Check(ARRIVAL, "Did the partition arrive within its grace?", passing=rows_arrived),
        Check(
            COMPLETENESS,
            "Are rows, nulls, schema, entities and duplicates as expected?",
            topics=(
                Topic(rules=(FACT_RULE,)),
                Topic(metrics=OF_COMPLETENESS),
            ),
        ),
        Check(
            "input_drift",
            "Did the inputs move more than they ordinarily do?",
            topics=(Topic(families=("input",)),),
            about="input",
            remark=coverage,
        ),
        Check(
            "prediction_shift",
            "Did the predictions move more than they ordinarily do?",
            topics=(Topic(families=("prediction",)),),
        ),
        Check(
            "target_shift",
            "Did the labels move more than they ordinarily do?",
            topics=(Topic(families=("target",)),),
            needs=_of_labelled,
            late=True,
        ),
        Check(
            "performance",
            "Is the realised performance as expected?",
            topics=(Topic(families=("performance",)),),
            needs=_of_labelled,
            late=True,
        ),
        Check(
            "rules",
            "Do the team's own thresholds hold?",
            topics=(Topic(rules=(TEAM,)),),
            needs=_of_ruled,
            passing=within_thresholds,
            remark=unheard_rules,
        ),
    )
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


def checks_of(model: MonitoredModel, track: str) -> list[str]:
    """Return the checks of a track: those that its declaration gives something to judge."""
    return [check.name for check in CHECKS.values() if check.needs(model, track)]


def described(check: str, behind: timedelta) -> str:
    """Return the question that a check asks, and how much later it is answered where labels are late.

    >>> described("performance", timedelta(days=3))
    'Is the realised performance as expected? (known 3d later)'
    """
    question = CHECKS[check].question
    return (
        f"{question} (known {format_duration(behind)} later)" if CHECKS[check].late and behind else question
    )


def behind(description: str) -> timedelta:
    """Return how much later a check is answered than the others, from what `described` says.

    >>> behind("Is the realised performance as expected? (known 3d later)")
    datetime.timedelta(days=3)
    """
    found = BEHIND.search(description)
    return parse_duration(found[1]) if found else timedelta(0)


def check_of(row: VerdictRow) -> str:
    """Return the check that a verdict answers."""
    return next(check.name for check in CHECKS.values() if check.holds(row))


def outcomes(findings: Findings, checks: Iterable[str]) -> list[Outcome]:
    """Return the outcome of each of `checks` at one partition."""
    by_check: dict[str, list[VerdictRow]] = {}
    for row in findings.verdicts:
        by_check.setdefault(check_of(row), []).append(row)
    return [_outcome(CHECKS[name], by_check.get(name, []), findings) for name in checks]


def unmeasured(checks: Sequence[str], sentence: str, *, absent: bool, came: bool) -> list[Outcome]:
    """Return what a partition that could not be measured comes to: a failing check, never silence.

    Parameters
    ----------
    checks : sequence of str
        Those that are asked for; where the one that it concerns is not among them, they all say it.
    sentence : str
        What went wrong.
    absent : bool
        Whether there is no such partition.
    came : bool
        Whether there is one, and it cannot be read.
    """
    concerned = ARRIVAL if absent else COMPLETENESS
    failing = [concerned] if concerned in checks else checks
    found = [Outcome(check, passed=False, sentence=sentence) for check in failing]
    if came and ARRIVAL in checks and ARRIVAL not in failing:
        found.append(Outcome(ARRIVAL, passed=True, sentence="arrived, and cannot be read"))
    return found


def _outcome(check: Check, rows: Sequence[VerdictRow], findings: Findings) -> Outcome:
    offenders, notices = tuple(ranked(rows)), tuple(explained(rows))
    judged = len(rows)
    if offenders:
        first = offenders[0]
        others = [name for name in map(target, offenders[1:]) if name != target(first)]
        sentence = first.sentence + (f" (also {listed(others)})" if others else "")
    elif check.late and findings.awaited is not None:
        sentence, judged, notices = f"no labels yet: due {findings.awaited}", 0, ()
    else:
        sentence = check.passing(rows, findings, check.about)
    remark = check.remark(findings)
    said = sentence if remark is None else f"{sentence}; {remark}"
    return Outcome(check.name, not offenders, said, offenders, judged, notices)
