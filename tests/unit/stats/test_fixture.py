"""States that were written in each format; of those that were released the files are never written again.

Those of the format in force: ``python -m tests.unit.stats.write_fixture``.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass

import numpy as np
import pytest

from lupus_assets.errors import StateError
from lupus_assets.stats.codec import VERSION, from_bytes, marginal_of, reference_marginals
from lupus_assets.stats.codec.format import READ
from lupus_assets.stats.column import CategoricalColumn, NumericColumn
from lupus_assets.stats.profile import Profile
from lupus_assets.stats.reference.frozen import Reference
from tests.unit.stats.write_fixture import FOLDER, states


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


@pytest.mark.parametrize("version", READ[1:])
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


def shape(value: object) -> object:
    """Return what a state is made of: its classes, fields and types, without the numbers."""
    if is_dataclass(value):
        return type(value).__name__, {each.name: shape(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {name: shape(each) for name, each in value.items()}
    if isinstance(value, tuple):
        return [shape(each) for each in value]
    if isinstance(value, np.ndarray):
        return value.dtype.name, value.ndim
    return type(value).__name__


@pytest.mark.parametrize("name", ["profile", "reference", "amount", "country"])
def test_the_files_of_the_format_in_force_are_what_this_version_writes(name):
    """Where a state has changed: write them anew, or under a new format if the last one was released."""
    assert shape(kept(name, VERSION)) == shape(states()[name])
