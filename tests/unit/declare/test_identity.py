"""Rules that differ are accepted side by side; those that cannot be told apart are not."""

import pytest
from pydantic import ValidationError

from tests.models import declared

RULE = {"metric": "row_count", "below": 500}
TRACKS = {name: {"parquet": f"{name}/{{partition}}.parquet"} for name in ("champion", "challenger")}


@pytest.mark.parametrize(
    "other",
    [
        RULE | {"below": 501},
        {"metric": "row_count", "above": 500},
        RULE | {"segment": "country"},
        RULE | {"name": "few_rows"},
        {"metric": "row_count", "falls_from_recent": {"partitions": 14, "by": 500}},
    ],
)
def test_rules_that_differ_stand_side_by_side(other):
    assert len(declared(rules=[RULE, other]).rules) == 2


def test_one_rule_may_be_declared_once_for_each_track():
    rules = [RULE | {"track": track} for track in TRACKS]
    assert len(declared(rules=rules, tracks=TRACKS).rules) == 2
    with pytest.raises(ValidationError, match=r"rules\[2\]: is the same rule as rules\[0\]"):
        declared(rules=[*rules, RULE], tracks=TRACKS)


def test_one_rule_may_have_two_names_and_one_name_is_of_one_rule():
    assert len(declared(rules=[RULE | {"name": name} for name in ("one", "other")]).rules) == 2
    with pytest.raises(ValidationError, match=r"rules\[1\]\.name: 'one' is the name of rules\[0\]"):
        declared(rules=[RULE | {"name": "one"}, RULE | {"name": "one", "below": 3}])
