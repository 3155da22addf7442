"""Large picture of a history with axes: values, expected range and alarms."""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from html import escape
from itertools import pairwise

import numpy as np

from lupus_assets.picturing.course import Point
from lupus_assets.picturing.drawing import FLAT, TINY, Scale, opened, path, runs, titled

WIDTH, HEIGHT = 1160, 400  # units of the drawing; one pixel each in a window 1200 pixels wide
LEFT, RIGHT, TOP, BOTTOM = 74, 12, 34, 28  # margins around the plot
LINES = 6  # maximum number of grid lines
FEW = 4  # minimum number of labelled partitions, if there are as many
LEVELS = (4, 7, 10)  # leading characters of a partition key: its year, month and day
HEADROOM = 0.06  # margin above and below the values, as a fraction of their span
HUGE = 1e300  # larger absolute values are drawn at the edge
JOINED = 1.5  # largest distance of two joined partitions, in ordinary steps
ALONE = 3  # half the width of the range of an isolated partition
BAND, LINE, ALARM, GRID, TEXT = "#3d71d9", "#3d71d9", "#e02f44", "#e4e7eb", "#5b6570"


def svg(points: Sequence[Point], *, percent: bool, title: str) -> str:
    """Return an SVG drawing of a history: expected range as a band, values as a line, alarms as dots.

    The sentence of each partition is its tooltip. An alarm without a value is a ring on the axis.

    Parameters
    ----------
    points : sequence of Point
        In time order; without points, only the axes are drawn.
    percent : bool
        Whether the axis shows the values as percentages.
    title : str
        Text for screen readers.
    """
    plot = _Plot(points, percent)
    head = opened(WIDTH, HEIGHT, f'role="img" aria-label="{escape(title)}" font-size="12" fill="{TEXT}"')
    return (
        f"{head}{''.join(_legend())}{''.join(plot.grid())}{''.join(plot.dates())}"
        f'<path fill="{BAND}" fill-opacity=".13" stroke="{BAND}" stroke-opacity=".22" '
        f'd="{"".join(plot.bands())}"/>'
        f'<path fill="none" stroke="{LINE}" stroke-width="1.6" stroke-linejoin="round" '
        f'stroke-linecap="round" d="{"".join(plot.lines())}"/>'
        f"{''.join(plot.partitions())}</svg>"
    )


class _Plot:
    """Points with their positions in the drawing."""

    def __init__(self, points: Sequence[Point], percent: bool) -> None:
        self.points, self.unit = points, 100 if percent else 1
        self.sign = " %" if percent else ""
        self.bottom, self.top = _domain(points, percent)
        self.y = Scale(self.bottom, self.top, HEIGHT - BOTTOM, TOP, self.top - self.bottom)
        starts = [point.start for point in points]
        self.starts = starts
        steps = [after - before for before, after in pairwise(starts)]
        # Windows of a cron schedule have unequal lengths: the ordinary step is their 0.9 quantile.
        ordinary = np.quantile([step.total_seconds() for step in steps], 0.9) if steps else 0.0
        self.joined = [*(step.total_seconds() <= JOINED * ordinary for step in steps), False][: len(points)]

    def x(self, start: datetime) -> float:
        first, last = self.starts[0], self.starts[-1]
        share = (start - first) / (last - first) if last > first else 0.5
        return LEFT + (WIDTH - LEFT - RIGHT) * share

    def grid(self) -> Iterator[str]:
        """Yield a line and a number for each round value."""
        for value, text in _ticks(self.bottom * self.unit, self.top * self.unit):
            y = self.y(value / self.unit)
            yield (
                f'<path stroke="{GRID}" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
                f'<text x="{LEFT - 10}" y="{y + 4:.1f}" text-anchor="end">{text}{self.sign}</text>'
            )

    def dates(self) -> Iterator[str]:
        """Yield a mark and a text for some of the partitions."""
        free = 0.0  # labels may overlap where partitions are missing
        for at, text in _labels([point.key for point in self.points]):
            x = self.x(self.points[at].start)
            if x < free:
                continue
            free = x + _wide(text)
            held = min(x, WIDTH - 3.5 * len(text))  # the last label must stay within the drawing
            yield (
                f'<path stroke="{GRID}" d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM + 5}"/>'
                f'<text x="{held:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{escape(text)}</text>'
            )

    def runs(self, there: Sequence[bool]) -> Iterator[list[Point]]:
        """Yield the points of each stretch without a gap."""
        for run in runs(there, self.joined):
            yield [self.points[at] for at in run]

    def bands(self) -> Iterator[str]:
        """Yield the outline of the expected range for each stretch of partitions with a range."""
        for run in self.runs([point.low is not None or point.high is not None for point in self.points]):
            # An open side extends to the edge of the plot.
            upper = [(self.x(each.start), self.y(_or(each.high, self.top))) for each in run]
            lower = [(self.x(each.start), self.y(_or(each.low, self.bottom))) for each in run]
            if len(run) == 1:
                ((x, high),), ((_, low),) = upper, lower
                upper, lower = [(x - ALONE, high), (x + ALONE, high)], [(x - ALONE, low), (x + ALONE, low)]
            yield f"{path([*upper, *reversed(lower)])}Z"

    def lines(self) -> Iterator[str]:
        """Yield the line of each stretch of values; a single value gives a point."""
        for run in self.runs([point.value is not None for point in self.points]):
            line = [(self.x(each.start), self.y(_or(each.value, 0.0))) for each in run]
            yield f"{path(line)}{'h.1' if len(line) == 1 else ''}"

    def partitions(self) -> Iterator[str]:
        """Yield the tooltip area of each partition, with its value or alarm."""
        places = [self.x(point.start) for point in self.points]
        edges = [LEFT, *((one + other) / 2 for one, other in pairwise(places)), WIDTH - RIGHT]
        for point, x, (left, right) in zip(self.points, places, pairwise(edges), strict=False):
            said = f"{point.key}\n{point.sentence or 'no value'}"
            yield (
                f'<g class="partition{" alarm" if point.flagged else ""}">{titled(said)}'
                f'<rect x="{left:.1f}" y="{TOP}" width="{right - left:.1f}" height="{HEIGHT - BOTTOM - TOP}" '
                'fill="none" pointer-events="all"/>'
                f'<path class="here" stroke="{TEXT}" stroke-opacity=".5" '
                f'd="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}"/>'
                f"{self._dot(point, x) if point.flagged or point.value is not None else ''}</g>"
            )

    def _dot(self, point: Point, x: float) -> str:
        if point.value is None:
            return (
                f'<circle cx="{x:.1f}" cy="{HEIGHT - BOTTOM}" r="4.5" fill="#fff" stroke="{ALARM}" '
                'stroke-width="2"/>'
            )
        y = self.y(point.value)
        if not point.flagged:
            return f'<circle class="here" cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{LINE}"/>'
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{ALARM}" stroke="#fff" stroke-width="1.5"/>'


