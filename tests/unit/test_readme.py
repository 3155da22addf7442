"""What the README shows works as it stands."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from lupus_assets.declare import load

PROJECT = Path(__file__).parents[2]
README = PROJECT / "README.md"


def block(language: str) -> str:
    """Return the only block of code of a language, without its indentation."""
    (found,) = re.findall(rf"^( *)```{language}\n(.*?)^\1```", README.read_text(), re.DOTALL | re.MULTILINE)
    indent, code = found
    return "\n".join(line.removeprefix(indent) for line in code.splitlines())


def test_the_declaration_has_no_mistake(tmp_path):
    path = tmp_path / "defs.yaml"
    path.write_text(block("yaml"), encoding="utf-8")
    assert load(path).key == "shop/churn"


def test_scaffolding_tells_nobody_and_says_nothing_of_it(tmp_path):
    (command,) = re.findall(r"^ +(.*bin/dg scaffold .*)$", README.read_text(), re.MULTILINE)
    home, project = tmp_path / "user", tmp_path / "project"
    home.mkdir()
    (project / ".lupus" / "dagster").mkdir(parents=True)
    shutil.copy(PROJECT / "resources" / "dagster.yaml", project / ".lupus" / "dagster")
    shutil.copy(PROJECT / "pyproject.toml", project)
    shutil.copytree(PROJECT / "definitions", project / "definitions")
    (project / ".venv" / "bin").mkdir(parents=True)
    (project / ".venv" / "bin" / "dg").symlink_to(Path(sys.executable).parent / "dg")
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    done = subprocess.run(
        ["/bin/bash", "-c", command], cwd=project, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "elemetry" not in done.stdout + done.stderr
    assert (project / "definitions" / "shop" / "churn" / "defs.yaml").exists()
    assert [path for path in [*home.rglob("*"), *(project / ".lupus").rglob("*")] if path.is_file()] == [
        project / ".lupus" / "dagster" / "dagster.yaml"
    ]


def test_the_readme_is_read_in_a_few_minutes():
    assert len(README.read_text(encoding="utf-8").split()) <= 1_200
