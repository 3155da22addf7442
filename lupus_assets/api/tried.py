"""Backtest of a declared monitor: its replay on a log, before it is in operation."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lupus_assets.api.html import table
from lupus_assets.api.rows import Data, Rows, rows_of, table_of
from lupus_assets.api.rows import Watch as RowsWatch
from lupus_assets.api.rows import unwatched as unwatched_rows
from lupus_assets.declare import MonitoredModel, load
from lupus_assets.declare.mistake import missing
from lupus_assets.errors import UsageError
from lupus_assets.reading.arrow import instants
from lupus_assets.reading.table import microseconds, rows_where
from lupus_assets.replay import Backtest, Watch, learn, unwatched
from lupus_assets.replay import backtest as replay
from lupus_assets.sources.log import LogSource
from lupus_assets.text import counted

SHOWN = 5  # targets


@dataclass(frozen=True, repr=False)
class BacktestResult(Backtest):
    """The alarms that a monitor would have raised, for each budget.

    Attributes
    ----------
    model : str
        ``<team>/<model>``.
    """

    model: str

    @property
    def budgets(self) -> list[float]:
        """The budgets, in false incidents per month."""
        return list(self.alarms)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: incidents, incidents per month and alarms of each budget."""
        return {
            "model": self.model,
            "partitions": len(self.windows),
            "months": self.months,
            "budgets": [
                {
                    "budget": budget,
                    "incidents": self.incidents[budget],
                    "a_month": self.incidents[budget] / self.months,
                    "alarms": [asdict(alarm) for alarm in self.alarms[budget]],
                }
                for budget in self.budgets
            ],
        }

    def lines(self) -> list[tuple[str, str, str, str]]:
        """Return each budget with its incidents, incidents per month and most frequent targets."""
        return [self._line(budget) for budget in self.budgets]

    def __repr__(self) -> str:
        """Return the number of partitions, and the number of incidents of each budget."""
        rang = ", ".join(
            f"{counted(self.incidents[budget], 'incident')} at {budget:g} a month" for budget in self.budgets
        )
        return f"Backtest of {self.model}, {counted(len(self.windows), 'partition')}: {rang}"

    def _repr_html_(self) -> str:
        return table(repr(self), ("budget", "incidents", "a month", "named"), self.lines())

    def _line(self, budget: float) -> tuple[str, str, str, str]:
        named = Counter(alarm.target for alarm in self.alarms[budget])
        most = ", ".join(f"{name} ({count})" for name, count in named.most_common(SHOWN))
        more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
        incidents = self.incidents[budget]
        return f"{budget:g} a month", str(incidents), f"{incidents / self.months:.2f}", most + more


def backtest(
    model: "MonitoredModel | str | Path",
    log: "Data | LogSource",
    *,
    reference: "Data | LogSource | None" = None,
    budgets: Sequence[float | str] | None = None,
    watch: Watch = unwatched,
) -> BacktestResult:
    """Replay a log partition by partition, and return the alarms that a monitor would have raised.

    Rows and labels are used only from their arrival on; a verdict depends on earlier partitions only.

    Parameters
    ----------
    model : MonitoredModel, or path of a declaration
    log : str, Path, pyarrow.Table, pyarrow.RecordBatchReader, or a pandas or Polars DataFrame
        The rows to judge, as in `profile`; all of them are held in memory. A
        `lupus_assets.sources.log.LogSource` is accepted unchanged.
    reference : the types of `log`, optional
        The rows of the reference window. By default the rows of `log` in the declared window; only the rows
        after the window are judged then.
    budgets : sequence of float or str, optional
        False incidents per month, or a text as in a declaration (``"1 per quarter"``); by default the
        declared budget.
    watch : callable, optional
        Is called with the progress of each pass over the log.

    Raises
    ------
    UsageError
        There are no rows with a timestamp, or an argument has none of these types.
    DeclarationError
        The declaration is invalid.
    ReferenceMissing, SourceError

    Examples
    --------
    >>> import lupus_assets
    >>> import numpy as np
    >>> import pyarrow as pa
    >>> model = lupus_assets.MonitoredModel.model_validate(
    ...     {
    ...         "model": "churn",
    ...         "team": "shop",
    ...         "cadence": {"every": "day", "start": "2026-01-01"},
    ...         "tracks": {"champion": {"parquet": "churn/{partition}.parquet"}},
    ...         "columns": {"timestamp": "at", "prediction": {"score": "p"}},
    ...     }
    ... )
    >>> rng = np.random.default_rng(7)
    >>> day = np.repeat(np.arange(40), 100)
    >>> p = rng.uniform(0.2, 0.4, day.size) + np.where(day == 35, 0.3, 0.0)
    >>> log = pa.table({"at": np.datetime64("2026-01-01", "us") + day.astype("timedelta64[D]"), "p": p})
    >>> b = lupus_assets.backtest(model, log, budgets=[1.0])
    >>> b
    Backtest of shop/churn, 12 partitions: 1 incident at 1 a month
    >>> b.alarms[1.0][0].partition
    '2026-02-05'
    """
    model = model_of(model)
    checked = _checked(model, budgets)
    if reference is None:
        taught, judged = _parted(model, log)
    else:
        taught, judged = _source(model, reference, "reference"), _source(model, log, "log")
    learned = learn(model, taught, lambda name, steps: watch(f"reference: {name}", steps))
    found = replay(model, learned, judged, checked, lambda name, steps: watch(f"log: {name}", steps))
    return BacktestResult(found.windows, found.months, found.alarms, found.incidents, model.key)