def _legend() -> Iterator[str]:
    yield f'<path stroke="{LINE}" stroke-width="2" d="M{LEFT} 12h18"/>'
    yield f'<text x="{LEFT + 25}" y="16">value</text>'
    yield f'<rect x="{LEFT + 76}" y="6" width="18" height="12" fill="{BAND}" fill-opacity=".14"/>'
    yield f'<text x="{LEFT + 101}" y="16">expected range</text>'
    yield f'<circle cx="{LEFT + 213}" cy="12" r="4.5" fill="{ALARM}"/>'
    yield f'<text x="{LEFT + 224}" y="16">alarm</text>'


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def _domain(points: Sequence[Point], percent: bool) -> tuple[float, float]:
    """Return the lowest and highest value of the plot; at least 0 if no value is below 0."""
    known = [each for point in points for each in (point.value, point.low, point.high) if each is not None]
    held = [min(max(each, -HUGE), HUGE) for each in known]
    if not held:
        return 0.0, 1.0
    low, high = min(held), max(held)
    largest = max(abs(low), abs(high))
    if high - low > max(FLAT * largest, TINY):
        room = HEADROOM * (high - low)
    else:
        room = largest / 10 if largest > TINY else 1.0
    bottom = max(low - room, 0.0) if low >= 0 else low - room
    return bottom, min(high + room, 1.0) if percent and high <= 1 else high + room


def _ticks(bottom: float, top: float) -> list[tuple[float, str]]:
    """Return the round values in a range, and their texts."""
    least = (top - bottom) / LINES
    size = 10.0 ** math.floor(math.log10(least))
    step = next(size * each for each in (1, 2, 5, 10, 20) if size * each >= least)
    decimals = max(0, -math.floor(math.log10(step) + FLAT))
    first, last = math.ceil(bottom / step - FLAT), math.floor(top / step + FLAT)
    plain = decimals <= 6 and max(abs(bottom), abs(top)) < 1e12
    values = [at * step for at in range(first, last + 1)]
    return [(each, f"{each:,.{decimals}f}" if plain else f"{each:.6g}") for each in values]


def _labels(keys: Sequence[str]) -> list[tuple[int, str]]:
    """Return the partitions to label, and their texts: first ones of years, months or days, or all."""
    begun: list[int] = []
    for level in LEVELS:
        begun = [at for at in range(1, len(keys)) if keys[at][:level] != keys[at - 1][:level]]
        if len(begun) >= FEW:
            break
    else:
        begun, level = [*range(len(keys))], None
    texts = [(at, keys[at][:level]) for at in begun]
    most = (WIDTH - LEFT - RIGHT) // max((_wide(text) for _, text in texts), default=1)
    return texts[:: -(-len(texts) // most) or 1]


def _wide(text: str) -> int:
    """Return the width of a label with the gap after it, in units of the drawing."""
    return 7 * len(text) + 12
