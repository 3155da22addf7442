"""A large picture shows value, range and alarms against dates and numbers, whatever the history is."""

import re
from datetime import datetime, timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lupus_assets.picturing.chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, svg
from lupus_assets.picturing.course import Point

SVG = "{http://www.w3.org/2000/svg}"
START = datetime(2024, 1, 1)  # noqa: DTZ001  # as tables have it


def point(number: int, value: float | None = 5.0, **other: object) -> Point:
    start = START + timedelta(days=number)
    return Point(f"{start:%Y-%m-%d}", start, value, **other)  # type: ignore[arg-type]


def drawn(points: list[Point], *, percent: bool = False, title: str = "") -> ElementTree.Element:
    return ElementTree.fromstring(svg(points, percent=percent, title=title))  # noqa: S314 - our own


def band(drawing: ElementTree.Element) -> str:
    return drawing.find(f"{SVG}path[@fill-opacity]").get("d")


def line(drawing: ElementTree.Element) -> str:
    return drawing.find(f"{SVG}path[@stroke-linejoin]").get("d")


def places(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path)]


def texts(drawing: ElementTree.Element, anchor: str) -> list[str]:
    return [each.text for each in drawing.iter(f"{SVG}text") if each.get("text-anchor") == anchor]


def test_the_band_goes_along_the_highs_and_back_along_the_lows():
    drawing = drawn([point(number, low=3.0 + number, high=8.0 + number) for number in range(3)])
    found = places(band(drawing))
    assert (
        [x for x, _ in found[:3]]
        == [x for x, _ in reversed(found[3:])]
        == [x for x, _ in places(line(drawing))]
    )
    assert all(upper < lower for (_, upper), (_, lower) in zip(found[:3], reversed(found[3:]), strict=True))


def test_a_side_without_an_end_reaches_to_the_edge_of_the_plot():
    above = places(band(drawn([point(0, low=3.0), point(1, low=3.0)])))
    below = places(band(drawn([point(0, high=8.0), point(1, high=8.0)])))
    assert {y for _, y in above[:2]} == {TOP}
    assert {y for _, y in below[2:]} == {HEIGHT - BOTTOM}


def test_a_range_of_one_partition_alone_can_be_seen():
    (one, _), (other, _), *_ = places(band(drawn([point(0), point(1, low=3.0, high=8.0), point(2)])))
    assert other - one > 1


def test_a_partition_without_a_value_breaks_the_line_and_one_value_alone_is_a_point():
    found = line(drawn([point(0), point(1), point(2, None), point(3), point(4, None), point(5)]))
    assert found.count("M") == 3
    assert found.count("h.1") == 2


def test_a_partition_that_never_was_breaks_the_line_and_leaves_its_place_empty():
    found = line(drawn([point(number) for number in range(40) if number not in (20, 21)]))
    assert found.count("M") == 2
    steps = [
        after - before for (before, _), (after, _) in zip(places(found), places(found)[1:], strict=False)
    ]
    assert max(steps) == pytest.approx(3 * min(steps), abs=0.2)


def test_the_long_windows_of_weekends_are_no_gaps():
    weekdays = [number for number in range(60) if (START + timedelta(days=number)).weekday() < 5]
    assert line(drawn([point(number) for number in weekdays])).count("M") == 1


def test_an_alarm_is_a_dot_on_the_line_that_says_its_partition_and_its_sentence():
    said = 'share of null `a<b>` is "high" & rising'
    points = [point(number, float(number), flagged=number == 3, sentence=said) for number in range(5)]
    drawing = drawn(points)
    (alarm,) = [each for each in drawing.iter(f"{SVG}g") if "alarm" in each.get("class")]
    assert alarm.find(f"{SVG}title").text == f"2024-01-04\n{said}"
    dot = alarm.find(f"{SVG}circle")
    assert (float(dot.get("cx")), float(dot.get("cy"))) == places(line(drawing))[3]


def test_an_alarm_without_a_value_is_a_ring_on_the_axis():
    drawing = drawn([point(0), point(1, None, flagged=True, sentence="`a` is not there")])
    (alarm,) = [each for each in drawing.iter(f"{SVG}g") if "alarm" in each.get("class")]
    assert float(alarm.find(f"{SVG}circle").get("cy")) == HEIGHT - BOTTOM


def test_every_partition_says_what_it_is():
    titles = [each.text for each in drawn([point(0, sentence="as ever"), point(1, None)]).iter(f"{SVG}title")]
    assert titles == ["2024-01-01\nas ever", "2024-01-02\nno value"]


def test_numbers_are_round_and_in_the_unit_of_the_metric():
    assert texts(drawn([point(0, 0.0), point(1, 1.0)], percent=True), "end") == [
        "0 %", "20 %", "40 %", "60 %", "80 %", "100 %",
    ]  # fmt: skip
    assert texts(drawn([point(0, 1e6), point(1, 2.9e6)]), "end") == [
        "1,000,000", "1,500,000", "2,000,000", "2,500,000", "3,000,000",
    ]  # fmt: skip
    assert "0.004" in texts(drawn([point(0, 0.0), point(1, 0.01)]), "end")


def test_nothing_below_zero_is_shown_where_nothing_is():
    assert texts(drawn([point(0, 0.0), point(1, 0.0)]), "end")[0] == "0.0"
    assert texts(drawn([point(0, -1.0), point(1, 1.0)]), "end")[0].startswith("-")


@pytest.mark.parametrize(
    ("days", "first", "last"),
    [(3, "2024-01-01", "2024-01-03"), (40, "2024-01-02", "2024-02-07"), (400, "2024-02", "2025-02")],
)
def test_partitions_are_named_where_days_or_months_begin(days, first, last):
    found = texts(drawn([point(number) for number in range(days)]), "middle")
    assert (found[0], found[-1]) == (first, last)
    assert len(found) <= 14


def test_hours_are_named_by_days_where_they_are_many():
    starts = [START + timedelta(hours=number) for number in range(24 * 10)]
    found = texts(drawn([Point(f"{start:%Y-%m-%d-%H:%M}", start, 1.0) for start in starts]), "middle")
    assert found == [f"2024-01-{day:02}" for day in range(2, 11)]


def test_what_comes_from_outside_is_escaped():
    drawing = drawn([Point('"><script>', START, 1.0, sentence="</title><script>")], title='"><script>')
    assert not list(drawing.iter(f"{SVG}script"))
    assert drawing.get("aria-label") == '"><script>'


@pytest.mark.parametrize("value", [None, 0.0, 7.0, -7.0, 1e-300, 5e-324, 1e308])
def test_no_few_and_equal_values_can_be_drawn(value):
    for points in ([], [point(0, value)], [point(0, value), point(1, value)]):
        drawn(points)
        drawn(points, percent=True)


def test_values_that_only_the_smallest_number_tells_apart_are_one_line():
    assert len(texts(drawn([point(0, 0.0), point(1, 5e-324)]), "end")) > 1


numbers = st.none() | st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.tuples(numbers, numbers, numbers, st.booleans()), max_size=12), st.booleans())
def test_whatever_the_values_are_the_drawing_keeps_within_its_frame(rows, percent):
    points = [
        point(number, value, low=low, high=high, flagged=flagged)
        for number, (value, low, high, flagged) in enumerate(rows)
    ]
    drawing = drawn(points, percent=percent)
    for x, y in places(band(drawing)) + places(line(drawing)):
        assert LEFT - 5 <= x <= WIDTH - RIGHT + 5
        assert TOP <= y <= HEIGHT - BOTTOM
    assert len(texts(drawing, "end")) <= 8