def model_of(model: "MonitoredModel | str | Path") -> MonitoredModel:
    """Return `model`, or the model of the declaration at that path.

    Raises
    ------
    UsageError
        `model` is neither, or the path does not exist.
    DeclarationError
    """
    if isinstance(model, MonitoredModel):
        return model
    if not isinstance(model, str | os.PathLike):
        raise UsageError(
            f"the model is a {type(model).__name__}; give a MonitoredModel, or a declaration's path"
        )
    if not Path(model).exists():
        raise missing(Path(model), "give a declaration")
    return load(Path(model))


def _checked(model: MonitoredModel, budgets: Sequence[float | str] | None) -> list[float]:
    from pydantic_core import PydanticCustomError

    from lupus_assets.declare.rule import parse_budget

    if budgets is None:
        return [model.alarms.budget]
    try:
        checked = [parse_budget(budget) for budget in budgets]
    except (PydanticCustomError, TypeError) as error:
        raise UsageError(f"budgets are {budgets!r}: {error}") from None
    if not checked:
        raise UsageError("budgets are empty; give one at least, or None for the declared one")
    return checked


def _source(model: MonitoredModel, data: "Data | LogSource", name: str) -> LogSource:
    return data if isinstance(data, LogSource) else log_of(model, rows_of(data, name))


def log_of(model: MonitoredModel, rows: Rows, watch: RowsWatch = unwatched_rows) -> LogSource:
    """Return rows as a log, which can be divided into partitions.

    Raises
    ------
    ColumnMismatch
        The rows have no timestamp column.
    SourceError
    """
    return _log(model, table_of(rows, watch), rows.name)


def _log(model: MonitoredModel, rows: pa.Table, name: str) -> LogSource:
    return LogSource(rows, timestamp=model.columns.timestamp, zone=model.cadence.zone, name=name)


def _parted(model: MonitoredModel, data: "Data | LogSource") -> tuple[LogSource, LogSource]:
    """Return the rows of the declared reference window, and the rows after it."""
    if isinstance(data, LogSource):
        raise UsageError("a log that is cut already has no reference window; give reference")
    rows = rows_of(data, "log")
    whole, timestamp = table_of(rows), model.columns.timestamp
    if timestamp not in whole.column_names:
        return _log(model, whole, rows.name), _log(model, whole, rows.name)  # raises ColumnMismatch
    micros, present = instants(whole[timestamp].combine_chunks(), timestamp, model.cadence.zone)
    start, end = map(microseconds, model.reference_window())
    within, after = present & (micros >= start) & (micros < end), present & (micros >= end)
    first, last = model.reference_window()
    if not np.any(within):
        raise UsageError(
            f"{rows.name} has no row in the reference window {first:%Y-%m-%d} to {last:%Y-%m-%d}; "
            "give reference, or declare a `reference` that the log covers"
        )
    return (
        _log(model, rows_where(whole, within), f"{rows.name} in the reference window"),
        _log(model, rows_where(whole, after), f"{rows.name} after the reference window"),
    )
