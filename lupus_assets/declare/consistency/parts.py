"""Checks of the agreement between parts of a declaration.

Every check reads plain data, from YAML or from the dump of a valid part, and skips values of the wrong shape:
the types report them already, and they must not hide a contradiction elsewhere in the file.
"""

from collections.abc import Iterator, Mapping, Set

from lupus_assets.declare.consistency.plain import at, items, texts
from lupus_assets.declare.consistency.rule import check_rules
from lupus_assets.declare.consistency.timing import check_cadence, check_timing
from lupus_assets.declare.metric import METRICS, NEEDS_LABEL, NOT_FOR_ALL, OF_KIND
from lupus_assets.declare.mistake import Mistake, Path, did_you_mean, dotted, listed

ROLES: dict[Path, str] = {
    ("timestamp",): "the timestamp",
    ("arrival",): "the arrival time",
    ("key",): "the key",
    ("entity",): "the entity",
    ("version",): "the version",
    ("prediction", "score"): "the prediction",
    ("prediction", "class"): "the prediction",
    ("prediction", "value"): "the prediction",
    ("label",): "the label",
    ("label", "column"): "the label",
    ("label", "arrival"): "the label's arrival time",
    ("features", "numeric"): "a numeric feature",
    ("features", "categorical"): "a categorical feature",
}
FEATURES = {"a numeric feature", "a categorical feature"}
SHOWN = {"the timestamp", "the version", "the prediction", "the label"}
MEASURED = FEATURES | {"the prediction", "the label"}  # roles whose distribution is measured


def _repeated(data: object, *path: str | int) -> Iterator[Mistake]:
    seen = set()
    for where, text in texts(data, *path):
        if text in seen:
            yield Mistake(where, f"'{text}' is named twice", "remove one of the two")
        seen.add(text)


def _roles(columns: object) -> list[tuple[Path, str, str]]:
    return [(where, column, role) for path, role in ROLES.items() for where, column in texts(columns, *path)]


def check_columns(columns: object) -> Iterator[Mistake]:
    """Yield columns with two roles, and settings that need another kind of prediction."""
    seen: dict[str, str] = {}
    for where, column, role in _roles(columns):
        if column in seen:
            what = f"'{column}' is {seen[column]} already"
            yield Mistake(where, what, "a column has one role: remove one of the two")
        seen.setdefault(column, role)
    yield from _repeated(columns, "private")
    for where, column in texts(columns, "private"):
        if seen.get(column) in SHOWN:
            what = f"'{column}' is {seen[column]}, which cannot be watched without being stored"
            yield Mistake(where, what, "only features can be private; keys and entities are never stored")
    kinds = [kind for kind in ("class", "value") if at(columns, "prediction", kind) is not None]
    if kinds and at(columns, "prediction", "score") is None:
        if at(columns, "decision") is not None:
            what = f"a prediction by {kinds[0]} is not decided by a threshold"
            yield Mistake(("decision",), what, "remove it, or declare prediction.score")
        # True is the default, which a dumped part always contains.
        if at(columns, "label", "positive") not in (None, True):
            what = f"a prediction by {kinds[0]} has no positive label"
            yield Mistake(("label", "positive"), what, "remove it, or declare prediction.score")


def _check_slices(data: object) -> Iterator[Mistake]:
    columns = at(data, "columns")
    roles: dict[str, str] = {}
    for _, column, role in _roles(columns):
        roles.setdefault(column, role)
    features = {column for column, role in roles.items() if role in FEATURES}
    watched = {column for column, role in roles.items() if role in MEASURED}
    listing = isinstance(at(columns, "features"), Mapping)  # under `auto` any other column is a feature
    private = {text for _, text in texts(columns, "private")}

    for where, column in texts(data, "segments"):
        if column in roles and column not in features:
            yield Mistake(where, f"'{column}' is {roles[column]}", "segment by a feature or remove it")
        elif column in private:
            yield Mistake(
                where, f"'{column}' is private, and a segment shows its values", "remove it here or there"
            )
    yield from _repeated(data, "segments")

    named = [item for path, _ in items(data, "groups") for item in texts(data, *path)]
    for where, column in [*named, *_each_rule(data, "column")]:
        if column in METRICS and where[0] == "groups":
            continue
        if column in roles and column not in watched:
            yield Mistake(
                where, f"'{column}' is {roles[column]}, which is not watched", "name a feature instead"
            )
        elif listing and column not in watched:
            remedy = did_you_mean(
                column, watched, f"add it to columns.features; there are: {listed(sorted(watched))}"
            )
            yield Mistake(where, f"'{column}' is no declared feature", remedy)
    for path, _ in items(data, "groups"):
        yield from _repeated(data, *path)


