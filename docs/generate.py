"""Writes `docs/declaration.md`, the reference of the declaration, from the models that validate it.

    python -m docs.generate

Keys, types, defaults, examples and limits come from the pydantic models of `lupus_assets.declare`, meanings
from the section Attributes of their docstrings. A test fails when the file is not what this module writes.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from inspect import getdoc
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import yaml
from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from lupus_assets.declare.cadence import Cadence
from lupus_assets.declare.column import Column
from lupus_assets.declare.duration import LONGEST, Duration, format_duration
from lupus_assets.declare.holiday import Country
from lupus_assets.declare.metric import METRICS, NEEDS_LABEL, NOT_FOR_ALL, OF_KIND
from lupus_assets.declare.model import MonitoredModel
from lupus_assets.declare.moment import FIRST_YEAR, LAST_YEAR, Day, Moment, Zone
from lupus_assets.declare.name import LONGEST_NAME, Name
from lupus_assets.declare.rhythm import NAMED, rhythm_of
from lupus_assets.declare.rule import Rule

PROJECT = Path(__file__).parents[1]
PAGE = PROJECT / "docs" / "declaration.md"
EXAMPLE = PROJECT / "definitions" / "flights" / "late_arrival" / "defs.yaml"

# Kinds of values that several keys share: the annotation, its name on the page, and its meaning.
KINDS: tuple[tuple[Any, str, str], ...] = (
    (Name, "name", f"lower-case letters, digits and single `_`; at most {LONGEST_NAME} characters"),
    (Column, "column name", "name of a column of the prediction log"),
    (
        Duration,
        "duration",
        f"numbers with units, the longest first: `2d`, `6h`, `90m`, `1d12h`; `w` is a week, `s` a second; at "
        f"most {LONGEST.days} days",
    ),
    (Day, "day", f"date such as `2013-05-01`, {FIRST_YEAR} to {LAST_YEAR}"),
    (
        Moment,
        "day or time",
        "day, or ISO 8601 time such as `2013-05-01T06:00`; without an offset in the cadence's time zone",
    ),
    (Zone, "time zone", "IANA name such as `Europe/Berlin`"),
    (Country, "country", "ISO 3166 code of two letters such as `DE`; write `'NO'` in quotes"),
)
SCALARS = {
    str: "text",
    float: "number",
    int: "whole number",
    bool: "boolean",
    date: "day",
    datetime: "time",
}
A_DAY = datetime(2026, 10, 1)  # noqa: DTZ001 - the clock on the wall, for examples of keys
LIMITS = {Ge: "at least {0.ge:,}", Gt: "above {0.gt:,}", Le: "at most {0.le:,}", Lt: "below {0.lt:,}"}


INTRODUCTION = """\
# Declaration

<!-- Written by `python -m docs.generate`. Edit the docstrings in lupus_assets/declare. -->

A model is declared in one file `defs.yaml`: a `type`, which is always the same, and its `attributes`. A key
that is not listed here is refused. `lupus check` lists every mistake in a declaration, each with its line and
its remedy.

```yaml
{example}
```

In Python, `MonitoredModel` takes the same keys; those that are words of Python (`class`, `from`) may end with
an underscore. Pass the objects to `load_location(..., models=[...])` in `definitions/location.py`.

```python
from lupus_assets.declare import MonitoredModel

MonitoredModel.model_validate(
    {{
        "model": "churn",
        "team": "shop",
        "cadence": {{"every": "day", "start": "2026-10-01"}},
        "tracks": {{"champion": {{"parquet": "churn/champion/{{partition}}.parquet"}}}},
        "columns": {{"timestamp": "ts", "key": "row_id", "prediction": {{"score": "p_churn"}}}},
    }}
)
```\
"""
RULES = """\
```yaml
rules:
  - {metric: row_count, below: 500}
  - {metric: auc, falls_from_recent: {partitions: 14, by: 0.05}}     # from the median of the last 14
  - {metric: null_rate, rises_from_season: {periods: 4, by: 0.02}}   # from the last four of the same weekday
  - {metric: brier, rises_steadily: {partitions: 28, p: 0.01}}       # a trend
```\
"""
METRICS_INTRODUCTION = """\
## Metrics

A rule may name one of these metrics. Rates and shares are fractions: 0.02 is 2 %.\
"""


def page() -> str:
    """Return the text of the page."""
    model, *below = parts()
    blocks = [
        INTRODUCTION.format(example=EXAMPLE.read_text(encoding="utf-8").strip()),
        "## Kinds of values",
        _table(("kind", "value"), [(name, meaning) for _, name, meaning in KINDS]),
        "## Attributes",
        keys(model),
        *(block for part in below for block in _section(part, _paths()[part])),
        METRICS_INTRODUCTION,
        _table(("metric", "meaning", "unit and range", "needs"), [_metric(name) for name in METRICS]),
    ]
    return "\n\n".join(blocks) + "\n"


def parts() -> list[type[BaseModel]]:
    """Return the model of the declaration and of each of its parts, in the order of the page."""
    return list(_paths())


def _paths() -> dict[type[BaseModel], list[str]]:
    """Return every part of a declaration with the keys that hold one, in the order of the page."""
    paths: dict[type[BaseModel], list[str]] = {MonitoredModel: []}

    def visit(model: type[BaseModel], prefix: str) -> None:
        for key, field in _fields(model).items():
            for part, suffix in _models(field.annotation):
                known = part in paths
                paths.setdefault(part, []).append(f"{prefix}{key}{suffix}")
                if not known:
                    visit(part, f"{prefix}{key}{suffix}.")

    visit(MonitoredModel, "")
    return paths


def _models(annotation: Any, suffix: str = "") -> Iterator[tuple[type[BaseModel], str]]:
    """Yield the models within an annotation, each with what the path has behind the key."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, suffix
    suffix = {dict: ".<name>", tuple: "[]"}.get(get_origin(annotation), suffix)
    for inner in get_args(annotation):
        yield from _models(inner, suffix)


