"""An old and a new track over tables small enough to compare by hand."""

import math

import numpy as np
import pytest

from lupus_assets.detect.scale import SCALES
from lupus_assets.measuring.comparison import compared_roles, comparison_rows, predictions
from lupus_assets.reading.batch import Reading
from lupus_assets.reading.cut import Cut
from lupus_assets.reading.role import kinds, roles
from lupus_assets.stats.grid import Grid
from tests.models import DAY, SALT, day, declared, log, pieces

TRACKS = {"old": {"parquet": "{partition}.old"}, "new": {"parquet": "{partition}.new"}}
PAIR = [{"old": "old", "new": "new"}]
GRID = Grid(0.5, 0.1)
WHOLE = Cut(day(5).end, rows=True, labels=True)

OLD = {"id": ["a", "b", "c", "d", "e"], "p": [0.1, 0.2, 0.6, 0.8, 0.9], "y": [False, True, True, True, False]}
NEW = {"id": ["e", "d", "c", "b", "x"], "p": [0.4, 0.7, 0.6, 0.6, 0.5], "y": [False, True, True, True, True]}


def said(model, columns, cut=WHOLE, at=(), rows=None):
    table = log(5, len(columns["id"]) if rows is None else rows, **columns)
    listed = compared_roles(roles(model, kinds(model, table.schema)), model.columns.key)
    return predictions(pieces(table, at), Reading(model, listed, {"p": GRID}, SALT), cut)


def compared(old, new, columns=None, cut=WHOLE, **parts):
    model = declared(columns, tracks=TRACKS, compare=PAIR, segments=(), **parts)
    rows = comparison_rows(
        said(model, old, cut),
        said(model, new, cut),
        model=model,
        tracks=("old", "new"),
        window=day(5),
        as_of=day(5).end,
        grid=GRID,
    )
    assert len({row.metric for row in rows}) == len(rows)
    return {row.metric: row for row in rows}


@pytest.fixture(scope="module")
def scores():
    return compared(OLD, NEW)


@pytest.mark.parametrize(
    ("metric", "old", "new", "difference", "n"),
    [
        ("row_count", 5, 5, 0, 5),
        # Common are b, c, d, e: old 0.2, 0.6, 0.8, 0.9 and new 0.6, 0.6, 0.7, 0.4.
        ("joined_share", None, None, 0.8, 5),
        ("flip_rate", None, None, 0.5, 4),
        ("prediction_mean", 0.625, 0.575, -0.05, 4),
        ("prediction_change", None, None, 0.25, 4),
        ("accuracy", 0.5, 1.0, 0.5, 4),
        ("brier", (0.64 + 0.16 + 0.04 + 0.81) / 4, (0.16 + 0.16 + 0.09 + 0.16) / 4, -0.27, 4),
        ("bias", 0.125, 0.175, 0.05, 4),
        ("auc", 0.0, 1.0, 1.0, 4),
    ],
)
def test_a_difference_by_hand(scores, metric, old, new, difference, n):
    row = scores[metric]
    assert (row.old_value, row.new_value) == (pytest.approx(old), pytest.approx(new))
    assert row.difference == pytest.approx(difference)
    assert (row.n, row.reason) == (n, None)
    assert (row.old, row.new, row.column_name) == ("old", "new", "p")


def test_means_are_compared_row_by_row(scores):
    """The interval is that of the paired differences 0.4, 0, -0.1, -0.5, not of two independent means."""
    reach = 1.959964 * np.std([0.4, 0.0, -0.1, -0.5], ddof=1) / 2
    row = scores["prediction_mean"]
    assert (row.lower, row.upper) == pytest.approx((-0.05 - reach, -0.05 + reach))


def test_the_interval_of_a_share_stays_within_0_and_1(scores):
    for metric, n, share in (("flip_rate", 4, 0.5), ("joined_share", 5, 0.8)):
        scale, reach = SCALES["share"], 1.959964 / math.sqrt(4 * n + 2)
        middle = scale.forward(np.array([share]), np.array([n]))
        low, high = (float(scale.backward(middle + side, np.array([n]))[0]) for side in (-reach, reach))
        row = scores[metric]
        assert (row.lower, row.upper) == pytest.approx((low, high))
    for same in (compared(OLD, OLD), compared(NEW, NEW)):
        assert (same["flip_rate"].difference, same["flip_rate"].lower) == (0.0, 0.0)
        assert 0 < same["flip_rate"].upper < 1
        assert (same["joined_share"].difference, same["joined_share"].upper) == (1.0, 1.0)
        assert 0 < same["joined_share"].lower < 1


def test_a_track_compared_with_itself_differs_in_nothing():
    for metric, row in compared(OLD, OLD).items():
        assert row.difference == (1.0 if metric == "joined_share" else 0.0)


def test_distances_take_all_predictions_and_the_old_track_as_reference(scores):
    assert scores["ks"].difference == pytest.approx(0.4)
    assert scores["wasserstein"].difference == pytest.approx(0.2, abs=0.01)
    assert scores["psi"].difference > 0
    assert scores["psi"].lower is None


def test_tracks_without_a_common_row_say_so():
    rows = compared(OLD, NEW | {"id": ["v", "w", "x", "y", "z"]})
    assert rows["joined_share"].difference == 0.0
    for metric in ("flip_rate", "prediction_mean", "prediction_change"):
        assert (rows[metric].difference, rows[metric].reason) == (None, "no rows are common to both tracks")
    assert rows["auc"].reason == "no labels yet"
    assert rows["ks"].difference is not None


