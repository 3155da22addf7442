"""The frozen references of a model's tracks: computed from their logs, and stored in a table.

Belongs here: reading the logs of the reference window, and the rows of ``frozen_references``. Does not belong
here: the computation of a reference from rows (`lupus_assets.profiling.freezing`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa

from lupus_assets.declare import MonitoredModel
from lupus_assets.errors import ReferenceMissing, StateError
from lupus_assets.ports import MetricStore, Source
from lupus_assets.profiling.digest import declared
from lupus_assets.profiling.freezing import freeze
from lupus_assets.reading.cut import cuts, place
from lupus_assets.reading.role import kinds, needed, roles
from lupus_assets.records import ReferenceRow, Window
from lupus_assets.stats.codec import from_bytes, to_bytes
from lupus_assets.stats.reference.frozen import Reference

Span = tuple[datetime, datetime]  # start and exclusive end


@dataclass(frozen=True)
class ReferenceStore:
    """The frozen references of an installation.

    Parameters
    ----------
    store : MetricStore
    source : callable
        Returns the prediction log of a (model, track).
    salt : bytes
        Key of the hashes of categories, keys and entities.
    """

    store: MetricStore
    source: Callable[[MonitoredModel, str], Source]
    salt: bytes = field(repr=False)

    def freeze(
        self, model: MonitoredModel, windows: Sequence[Window], span: Span, now: datetime
    ) -> dict[str, Reference]:
        """Freeze the reference of every track from the partitions of the reference window.

        A track without partitions in the window gets the reference of the first track that has some.

        Parameters
        ----------
        model : MonitoredModel
        windows : sequence of Window
            The partitions of the reference window.
        span : tuple of datetime
            Start and exclusive end of the reference window, aware.
        now : datetime

        Raises
        ------
        ReferenceMissing
            The window and its labels are not complete, or no track has a partition in it.
        SourceError
        """
        start, end = span
        last = max((cuts(model, window)[-1].as_of for window in windows), default=end)
        if now < last:
            raise ReferenceMissing(
                f"{model.key}: the reference window {start:%Y-%m-%d} to {end:%Y-%m-%d} and its labels are "
                f"not in before {last:%Y-%m-%d %H:%M} UTC; wait, or declare an earlier `reference`"
            )
        only = model.reference.track if model.reference else None
        frozen: dict[str, tuple[Reference, str | None]] = {}
        donor: tuple[str, Reference] | None = None
        for track in [only] if only else list(model.tracks):
            source = self.source(model, track)
            arrived = [window for window in windows if source.arrived(window)]
            if not arrived:
                continue
            reference = self._freeze(model, source, arrived, donor[1] if donor else None)
            frozen[track] = (reference, None)
            donor = donor or (track, reference)
        if donor is None:
            raise ReferenceMissing(
                f"{model.key}: no track has a partition in the reference window {start:%Y-%m-%d} to "
                f"{end:%Y-%m-%d}; declare a `reference` that the log covers"
            )
        for track in model.tracks:
            frozen.setdefault(track, (donor[1], donor[0]))
            self._keep(model, track, *frozen[track], span=span, as_of=last)
        return {track: reference for track, (reference, _) in frozen.items()}

    def _freeze(
        self, model: MonitoredModel, source: Source, windows: Sequence[Window], first: Reference | None
    ) -> Reference:
        schema = source.schema(windows[0])
        frozen_kinds = dict(first.kinds) if first else kinds(model, schema)
        listed = roles(model, frozen_kinds)
        wanted = [name for name in needed(model, listed) if name in schema.names]
        return freeze(
            model,
            roles=listed,
            schema=subset(schema, wanted),
            windows=windows,
            batches=lambda window: source.batches(window, wanted),
            salt=self.salt,
            grids=dict(first.grids) if first else None,
        )

    def _keep(
        self,
        model: MonitoredModel,
        track: str,
        reference: Reference,
        borrowed: str | None,
        *,
        span: Span,
        as_of: datetime,
    ) -> None:
        start, end = (moment.astimezone(UTC) for moment in span)
        window = Window(start=start, end=end, key="reference")
        row = ReferenceRow(
            track=track,
            window_start=start,
            window_end=end,
            as_of=as_of,
            rows=reference.rows,
            reference=reference.digest,
            borrowed_from=borrowed,
            state=to_bytes(reference),
        )
        self.store.replace("frozen_references", place(model, track, window, as_of), [row])

    def read(self, model: MonitoredModel, track: str, span: Span) -> Reference | None:
        """Return the frozen reference of the window `span`; None if it is not frozen yet.

        Raises
        ------
        ReferenceMissing
            It was frozen under another declaration, and its numbers are not comparable.
        StateError
            The stored state is damaged, or of a format that this version cannot read.
        """
        window = tuple(moment.astimezone(UTC).replace(tzinfo=None) for moment in span)
        table = self.store.read("frozen_references", model=model.name, track=track)
        rows = [row for row in table.to_pylist() if (row["window_start"], row["window_end"]) == window]
        if not rows:
            return None
        try:
            found: Reference = from_bytes(rows[-1]["state"])
        except StateError as error:
            raise StateError(
                f"{model.key}: the stored reference of {track}: {error};"
                f" materialise {model.model}_reference, then all partitions"
            ) from error
        if found.declared != declared(model):
            raise ReferenceMissing(
                f"{model.key}: columns, segments or cadence are declared otherwise than when the reference "
                "was frozen, or an earlier version of Lupus froze it; materialise "
                f"{model.model}_reference, then all partitions"
            )
        return found


def subset(schema: pa.Schema, columns: Sequence[str]) -> pa.Schema:
    """Return the `columns` of `schema`, in their order."""
    return pa.schema([schema.field(name) for name in columns])
