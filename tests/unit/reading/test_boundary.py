"""Numbers exactly on a boundary: 0 and 1, the threshold, the instant of a cut, both ends of a window."""

from datetime import timedelta

import numpy as np
import pytest

from lupus_assets.profiling.profiled import WHOLE
from lupus_assets.reading.batch import Reading, outside, read_rows, usable
from lupus_assets.reading.cut import Cut, cuts, open_cuts
from lupus_assets.reading.role import kinds, roles
from tests.models import DAY, SALT, START, day, declared, frozen, log, only, pieces, profiled

MICROSECOND = timedelta(microseconds=1)
SCORES = [0.0, 1.0, -0.0, np.nextafter(1.0, 2.0), -5e-324, float("nan"), float("inf"), None, 0.5]


def read(model, **columns):
    table = log(5, len(next(iter(columns.values()))), **columns)
    (batch,) = pieces(table)
    return read_rows(batch, Reading(model, roles(model, kinds(model, table.schema)), {}, SALT), ())


def test_a_score_is_usable_from_0_to_1_with_both_ends():
    model = declared()
    rows = read(model, p=SCORES)
    reading = Reading(model, (), {}, SALT)
    assert usable(rows.blocks["p"], reading).tolist() == [True, True, True] + [False] * 5 + [True]


def test_a_value_is_usable_wherever_it_is_finite():
    model = declared({"prediction": {"value": "p"}})
    rows = read(model, p=SCORES)
    reading = Reading(model, (), {}, SALT)
    assert usable(rows.blocks["p"], reading).tolist() == [True] * 5 + [False] * 3 + [True]


def test_scores_of_exactly_0_and_1_are_predictions_like_others():
    """Judged, ranked, decided on and scored: neither invalid nor left out of performance and residual."""
    model = declared()
    p = [0.0] * 60 + [1.0] * 80 + [0.5] * 160
    whole = only(profiled(model, frozen(model), log(5, p=p, y=[True] * 300))).profiles[WHOLE]
    assert whole.counts.invalid == 0
    assert whole.joint.n == whole.residual.n == 300
    assert whole.columns["p"].zeros == 60


@pytest.mark.parametrize(("threshold", "positives"), [(0.2, 4), (0.25, 3), (0.5, 2), (0.501, 1)])
def test_a_score_on_the_threshold_is_decided_for(threshold, positives):
    model = declared({"decision": {"threshold": threshold}})
    table = log(5, 4, p=[0.2, 0.25, 0.5, 1.0], y=[True] * 4)
    decisions = only(profiled(model, frozen(model, [log(0)]), table)).profiles[WHOLE].joint.decisions
    assert (decisions.true_positives, decisions.false_negatives) == (positives, 4 - positives)


AS_OF = day(9).start
CUT = Cut(AS_OF, rows=True, labels=True)
BEFORE, AFTER = AS_OF - MICROSECOND, AS_OF + MICROSECOND


def test_a_row_is_visible_from_the_instant_of_its_arrival_on():
    rows = read(declared({"arrival": "came"}), came=[BEFORE, AS_OF, AFTER, None])
    assert rows.visible(CUT).tolist() == [True, True, False, False]


def test_a_label_counts_once_it_and_its_row_have_arrived():
    model = declared(
        {"arrival": "came", "label": {"column": "y", "arrival": "known", "arrives_within": "3d"}}
    )
    rows = read(
        model,
        came=[AS_OF, AS_OF, AFTER, AFTER, BEFORE, None, AS_OF],
        known=[AS_OF, AFTER, AS_OF, AFTER, BEFORE, BEFORE, None],
    )
    assert rows.labelled(CUT).tolist() == [True, False, False, False, True, False, False]
    assert not rows.labelled(Cut(AS_OF, rows=True, labels=False)).any()


def test_without_arrivals_every_row_and_every_label_is_there():
    rows = read(declared(), p=[0.5] * 3)
    assert rows.visible(CUT).all()
    assert rows.labelled(CUT).all()


def test_a_label_is_seen_in_the_profile_once_it_and_its_row_have_arrived():
    label = {"column": "y", "arrival": "known", "arrives_within": "3d"}
    model = declared({"arrival": "came", "label": label})
    first = day(0).start
    reference = frozen(model, [log(0, came=[first] * 300, known=[first] * 300)])
    _, late = cuts(model, day(5))
    came = [late.as_of] * 200 + [late.as_of + MICROSECOND] * 100
    known = [late.as_of] * 150 + [late.as_of + MICROSECOND] * 50 + [late.as_of] * 100
    found = profiled(model, reference, log(5, came=came, known=known))[late].profiles[WHOLE]
    assert found.joint.n == 150
    assert (found.columns["y"].rows, found.columns["y"].nulls) == (200, 50)


