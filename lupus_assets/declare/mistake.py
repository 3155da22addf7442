"""Mistakes in a declaration, each with a remedy, and suggestions for misspelt names."""

import pathlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from pydantic_core import PydanticCustomError

from lupus_assets.errors import UsageError

Path = tuple[str | int, ...]

MISTAKE = "mistake"
INCONSISTENT = "inconsistent"


@dataclass(frozen=True)
class Mistake:
    """One mistake in plain data, without a file and a line.

    Attributes
    ----------
    path : tuple of str or int
        Keys and list positions of its place, outermost first.
    what : str
        The mistake in words.
    remedy : str
        The correction in words.
    """

    path: Path
    what: str
    remedy: str

    def below(self, *parents: str | int) -> "Mistake":
        """Return the same mistake with `parents` in front of its path."""
        return Mistake((*parents, *self.path), self.what, self.remedy)


def dotted(path: Path) -> str:
    """Return `path` as text.

    >>> dotted(("rules", 1, "metric"))
    'rules[1].metric'
    """
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the name in `known` that starts with `name` or is similar to it; None if there is none."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    begun = [candidate for candidate in by_lower if len(name) >= 3 and candidate.startswith(name.lower())]
    close = begun if len(begun) == 1 else get_close_matches(name.lower(), by_lower, n=1)
    return by_lower[close[0]] if close else None


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """Return ``did you mean 'x'?`` for the closest name in `known`, or `otherwise` if none is close."""
    meant = closest(name, known)
    return otherwise if meant is None else f"did you mean '{meant}'?"


def listed(names: Collection[str]) -> str:
    """Return `names` as text in their order, or ``none`` if there are none."""
    return ", ".join(names) or "none"


def mistake(what: str, remedy: str) -> PydanticCustomError:
    """Return the error for a validator of one value to raise."""
    return PydanticCustomError(MISTAKE, "{what}, {remedy}", {"what": what, "remedy": remedy})


def refuse(mistakes: Iterable[Mistake]) -> None:
    """Raise all `mistakes` as one error of pydantic's; do nothing if there are none."""
    lines = [f"{dotted(each.path)}: {each.what}, {each.remedy}" for each in mistakes]
    if lines:
        raise PydanticCustomError(INCONSISTENT, "{lines}", {"lines": "\n".join(lines)})


def missing(path: pathlib.Path, otherwise: str) -> UsageError:
    """Return the error for a `path` that does not exist, with a similar name in its folder, if any."""
    beside = path.parent
    meant = closest(path.name, [entry.name for entry in beside.iterdir()] if beside.is_dir() else [])
    remedy = otherwise if meant is None else f"did you mean {beside / meant}?"
    return UsageError(f"{path} does not exist, {remedy}")
