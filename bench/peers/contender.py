"""Who runs what: two tasks, and the programs that do each, every one a process of its own."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.peers import environment

Task = Literal["profile", "drift"]
SCRIPTS = Path(__file__).parent / "scripts"
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Contender:
    """One program for one task.

    Attributes
    ----------
    name : str
        As shown.
    task : str
        ``profile`` is given one day; ``drift`` that day and the one it is compared with.
    script : str
        A module of ``scripts``, run as a program.
    does : str
        What it computes, as shown.
    package : str or None
        Whose environment it runs in; None for this one.
    imports : str
        What it imports; loading that is measured as well.
    arguments : tuple of str
        After the files.
    largest : int or None
        Rows above which it is not run.
    least : int
        Rows below which it is not run.
    """

    name: str
    task: Task
    script: str
    does: str
    package: str | None
    imports: str
    arguments: tuple[str, ...] = ()
    largest: int | None = None
    least: int = 0

    def command(self, files: Sequence[Path]) -> list[str]:
        """Return the command line for `files`."""
        return [*self._python(), str(SCRIPTS / f"{self.script}.py"), *map(str, files), *self.arguments]

    def import_command(self) -> list[str]:
        """Return the command line that imports what the program imports, and does nothing."""
        return [*self._python(), "-c", f"import {self.imports}"]

    @property
    def environment(self) -> Mapping[str, str]:
        """What its process needs in its environment."""
        return {} if self.package else {"PYTHONPATH": os.pathsep.join([str(ROOT)])}

    def runs(self, rows: int) -> bool:
        """Return whether it is run on so many rows."""
        return self.least <= rows and (self.largest is None or rows <= self.largest)

    def _python(self) -> list[str]:
        # -P: a script named like the package it imports must not import itself
        return [str(environment.python(self.package)) if self.package else sys.executable, "-P"]


IN_MEMORY = 1_000_000  # data frames of more rows, twice, and copies of them, need tens of GB
MANY_VALUES = (
    1_000_000  # below, each day lacks many values of the other, and Evidently takes hours over s_200000
)

CONTENDERS = (
    Contender("decode", "profile", "decode", "the floor: read every column", None, "pyarrow.parquet"),
    Contender(
        "lupus",
        "profile",
        "lupus_profile",
        "its state: moments, histogram, distinct, categories, score × label, duplicates",
        None,
        "lupus_assets.monitor.profiling, lupus_assets.sources.parquet",
    ),
    Contender(
        "polars", "profile", "polars", "mean, sd, extremes, distinct; no quantiles", "polars", "polars"
    ),
    Contender(
        "duckdb",
        "profile",
        "duckdb",
        "moments, extremes, distinct, quantiles, bins, top values",
        "duckdb",
        "duckdb",
    ),
    Contender(
        "tfdv",
        "profile",
        "tfdv",
        "its default statistics of a data frame",
        "tfdv",
        "pandas, tensorflow_data_validation",
    ),
    Contender(
        "whylogs", "profile", "whylogs", "its default profile of a data frame", "whylogs", "pandas, whylogs"
    ),
    Contender(
        "evidently summary",
        "profile",
        "evidently_summary",
        "DataSummaryPreset",
        "evidently",
        "pandas, evidently, evidently.presets",
        largest=IN_MEMORY,
    ),
    Contender(
        "decode", "drift", "decode", "the floor: read every column of both days", None, "pyarrow.parquet"
    ),
    Contender(
        "lupus",
        "drift",
        "lupus_profile",
        "both profiles, and six distances of each column",
        None,
        "lupus_assets.monitor.profiling, lupus_assets.sources.parquet, lupus_assets.monitor.drift",
    ),
    Contender(
        "pandas + scipy",
        "drift",
        "pandas_drift",
        "describe; KS and PSI, chi-square and PSI of each column",
        "pandas",
        "pandas, scipy.stats",
    ),
    Contender(
        "nannyml",
        "drift",
        "nannyml_drift",
        "its default: Jensen-Shannon of each column, ten chunks a day",
        "nannyml",
        "nannyml",
        largest=IN_MEMORY,
    ),
    Contender(
        "evidently, without s_200000",
        "drift",
        "evidently_drift",
        "DataDriftPreset of 20 columns",
        "evidently",
        "pandas, evidently, evidently.presets",
        arguments=("s_200000",),
        largest=IN_MEMORY,
    ),
    Contender(
        "evidently",
        "drift",
        "evidently_drift",
        "DataDriftPreset: one distance of each column",
        "evidently",
        "pandas, evidently, evidently.presets",
        largest=IN_MEMORY,
        least=MANY_VALUES,
    ),
)
