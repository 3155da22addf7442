"""Run every package on the same rows, and print what each took.

    python -m bench.peers [--rows 100000 1000000] [--only NAME ...] [--task profile drift] [--repeats 5]
                          [--out FILE.md]

Whole processes in turn A B A B, beside one that only decodes; those that take more than 20 CPU seconds three
times. The numbers of each are checked against exact ones of the same files. Exit code 1 if some differ.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from bench.peers.agreement import agreement
from bench.peers.contender import CONTENDERS, ROOT, SCRIPTS, Contender
from bench.peers.process import ProcessFailedError, Usage, measure
from bench.peers.table import Figure, markdown

SLOW, SLOW_REPEATS = 20.0, 3  # CPU seconds
SEED = 0


def main() -> int:
    """Measure, print, and say whether all numbers agree."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--only", nargs="+", metavar="NAME", help="beside decode and lupus")
    parser.add_argument("--task", nargs="+", choices=["profile", "drift"], default=["profile", "drift"])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, metavar="FILE.md")
    arguments = parser.parse_args()
    unknown = {*(arguments.only or ())} - {each.name for each in CONTENDERS}
    if unknown:
        parser.error(
            f"{', '.join(sorted(unknown))}: give {', '.join(dict.fromkeys(each.name for each in CONTENDERS))}"
        )
    wanted = {"decode", "lupus", *(arguments.only or (each.name for each in CONTENDERS))}

    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        for rows in arguments.rows:
            days = _days(Path(folder), rows)
            for task in arguments.task:
                files = days[1:] if task == "profile" else days
                some = [
                    each
                    for each in CONTENDERS
                    if each.task == task and each.name in wanted and each.runs(rows)
                ]
                figures[rows, task] = _figures(some, files, arguments.repeats)
    text = markdown(figures, datetime.now(UTC).date())
    print(text)
    if arguments.out:
        arguments.out.write_text(text)
    wrong = [(figure, each) for found in figures.values() for figure in found for each in figure.wrong]
    for figure, each in wrong:
        _say(figure.contender, each)
    return 1 if wrong else 0


def _days(folder: Path, rows: int) -> list[Path]:
    """Write both days; the current one first."""
    days = {folder / f"{rows}-current.parquet": ["--shift"], folder / f"{rows}-reference.parquet": []}
    for path, shift in days.items():
        what = [str(path), "--rows", str(rows), "--seed", str(SEED), *shift]
        measure([sys.executable, "-m", "bench.data", *what], {"PYTHONPATH": str(ROOT)})
    return list(days)


def _figures(contenders: Sequence[Contender], files: Sequence[Path], repeats: int) -> list[Figure]:
    exact, drift = _exact(files[:1]), _exact(files)["drift"] if len(files) > 1 else {}
    loading, failed = _loading(contenders)
    runs: dict[Contender, list[Usage]] = {each: [] for each in contenders}
    for _ in range(repeats):
        for contender in contenders:
            done = runs[contender]
            slow = len(done) >= SLOW_REPEATS and median(run.cpu for run in done) > SLOW
            if contender in failed or slow:
                continue
            try:
                done.append(measure(contender.command(files), contender.environment))
            except ProcessFailedError as error:
                _say(contender, str(error))
                failed[contender] = error.reason
            else:
                _say(contender, f"{done[-1].cpu:.2f} CPU s")
    return [
        _figure(each, runs[each], loading.get(each, 0.0), failed.get(each), exact, drift)
        for each in contenders
    ]


def _loading(contenders: Sequence[Contender]) -> tuple[dict[Contender, float], dict[Contender, str]]:
    """Return what importing each takes, and which of them cannot be installed or imported, and why.

    The first time does not count: it compiles.
    """
    loading, failed = {}, {}
    for contender in contenders:
        try:
            times = [
                measure(contender.import_command(), contender.environment).cpu
                for _ in range(1 + SLOW_REPEATS)
            ]
        except ProcessFailedError as error:
            _say(contender, str(error))
            failed[contender] = error.reason
        else:
            loading[contender] = median(times[1:])
    return loading, failed


def _figure(
    contender: Contender,
    runs: Sequence[Usage],
    loading: float,
    failed: str | None,
    exact: Mapping[str, Any],
    drift: Mapping[str, Any],
) -> Figure:
    if failed is not None:
        return Figure(contender, "", [], loading, 0, (failed,))
    found = contender.read(runs[0].output)
    checked = agreement(found, exact, drift.get(contender.package or "lupus"))
    return Figure(contender, found["version"], runs, loading, checked.compared, checked.differences)


def _say(contender: Contender, what: str) -> None:
    print(f"{contender.task}, {contender.name}: {what}", file=sys.stderr, flush=True)


def _exact(files: Sequence[Path]) -> Any:
    command = [sys.executable, "-P", str(SCRIPTS / "exact.py"), *map(str, files)]
    return json.loads(measure(command, {"PYTHONPATH": str(ROOT)}).output)


if __name__ == "__main__":
    sys.exit(main())
