"""A picture shows value, range and alarms, and is small enough to be stored with a check."""

import base64
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pytest

from lupus_assets.monitor.trail import COLUMNS, HEIGHT, MARGIN, SHOWN, Trail, svg, trail
from lupus_assets.monitor.verdict import verdict_rows
from lupus_assets.sinks.schema import to_table
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


def test_a_side_without_an_end_reaches_to_the_edge(rows, table):
    found = trail(table, of(rows, 55, "association"))  # of which only a fall is news
    assert (np.isfinite(found.low[-1]), found.high[-1]) == (True, np.inf)
    band = drawn(svg(found)).find(f"{SVG}path").get("d")
    assert band.split("L")[0].split()[1::2] == [str(MARGIN)] * SHOWN


def test_the_picture_has_a_dot_where_the_alarm_is_and_stays_within_its_frame(rows, table):
    drawing = drawn(svg(trail(table, of(rows, 55)), 'a "title" < b'))
    (dot,) = drawing.iter(f"{SVG}circle")
    assert int(dot.get("cy")) < HEIGHT / 4  # 90 among fifties is at the top
    assert drawing.find(f"{SVG}title").text == 'a "title" < b'
    for path in drawing.iter(f"{SVG}path"):
        numbers = path.get("d").replace("M", " ").replace("L", " ").replace("z", " ").split()
        assert all(0 <= int(y) <= HEIGHT for y in numbers[1::2])


def test_a_gap_breaks_the_line():
    value = np.array([1.0, 2.0, np.nan, 3.0])
    found = svg(Trail(value, value - 1, value + 1, np.zeros(4, bool)))
    assert [path.get("d").count("M") for path in drawn(found).iter(f"{SVG}path")] == [2, 2]


@pytest.mark.parametrize("flagged", [0, 5])
def test_it_is_shown_without_a_click(flagged):
    """Dagit hides Markdown from 1,000 characters on."""
    rng = np.random.default_rng(2)
    value = rng.normal(size=SHOWN) * 1e5
    found = Trail(value, value - 1e5, value + 1e5, np.arange(SHOWN) < flagged)
    assert len(base64.b64encode(svg(found).encode())) < 950 + 40 * flagged


@pytest.mark.parametrize("value", [[], [np.nan], [7.0], [7.0, 7.0]])
def test_few_and_equal_values_can_be_drawn(value):
    array = np.array(value)
    drawn(svg(Trail(array, array, array, np.zeros(array.size, bool))))
