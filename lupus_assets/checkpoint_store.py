"""The checkpoints of a track, and their validity under concurrent and killed processes.

A checkpoint depends on every row of `metrics` and `verdicts` up to its partition. To compare these
rows would cost more with every partition; writers invalidate checkpoints instead:

- A judging process puts a *claim*, then reads rows, and puts the checkpoint last. A checkpoint without its
  claim is invalid.
- A process that changes rows puts an *intent*, then writes, then removes the claims of all checkpoints that
  may depend on the old rows, and removes the intent last.
- A checkpoint is valid if no intent exists for its partition or an earlier one and, checked afterwards, its
  claim exists.

A claim put before the rows are written is removed; after a claim put later, the new rows are read; in
between, the intent exists. The intent of a killed writer stays until the partition is written again: later
checkpoints are invalid meanwhile, and more is replayed, as if they were missing or damaged. One race remains:
two processes write different rows of one partition at once, the first to put an intent is the last to write
and is killed before its next call, and the other one has removed both intents.

::

    checkpoints/model=<team>.<model>/track=<track>/intents/<kind>~<start>~<table>~<as_of>~<random>
    checkpoints/model=<team>.<model>/track=<track>/kept/<kind>~<partition>~<key>~<random>.claim, .state

The folder is no table and in no view; it can be removed at any time, and is made again.
"""

import logging
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from lupus_assets.errors import ObjectMissing, StateError
from lupus_assets.judging.checkpoint import Checkpoint, from_bytes, to_bytes
from lupus_assets.ports import ObjectStore
from lupus_assets.reading.table import microseconds
from lupus_assets.records import Place

CLAIM, STATE = ".claim", ".state"
MOST_BYTES = 64 * 2**20  # of the checkpoints of a kind
LEAST_KEPT = 2  # checkpoints of a kind, of any size

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Claim:
    """The identity of a checkpoint.

    Attributes
    ----------
    kind : str
        Kind of judgement: of the rows or the labels.
    upto : int
        Start of its partition in µs since the epoch.
    key : str
        Digest of everything else that the checkpoint depends on.
    random : str
        Distinguishes claims of the same kind, partition and key.
    """

    kind: str
    upto: int
    key: str
    random: str

    @property
    def name(self) -> str:
        """Name of its files, without the suffix."""
        return f"{self.kind}~{self.upto}~{self.key}~{self.random}"

    @classmethod
    def parse(cls, name: str) -> "Claim":
        """Return the claim with a `name`."""
        kind, upto, key, random = name.split("~")
        return cls(kind, int(upto), key, random)


