"""The README's first model works command by command, as a reader types it."""

import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

PROJECT = Path(__file__).parents[2]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
WALKTHROUGH = README.partition("## Your first model")[2].partition("## More")[0]
FIRST, DAYS, ROWS = datetime(2026, 10, 1, tzinfo=UTC), 46, 300
BROKEN = "2026-11-10"  # a column is null in every row


def blocks(language: str) -> list[str]:
    """Return the blocks of code of a language in the walkthrough, without their indentation."""
    return [
        re.sub(f"^{indent}", "", code, flags=re.MULTILINE).strip()
        for indent, code in re.findall(
            rf"^( *)```{language}\n(.*?)^ *```", WALKTHROUGH, re.DOTALL | re.MULTILINE
        )
    ]


def write_log(folder: Path) -> None:
    """Write a Parquet file per day with the columns of the README's declaration, and three features."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(7)
    for day in (FIRST + timedelta(days=count) for count in range(DAYS)):
        score = rng.beta(2, 5, ROWS)
        times = [day + timedelta(hours=6, seconds=row * 100) for row in range(ROWS)]
        age = pa.array(rng.normal(40, 9, ROWS))
        table = pa.table(
            {
                "ts": times,
                "row_id": [f"{day:%Y%m%d}-{row}" for row in range(ROWS)],
                "customer_id": rng.integers(0, 10_000, ROWS),
                "p_churn": score,
                "churned": rng.random(ROWS) < score,
                "age": pa.nulls(ROWS, pa.float64()) if f"{day:%Y-%m-%d}" == BROKEN else age,
                "plan": rng.choice(["basic", "plus"], ROWS),
            }
        )
        pq.write_table(table, folder / f"{day:%Y-%m-%d}.parquet")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout after `make install`, in the state in which the walkthrough starts."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("definitions", "resources"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "pyproject.toml", folder)
    (folder / ".lupus" / "dagster").mkdir(parents=True)
    shutil.copy(PROJECT / "resources" / "dagster.yaml", folder / ".lupus" / "dagster")
    (folder / ".venv" / "bin").mkdir(parents=True)
    for name in ("dg", "lupus"):
        (folder / ".venv" / "bin" / name).symlink_to(Path(sys.executable).parent / name)
    write_log(folder / ".lupus" / "data" / "churn" / "champion")
    return folder


def test_the_first_model_of_the_readme_finds_a_broken_day(project: Path):
    (declaration,) = blocks("yaml")
    scaffold, check, launch, results, compare = blocks("sh")
    path = project / "definitions" / "shop" / "churn" / "defs.yaml"
    answer = project / "answer.yaml"
    answer.write_text(declaration, encoding="utf-8")
    editor = project / "editor"  # a user who pastes the README's declaration
    editor.write_text(f'#!/bin/sh\ncp "{answer}" "$1"\n', encoding="utf-8")
    editor.chmod(0o700)

    run(project, scaffold, EDITOR=str(editor))
    assert path.read_text(encoding="utf-8") == declaration
    run(project, check)
    run(project, launch)
    told = run(project, results)
    assert f"`age` is null in all {ROWS} rows" in told
    assert BROKEN in told
    assert "p_churn" in run(project, compare)


def run(project: Path, commands: str, **variables: str) -> str:
    """Run a block of the README in bash as it stands, and return its output."""
    kept = {name: os.environ[name] for name in ("PATH", "OPENBLAS_NUM_THREADS") if name in os.environ}
    environment = {**kept, "HOME": str(project), "DO_NOT_TRACK": "1", **variables}
    done = subprocess.run(
        ["/bin/bash", "-euc", commands], cwd=project, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
    return done.stdout
