"""What judging knows as bytes."""

import hashlib
import struct
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lupus_assets.errors import StateError
from lupus_assets.judging.chain import Setting
from lupus_assets.judging.checkpoint import VERSION, Checkpoint, from_bytes, key_of, to_bytes
from lupus_assets.judging.incident import Open
from lupus_assets.judging.series import Ledger
from lupus_assets.judging.track import chains, go_on, judge
from lupus_assets.sinks.schema import to_table
from tests.models import START, day, declared, metric

REFERENCE = {"from": START.date(), "to": day(24).start.date()}
MODEL = declared({"label": {"column": "y"}}, reference=REFERENCE)
SETTING = Setting(MODEL, (1.0,), MODEL.reference_window()[1])
DAYS = 90


def rows_of(seed: int, columns: int = 5):
    rng = np.random.default_rng(seed)
    found = []
    for number in range(DAYS):
        front, jump = rng.normal(), 2.0 * (number in (50, 51, 80))

        def add(family, column, name, value, number=number, rng=rng):
            found.append(
                metric(
                    number,
                    float(value),
                    family=family,
                    column_name=column,
                    metric=name,
                    upper=float(value) + 0.1,
                )
            )

        add("input", "", "row_count", rng.poisson(1000))
        for at in range(columns):
            add("input", f"c{at}", "clipped_mean", front + rng.normal() / 5 + jump * (at == 0))
            add("input", f"c{at}", "null_rate", rng.poisson(2) / 100)
        add("performance", "y", "auc", 0.8 + rng.normal() / 50 - jump / 10)
    return found


def ledgers(rows, first: int, end: int):
    mine = [row for row in rows if day(first).start <= row.window_start < day(end).start]
    return chains(Ledger.of(to_table("metrics", mine), "now"))


def behind(rows, end: int) -> Checkpoint:
    found = judge(ledgers(rows, 0, end), SETTING, [day(end - 1)])
    return Checkpoint(0, None, dict(found.chains), [{}], Open("champion/x", ("a", "b"), 1))


def verdicts(judgements):
    return [row for each in judgements for row in each.rows(day((each.start - START).days), track="champion")]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.integers(26, DAYS - 1), min_size=1, max_size=6, unique=True))
def test_what_is_read_back_goes_on_as_if_it_had_never_been_written(seed, cut_at):
    rows = rows_of(seed)
    whole = verdicts(judge(ledgers(rows, 0, DAYS), SETTING, [day(at) for at in range(DAYS)]).judgements)
    bounds = [*sorted(cut_at), DAYS]
    state = behind(rows, bounds[0])
    found = []
    for first, end in pairwise(bounds):
        state = from_bytes(to_bytes(state))
        each = go_on(ledgers(rows, first, end), SETTING, [day(at) for at in range(first, end)], state.chains)
        found += verdicts(each.judgements)
        state.chains = dict(each.chains)
    assert found == [row for row in whole if row.window_start >= day(bounds[0]).start]


def test_the_same_state_gives_the_same_bytes_and_they_give_the_same_state():
    data = to_bytes(behind(rows_of(1), 60))
    assert to_bytes(from_bytes(data)) == data
    assert from_bytes(data).incident == Open("champion/x", ("a", "b"), 1)


def test_a_series_that_is_new_needs_the_whole_history():
    rows = rows_of(1)
    state = behind(rows, 60)
    wider = ledgers(rows_of(1, columns=6), 60, 61)
    assert go_on(wider, SETTING, [day(60)], state.chains) is None


@pytest.mark.parametrize("at", [0, 4, 9, 30, -1])
def test_damaged_bytes_are_no_checkpoint(at):
    data = bytearray(to_bytes(behind(rows_of(1), 40)))
    data[at] ^= 255
    with pytest.raises(StateError):
        from_bytes(bytes(data))


@pytest.mark.parametrize("size", [0, 3, 40, 1000])
def test_bytes_that_are_cut_off_are_no_checkpoint(size):
    with pytest.raises(StateError):
        from_bytes(to_bytes(behind(rows_of(1), 40))[:size])


