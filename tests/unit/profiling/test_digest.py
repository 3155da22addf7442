"""A reference is stale when something that profiling reads is declared otherwise, and only then."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from lupus_assets.declare import MonitoredModel
from lupus_assets.declare.column import Columns
from lupus_assets.profiling.digest import declared
from lupus_assets.stats.codec import to_bytes
from tests.models import frozen, log, profiled

# As a team wrote them once. The digests are those of their frozen references: never change them here.
PLAIN: dict[str, Any] = {
    "model": "m",
    "team": "t",
    "cadence": {"every": "day", "start": "2024-01-01"},
    "tracks": {"champion": {"parquet": "{partition}.parquet"}},
    "columns": {"timestamp": "at", "prediction": {"score": "p"}},
}
FULL: dict[str, Any] = PLAIN | {
    "cadence": {"every": "day", "start": "2024-01-01", "timezone": "Europe/Berlin", "grace": "6h"},
    "columns": {
        "timestamp": "at",
        "timezone": "UTC",
        "arrival": "came",
        "key": "id",
        "entity": "user",
        "version": "version",
        "prediction": {"score": "p"},
        "decision": {"threshold": 0.3},
        "label": {"column": "y", "arrival": "y_came", "arrives_within": "3d", "positive": "late"},
        "features": {"numeric": ["amount", "age"], "categorical": ["country"]},
        "private": ["age"],
    },
    "segments": ["country"],
}
DIGESTS = {"plain": (PLAIN, "64658e5bf9fb0fda"), "full": (FULL, "4a42e1bb1042b537")}

READ: dict[str, object] = {
    "columns.timestamp": "then",
    "columns.timezone": "Asia/Tokyo",
    "columns.arrival": "landed",
    "columns.key": "number",
    "columns.entity": "device",
    "columns.version": "release",
    "columns.prediction.score": "q",
    "columns.decision.threshold": 0.4,
    "columns.label.column": "z",
    "columns.label.arrival": "z_came",
    "columns.label.arrives_within": "4d",
    "columns.label.positive": "early",
    "columns.features.numeric": ["amount", "age", "height"],
    "columns.features.categorical": [],
    "columns.private": [],
    "segments": [],
    "cadence.every": "hour",
    "cadence.timezone": "Europe/Paris",
    "cadence.grace": "7h",
}
KINDS = {"columns.prediction.class": "p", "columns.prediction.value": "p"}
NOT_READ: dict[str, object] = {
    "model": "n",  # names and windows are what a reference is found by
    "team": "u",
    "reference": {"from": "2024-01-01", "to": "2024-01-07"},
    "cadence.start": "2024-02-01",
    "cadence.end": "2025-01-01",
    "cadence.holidays": "DE",
    "tracks": {"champion": {"parquet": "elsewhere/{partition}.parquet"}},
    "description": "Will it?",
    "owners": ["ml@example.com"],
    "upstream": ["warehouse/flights"],
    "groups": {"of_people": ["age"]},
    "alarms": {"budget": "1 per week"},
    "rules": [{"metric": "row_count", "below": 5}],
    "compare": [],
}


def model_of(parts: Mapping[str, Any]) -> MonitoredModel:
    return MonitoredModel.model_validate(parts)


def written(parts: Mapping[str, Any], path: str, value: object) -> dict[str, Any]:
    """Return the parts of a declaration with one setting written otherwise."""
    other = deepcopy(dict(parts))
    place, *names = other, *path.split(".")
    for name in names[:-1]:
        place = place.setdefault(name, {})
    place[names[-1]] = value
    return other


def changed(parts: Mapping[str, Any], path: str, value: object) -> MonitoredModel:
    return model_of(written(parts, path, value))


def settings(part: type[BaseModel], above: str = "") -> Iterator[str]:
    """Yield the path of every setting; of one that is a part only those within it."""
    for name, field in part.model_fields.items():
        path = f"{above}{field.serialization_alias or name}"
        within = [each for each in parts_of(field.annotation) if each.__name__ not in ("Alarms", "Reference")]
        if within:
            yield from settings(within[0], f"{path}.")
        else:
            yield path


def parts_of(annotation: Any) -> list[type[BaseModel]]:
    """Return the parts that a setting may be; lists and mappings of parts are none."""
    if isinstance(annotation, type):
        return [annotation] if issubclass(annotation, BaseModel) else []
    inside = [] if getattr(annotation, "__origin__", None) in (dict, tuple) else get_args(annotation)
    return [part for each in inside for part in parts_of(each)]


@pytest.mark.parametrize(("parts", "digest"), DIGESTS.values(), ids=DIGESTS)
def test_a_stored_declaration_keeps_its_digest(parts, digest):
    assert declared(model_of(parts)) == digest


def test_of_every_setting_it_is_known_whether_profiling_reads_it():
    """A new one belongs to `READ`, and into the digest, or to `NOT_READ`."""
    assert sorted(settings(MonitoredModel)) == sorted(READ.keys() | KINDS.keys() | NOT_READ.keys())


@pytest.mark.parametrize("path", READ)
def test_what_profiling_reads_makes_a_reference_stale(path):
    assert declared(changed(FULL, path, READ[path])) != declared(model_of(FULL))


@pytest.mark.parametrize("path", NOT_READ)
def test_what_profiling_does_not_read_leaves_a_reference_as_it_is(path):
    assert declared(changed(FULL, path, NOT_READ[path])) == declared(model_of(FULL))


def test_the_kind_of_a_prediction_makes_a_reference_stale():
    digests = {
        declared(changed(PLAIN, "columns.prediction", {kind: "p"})) for kind in ("score", "class", "value")
    }
    assert len(digests) == 3


@pytest.mark.parametrize(
    ("path", "default"),
    [
        ("columns.timezone", "UTC"),
        ("columns.features", "auto"),
        ("columns.private", []),
        ("columns.decision", {"threshold": 0.5}),
        ("cadence.timezone", "UTC"),
        ("cadence.grace", "0s"),
        ("segments", []),
    ],
)
def test_writing_a_default_out_changes_nothing(path, default):
    assert declared(changed(PLAIN, path, default)) == declared(model_of(PLAIN))


def test_the_order_of_lists_changes_nothing():
    assert declared(changed(FULL, "columns.features.numeric", ["age", "amount"])) == declared(model_of(FULL))


def test_a_setting_that_is_new_in_a_later_version_leaves_declarations_that_do_not_use_it():
    class Later(Columns):
        weight: str | None = None
        folds: int = 5

    model = model_of(FULL)
    later = model.model_copy(update={"columns": Later.model_validate(FULL["columns"])})
    assert declared(later) == declared(model)


def test_when_a_partition_is_judged_is_read_only_where_something_says_when_rows_or_labels_came():
    labelled = changed(PLAIN, "columns.label", {"column": "y", "arrives_within": "3d"})
    assert declared(labelled) == declared(changed(PLAIN, "columns.label", "y"))
    assert declared(changed(PLAIN, "cadence.grace", "6h")) == declared(model_of(PLAIN))
    for path in ("columns.arrival", "columns.label.arrival"):
        came = written(written(PLAIN, "columns.label", {"column": "y"}), path, "came")
        for setting in ("cadence.grace", "columns.label.arrives_within"):
            assert declared(changed(came, setting, "3d")) != declared(model_of(came))


def test_a_decision_is_read_only_where_labels_say_whether_it_was_right():
    assert declared(changed(PLAIN, "columns.decision.threshold", 0.3)) == declared(model_of(PLAIN))


@pytest.mark.parametrize(
    "path", [path for path in NOT_READ if path not in ("cadence.start", "tracks", "compare")]
)
def test_what_is_not_read_changes_no_byte_of_a_reference_and_a_profile(path):
    """The other half of `NOT_READ`: that it is true."""
    parts = PLAIN | {"columns": PLAIN["columns"] | {"label": "y", "key": "id"}, "segments": ["country"]}
    value = {"of_people": ["amount"]} if path == "groups" else NOT_READ[path]
    made = []
    for model in (model_of(parts), changed(parts, path, value)):
        reference = frozen(model)
        (found,) = profiled(model, reference, log(5)).values()
        made.append((to_bytes(reference), [to_bytes(each) for each in found.profiles.values()]))
    assert made[0] == made[1]
