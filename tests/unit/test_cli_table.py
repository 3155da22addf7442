"""Any table fits a width and holds nothing raw; what runs long says how far it is."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lupus_assets.cli import table
from lupus_assets.cli.progress import FIRST_SECONDS, Progress, sentence


def columns(line: str) -> int:
    """Return how many columns of a terminal a line takes."""
    return sum(
        0 if unicodedata.combining(each) else 1 + (unicodedata.east_asian_width(each) in "WF")
        for each in line
    )


@given(
    st.integers(1, 12).flatmap(
        lambda columns: st.lists(
            st.lists(st.text(max_size=200), min_size=columns, max_size=columns), min_size=1, max_size=4
        )
    )
)
def test_any_table_fits_and_is_clean(lines):
    text = table.laid_out(lines[0], lines[1:])
    assert all(each.isprintable() for each in text if each != "\n")
    assert max(map(columns, text.splitlines()), default=0) <= table.WIDTH


@given(st.text(max_size=300), st.integers(2, 40))
def test_wrapping_loses_nothing_but_spaces_at_the_ends_of_lines(text, width):
    lines = table.wrap(table.plain(text), width)
    assert "".join(lines).replace(" ", "") == table.plain(text).replace(" ", "")


def test_a_value_of_megabytes_is_cut_and_said_to_be():
    text = table.laid_out(["value"], [["x" * 5_000_000]])
    assert len(text) < 2_000
    assert "5,000,000" in text


def test_what_ends_soon_says_nothing_and_what_runs_long_says_how_far_it_is(capsys, monkeypatch):
    with Progress("reading", lambda: 3, "rows") as progress:
        progress.advance()
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("lupus_assets.cli.progress.FIRST_SECONDS", 0.0)
    said = []
    monkeypatch.setattr("lupus_assets.cli.progress.sentence", lambda *words: said.append(words) or "told")
    with Progress("reading", lambda: 3, "rows") as progress:
        for _ in progress.counted([1, 2, 3]):
            while not said:
                pass
    assert said[0][:2] == ("reading", 0)
    assert said[0][2:4] == (3, "rows")
    assert capsys.readouterr().err == "told\n"


def test_the_first_word_comes_within_two_seconds():
    assert FIRST_SECONDS < 2


@pytest.mark.parametrize(
    ("done", "total", "said"),
    [
        (0, 100, "log: 20 s so far"),
        (5, 0, "log: 20 s so far"),
        (25, 100, "log: 25 of 100 rows, about 1 min left"),
        (100, 100, "log: 100 of 100 rows, about 1 s left"),
    ],
)
def test_the_rest_is_estimated_from_the_pace_so_far(done, total, said):
    assert sentence("log", done, total, "rows", 20.0) == said
