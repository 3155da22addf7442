"""States that earlier versions wrote: one file of each format, never written again."""

from pathlib import Path

import pytest

from lupus_assets.errors import StateError
from lupus_assets.stats.codec import READ, from_bytes, marginal_of, reference_marginals
from lupus_assets.stats.column import CategoricalColumn, NumericColumn
from lupus_assets.stats.frozen import Reference
from lupus_assets.stats.profile import Profile

FOLDER = Path(__file__).parent / "fixtures"


def kept(what: str, version: int):
    return from_bytes((FOLDER / f"{what}.v{version}.bin").read_bytes())


@pytest.mark.parametrize("version", READ)
def test_a_profile_of_every_format_is_read(version):
    profile = kept("profile", version)
    assert isinstance(profile, Profile)
    amount, country = profile.columns["amount"], profile.columns["country"]
    assert isinstance(amount, NumericColumn)
    assert isinstance(country, CategoricalColumn)
    assert (amount.rows, amount.histogram.total, amount.moments.n) == (300, 300, 300)
    assert amount.minimum <= amount.moments.mean <= amount.maximum
    assert set(country.categories.names) == {"de", "jp", "kr"}
    assert (country.categories.total, country.categories.distinct.estimate()) == (300, 3)
    assert profile.joint.n == profile.residual.n == 300
    assert (profile + profile).columns["amount"].rows == 600


@pytest.mark.parametrize("version", READ)
def test_a_reference_of_every_format_is_read(version):
    reference = kept("reference", version)
    assert isinstance(reference, Reference)
    assert reference.rows == 900
    assert set(reference.segments) == {"country=de", "country=jp", "country=kr"}
    assert reference.surrogate is not None


@pytest.mark.parametrize("version", READ)
def test_clusters_are_in_a_profile_from_format_5_on(version):
    clusters = kept("profile", version).clusters
    assert clusters is None if version < 5 else clusters.absent["user"].sum() == 1


@pytest.mark.parametrize("version", [2, 3, 4, 5])
@pytest.mark.parametrize("name", ["amount", "country"])
def test_of_a_stored_column_the_marginal_is_read_alone(name, version):
    column = kept("profile", version).columns[name]
    found = marginal_of((FOLDER / f"{name}.v{version}.bin").read_bytes())
    if isinstance(column, NumericColumn):
        assert found.histogram == column.histogram
    else:
        assert found.categories.hashes.tolist() == column.categories.hashes.tolist()
        assert found.categories.counts.tolist() == column.categories.counts.tolist()


@pytest.mark.parametrize("version", READ)
def test_of_a_reference_the_columns_of_all_rows_are_read_alone(version):
    data = (FOLDER / f"reference.v{version}.bin").read_bytes()
    found, whole = reference_marginals(data), from_bytes(data).columns["*"]
    assert list(found) == list(whole)
    assert found["amount"].histogram == whole["amount"].column.histogram
    assert found["country"].categories.counts.tolist() == [*whole["country"].column.categories.counts]


def test_a_profile_is_no_reference():
    with pytest.raises(StateError, match="it is a Profile and no reference"):
        reference_marginals((FOLDER / "profile.v5.bin").read_bytes())


def test_numbers_add_over_formats_and_text_that_was_hashed_otherwise_does_not():
    old, new = kept("profile", 1).columns, kept("profile", 2).columns
    assert (old["amount"] + new["amount"]).rows == 600
    for name in ("country", "user"):
        with pytest.raises(StateError, match="hashed text differently; profile that window again"):
            old[name] + new[name]