def test_a_track_without_rows_is_compared_too():
    model = declared(tracks=TRACKS, compare=PAIR, segments=())
    nothing = said(model, {}, rows=0)
    rows = comparison_rows(
        said(model, OLD),
        nothing,
        model=model,
        tracks=("old", "new"),
        window=day(5),
        as_of=day(5).end,
        grid=GRID,
    )
    found = {row.metric: row for row in rows}
    assert found["row_count"].difference == -5
    assert found["ks"].reason == "a track has no usable predictions"


def test_predictions_that_are_none_are_left_out_and_their_rows_counted():
    odd = [0.5, 1.5, float("nan"), None, 0.5]
    rows = compared(OLD, {"id": [*"abcd", None], "p": odd, "y": [True] * 5})
    assert rows["row_count"].new_value == 5
    assert rows["joined_share"].difference == pytest.approx(0.2)
    assert rows["prediction_mean"].n == 1


@pytest.mark.parametrize("at", [[], [1], [2, 3]])
def test_of_rows_that_share_a_key_the_first_counts(at):
    model = declared(tracks=TRACKS, compare=PAIR, segments=())
    columns = {"id": ["b", "a", "b", "a"], "p": [0.1, 0.2, 0.3, 0.4], "y": [True] * 4}
    found = said(model, columns, at=at)
    assert sorted(found.values.tolist()) == [0.1, 0.2]
    assert (found.rows, found.keys.size) == (4, 2)


def test_before_the_labels_are_in_nothing_is_said_of_performance():
    rows = compared(OLD, NEW, cut=Cut(day(5).end, rows=True, labels=False))
    assert not {"auc", "brier", "accuracy"} & rows.keys()
    assert "flip_rate" in rows


def test_labels_of_the_new_track_serve_where_the_old_log_has_none():
    rows = compared(OLD | {"y": None}, NEW)
    assert rows["auc"].difference == 1.0


def test_rows_and_labels_that_arrive_later_are_invisible():
    later = day(5).end + DAY
    came = {"came": [day(5).end] * 4 + [later], "known": [day(5).end] * 3 + [later] * 2}
    columns = {"arrival": "came", "label": {"column": "y", "arrival": "known"}}
    rows = compared(OLD | came, NEW | came, columns)
    assert (rows["row_count"].old_value, rows["row_count"].new_value) == (4, 4)
    assert rows["joined_share"].difference == pytest.approx(0.75)  # b, c, d of four
    assert rows["accuracy"].n == 2  # the label of d was not in yet


def test_classes_are_compared_by_hash():
    old = {"id": list("abcd"), "c": ["x", "x", "y", "z"], "y": ["x", "y", "y", "z"], "p": None}
    new = {"id": list("abcd"), "c": ["x", "y", "y", "y"], "y": ["x", "y", "y", "z"], "p": None}
    rows = compared(old, new, {"prediction": {"class": "c"}})
    assert rows["flip_rate"].difference == 0.5
    assert (rows["accuracy"].old_value, rows["accuracy"].new_value) == (0.75, 0.75)
    assert rows["accuracy"].difference == 0.0
    # x, y, z: (2.5, 1.5, 1.5) and (1.5, 3.5, .5), and half a row each for the rest, of 6.
    p, q = np.array([2.5, 1.5, 1.5, 0.5]) / 6, np.array([1.5, 3.5, 0.5, 0.5]) / 6
    assert rows["psi"].difference == pytest.approx(float(((q - p) * np.log(q / p)).sum()))


def test_values_are_compared_in_their_unit():
    old = {"id": list("abc"), "v": [1.0, 2.0, 3.0], "y": [1.0, 1.0, 1.0], "p": None}
    new = {"id": list("abc"), "v": [1.0, 1.0, 2.0], "y": [1.0, 1.0, 1.0], "p": None}
    rows = compared(old, new, {"prediction": {"value": "v"}})
    assert rows["mae"].difference == pytest.approx(-2 / 3)
    assert rows["mean_error"].new_value == pytest.approx(1 / 3)
    assert rows["mae"].lower is not None
    assert "flip_rate" not in rows


def test_a_comparison_reads_key_prediction_and_label_and_nothing_else():
    model = declared({"private": ["amount"]}, tracks=TRACKS, compare=PAIR, segments=())
    listed = compared_roles(roles(model, kinds(model, log(5).schema)), model.columns.key)
    assert [role.column for role in listed] == ["id", "p", "y"]


def test_of_values_the_mean_absolute_error_alone_is_compared_row_by_row():
    """The others have no error of one row: their intervals add the variances of both tracks."""
    columns = {"prediction": {"value": "p"}, "label": {"column": "y"}}
    rng = np.random.default_rng(0)
    keys, label = [f"key-{row}" for row in range(60)], rng.normal(10, 2, 60)
    old = {"id": keys, "p": (label + rng.normal(0, 1, 60)).tolist(), "y": label.tolist()}
    new = {"id": keys, "p": (np.array(old["p"]) + rng.normal(0, 0.1, 60)).tolist(), "y": label.tolist()}
    found = compared(old, new, columns)
    errors = [np.array(each["p"]) - label for each in (old, new)]
    paired = np.abs(errors[1]) - np.abs(errors[0])
    reach = 1.959964 * paired.std(ddof=1) / np.sqrt(60)
    assert (found["mae"].lower, found["mae"].upper) == pytest.approx(
        (paired.mean() - reach, paired.mean() + reach)
    )
    variance = sum(error.var(ddof=1) for error in errors) / 60
    reach, difference = 1.959964 * np.sqrt(variance), errors[1].mean() - errors[0].mean()
    error = found["mean_error"]
    assert (error.lower, error.upper) == pytest.approx((difference - reach, difference + reach))
    assert found["rmse"].upper - found["rmse"].lower > 5 * (found["mae"].upper - found["mae"].lower)