def test_a_window_holds_its_start_and_not_its_end():
    window = day(5)
    at = [window.start - MICROSECOND, window.start, window.end - MICROSECOND, window.end, None]
    rows = read(declared(), at=at)
    assert outside(rows, "at", window).tolist() == [True, False, False, True, False]
    assert outside(read(declared(), at=[window.start, window.end - MICROSECOND]), "at", window) is None
    whole = only(profiled(declared(), frozen(declared()), log(5, 5, at=at))).profiles[WHOLE]
    assert whole.counts.outside == 2


GRACE = {"every": "day", "start": START.date(), "grace": "6h"}
HOURS = timedelta(hours=1)


@pytest.mark.parametrize(
    ("delay", "expected"),
    [
        ("5h", [(6, True, True)]),
        ("6h", [(6, True, True)]),  # labels that are in when the rows are due share their cut
        ("7h", [(6, True, False), (7, False, True)]),
        ("3d", [(6, True, False), (72, False, True)]),
    ],
)
def test_rows_and_labels_have_one_cut_unless_the_labels_come_later(delay, expected):
    model = declared({"label": {"column": "y", "arrives_within": delay}}, cadence=GRACE)
    found = [((cut.as_of - day(5).end) / HOURS, cut.rows, cut.labels) for cut in cuts(model, day(5))]
    assert found == expected


def test_without_a_label_there_is_one_cut_of_the_rows():
    (cut,) = cuts(declared({"label": None}, cadence=GRACE), day(5))
    assert (cut.as_of, cut.rows, cut.labels) == (day(5).end + 6 * HOURS, True, False)


@pytest.mark.parametrize("arrival", [None, "came"])
def test_a_cut_is_open_from_its_instant_on_and_the_rows_of_a_whole_log_from_the_end_of_the_window_on(arrival):
    """Rows that trickle in wait for their due time; labels always do."""
    model = declared({"label": {"column": "y", "arrives_within": "3d"}, "arrival": arrival}, cadence=GRACE)
    end, (due, labelled) = day(5).end, cuts(model, day(5))

    def opened(now):
        return list(open_cuts(model, day(5), now))

    assert opened(end - MICROSECOND) == []
    assert opened(end) == opened(due.as_of - MICROSECOND) == ([due] if arrival is None else [])
    assert opened(due.as_of) == opened(labelled.as_of - MICROSECOND) == [due]
    assert opened(labelled.as_of) == opened(labelled.as_of + 9 * DAY) == [due, labelled]


def test_labels_of_the_rows_own_cut_wait_for_its_instant():
    model = declared({"label": {"column": "y", "arrives_within": "6h"}}, cadence=GRACE)
    (cut,) = cuts(model, day(5))
    assert open_cuts(model, day(5), cut.as_of - MICROSECOND) == ()
    assert open_cuts(model, day(5), cut.as_of) == (cut,)


@pytest.mark.parametrize("segments", [(), ("country",)])
@pytest.mark.parametrize("version", [["v1"] * 300, ["v1", "v2"] * 150])
def test_a_cut_holds_the_rows_that_had_arrived_with_and_without_segments_and_versions(segments, version):
    model = declared({"arrival": "came"}, segments=segments)
    reference = frozen(model, [log(0, came=[day(0).start] * 300)])
    (cut,) = cuts(model, day(5))
    arrived = np.arange(300) % 3 > 0
    came = np.where(arrived, cut.as_of, cut.as_of + MICROSECOND).tolist()
    whole = log(5, came=came, version=version)
    profiles = profiled(model, reference, whole)[cut].profiles
    kept = profiled(model, reference, whole.filter(arrived))[cut].profiles
    assert profiles.keys() == kept.keys()
    for cell, profile in profiles.items():
        assert profile.counts == kept[cell].counts
        assert profile.columns["amount"].histogram == kept[cell].columns["amount"].histogram
        assert profile.columns["user"] == kept[cell].columns["user"]
        assert profile.joint.n == kept[cell].joint.n
    assert profiles[WHOLE].counts.rows == 200
