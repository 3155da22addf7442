"""Pydantic's errors in plain words, each with a remedy."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from lupus_assets.declare.consistency.plain import items
from lupus_assets.declare.document import Document
from lupus_assets.declare.mistake import INCONSISTENT, MISTAKE, Mistake, Path, closest, did_you_mean, listed
from lupus_assets.declare.model import MonitoredModel

WANTED = {
    "string_type": "text",
    "model_type": "a mapping",
    "dict_type": "a mapping",
    "tuple_type": "a list",
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "finite_number": "a finite number",
    "literal_error": "auto or a mapping",
    "greater_than": "above {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than": "below {lt:g}",
    "less_than_equal": "at most {le:g}",
}
Place = tuple[type[BaseModel] | None, str, FieldInfo | None]
PLANNED: dict[Path, tuple[str, str]] = {
    ("columns", "prediction", "ranking"): (
        "rankings are not supported yet",
        "declare the score of a ranked item with `score: <column>`",
    )
}


def mistakes(error: ValidationError, document: Document, raw: Mapping[str, object]) -> Iterator[Mistake]:
    """Yield every mistake of `error`, which came from validating `raw`; paths are relative to `raw`.

    Contradictions between parts are left out: `consistency.parts.check_model` finds them in `raw`, also where
    parts are not valid. A misspelt key is not also reported as missing.
    """
    details = [detail for detail in error.errors(include_url=False) if detail["type"] != INCONSISTENT]
    unknown = [_path(detail, raw) for detail in details if detail["type"] == "extra_forbidden"]
    meant = {(*path[:-1], closest(str(path[-1]), _keys(path[:-1]))) for path in unknown}
    for detail in details:
        if detail["type"] != "missing" or _path(detail, raw) not in meant:
            yield _mistake(detail, document, raw)


def _mistake(detail: ErrorDetails, document: Document, raw: Mapping[str, object]) -> Mistake:
    kind, path, context = detail["type"], _path(detail, raw), detail.get("ctx", {})
    if kind == "missing":
        return Mistake(path, "is missing", f"add `{_example(path)}`")
    if kind == "extra_forbidden":
        allowed = _keys(path[:-1])
        remedy = did_you_mean(str(path[-1]), allowed, f"remove it; allowed here: {listed(allowed)}")
        return Mistake(path, *PLANNED.get(path, ("is not a key here", remedy)))
    remedy = f"write `{_example(path)}`"
    if detail["input"] in (None, "", (), [], {}):
        return Mistake(path, "is empty", remedy)
    if kind == MISTAKE:
        return Mistake(path, context["what"], context["remedy"])
    if kind not in WANTED:
        return Mistake(path, detail["msg"][:1].lower() + detail["msg"][1:], remedy)
    if kind == "string_type" and (source := document.sources.get(("attributes", *path))):
        remedy = f"quote it if it is meant: '{source}'"  # `no`, 2013 and 1.0 are no text to YAML
    return Mistake(path, f"is {_short(detail['input'])}, not {WANTED[kind].format(**context)}", remedy)


def _short(value: object) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    return str(value) if isinstance(value, date) else repr(value)


def _path(detail: ErrorDetails, raw: object) -> Path:
    """Return the keys of the error's place, without the names that pydantic inserts."""
    path: Path = ()
    for step in detail["loc"]:
        below = {where[-1]: value for where, value in items(raw)}
        if step in below:
            raw = below[step]
            path = (*path, step)
    return (*path, detail["loc"][-1]) if detail["type"] == "missing" else path


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    return {str(info.validation_alias or name): info for name, info in model.model_fields.items()}


def _walk(annotation: Any, path: Path, name: str = "", info: FieldInfo | None = None) -> Place:
    """Return the model at `path` below `annotation`, and the last field of the path."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if not path:
            return annotation, name, info
        field = _fields(annotation).get(str(path[0]))
        return (None, name, info) if field is None else _walk(field.annotation, path[1:], str(path[0]), field)
    rest = path[1:] if get_origin(annotation) in (dict, tuple) else path
    places = [_walk(inner, rest, name, info) for inner in get_args(annotation)]
    return next((place for place in places if place[0] or place[2] is not info), (None, name, info))


def _keys(path: Path) -> list[str]:
    model, _, _ = _walk(MonitoredModel, path)
    return list(_fields(model)) if model else []


def _example(path: Path) -> str:
    """Return a correct example of the field at `path` or around it, in YAML's flow style."""
    _, name, info = _walk(MonitoredModel, path)
    example = {name: info.examples[0] if info and info.examples else "…"}
    return str(yaml.safe_dump(example, default_flow_style=True, sort_keys=False, width=1000))[1:-2]
