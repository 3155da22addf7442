import numpy as np
import pyarrow as pa
import pytest

from lupus_assets.errors import ReferenceMissing
from lupus_assets.profiling import sampling
from lupus_assets.profiling.coverage import coverage
from lupus_assets.profiling.freezing import MAX_SEGMENTS
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
    values = [f"c{number:03}" for number in range(MAX_SEGMENTS + 10) for _ in range(30)]
    segments = frozen(MODEL, [log(0, len(values), country=values)]).segments
    assert len(segments) == MAX_SEGMENTS


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


def wide(number: int, columns: int) -> pa.Table:
    """Return a day of many columns; the score follows every tenth."""
    rng = np.random.default_rng(number)
    values = rng.normal(size=(columns, 250))
    p = 1 / (1 + np.exp(-values[::10].sum(axis=0)))
    more = {f"f{at:03d}": each.tolist() for at, each in enumerate(values)}
    return log(number, 250, p=p.tolist(), amount=None, country=None, **more)


@pytest.fixture(scope="module")
def of_wide():
    return frozen(declared(segments=()), [wide(number, 400) for number in range(3)])


def test_of_a_wide_model_the_strongest_inputs_are_held_against_the_score_and_each_other(of_wide):
    names = [f"f{at:03d}" for at in range(400)]
    explaining, ranked = of_wide.surrogate.design.names, of_wide.association.names
    assert of_wide.surrogate.design.width <= 3_200
    assert (len(explaining), len(ranked)) == (355, 256)
    assert ranked[-1] == "p"
    for kept in (explaining, ranked[:-1]):
        assert len(set(names[::10]) & set(kept)) >= 38  # of forty; the sample is small
        assert list(kept) == sorted(kept)
    assert of_wide.surrogate.r_squared > 0.9


def test_every_input_of_a_wide_model_has_a_distribution_to_drift_from_and_what_is_left_out_is_said(of_wide):
    assert set(of_wide.columns["*"]) == {f"f{at:03d}" for at in range(400)} | {"p", "y"}
    assert coverage(declared(segments=()), of_wide) == (
        "of 400 inputs, 355 explain the score and 255 are correlated with each other; "
        "the others are monitored one by one"
    )
    assert coverage(MODEL, frozen(MODEL)) is None


def test_numbers_of_a_model_that_is_nearly_wide_have_fewer_bins_and_none_is_left_out():
    surrogate = frozen(declared(segments=()), [wide(number, 200) for number in range(2)]).surrogate
    assert surrogate.design.names == tuple(f"f{at:03d}" for at in range(200))
    assert {encoder.width for encoder in surrogate.design.encoders} == {16}
    assert surrogate.r_squared > 0.9


def test_a_wide_model_by_class_ranks_its_first_numbers():
    """Nothing says which of them tells most of a class."""
    model = declared(
        columns={"prediction": {"class": "version"}, "version": None, "label": None}, segments=()
    )
    reference = frozen(model, [wide(0, 270).drop_columns(["y"])])
    assert reference.association.names == ("p", *(f"f{at:03d}" for at in range(255)))
    assert coverage(model, reference).startswith("of 271 inputs, 256 are correlated with each other")


def test_a_sample_of_too_many_values_is_thinned_evenly(monkeypatch):
    monkeypatch.setattr(sampling, "MOST_VALUES", 8 * 500)  # of the eight columns
    seen = []
    grid = sampling.Grid.of
    monkeypatch.setattr(sampling.Grid, "of", lambda sample: seen.append(sample.size) or grid(sample))
    reference = frozen(MODEL, [log(number) for number in range(5)])
    assert reference.rows == 1_500
    assert 250 <= max(seen) <= 500
