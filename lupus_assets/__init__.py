"""Lupus: monitoring of machine-learning models from one declaration per model.

`profile`, `compare`, `backtest` and `MonitoredModel` are all that a notebook needs:

    import lupus_assets

    lupus_assets.profile("november.parquet")

Importing this package imports nothing else until one of them is used, changes nothing of the process, and
needs neither Dagster nor a service. The rooms, bottom up:

process     environment settings to apply before numpy and pyarrow are imported
errors      every deliberate exception
text        numbers with their nouns
records     frozen rows that cross a boundary
stats       numpy only: states that add up, distances, performance
detect      numpy only: histories in, verdicts out
declare     the declaration of a model, and its validation
reading     Arrow batches as numpy arrays, by the role of each column
profiling   rows become profiles, and the reference window a frozen reference
measuring   profiles become metrics
judging     metrics become verdicts, incidents and check results
picturing   histories as pictures
ports       interfaces of sources and stores
pipeline    the steps of every asset: read, compute, write
windows     any two windows from stored profiles
replay      a monitor tried on a log before it is switched on
sources     prediction logs
sinks       stores, one package per technology
api         what this package gives: rows in, results that a notebook draws out
assets      Dagster: declarations become assets, checks, partitions, schedules, sensors
resources   Dagster: where the files and services of an installation are
server      Dagit and its daemon
cli         the ``lupus`` command
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lupus_assets.api.compared import compare
    from lupus_assets.api.profiled import profile
    from lupus_assets.api.tried import backtest
    from lupus_assets.declare import MonitoredModel

    __version__: str

__all__ = ["MonitoredModel", "__version__", "backtest", "compare", "profile"]

_HOMES = {
    "MonitoredModel": "lupus_assets.declare",
    "backtest": "lupus_assets.api.tried",
    "compare": "lupus_assets.api.compared",
    "profile": "lupus_assets.api.profiled",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562)."""
    if name == "__version__":
        from importlib.metadata import version

        found: Any = version("lupus")
    elif name in _HOMES:
        found = getattr(import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
