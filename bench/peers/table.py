"""The figures as a table in Markdown, one per task and number of rows."""

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median

from bench.peers.contender import Contender
from bench.peers.process import Usage

TITLES = {"profile": "Profiling a day", "drift": "Drift of a day against another"}


@dataclass(frozen=True)
class Figure:
    """What one contender took.

    Attributes
    ----------
    contender : Contender
    version : str
        Of its package; empty if it did not run.
    runs : sequence of Usage
    loading : float
        User and system seconds of importing it.
    compared : int
        Numbers that were checked against exact ones.
    wrong : tuple of str
        Those that differ, or why it did not run.
    """

    contender: Contender
    version: str
    runs: Sequence[Usage]
    loading: float
    compared: int
    wrong: tuple[str, ...]

    @property
    def cpu(self) -> float:
        """Median of user and system seconds."""
        return median(run.cpu for run in self.runs)


def markdown(figures: Mapping[tuple[int, str], Sequence[Figure]], today: date) -> str:
    """Return the tables of every number of rows and task."""
    lines = [
        f"{today}, Python {platform.python_version()}, {os.cpu_count()} cores.",
        "Whole processes in turn A B A B, medians. CPU: user and system seconds; import: those of them that",
        "go by before a row is read. Peak: resident memory.",
    ]
    for (rows, task), found in figures.items():
        lines += ["", f"**{TITLES[task]} of {rows:,} rows × 22 columns**", "", *_table(found)]
    return "\n".join(lines) + "\n"


def _table(figures: Sequence[Figure]) -> Iterator[str]:
    ours = next((figure.cpu for figure in figures if figure.contender.name == "lupus" and figure.runs), None)
    yield "| | what | CPU s | × Lupus | import s | wall s | peak MB | runs | numbers checked |"
    yield "|---|---|---:|---:|---:|---:|---:|---:|---|"
    for figure in figures:
        name = f"{figure.contender.name} {figure.version}".strip()
        if not figure.runs:
            yield f"| {name} | {figure.contender.does} | {'; '.join(figure.wrong)} | | | | | | |"
            continue
        wall, peak = (median(getattr(run, part) for run in figure.runs) for part in ("wall", "peak"))
        checked = (
            f"{figure.compared} agree"
            if not figure.wrong
            else f"{len(figure.wrong)} of {figure.compared} differ"
        )
        ratio = f"{figure.cpu / ours:.2f}" if ours else ""
        yield (
            f"| {name} | {figure.contender.does} | {figure.cpu:.2f} | {ratio} | {figure.loading:.2f}"
            f" | {wall:.2f} | {peak:,.0f} | {len(figure.runs)} | {checked} |"
        )