def _each_rule(data: object, key: str) -> list[tuple[Path, str]]:
    return [item for path, _ in items(data, "rules") for item in texts(data, *path, key)]


def _unknown(named: list[tuple[Path, str]], what: str, known: Set[str], place: str) -> Iterator[Mistake]:
    for where, name in named:
        if name not in known:
            otherwise = f"declare it in {place}; there are: {listed(sorted(known))}"
            yield Mistake(where, f"'{name}' is no declared {what}", did_you_mean(name, known, otherwise))


def _check_names(data: object) -> Iterator[Mistake]:
    tracks = {str(path[-1]) for path, _ in items(data, "tracks")}
    pairs = [path for path, _ in items(data, "compare")]
    compared = [item for path in pairs for key in ("old", "new") for item in texts(data, *path, key)]
    if isinstance(at(data, "tracks"), Mapping):
        used = [*texts(data, "reference", "track"), *_each_rule(data, "track"), *compared]
        yield from _unknown(used, "track", tracks, "tracks")
    segments = {text for _, text in texts(data, "segments")}
    # A rule may name one value of a segment, such as origin=JFK.
    slices = [(where, text.partition("=")[0]) for where, text in _each_rule(data, "segment")]
    yield from _unknown(slices, "segment", segments, "segments")
    groups = {str(path[-1]) for path, _ in items(data, "groups")}
    yield from _unknown(_each_rule(data, "group"), "group", groups, "groups")

    yield from _check_metrics(data)
    yield from check_rules(data)
    has_columns = isinstance(at(data, "columns"), Mapping)
    if has_columns and pairs and at(data, "columns", "key") is None:
        yield Mistake(
            ("compare",), "needs a key that joins the tracks row by row", "add `key: <column>` to columns"
        )
    seen: dict[tuple[object, object], Path] = {}
    for path in pairs:
        old, new = at(data, *path, "old"), at(data, *path, "new")
        if isinstance(old, str) and old == new:
            yield Mistake((*path, "new"), f"'{new}' is compared with itself", "name another track")
        elif isinstance(old, str) and isinstance(new, str) and seen.setdefault((old, new), path) != path:
            yield Mistake(path, f"is the same pair as {dotted(seen[old, new])}", "remove one of the two")


def _check_tracks(data: object) -> Iterator[Mistake]:
    for path, _ in items(data, "tracks"):
        if "vs" in str(path[-1]).split("_"):
            what = f"'{path[-1]}' has a vs, which stands between the tracks of a comparison"
            yield Mistake(path, what, "write another name")


def _check_metrics(data: object) -> Iterator[Mistake]:
    columns = at(data, "columns")
    kinds = [kind for kind in OF_KIND if at(columns, "prediction", kind) is not None]
    kind = kinds[0] if len(kinds) == 1 else None
    unlabelled = isinstance(columns, Mapping) and at(columns, "label") is None
    for where, metric in _each_rule(data, "metric"):
        if kind and metric in NOT_FOR_ALL and metric not in OF_KIND[kind]:
            remedy = f"write one of {listed(OF_KIND[kind])}, or one that every prediction has"
            yield Mistake(where, f"'{metric}' does not exist for a prediction by {kind}", remedy)
        elif unlabelled and metric in NEEDS_LABEL:
            yield Mistake(where, f"'{metric}' needs labels", "add `label: <column>` to columns")


def check_model(data: object) -> Iterator[Mistake]:
    """Yield every contradiction within the data of one declaration."""
    yield from (found.below("cadence") for found in check_cadence(at(data, "cadence")))
    yield from (found.below("columns") for found in check_columns(at(data, "columns")))
    yield from check_timing(data)
    yield from _check_slices(data)
    yield from _check_names(data)
    yield from _check_tracks(data)
