"""The inputs of the checks, and the sentences of passing checks."""

from collections.abc import Sequence
from dataclasses import dataclass

from lupus_assets.judging.wording import ROWS, listed, target
from lupus_assets.records import EVERYTHING, FACT_RULE, NOTICE, VerdictRow
from lupus_assets.text import counted


@dataclass(frozen=True)
class Findings:
    """The inputs of the checks of one partition.

    Attributes
    ----------
    verdicts : sequence of VerdictRow
        All verdicts of the partition.
    rows : int
        Number of rows read.
    awaited : str or None
        Time at which labels are due; None once they are in.
    rules : sequence of str
        The team's rules that should have a verdict, by their names in the table ``verdicts``.
    coverage : str or None
        Number of inputs of a wide model that are looked at together, in words; None if all are.
    """

    verdicts: Sequence[VerdictRow] = ()
    rows: int = 0
    awaited: str | None = None
    rules: Sequence[str] = ()
    coverage: str | None = None


def explained(rows: Sequence[VerdictRow]) -> list[VerdictRow]:
    """Return the verdicts that are out of their range and no alarm, largest surprise first."""
    return sorted((row for row in rows if row.severity == NOTICE), key=lambda row: -(row.surprise or 0.0))


def is_open(row: VerdictRow) -> bool:
    """Return whether a verdict is not possible yet: there is too little history, or no value."""
    return row.rule != FACT_RULE and row.p is None and row.low is None and row.high is None


def rows_arrived(_verdicts: Sequence[VerdictRow], findings: Findings, _about: str) -> str:
    """Return a sentence with the number of rows: "300 rows arrived"."""
    return f"{counted(findings.rows, 'row')} arrived"


def within_ranges(verdicts: Sequence[VerdictRow], _findings: Findings, about: str) -> str:
    """Return a sentence on the series judged by history: "3 inputs by 4 metrics looked at, all within …".

    Parameters
    ----------
    verdicts : sequence of VerdictRow
        Verdicts of one check, without an alarm.
    about : str
        Noun in the singular for its columns.
    """
    judged = [row for row in verdicts if not is_open(row)]
    waiting = [row for row in verdicts if is_open(row)]
    if not verdicts:
        return "nothing to judge"
    if not judged:
        return f"too little history for a verdict: {waiting[0].history} earlier partitions"
    metrics = counted(len({row.metric for row in judged}), "metric")
    looked_at = f"{_targets(judged, about)} by {metrics} looked at{_segments(judged)}"
    young = f"; too little history for a verdict: {listed([_named(row) for row in waiting])}"
    return f"{looked_at}, {_outcome(judged, 'expected ranges')}{young if waiting else ''}"


def within_thresholds(verdicts: Sequence[VerdictRow], _findings: Findings, about: str) -> str:
    """Return a sentence on the series judged by the team's rules, and on those without a verdict."""
    judged = [row for row in verdicts if not is_open(row)]
    waiting = [row.sentence for row in verdicts if is_open(row)]
    if not verdicts:
        return "nothing to judge"
    unjudged = f"{waiting[0]}{_more(waiting)}" if waiting else ""
    if not judged:
        return unjudged
    rules = counted(len({row.rule for row in judged}), "rule")
    looked_at = f"{_targets(judged, about)} by {rules} looked at{_segments(judged)}"
    within = _outcome(judged, "thresholds")
    return f"{looked_at}, {within}; {unjudged}" if waiting else f"{looked_at}, {within}"


def unheard_rules(findings: Findings) -> str | None:
    """Return a sentence on the rules without any value, such as those on a misspelt column; None for none."""
    heard = {row.rule for row in findings.verdicts}
    silent = [rule for rule in dict.fromkeys(findings.rules) if rule not in heard]
    if not silent or findings.awaited is not None:
        return None
    return f"without any number to hold against it: {listed(silent)}"


def coverage(findings: Findings) -> str | None:
    """Return a sentence on the number of inputs that are looked at together; None if all are."""
    return findings.coverage


def _outcome(judged: Sequence[VerdictRow], ranges: str) -> str:
    notices = explained(judged)
    if not notices:
        return f"all within their {ranges}"
    sentences = [row.sentence for row in notices]
    return f"all but {len(notices):,} within their {ranges}; explained: {sentences[0]}{_more(sentences)}"


def _targets(judged: Sequence[VerdictRow], about: str) -> str:
    """Return "rows and 3 inputs"; a single column is named."""
    columns = {row.column_name for row in judged if row.column_name}
    names = [ROWS] if any(not row.column_name for row in judged) else []
    if columns:
        names.append(f"`{min(columns)}`" if len(columns) == 1 else counted(len(columns), about))
    return " and ".join(names)


def _segments(judged: Sequence[VerdictRow]) -> str:
    segments = {row.segment for row in judged} - {EVERYTHING}
    return f", also in {counted(len(segments), 'segment')}" if segments else ""


def _named(row: VerdictRow) -> str:
    name = target(row) if not row.column_name else f"`{row.column_name}`"
    return name if row.segment == EVERYTHING else f"{name} where {row.segment}"


def _more(sentences: Sequence[str]) -> str:
    return f" (and {len(sentences) - 1:,} more)" if len(sentences) > 1 else ""
