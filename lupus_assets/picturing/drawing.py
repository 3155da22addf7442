"""Elements of the pictures: scales, stretches without a gap, paths and text of an SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

FLAT, TINY = 1e-9, 1e-300  # smaller differences (relative, absolute) are drawn as equal


@dataclass(frozen=True)
class Scale:
    """Linear map from values to positions in a drawing, clipped at its edges.

    Attributes
    ----------
    low, high : float
        Values at the two edges.
    near, far : float
        Positions of `low` and `high`, in units of the drawing.
    span : float
        Difference of `low` and `high`, above 0; larger where they are so close that they are drawn as equal.
    """

    low: float
    high: float
    near: float
    far: float
    span: float

    def __call__(self, value: float) -> float:
        """Return the position of a value; infinities are at the edges."""
        share = (min(max(value, self.low), self.high) - self.low) / self.span
        return self.near + (self.far - self.near) * share


def opened(width: float, height: float, attributes: str) -> str:
    """Return the opening ``svg`` tag of a drawing; width and height are in its own units."""
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {attributes}>'


def titled(text: str) -> str:
    """Return a ``title`` element, whose text is a tooltip; empty for an empty text."""
    return f"<title>{escape(text)}</title>" if text else ""


def runs(there: Sequence[bool], joined: Sequence[bool] | None = None) -> list[list[int]]:
    """Return the indices of each stretch without a gap.

    Parameters
    ----------
    there : sequence of bool
        Whether each index has a value.
    joined : sequence of bool, optional
        Whether a stretch may continue from each index to the next; by default it may.

    Examples
    --------
    >>> runs([True, True, False, True])
    [[0, 1], [3]]
    """
    found: list[list[int]] = []
    goes_on = False
    for at, known in enumerate(there):
        if known and goes_on:
            found[-1].append(at)
        elif known:
            found.append([at])
        goes_on = known and (joined is None or joined[at])
    return found


def path(points: Sequence[tuple[float, float]]) -> str:
    """Return an SVG path through the points, rounded to a tenth of a unit.

    Examples
    --------
    >>> path([(0, 1), (2.5, 3)])
    'M0.0 1.0L2.5 3.0'
    """
    return f"M{'L'.join(f'{x:.1f} {y:.1f}' for x, y in points)}"


def short_path(points: Sequence[tuple[int, int]]) -> str:
    """Return an SVG path through the points in whole units; relative coordinates keep it short.

    Examples
    --------
    >>> short_path([(2, 9), (6, 4), (10, 4)])
    'M2 9l4-5 4 0'
    """
    (x, y), *_ = points
    return f"M{x} {y}l{' '.join(_short(*step) for step in _steps(points))}"


def short_dots(points: Sequence[tuple[int, int]]) -> str:
    """Return an SVG path of strokes of one unit, encoded as in `short_path`; empty for no points.

    Examples
    --------
    >>> short_dots([(2, 9), (6, 4)])
    'M2 9h1m3-5h1'
    """
    if not points:
        return ""
    (x, y), *_ = points
    return f"M{x} {y}h1" + "".join(f"m{_short(dx - 1, dy)}h1" for dx, dy in _steps(points))


def _steps(points: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    return [(x - last, y - before) for (last, before), (x, y) in pairwise(points)]


def _short(dx: int, dy: int) -> str:
    return f"{dx} {dy}".replace(" -", "-")
