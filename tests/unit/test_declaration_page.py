"""The reference of the declaration says what the models that validate it say."""

import re

import pytest
import yaml
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from docs import generate
from lupus_assets.declare import METRICS, MonitoredModel, Rule

PARTS = generate.parts()
FIELDS = [
    pytest.param(field, example, id=f"{part.__name__}.{name}={example}")
    for part in PARTS
    for name, field in part.model_fields.items()
    for example in field.examples or ()
]


def test_the_page_is_what_the_generator_writes():
    assert generate.PAGE.read_text(encoding="utf-8") == generate.page(), "run python -m docs.generate"


@pytest.mark.parametrize(("field", "example"), FIELDS)
def test_an_example_on_the_page_is_accepted(field: FieldInfo, example: object):
    TypeAdapter(field.rebuild_annotation()).validate_python(example)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_every_key_has_an_example(part: type[BaseModel]):
    assert [name for name, field in part.model_fields.items() if not field.examples] == []


def test_every_key_and_every_metric_is_on_the_page():
    text = generate.page()
    keys = {
        str(field.validation_alias or name) for part in PARTS for name, field in part.model_fields.items()
    }
    assert {"every", "class", "from", "rises_steadily"} < keys
    assert [name for name in (*keys, *METRICS) if f"| `{name}` |" not in text] == []


def test_a_key_without_a_meaning_is_refused():
    class Undescribed(MonitoredModel):
        """A model with one more key."""

        colour: str

    with pytest.raises(LookupError, match=r"Undescribed\.\w+ has no meaning: add it"):
        generate.keys(Undescribed)


def test_the_model_in_python_is_one():
    (code,) = re.findall(r"```python\n(.*?)```", generate.page(), re.DOTALL)
    statement, expression = code.split("\n\n")
    names: dict[str, object] = {}
    exec(statement, names)  # noqa: S102  # our own page
    assert isinstance(eval(expression, names), MonitoredModel)  # noqa: S307  # our own page


def test_the_examples_of_rules_are_rules():
    (rules,) = re.findall(r"```yaml\n(rules:\n.*?)```", generate.page(), re.DOTALL)
    assert [Rule.model_validate(rule).metric for rule in yaml.safe_load(rules)["rules"]] == [
        "row_count", "auc", "null_rate", "brier",
    ]  # fmt: skip


def test_a_limit_is_beside_the_type():
    assert "| `threshold` | number, above 0, below 1 | `0.5` |" in generate.page()
