"""Mutation testing of the rooms that compute and judge.

    make mutants                      every mutant; goes on where it was stopped, unless a file changed
    make mutants SAMPLE=400 SEED=2    a uniform random sample, the same for the same tree and seed
    make mutants SAMPLE=100 ROOM=detect

What is mutated and which tests have to notice stands in `pyproject.toml` under `tool.mutmut`. mutmut makes
the mutants; ``trial`` runs the tests that reach each. Prints the diff of every mutant that lives, and the
score with a 95 % interval. `equivalent.toml` lists mutants that no test could tell from the original, with
the reason; the score is given with and without them.
"""

import argparse
import contextlib
import math
import os
import random
import sys
import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from mutmut.__main__ import copy_also_copy_files, copy_src_dir, create_mutants
from mutmut.configuration import config
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.utils.file_utils import setup_source_paths, walk_mutatable_files

from bench.mutation.interval import wilson
from bench.mutation.trial import CRASHED, KILLED, TIMEOUT, Trial, digest

WORK = Path("mutants")
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
NOTICED = {KILLED, TIMEOUT, CRASHED}


@dataclass(frozen=True)
class Mutant:
    """One small fault: its name in mutmut, and the file it is in."""

    name: str
    path: str

    @property
    def room(self) -> str:
        """Return the package that holds the module."""
        return Path(self.path).parent.name

    @property
    def function(self) -> str:
        """Return module, class and function, without the package: `distance.psi`, `roc.Curve.area`."""
        mangled = self.name.rpartition(".")[2].partition("__mutmut_")[0]
        within = mangled[2:].replace("ǁ", ".")
        return f"{Path(self.path).stem}.{within}"

    def diff(self) -> str:
        """Return the unified diff of the function, without the header."""
        return "\n".join(str(get_diff_for_mutant(self.name, path=self.path)).split("\n")[3:])

    def change(self) -> tuple[str, str, str]:
        """Return function, removed and added text, which stay when the number of the mutant changes."""
        lines = self.diff().split("\n")
        removed, added = ("\n".join(line[1:].strip() for line in lines if line[:1] == sign) for sign in "-+")
        return self.function, removed, added


def make() -> list[Mutant]:
    """Write the mutated package and the tests under `mutants/`, and return every mutant."""
    for part in (*config().source_paths, Path("tests")):
        for path in sorted((WORK / part).rglob("*.py")):
            if not path.relative_to(WORK).exists():  # moved since
                path.unlink()
    WORK.mkdir(exist_ok=True)
    with contextlib.redirect_stdout(None):  # every path
        copy_src_dir()
        copy_also_copy_files()
        create_mutants(1)
    mutants = []
    for path in sorted(walk_mutatable_files()):
        data = SourceFileMutationData(path=path)
        data.load()
        mutants += [Mutant(name, str(path)) for name in data.exit_code_by_key]
    return mutants


def attempt(drawn: Sequence[Mutant], known: Mapping[str, str], outcomes: Path) -> dict[str, str]:
    """Return the outcome of each mutant by name; those that are `known` are not tried."""
    files = [path for part in (*config().source_paths, Path("tests")) for path in part.rglob("*.py")]
    shared = [path for path in files if not path.name.startswith("test_")]
    sources = digest([*shared, Path("pyproject.toml")])
    todo = [mutant.name for mutant in drawn if mutant.name not in known]
    results = dict(known)
    terminal = os.fdopen(os.dup(1), "w")

    def tell(name: str, outcome: str) -> None:
        results[name] = outcome
        with outcomes.open("a") as file:
            file.write(f"{name}\t{outcome}\n")
        print(f"{len(results) - len(known)}/{len(todo)} {outcome:9} {name}", file=terminal, flush=True)

    trial = Trial(todo, sources, (WORK / "coverage.json").absolute(), tell)
    arguments = [*config().pytest_add_cli_args, *config().pytest_add_cli_args_test_selection]
    setup_source_paths()  # imports the mutated package and not this one
    log = os.open(WORK / "pytest.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.chdir(WORK)
    code = pytest.main(["--rootdir=.", *arguments], plugins=[trial])
    os.chdir("..")
    os.dup2(terminal.fileno(), 1)
    if code:
        sys.exit("pytest stopped; mutants/pytest.log says why")
    return results


def row(name: str, outcomes: Sequence[str], equivalent: int) -> str:
    """Return one line of the table."""
    noticed, total = sum(outcome in NOTICED for outcome in outcomes), len(outcomes)
    score = noticed / total if total else math.nan
    without = noticed / (total - equivalent) if total > equivalent else math.nan
    low, high = wilson(noticed, total - equivalent)
    counts = f"{name:10} {total:7} {noticed:7} {score:7.1%} {equivalent:10} {without:8.1%}"
    return f"{counts}   {low:.1%} to {high:.1%}"


def report(drawn: Sequence[Mutant], results: Mapping[str, str]) -> None:
    """Print the mutants that live, and the scores."""
    entries = tomllib.loads(EQUIVALENT.read_text())["mutant"]
    reasons = {(entry["function"], entry["old"], entry["new"]): entry["reason"] for entry in entries}
    by_room: dict[str, list[str]] = defaultdict(list)
    equivalent: dict[str, int] = defaultdict(int)
    for mutant in drawn:
        outcome = results[mutant.name]
        by_room[mutant.room].append(outcome)
        if outcome in NOTICED:
            continue
        reason = reasons.get(mutant.change())
        equivalent[mutant.room] += reason is not None
        print(f"\n{mutant.name}: {outcome}" + (f"; equivalent: {reason}" if reason else ""))
        print(mutant.diff())
    print(f"\n{'room':10} {'mutants':>7} {'killed':>7} {'score':>7} {'equivalent':>10} {'without':>8}   95 %")
    for room, outcomes in sorted(by_room.items()):
        print(row(room, outcomes, equivalent[room]))
    everything = [outcome for outcomes in by_room.values() for outcome in outcomes]
    print(row("all", everything, sum(equivalent.values())))


def main() -> None:
    """Make mutants, try them, and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sample", type=int, help="how many mutants to draw; all if absent")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--room", help="mutants of one package alone")
    arguments = parser.parse_args()
    mutants = [mutant for mutant in make() if arguments.room in (None, mutant.room)]
    size = len(mutants) if arguments.sample is None else min(arguments.sample, len(mutants))
    drawn = random.Random(arguments.seed).sample(mutants, size)  # noqa: S311 (a sample, not a secret)
    tree = [path for part in ("lupus_assets", "tests") for path in Path(part).rglob("*.py")]
    outcomes = WORK.absolute() / f"outcomes-{digest([*tree, Path('pyproject.toml')])[:12]}"
    lines = outcomes.read_text().splitlines(keepends=True) if outcomes.exists() else []
    known = dict(line[:-1].split("\t") for line in lines if line.endswith("\n"))  # the last may be cut off
    results = attempt(drawn, known, outcomes)
    print(f"{len(drawn)} of {len(mutants)} mutants, seed {arguments.seed}")
    report(drawn, results)


if __name__ == "__main__":
    main()