def _section(part: type[BaseModel], paths: list[str]) -> list[str]:
    summary, _ = _docstring(part)
    at = f"At {', '.join(f'`{path}`' for path in paths)}."
    more = {Rule: [RULES], Cadence: [_rhythms()]}.get(part, [])
    return [f"## {_heading(part)}", f"{at} {summary}", *more, keys(part)]


def _rhythms() -> str:
    """Return the table of rhythms: each of `NAMED`, and an example of the two that are written otherwise."""
    rows = []
    for every in (*NAMED, "6 hours", "0 6 * * 1-5"):
        rhythm = rhythm_of(every)
        first = next(rhythm.firings(A_DAY))
        seasons = " and ".join(season.phrases[season.phase(first)] for season in rhythm.seasons)
        rows.append((f"`{every}`", f"`{first:{rhythm.key}}`", seasons, rhythm.reference_length))
    return _table(
        ("rhythm", "key of a partition, for example", "compared with partitions", "default reference"), rows
    )


def _heading(part: type[BaseModel]) -> str:
    """Return the name of a part in words: ``RecentChange`` is ``Recent change``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", part.__name__).capitalize()


def keys(part: type[BaseModel]) -> str:
    """Return the table of the keys of one part.

    Raises
    ------
    LookupError
        A key has no meaning in the docstring, or a type no name on the page.
    """
    annotations = get_type_hints(part, include_extras=True)
    _, meanings = _docstring(part)
    rows = []
    for name, field in part.model_fields.items():
        if name not in meanings:
            raise LookupError(f"{part.__name__}.{name} has no meaning: add it to the docstring's Attributes")
        key = str(field.validation_alias or name)
        examples = ", ".join(f"`{_flow({key: example})}`" for example in field.examples or ())
        rows.append(
            (
                f"`{key}`",
                ", ".join([_type(annotations[name]), *_limits(field)]),
                _default(field),
                f"{meanings[name]} Example: {examples}",
            )
        )
    return _table(("key", "type", "default", "meaning"), rows)


def _fields(part: type[BaseModel]) -> dict[str, FieldInfo]:
    return {str(field.validation_alias or name): field for name, field in part.model_fields.items()}


def _docstring(part: type[BaseModel]) -> tuple[str, dict[str, str]]:
    """Return the text of a numpydoc docstring before its sections, and the meaning of each attribute."""
    text = (getdoc(part) or "").replace("``", "`")
    sections = re.split(r"\n\n(\w+)\n-+\n", text)
    attributes = dict(zip(sections[1::2], sections[2::2], strict=True)).get("Attributes", "")
    meanings = {}
    for names, meaning in re.findall(r"^(\w[\w, ]*) : .*\n((?: +.*\n?)+)", attributes, re.MULTILINE):
        for name in names.split(", "):
            meanings[name] = " ".join(meaning.split())
    return " ".join(sections[0].split()), meanings


def _type(annotation: Any) -> str:
    """Return the type of a value in words, with links to the parts."""
    for kind, name, _ in KINDS:
        if annotation == kind:
            return name
    if annotation in SCALARS:
        return SCALARS[annotation]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        heading = _heading(annotation)
        return f"[{heading.lower()}](#{heading.lower().replace(' ', '-')})"
    arguments = get_args(annotation)
    match get_origin(annotation):
        case origin if origin is Annotated:
            given = [getattr(data, "json_schema_input_type", PydanticUndefined) for data in arguments[1:]]
            return _type(next((each for each in given if each is not PydanticUndefined), arguments[0]))
        case origin if origin in (Union, UnionType):
            return " or ".join(_type(inner) for inner in arguments if inner is not type(None))
        case origin if origin is tuple:
            item = _type(arguments[0])
            return f"list of {item}s" if item in {name for _, name, _ in KINDS} else f"list of {item}"
        case origin if origin is dict:
            return f"mapping: {_type(arguments[0])} to {_type(arguments[1])}"
        case origin if origin is Literal:
            return " or ".join(f"`{value}`" for value in arguments)
    raise LookupError(f"{annotation} has no name on the page: add it to KINDS or SCALARS")


def _limits(field: FieldInfo) -> list[str]:
    limits = [LIMITS[type(data)].format(data) for data in field.metadata if type(data) in LIMITS]
    at_least_one = get_origin(field.annotation) in (dict, tuple) and any(
        isinstance(data, MinLen) for data in field.metadata
    )
    return ["at least one"] if at_least_one else limits


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "none"
    if isinstance(value, timedelta):
        return f"`{format_duration(value)}`"
    if isinstance(value, BaseModel):
        return f"`{{{_flow(value.model_dump(by_alias=True))}}}`"
    return "empty" if value in ((), {}, "") else f"`{yaml.safe_dump(value).splitlines()[0]}`"


def _flow(value: dict[str, object]) -> str:
    """Return a mapping in YAML's flow style, without its braces."""
    return str(yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=1_000))[1:-2]


def _metric(name: str) -> tuple[str, ...]:
    meaning, _, unit = METRICS[name].meaning.partition("; ")
    kinds = [f"`{kind}`" for kind, names in OF_KIND.items() if name in names] if name in NOT_FOR_ALL else []
    needs = [f"a prediction by {' or '.join(kinds)}"] if kinds else []
    if name in NEEDS_LABEL:
        needs.append("labels")
    return f"`{name}`", meaning, unit, ", ".join(needs)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
