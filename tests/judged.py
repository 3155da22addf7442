"""The verdicts of a track from a table of its metrics, for tests."""

from collections.abc import Sequence

import pyarrow as pa

from lupus_assets.declare import MonitoredModel
from lupus_assets.judging.chain import Setting
from lupus_assets.judging.series import Ledger
from lupus_assets.judging.track import chains, foreign_since, judge, told_of
from lupus_assets.records import VerdictRow, Window


def verdict_rows(
    metrics: pa.Table, *, model: MonitoredModel, track: str, reference: str, windows: Sequence[Window]
) -> list[VerdictRow]:
    """Return the verdicts of `windows` for the declared budget, each judged from strictly earlier partitions.

    Parameters
    ----------
    metrics : pyarrow.Table
        Rows of the table ``metrics`` of this track, up to the last of `windows`.
    model : MonitoredModel
    track : str
    reference : str
        Digest of the reference; histories measured against another are not comparable.
    windows : sequence of Window
        In time order.
    """
    setting = Setting(model, (model.alarms.budget,), model.reference_window()[1])
    found = judge(chains(Ledger.of(metrics, reference)), setting, windows)
    return told_of(found.judgements, windows, track, foreign_since(metrics, reference))
