"""What the README shows works as it stands."""

import re
from pathlib import Path

from lupus_assets.declare import MonitoredModel, load

README = Path(__file__).parents[2] / "README.md"


def block(language: str) -> str:
    """Return the only block of code of a language, without its indentation."""
    (found,) = re.findall(rf"^( *)```{language}\n(.*?)^\1```", README.read_text(), re.DOTALL | re.MULTILINE)
    indent, code = found
    return "\n".join(line.removeprefix(indent) for line in code.splitlines())


def test_the_declaration_has_no_mistake(tmp_path):
    path = tmp_path / "defs.yaml"
    path.write_text(block("yaml"))
    assert load(path).key == "shop/churn"


def test_the_model_in_python_is_one():
    statement, expression = block("python").split("\n\n")
    names: dict[str, object] = {}
    exec(statement, names)  # noqa: S102  # our own README
    assert isinstance(eval(expression, names), MonitoredModel)  # noqa: S307  # our own README
