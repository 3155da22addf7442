"""The checks of a partition: each is one entry of `CHECKS`, the only place that defines it.

Belongs here: the question, the verdicts that answer it, the condition on a declaration, and the sentence of a
passing check. Does not belong here: the computation of verdicts, and Dagster's form of an outcome.
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
TEAM = "team"  # stands in `Topic.rules` for every rule of the team
OF_COMPLETENESS = tuple(name for name, metric in METRICS.items() if metric.completeness)
BEHIND = re.compile(r"\(known (\w+) later\)$")


@dataclass(frozen=True)
class Topic:
    """A selection of verdicts; an empty attribute selects all.

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
        """Return whether a verdict is selected."""
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
        Name in Dagster; ``a-z``, ``0-9`` and ``_``.
    question : str
        The question that Dagit shows.
    topics : tuple of Topic
        The verdicts that answer it, without those of earlier checks in `CHECKS`.
    about : str
        Noun in the singular for the columns of these verdicts, for the sentence of a passing check.
    needs : callable
        Returns whether a model and track have the check.
    late : bool
        Whether it is answered when the labels are in.
    passing : callable
        Returns the sentence of a passing check from its verdicts, all findings, and `about`.
    remark : callable
        Returns a sentence to add, passing or not; None for none.
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
        """Return whether one of the topics selects a verdict."""
        return any(topic.holds(row) for topic in self.topics)


# A verdict answers the first check that holds it: specific checks come before general ones.
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
        The verdicts that fail the check, most important first.
    judged : int
        Number of judged series.
    explained : tuple of VerdictRow
        Verdicts out of their range that are explained and so no alarm; largest deviation first.
    """

    check: str
    passed: bool
    sentence: str
    offenders: tuple[VerdictRow, ...] = ()
    judged: int = 0
    explained: tuple[VerdictRow, ...] = ()


def checks_of(model: MonitoredModel, track: str) -> list[str]:
    """Return the names of the checks of a track, by its declaration."""
    return [check.name for check in CHECKS.values() if check.needs(model, track)]


def described(check: str, behind: timedelta) -> str:
    """Return the question of a check, with the delay of its answer where labels are late.

    >>> described("performance", timedelta(days=3))
    'Is the realised performance as expected? (known 3d later)'
    """
    question = CHECKS[check].question
    return (
        f"{question} (known {format_duration(behind)} later)" if CHECKS[check].late and behind else question
    )


def behind(description: str) -> timedelta:
    """Return the delay of a check's answer, read from the text of `described`.

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
    """Return the outcomes of a partition that could not be measured; at least one check fails.

    Parameters
    ----------
    checks : sequence of str
        The requested checks; if the concerned check is not among them, all of them fail.
    sentence : str
        The error in words.
    absent : bool
        Whether the partition does not exist.
    came : bool
        Whether the partition exists and cannot be read.
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