def test_bytes_of_another_version_are_no_checkpoint():
    data = bytearray(to_bytes(behind(rows_of(1), 40)))
    struct.pack_into("<H", data, 4, VERSION + 1)
    with pytest.raises(StateError, match=f"it is of version {VERSION + 1}, and this is {VERSION}"):
        from_bytes(bytes(data))


def test_what_no_checkpoint_may_hold_is_refused():
    with pytest.raises(StateError, match="a set has no place in a checkpoint"):
        to_bytes(Checkpoint(0, None, {"rows": {1}}, [], Open()))


@pytest.mark.parametrize(
    "parts",
    [
        {"alarms": {"budget": "2 per month"}},
        {"rules": [{"metric": "row_count", "below": 5}]},
        {"cadence": {"every": "day", "start": START.date(), "holidays": "DE"}},
        {"cadence": {"every": "day", "start": START.date(), "timezone": "Asia/Tokyo"}},
        {"reference": {"from": START.date(), "to": day(30).start.date()}},
    ],
)
def test_another_declaration_of_what_is_judged_is_another_key(parts):
    other = declared({"label": {"column": "y"}}, **({"reference": REFERENCE} | parts))
    assert key_of(other, "champion", "now") != key_of(MODEL, "champion", "now")


def test_what_does_not_touch_verdicts_leaves_the_key():
    tracks = {name: {"parquet": f"{name}/{{partition}}.parquet"} for name in ("champion", "challenger")}
    of_another = [{"metric": "row_count", "below": 5, "track": "challenger"}]
    parts = {"reference": REFERENCE, "description": "said otherwise", "tracks": tracks, "rules": of_another}
    other = declared({"label": {"column": "y"}}, **parts)
    assert key_of(other, "champion", "now") == key_of(MODEL, "champion", "now")
    assert key_of(MODEL, "champion", "other") != key_of(MODEL, "champion", "now")


def test_a_detector_that_comes_to_other_verdicts_has_another_version():
    """Where this fails, raise `VERSION`: what was kept by the detector before would be gone on from."""
    found = verdicts(judge(ledgers(rows_of(7), 0, DAYS), SETTING, [day(at) for at in range(DAYS)]).judgements)
    said = [
        (
            row.metric,
            row.column_name,
            row.flagged,
            row.severity,
            *(f"{each or 0:.5g}" for each in (row.low, row.high, row.p)),
        )
        for row in found
    ]
    assert (VERSION, hashlib.sha256(repr(said).encode()).hexdigest()[:12]) == (2, "14fb8829805b")


@pytest.mark.parametrize(("holidays", "matters"), [("DE", True), (None, False)])
def test_another_calendar_of_holidays_is_another_key_where_the_cadence_has_any(
    monkeypatch, holidays, matters
):
    cadence = {"every": "day", "start": START.date()} | ({"holidays": holidays} if holidays else {})
    model = declared(cadence=cadence, reference=REFERENCE)
    now = key_of(model, "champion", "now")
    monkeypatch.setattr("lupus_assets.judging.checkpoint.version", lambda package: f"another {package}")
    assert (key_of(model, "champion", "now") != now) is matters


def test_other_columns_and_groups_are_another_key():
    now = key_of(MODEL, "champion", "now")
    other_label = declared({"label": {"column": "other"}}, reference=REFERENCE)
    other_groups = declared({"label": {"column": "y"}}, reference=REFERENCE, groups={"some": ["amount"]})
    assert len({now, *(key_of(model, "champion", "now") for model in (other_label, other_groups))}) == 3


def test_a_key_is_twelve_digits_of_a_file_name():
    key = key_of(MODEL, "champion", "now")
    assert len(key) == 12
    assert set(key) <= set("0123456789abcdef")


def test_another_state_is_no_checkpoint():
    with pytest.raises(StateError, match=r"^it is no checkpoint$"):
        from_bytes(to_bytes(Open("champion/x", (), 0)))
    with pytest.raises(StateError, match=r"^it cannot be read \(.+\)$"):
        from_bytes(b"LUPC")
