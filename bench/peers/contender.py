"""Who runs what: two tasks, and the programs that do each, every one a process of its own."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.peers import environment

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
        A module of ``scripts``, run as a program; a `Command` has none.
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
    task: str
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

    def read(self, output: str) -> Mapping[str, Any]:
        """Return what it printed: its version, rows, and numbers by column."""
        found: Mapping[str, Any] = json.loads(output)
        return found

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


class Command(Contender):
    """``lupus profile`` itself, as a user runs it."""

    def command(self, files: Sequence[Path]) -> list[str]:
        """Return the command line for one day, or for a day against another."""
        against = ["--against", str(files[1])] if len(files) > 1 else []
        return [str(Path(sys.executable).with_name("lupus")), "profile", str(files[0]), *against, "--json"]

    def read(self, output: str) -> Mapping[str, Any]:
        """Return what it printed, in the words of the scripts."""
        found = json.loads(output)
        columns, drift = {}, {}
        if "partitions" in found:  # of the reference and the current day, in this order
            rows = found["columns"][0]["rows"][1]
            for each in found["columns"]:
                columns[each["column"]] = {"missing": round(each["nulls"][1] * rows)}
                drift[each["column"]] = {"ks": each["distances"]["ks"]} if each["kind"] == "numeric" else {}
        else:
            rows = found["rows"]
            for name, said in found["columns"].items():
                words = {
                    "minimum": "min",
                    "maximum": "max",
                    "mean": "mean",
                    "sd": "sd",
                    "distinct": "distinct",
                }
                columns[name] = {ours: said[word] for word, ours in words.items() if word in said}
                columns[name]["missing"] = said["nulls"] + said.get("nans", 0)
        return {"version": version("lupus"), "rows": rows, "columns": columns, "drift": drift}


IN_MEMORY = 1_000_000  # data frames of more rows, twice, and copies of them, need tens of GB
MANY_VALUES = (
    1_000_000  # below, each day lacks many values of the other, and Evidently takes hours over s_200000
)

CONTENDERS = (
    Contender("decode", "profile", "decode", "the floor: read every column", None, "pyarrow.parquet"),
    Command(
        "lupus",
        "profile",
        "",
        "lupus profile: moments, histogram, distinct, quantiles, categories",
        None,
        "lupus_assets.profiling.outline, lupus_assets.sources.parquet",
    ),
    Contender(
        "lupus partition",
        "profile",
        "lupus_partition",
        "what a partition keeps: also score × label, duplicates, surrogate",
        None,
        "lupus_assets.profiling.partition, lupus_assets.sources.parquet",
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
    Command(
        "lupus",
        "drift",
        "",
        "lupus profile --against: both profiles, six distances of each column",
        None,
        "lupus_assets.profiling.outline, lupus_assets.measuring.drift, lupus_assets.sources.parquet",
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
