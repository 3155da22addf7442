"""Addresses of the history pages in Dagit, which checks link to and the server serves."""

from dataclasses import asdict, dataclass, fields
from urllib.parse import quote, urlencode

from lupus_assets.declare import MonitoredModel
from lupus_assets.records import EVERYTHING, HISTORY_RULE, VerdictRow

PATH = "/lupus/history/{team}/{model}/{track}"


@dataclass(frozen=True)
class Address:
    """One series of verdicts up to a partition; ``str`` gives its address relative to the server's root.

    Attributes
    ----------
    team, model, track : str
        `model` without its team.
    family, metric, column_name, segment, rule : str
        As in the table ``verdicts``.
    until : str
        Key of the last partition.
    """

    team: str
    model: str
    track: str
    family: str
    metric: str
    until: str
    column_name: str = ""
    segment: str = EVERYTHING
    rule: str = HISTORY_RULE

    @classmethod
    def of(cls, model: MonitoredModel, verdict: VerdictRow) -> "Address":
        """Return the address of the series of a verdict, up to its partition."""
        return cls(
            team=model.team,
            model=model.model,
            track=verdict.track,
            family=verdict.family,
            metric=verdict.metric,
            until=verdict.partition_key,
            column_name=verdict.column_name,
            segment=verdict.segment,
            rule=verdict.rule,
        )

    def __str__(self) -> str:
        given = {name: text for name, text in asdict(self).items() if name in QUERY}
        told = {name: text for name, text in given.items() if text != QUERY[name]}
        query = urlencode(told, quote_via=quote, safe=":")
        return f"{PATH.format(team=self.team, model=self.model, track=self.track)}?{query}"


# The parameters of the query and their defaults; None for required parameters.
QUERY: dict[str, str | None] = {
    field.name: field.default if isinstance(field.default, str) else None
    for field in fields(Address)
    if field.name not in ("team", "model", "track")
}
