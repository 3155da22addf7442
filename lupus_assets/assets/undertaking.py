"""What a step has begun and not yet reported, noted so that the next tick finds it if the run dies.

Dagster's in-process executor stores an event before it asks the step for the next one: what is struck out
after the last event of a partition has been told.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import dagster as dg

from lupus_assets.assets.installation import installation_of
from lupus_assets.assets.launched import unfinished
from lupus_assets.declare import MonitoredModel
from lupus_assets.ports import Journal
from lupus_assets.records import Pending, Window

CHUNK = 31  # partitions that are noted, written and struck out together: a month of days


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
        """Return the undertaking of the step that `context` is of."""
        journal = installation_of(context).journal()
        return cls(journal, context.instance, context.run.run_id, model.name, track, frozenset(parts))

    def begin(self, windows: Collection[Window]) -> None:
        """Note `windows` before any table of them is touched.

        Raises
        ------
        StoreError
        """
        noted = self.journal.noted(self.model, self.track)
        living = unfinished(self.instance, {pending.run for pending in noted})
        # What a run left behind that makes no more than this one is made up for by it.
        self._inherited = [each for each in noted if each.run not in living and each.parts <= self.parts]
        self._begun |= set(windows)
        self._note(self.run, self.parts, self._begun)

    def end(self, told: Collection[Window], made: Collection[Window]) -> None:
        """Strike out `told`, of which Dagster has stored all that was to be said.

        What a run before left behind is struck out only where it is `made` anew: what cannot be read now
        may have been written in part then.

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
