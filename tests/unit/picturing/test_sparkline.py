"""A picture shows value, range and alarms, and is small enough to be stored with a check."""

import base64
import re
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pytest

from lupus_assets.picturing.sparkline import COLUMNS, HEIGHT, MARGIN, SHOWN, Trail, svg, trail
from lupus_assets.sinks.schema import to_table
from tests.judged import verdict_rows
from tests.models import day, declared, metric

SVG = "{http://www.w3.org/2000/svg}"


def drawn(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)  # noqa: S314 - our own


@pytest.fixture(scope="module")
def rows():
    values = 50 + np.random.default_rng(1).normal(size=60)
    values[50] = 90
    metrics = [metric(number, float(value)) for number, value in enumerate(values)]
    metrics += [metric(number, 1.0, metric="association") for number in range(60)]
    table = to_table("metrics", metrics)
    windows = [day(number) for number in range(60)]
    return verdict_rows(table, model=declared(), track="champion", reference="now", windows=windows)


@pytest.fixture(scope="module")
def table(rows) -> pa.Table:
    return to_table("verdicts", rows).select(list(COLUMNS))


def of(rows, number: int, name: str = "clipped_mean"):
    return next(row for row in rows if row.metric == name and row.partition_key == day(number).key)


def test_it_is_the_series_of_the_verdict_up_to_its_partition(rows, table):
    found = trail(table, of(rows, 55))
    assert found.value.size == SHOWN
    assert found.value.tolist() == [of(rows, number).value for number in range(56 - SHOWN, 56)]
    assert np.flatnonzero(found.flagged).tolist() == [SHOWN - 6]
    assert (found.low < found.high).all()


def test_a_young_series_is_as_long_as_it_is_and_has_no_range(rows, table):
    found = trail(table, of(rows, 4))
    assert found.value.size == 5
    assert np.isnan(found.low).all()
    assert drawn(svg(found)).find(f"{SVG}path").get("d") == ""


def points(path: str) -> list[tuple[int, int]]:
    """Return where a path of relative steps goes."""
    found = []
    for stretch in path.split("M")[1:]:
        start, _, steps = stretch.partition("l")
        x, y = map(int, start.split())
        found.append((x, y))
        for dx, dy in re.findall(r"(-?\d+)\s*(-?\d+)", steps):
            x, y = x + int(dx), y + int(dy)
            found.append((x, y))
    return found


def test_a_side_without_an_end_reaches_to_the_edge(rows, table):
    found = trail(table, of(rows, 55, "association"))  # of which only a fall is news
    assert (np.isfinite(found.low[-1]), found.high[-1]) == (True, np.inf)
    band = points(drawn(svg(found)).find(f"{SVG}path").get("d"))
    assert {y for _, y in band[:SHOWN]} == {MARGIN}


def test_the_picture_has_a_dot_where_the_alarm_is_and_stays_within_its_frame(rows, table):
    found = trail(table, of(rows, 55))
    drawing = drawn(svg(found, 'a "title" < b'))
    band, line, alarms = (path.get("d") for path in drawing.iter(f"{SVG}path"))
    ((x, y),) = points(alarms.replace("h1", ""))
    assert x == points(line)[SHOWN - 6][0]
    assert y < HEIGHT / 4  # 90 among fifties is at the top
    assert drawing.find(f"{SVG}title").text == 'a "title" < b'
    assert len(points(line)) == SHOWN
    assert len(points(band)) == 2 * SHOWN
    assert all(0 <= x <= 4 * SHOWN and 0 <= y <= HEIGHT for x, y in points(band) + points(line))


def test_a_gap_breaks_the_line():
    value = np.array([1.0, 2.0, np.nan, 3.0])
    found = svg(Trail(value, value - 1, value + 1, np.zeros(4, bool)))
    assert [path.get("d").count("M") for path in drawn(found).iter(f"{SVG}path")] == [2, 2, 0]


@pytest.mark.parametrize("flagged", [0, 3, SHOWN])
def test_it_is_shown_without_a_click(flagged):
    """Dagit hides Markdown from 1,000 characters on."""
    rng = np.random.default_rng(2)
    value = rng.normal(size=SHOWN) * 1e5
    found = Trail(value, value - 1e5, value + 2e5 * rng.random(SHOWN), np.arange(SHOWN) < flagged)
    text = f"![](data:image/svg+xml;base64,{base64.b64encode(svg(found).encode()).decode()})"
    assert len(text) < 1_000


@pytest.mark.parametrize("value", [[], [np.nan], [7.0], [7.0, 7.0]])
def test_few_and_equal_values_can_be_drawn(value):
    array = np.array(value)
    drawn(svg(Trail(array, array, array, np.zeros(array.size, bool))))
