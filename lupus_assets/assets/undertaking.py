"""Notes of the partitions that a step has begun and not reported; the next tick reads them if the run dies.

Dagster's in-process executor stores an event before it asks the step for the next one: a partition that is
removed from the note after its last event has been reported.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import dagster as dg

from lupus_assets.assets.installation import installation_of
from lupus_assets.assets.launched import unfinished
from lupus_assets.declare import MonitoredModel
from lupus_assets.ports import Journal
from lupus_assets.records import Pending, Window

CHUNK = 31  # partitions that are noted and written together: a month of days


@dataclass
class Undertaking:
    """The partitions of one model and track, or pair of tracks, that one step of a run works on.

    Attributes
    ----------
    journal : Journal
    instance : DagsterInstance
    run, model, track : str
        As `Pending` has them.
    parts : frozenset of str
        The steps and checks that the step makes.
    """

    journal: Journal
    instance: dg.DagsterInstance
    run: str
    model: str
    track: str
    parts: frozenset[str]
    _begun: set[Window] = field(default_factory=set, init=False)
    _inherited: list[Pending] = field(default_factory=list, init=False)

    @classmethod
    def of(
        cls, context: dg.AssetExecutionContext, model: MonitoredModel, track: str, parts: Iterable[str]
    ) -> "Undertaking":
        """Return the undertaking of the step of `context`."""
        journal = installation_of(context).journal()
        return cls(journal, context.instance, context.run.run_id, model.name, track, frozenset(parts))

    def begin(self, windows: Collection[Window]) -> None:
        """Note `windows`; to be called before any of their tables is written.

        Raises
        ------
        StoreError
        """
        noted = self.journal.noted(self.model, self.track)
        living = unfinished(self.instance, {pending.run for pending in noted})
        # Notes of dead runs with no other parts than this step's, which makes their partitions again.
        self._inherited = [each for each in noted if each.run not in living and each.parts <= self.parts]
        self._begun |= set(windows)
        self._note(self.run, self.parts, self._begun)

    def end(self, told: Collection[Window], made: Collection[Window]) -> None:
        """Remove `told` from the note; Dagster has stored all their events.

        From the notes of earlier runs, only `made` partitions are removed: one that cannot be read now may
        have been written in part then.

        Raises
        ------
        StoreError
        """
        self._begun -= set(told)
        self._note(self.run, self.parts, self._begun)
        for pending in self._inherited:
            if pending.windows & set(made):
                self._note(pending.run, pending.parts, pending.windows - set(made))

    def _note(self, run: str, parts: frozenset[str], windows: Collection[Window]) -> None:
        self.journal.note(Pending(run, self.model, self.track, parts, frozenset(windows)))