@dataclass(frozen=True)
class CheckpointStore:
    """The checkpoints of one track.

    Parameters
    ----------
    files : ObjectStore
    model : str
        ``<team>.<model>``.
    track : str
    """

    files: ObjectStore
    model: str
    track: str

    def claim(self, kind: str, upto: datetime, key: str) -> Claim:
        """Put and return the claim of a checkpoint, which may depend only on rows read after this call."""
        claim = Claim(kind, microseconds(upto), key, secrets.token_hex(8))
        self.files.put(self._kept(claim, CLAIM), b"")
        return claim

    def newest(self, kind: str, key: str, before: int) -> Checkpoint | None:
        """Return the newest valid checkpoint of a partition with a start before `before` (µs), or None."""
        # Intents first: a writer removes claims before its intent.
        first_intent = min((start for start, kinds in self._intents() if kind in kinds), default=before)
        for claim in sorted(self._complete(kind, key), key=lambda claim: -claim.upto):
            if claim.upto < min(before, first_intent):
                checkpoint = self._read(claim)
                if checkpoint is not None:
                    return checkpoint
        return None

    def keep(self, claim: Claim, checkpoint: Checkpoint, period: timedelta) -> None:
        """Store a checkpoint, and remove others of its kind so that ages grow by powers of two of `period`.

        The oldest of each range of ages is kept, so that every range stays occupied.
        """
        stored = [other for other in self._complete(claim.kind, claim.key) if other.upto != claim.upto]
        chosen = _thinned([claim, *stored], period // timedelta(microseconds=1))
        if claim in chosen:
            data = to_bytes(checkpoint)
            chosen = chosen[: max(LEAST_KEPT, MOST_BYTES // len(data))]
        if claim in chosen:
            self.files.put(self._kept(claim, STATE), data)
        names = {kept.name for kept in chosen}
        superseded = [
            path
            for path in self._paths("kept")
            if _name(path).startswith(f"{claim.kind}~") and _name(path).rpartition(".")[0] not in names
        ]
        self._delete(superseded)

    def abandon(self, claim: Claim) -> None:
        """Remove a claim without a checkpoint."""
        self.files.delete([self._kept(claim, CLAIM)])

    def intend(self, table: str, place: Place, kinds: Collection[str]) -> list[str]:
        """Put an intent before the rows of a place change; return the intents for `written`.

        They include earlier intents at this place, from `left`.
        """
        left = self.left(table, place, kinds)
        path = f"{self._folder}/intents/{_intent(table, place, kinds)}{secrets.token_hex(8)}"
        self.files.put(path, b"")
        return [*left, path]

    def left(self, table: str, place: Place, kinds: Collection[str]) -> list[str]:
        """Return the intents at a place, of running and of killed writers."""
        prefix = _intent(table, place, kinds)
        return [path for path in self._paths("intents") if _name(path).startswith(prefix)]

    def written(
        self, intents: Iterable[str], place: Place, kinds: Collection[str], but: Collection[Claim] = ()
    ) -> None:
        """Invalidate checkpoints that may depend on a place's old rows, except `but`; remove the intents."""
        since, kept = microseconds(place.start), {claim.name for claim in but}
        invalid = []
        for path in self._paths("kept"):
            claim = Claim.parse(_name(path).rpartition(".")[0])
            if claim.kind in kinds and claim.upto >= since and claim.name not in kept:
                invalid.append(path)
        self._delete(invalid)
        self.files.delete(list(intents))

    def _read(self, claim: Claim) -> Checkpoint | None:
        path = self._kept(claim, STATE)
        try:
            return from_bytes(self.files.get(path))
        except ObjectMissing:  # removed since it was listed
            return None
        except StateError as error:
            log.warning("the checkpoint %s is left out and made again: %s", path, error)
            self._delete([self._kept(claim, CLAIM), path])
            return None

    def _complete(self, kind: str, key: str) -> list[Claim]:
        """Return the claims of a kind and key that have both files."""
        names = {_name(path) for path in self._paths("kept")}
        claims = [Claim.parse(name.removesuffix(STATE)) for name in names if name.endswith(STATE)]
        return [
            claim
            for claim in claims
            if (claim.kind, claim.key) == (kind, key) and f"{claim.name}{CLAIM}" in names
        ]

    def _intents(self) -> list[tuple[int, list[str]]]:
        """Return the start of the partition in µs, and the kinds of checkpoint, of every intent."""
        names = [_name(path).split("~") for path in self._paths("intents")]
        return [(int(start), kinds.split("+")) for kinds, start, *_ in names]

    def _paths(self, folder: str) -> list[str]:
        return [entry.path for entry in self.files.list(f"{self._folder}/{folder}")]

    def _delete(self, paths: Collection[str]) -> None:
        if paths:
            self.files.delete(sorted(paths, key=lambda path: not path.endswith(CLAIM)))  # claims first

    def _kept(self, claim: Claim, suffix: str) -> str:
        return f"{self._folder}/kept/{claim.name}{suffix}"

    @property
    def _folder(self) -> str:
        return f"checkpoints/model={self.model}/track={self.track}"


def _intent(table: str, place: Place, kinds: Collection[str]) -> str:
    return f"{'+'.join(sorted(kinds))}~{microseconds(place.start)}~{table}~{microseconds(place.as_of)}~"


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _thinned(claims: Collection[Claim], period: int) -> list[Claim]:
    """Return the newest claim, and the oldest in each power of two of `period` by age, newest first."""
    newest = max(claim.upto for claim in claims)
    oldest: dict[int, Claim] = {}
    for claim in sorted(claims, key=lambda claim: -claim.upto):
        oldest[((newest - claim.upto) // period).bit_length()] = claim
    return sorted(oldest.values(), key=lambda claim: -claim.upto)
