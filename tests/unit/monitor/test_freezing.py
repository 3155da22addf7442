import numpy as np
import pyarrow as pa
import pytest

from lupus_assets.errors import ReferenceMissing
from lupus_assets.monitor.freezing import SEGMENTS
from lupus_assets.stats.codec import from_bytes, to_bytes
from tests.models import declared, frozen, log

MODEL = declared()


def test_a_reference_holds_what_later_windows_are_measured_against():
    reference = frozen(MODEL)
    assert reference.rows == 900
    assert set(reference.segments) == {"country=de", "country=jp", "country=kr"}
    assert set(reference.columns["*"]) == {"p", "y", "amount", "country"}
    assert set(reference.grids) == {"p", "y", "amount"}
    assert reference.kinds["id"] == reference.kinds["user"] == "identity"
    assert reference.surrogate is not None
    assert reference.surrogate.r_squared > 0.7


def test_the_same_rows_give_the_same_digest_and_other_rows_another():
    tables = [log(0), log(1)]
    assert frozen(MODEL, tables).digest == frozen(MODEL, tables).digest
    assert frozen(MODEL, tables).digest != frozen(MODEL, [log(0), log(2)]).digest


def test_a_reference_survives_its_bytes():
    reference = frozen(MODEL)
    assert from_bytes(to_bytes(reference)) == reference


def test_a_window_without_rows_cannot_be_frozen():
    with pytest.raises(
        ReferenceMissing, match=r"2024-01-01 to 2024-01-02 holds no rows; declare a `reference`"
    ):
        frozen(MODEL, [log(0, 0), log(1, 0)])


def test_days_without_rows_are_no_harm():
    assert frozen(MODEL, [log(0, 0), log(1), log(2, 0)]).rows == 300


def test_a_version_is_data_and_has_no_distribution_to_drift_from():
    assert "version" not in frozen(MODEL).columns["*"]


def test_a_column_with_too_many_values_gives_the_most_frequent_segments_only():
    values = [f"c{number:03}" for number in range(SEGMENTS + 10) for _ in range(30)]
    segments = frozen(MODEL, [log(0, len(values), country=values)]).segments
    assert len(segments) == SEGMENTS


def test_scores_outside_0_and_1_do_not_shape_the_surrogate():
    """Clipped into range they would count as certain; they are left out, as they are from later windows."""
    table = log(0)
    p = np.array(table["p"].to_pylist())
    odd = np.where(np.arange(300) < 100, 7.0, p)
    null = pa.array([None if row < 100 else value for row, value in enumerate(p.tolist())])
    with_odd, with_null = frozen(MODEL, [log(0, p=odd)]), frozen(MODEL, [log(0, p=null)])
    assert with_odd.surrogate.effects.tolist() == with_null.surrogate.effects.tolist()


def test_predictions_without_any_usable_row_have_no_surrogate():
    assert frozen(MODEL, [log(0, p=[None, float("nan"), 2.0] * 100)]).surrogate is None


def test_predictions_whose_squares_overflow_have_no_surrogate():
    model = declared({"prediction": {"value": "v"}, "label": None})
    reference = frozen(model, [log(0, p=None, v=[1e200, 2.0, 3.0] * 100)])
    assert reference.surrogate is None


def test_features_may_be_listed_and_the_others_are_ignored():
    model = declared({"features": {"numeric": ["amount"], "categorical": []}}, segments=())
    reference = frozen(model)
    assert "country" not in reference.kinds
    assert reference.segments == ()


def test_nested_columns_are_left_out_of_automatic_features():
    table = log(0, basket=[[1, 2]] * 300, raw=[b"x"] * 300)
    assert not {"basket", "raw"} & set(frozen(MODEL, [table]).kinds)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_numbers_are_ranked_evenly_whatever_their_unit(scale):
    days = [log(number) for number in range(3)]
    tables = [
        log(number, amount=[scale * x for x in rows["amount"].to_pylist()])
        for number, rows in enumerate(days)
    ]
    association = frozen(MODEL, tables).association
    ranks = dict(zip(association.names, association.ranking.ranks, strict=True))
    assert set(ranks) == {"amount", "country", "p"}
    for name in ("amount", "p"):
        assert np.isnan(ranks[name][-1])
        assert np.diff(ranks[name][:-1]).min() >= 1
        assert ranks[name][0] <= -13
        assert ranks[name][-2] >= 13
    at = association.names.index("amount"), association.names.index("p")
    assert association.correlation[at] > 0.85


def test_categories_are_ranked_by_their_mean_score():
    countries = ["de"] * 150 + ["jp"] * 100 + ["kr"] * 50
    by_country = {"de": 0.5, "jp": 0.9, "kr": 0.1}
    tables = [log(0, country=countries, p=[by_country[name] for name in countries])]
    association = frozen(MODEL, tables).association
    at = association.names.index("country"), association.names.index("p")
    assert association.correlation[at] > 0.99


def test_a_prediction_by_class_ranks_numbers_alone():
    """Nothing says which category is the higher one."""
    model = declared(columns={"prediction": {"class": "country"}, "label": None}, segments=())
    assert set(frozen(model).association.names) == {"amount", "p"}
