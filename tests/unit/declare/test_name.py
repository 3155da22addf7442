"""Names of models, owners and upstream tables: what is accepted, and what is to be written instead."""

import pytest
from pydantic import ValidationError

from lupus_assets.declare.model import made_by
from tests.models import declared


def refused(**parts: object) -> str:
    with pytest.raises(ValidationError) as caught:
        declared(**parts)
    (error,) = caught.value.errors()
    return error["msg"]


@pytest.mark.parametrize("name", ["a", "late_arrival", "v2", "2nd", "a" * 60, "x_y_z"])
def test_a_name_of_small_letters_digits_and_single_underscores_is_one(name):
    assert declared(model=name).model == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Late", "'Late' is not made of a-z, 0-9 and _ only, write late"),
        ("late arrival!", "'late arrival!' is not made of a-z, 0-9 and _ only, write late_arrival"),
        ("-X--y-", "'-X--y-' is not made of a-z, 0-9 and _ only, write x_y"),
        ("X", "'X' is not made of a-z, 0-9 and _ only, write x"),
        ("über", "'über' is not made of a-z, 0-9 and _ only, write ber"),
        ("日本", "'日本' is not made of a-z, 0-9 and _ only, write a name"),
        ("a\n", "'a\n' is not made of a-z, 0-9 and _ only, write a"),
        ("a" * 61, f"'{'a' * 61}' is longer than 60 characters, write a shorter name"),
        ("a__b", "'a__b' has two _ in a row, or one at an end, write a_b"),
        ("_a", "'_a' has two _ in a row, or one at an end, write a"),
        ("a_", "'a_' has two _ in a row, or one at an end, write a"),
        ("___", "'___' has two _ in a row, or one at an end, write a name"),
    ],
)
def test_another_name_is_refused_with_the_one_to_write(name, message):
    assert refused(model=name) == message
    assert refused(tracks={name: {"parquet": "{partition}"}}) == message


@pytest.mark.parametrize("owner", ["ml@example.com", "a.b+c%d-e_f@x-y.z.travel", "team:ml_A-1"])
def test_an_owner_is_an_address_or_a_team(owner):
    assert declared(owners=[owner]).owners == (owner,)


@pytest.mark.parametrize(
    "owner", ["ml", "ml@example", "ml@example.", "team:", "Team:ml", "team:a b", "x ml@example.com", "a@b.c1"]
)
def test_what_is_neither_is_no_owner(owner):
    assert refused(owners=[owner]) == (
        f"'{owner}' is no owner, write an address such as ml@example.com, or team:<name>"
    )


@pytest.mark.parametrize("key", ["flights", "warehouse/flights", "a/b/c"])
def test_an_upstream_table_is_the_key_of_an_asset(key):
    assert declared(upstream=[key]).upstream == (key,)


@pytest.mark.parametrize("key", ["", "/", "a/", "/a", "a//b", "a/ /b", " "])
def test_a_key_has_no_empty_part(key):
    assert (
        refused(upstream=[key])
        == f"'{key}' is no asset key, write parts joined by /, such as warehouse/flights"
    )


@pytest.mark.parametrize(
    ("upstream", "model"),
    [
        ("shop/churn/churn_champion_verdicts", "shop/churn"),
        ("shop/churn/churn_", "shop/churn"),
        ("shop/churn/churner", None),
        ("shop/churn/other_champion", None),
        ("shop/churn", None),
        ("shop/churn/churn_a/b", None),
        ("churn_a", None),
    ],
)
def test_what_is_made_of_a_model_is_named_after_it(upstream, model):
    assert made_by(upstream) == model


@pytest.mark.parametrize("reference", [{}, {"from": "2024-01-02"}, {"to": "2024-01-02"},
                                       {"from": "2024-01-02", "track": "champion"}])  # fmt: skip
def test_half_a_window_is_none(reference):
    assert (
        refused(reference=reference) == "is no whole window, write both from and to, or a track, or all three"
    )


def test_a_score_is_decided_at_a_half_and_nothing_else_is_decided():
    assert declared().decision.threshold == 0.5
    assert declared({"decision": {"threshold": 0.2}}).decision.threshold == 0.2
    assert declared({"prediction": {"value": "p"}}).decision is None


def test_a_model_is_called_after_its_team():
    assert (declared().key, declared().name) == ("t/m", "t.m")
