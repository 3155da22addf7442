"""Checks that the rules of one model differ in their names or contents."""

from collections.abc import Iterator, Mapping

from lupus_assets.declare.consistency.plain import at, items, texts
from lupus_assets.declare.mistake import Mistake, Path, dotted
from lupus_assets.declare.rule import CONDITIONS, LIKELY_BY_CHANCE

LIMITED_TO = ("metric", "column", "segment", "group")


def check_rules(data: object) -> Iterator[Mistake]:
    """Yield names that two rules share, and equal rules without a name on the same track."""
    named: dict[str, Path] = {}
    unnamed: dict[str, list[Path]] = {}
    for path, rule in items(data, "rules"):
        names = list(texts(data, *path, "name"))
        for where, name in names:
            if named.setdefault(name, path) != path:
                yield Mistake(where, f"'{name}' is the name of {dotted(named[name])}", "write another name")
        if names or not isinstance(rule, Mapping):
            continue
        alike = unnamed.setdefault(_said(rule), [])
        twin = next((other for other in alike if _of_one_track(data, path, other)), None)
        if twin is not None:
            remedy = "remove one of the two, or give each a `name`"
            yield Mistake(path, f"is the same rule as {dotted(twin)}", remedy)
        alike.append(path)


def _said(rule: Mapping[str, object]) -> str:
    """Return the content of a rule without its track, as a text to compare."""
    conditions = [(name, _plain(name, rule[name])) for name in CONDITIONS if rule.get(name) is not None]
    return repr(([rule.get(name) for name in LIMITED_TO], conditions))


def _plain(name: str, condition: object) -> object:
    if not isinstance(condition, Mapping):
        return float(condition) if isinstance(condition, int) else condition
    whole = {"p": LIKELY_BY_CHANCE, **condition} if name.endswith("_steadily") else dict(condition)
    return sorted((str(key), _plain("", value)) for key, value in whole.items())


def _of_one_track(data: object, one: Path, other: Path) -> bool:
    first, second = at(data, *one, "track"), at(data, *other, "track")
    return first is None or second is None or first == second
