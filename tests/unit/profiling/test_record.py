import pytest

from lupus_assets.profiling.profiled import WHOLE
from lupus_assets.profiling.record import profile_rows, profiles_from
from lupus_assets.sinks.schema import to_table
from tests.models import day, declared, frozen, log, profiled

LATE = declared({"label": {"column": "y", "arrives_within": "2d"}})


@pytest.mark.parametrize("model", [declared(), LATE])
@pytest.mark.parametrize(
    "columns",
    [{}, {"amount": None}, {"y": None}, {"p": None}, {"version": ["v1", "v2"] * 150}, {"country": None}],
)
def test_a_profile_is_what_was_stored_of_it(model, columns):
    reference = frozen(model)
    for found in profiled(model, reference, log(5, **columns)).values():
        rows = profile_rows(found, "champion", day(5), day(5).end, reference.digest)
        back = profiles_from(to_table("profiles", rows))
        assert back.problems == found.problems
        assert {cell: each for cell, each in found.profiles.items() if each.counts or each.columns} == {
            cell: each for cell, each in back.profiles.items() if each.counts or each.columns
        }
        assert next(iter(back.profiles)) == WHOLE


def test_a_cut_that_left_nothing_but_problems_has_all_rows_still():
    reference = frozen(LATE)
    _, late = profiled(LATE, reference, log(5, y=None)).values()
    rows = profile_rows(late, "champion", day(5), day(5).end, reference.digest)
    assert [row.kind for row in rows] == ["problem"]
    assert list(profiles_from(to_table("profiles", rows)).profiles) == [WHOLE]
