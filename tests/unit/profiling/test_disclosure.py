"""What fewer than 20 rows have is not named: values, versions, segments."""

import pytest

from lupus_assets.profiling.profiled import LEAST_DISCLOSED, WHOLE
from tests.models import declared, frozen, log, only, profiled

MODEL = declared()
REFERENCE = frozen(MODEL)
ROWS = 300


def split(rare: int, value: str = "rare", rest: str = "common") -> list[str]:
    return [value] * rare + [rest] * (ROWS - rare)


def found(model=MODEL, reference=REFERENCE, at=(), **columns):
    return only(profiled(model, reference, log(5, ROWS, **columns), at=at))


def test_so_many_rows_are_20():
    assert LEAST_DISCLOSED == 20


@pytest.mark.parametrize("at", [(), (7,), (100,)])
@pytest.mark.parametrize(("rows", "named"), [(1, False), (19, False), (20, True), (21, True)])
def test_a_version_is_named_from_20_rows_on(rows, named, at):
    versions = {version for version, _ in found(at=at, version=split(rows)).profiles}
    assert versions == {"*", "common", "rare"} if named else versions == {"*", "common"}


@pytest.mark.parametrize("at", [(), (7,)])
def test_a_version_whose_name_is_kept_back_is_named_nowhere_else(at):
    profiled_ = found(at=at, version=split(19))
    for profile in profiled_.profiles.values():
        assert "rare" not in profile.columns["version"].categories.names
    assert profiled_.profiles[WHOLE].columns["version"].categories.total == ROWS


def test_rows_of_a_version_that_only_labels_speak_of_are_counted_as_well():
    """The labels come later, and their cut counts no rows as such."""
    model = declared({"label": {"column": "y", "arrives_within": "3d"}})
    for rows, named in ((19, False), (20, True)):
        cuts = profiled(model, frozen(model), log(5, version=split(rows)))
        for profiled_ in cuts.values():
            assert any(version == "rare" for version, _ in profiled_.profiles) is named


@pytest.mark.parametrize("at", [(), (7,)])
@pytest.mark.parametrize(("rows", "named"), [(1, False), (19, False), (20, True)])
def test_a_value_is_named_from_20_rows_on(rows, named, at):
    categories = found(at=at, country=split(rows, "de", "jp")).profiles[WHOLE].columns["country"].categories
    assert set(categories.names) == ({"de", "jp"} if named else {None, "jp"})
    assert sorted(categories.counts.tolist()) == sorted([rows, ROWS - rows])


def test_a_value_is_named_by_the_rows_of_the_segment_and_of_the_version_it_is_shown_in():
    """Of 30 rows with a value 19 are of one segment: there it has no name."""
    country = ["de"] * 19 + ["jp"] * 11 + ["jp"] * (ROWS - 30)
    reference = frozen(MODEL, [log(0, channel=split(30))])
    profiles = found(reference=reference, country=country, channel=split(30)).profiles
    assert "rare" in profiles[WHOLE].columns["channel"].categories.names
    for segment in ("country=de", "country=jp"):
        assert "rare" not in profiles["*", segment].columns["channel"].categories.names


@pytest.mark.parametrize(("rows", "named"), [(19, False), (20, True)])
def test_a_value_is_a_segment_from_20_rows_of_one_partition_on(rows, named):
    """However many rows of several partitions together have it."""
    tables = [log(number, country=split(rows, "de", "jp")) for number in range(3)]
    segments = set(frozen(MODEL, tables).segments)
    assert segments == ({"country=de", "country=jp"} if named else {"country=jp"})


@pytest.mark.parametrize(("rows", "named"), [(19, False), (20, True)])
def test_a_value_is_named_in_the_reference_from_20_rows_of_one_partition_on(rows, named):
    tables = [log(number, channel=split(rows)) for number in range(3)]
    categories = frozen(MODEL, tables).columns["*"]["channel"].column.categories
    assert ("rare" in categories.names) is named
    assert sorted(categories.counts.tolist()) == [3 * rows, 3 * (ROWS - rows)]


def test_one_partition_that_may_name_a_value_names_it_for_all():
    tables = [log(0, channel=split(19)), log(1, channel=split(20))]
    categories = frozen(MODEL, tables).columns["*"]["channel"].column.categories
    assert set(categories.names) == {"rare", "common"}
