"""Which checkpoints of a track may be gone on from, whoever writes beside whom, and wherever one is killed.

A checkpoint rests on every row of `metrics` and `verdicts` up to its partition. To look up that none of them
is another by now would cost more with every partition; instead, whoever writes says so:

- Who judges first puts a *claim*, then reads, and puts the checkpoint last. Without its claim a checkpoint
  does not count.
- Who writes other rows first puts an *intent*, then writes, then removes the claims of all checkpoints that
  may rest on what was there before, and the intent last.
- A checkpoint is gone on from if there is no intent for its partition or an earlier one, and, looked at after
  that, its claim is there.

A claim that is put before the rows are written is removed; who puts one afterwards reads the new rows; and in
between there is the intent. Of one who is killed in between the intent stays, until the partition is written
again: checkpoints behind it are not gone on from, and more is replayed, as where they are missing or damaged.
One gap is left: two write different rows of one partition at once, the first to put an intent is the last to
write and is killed before its next call, and the other has removed both intents.

::

    checkpoints/model=<team>.<model>/track=<track>/intents/<kind>~<start>~<table>~<as_of>~<random>
    checkpoints/model=<team>.<model>/track=<track>/kept/<kind>~<partition>~<key>~<random>.claim, .state

No table, and nothing that a view shows: it can be removed at any time, and is made again.
"""

import logging
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from lupus_assets.errors import ObjectMissing, StateError
from lupus_assets.judging.checkpoint import Checkpoint, from_bytes, to_bytes
from lupus_assets.ports import ObjectStore
from lupus_assets.reading.arrow import microseconds
from lupus_assets.records import Place

CLAIM, STATE = ".claim", ".state"
MOST_BYTES = 64 * 2**20  # of a kind; the newest two stay whatever they take
LEAST = 2

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Claim:
    """A checkpoint that is kept, or to be: its partition in µs, and a digest of all else that it rests on."""

    kind: str
    upto: int
    key: str
    random: str

    @property
    def name(self) -> str:
        """Name of its files, without what they end in."""
        return f"{self.kind}~{self.upto}~{self.key}~{self.random}"

    @classmethod
    def parse(cls, name: str) -> "Claim":
        """Return the claim of that name."""
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
        """Put and return the claim of a checkpoint; only what is read from now on may go into it."""
        claim = Claim(kind, microseconds(upto), key, secrets.token_hex(8))
        self.files.put(self._kept(claim, CLAIM), b"")
        return claim

    def newest(self, kind: str, key: str, before: int) -> Checkpoint | None:
        """Return the newest checkpoint of a partition before one in µs that may be gone on from."""
        # Intents first: who has removed his by now has removed the claims before.
        barred = min((start for start, kinds in self._intents() if kind in kinds), default=before)
        for claim in sorted(self._whole(kind, key), key=lambda each: -each.upto):
            if claim.upto < min(before, barred):
                found = self._read(claim)
                if found is not None:
                    return found
        return None

    def keep(self, claim: Claim, checkpoint: Checkpoint, period: timedelta) -> None:
        """Keep a checkpoint, and of its kind those whose ages are one power of two of `period` apart.

        The oldest of each, so that one of them comes of age.
        """
        others = [each for each in self._whole(claim.kind, claim.key) if each.upto != claim.upto]
        chosen = _spread([claim, *others], period // timedelta(microseconds=1))
        if claim in chosen:
            data = to_bytes(checkpoint)
            chosen = chosen[: max(LEAST, MOST_BYTES // len(data))]
        if claim in chosen:
            self.files.put(self._kept(claim, STATE), data)
        names = {each.name for each in chosen}
        gone = [
            path
            for path in self._paths("kept")
            if _name(path).startswith(f"{claim.kind}~") and _name(path).rpartition(".")[0] not in names
        ]
        self._delete(gone)

    def abandon(self, claim: Claim) -> None:
        """Say that there will be no checkpoint to a claim."""
        self.files.delete([self._kept(claim, CLAIM)])

    def intend(self, table: str, place: Place, kinds: Collection[str]) -> list[str]:
        """Say that rows of a place are about to be others; return what `written` has to be given.

        With the new intent come those that others have left at this place.
        """
        left = self.left(table, place, kinds)
        path = f"{self._folder}/intents/{_intent(table, place, kinds)}{secrets.token_hex(8)}"
        self.files.put(path, b"")
        return [*left, path]

    def left(self, table: str, place: Place, kinds: Collection[str]) -> list[str]:
        """Return the intents at a place of those who write it now, or were killed when they did."""
        wanted = _intent(table, place, kinds)
        return [path for path in self._paths("intents") if _name(path).startswith(wanted)]

    def written(
        self, intents: Iterable[str], place: Place, kinds: Collection[str], but: Collection[Claim] = ()
    ) -> None:
        """Say that a place is written: no checkpoint counts that may rest on what was there, `but` these."""
        since, spared = microseconds(place.start), {claim.name for claim in but}
        gone = []
        for path in self._paths("kept"):
            claim = Claim.parse(_name(path).rpartition(".")[0])
            if claim.kind in kinds and claim.upto >= since and claim.name not in spared:
                gone.append(path)
        self._delete(gone)
        self.files.delete(list(intents))

    def _read(self, claim: Claim) -> Checkpoint | None:
        path = self._kept(claim, STATE)
        try:
            return from_bytes(self.files.get(path))
        except ObjectMissing:  # kept no longer since it was listed
            return None
        except StateError as error:
            log.warning("the checkpoint %s is left out and made again: %s", path, error)
            self._delete([self._kept(claim, CLAIM), path])
            return None

    def _whole(self, kind: str, key: str) -> list[Claim]:
        names = {_name(path) for path in self._paths("kept")}
        claims = [Claim.parse(name.removesuffix(STATE)) for name in names if name.endswith(STATE)]
        return [
            each for each in claims if (each.kind, each.key) == (kind, key) and f"{each.name}{CLAIM}" in names
        ]

    def _intents(self) -> list[tuple[int, list[str]]]:
        """Return the partition in µs, and the kinds that it concerns, of every intent."""
        named = [_name(path).split("~") for path in self._paths("intents")]
        return [(int(start), kinds.split("+")) for kinds, start, *_ in named]

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


def _spread(claims: Collection[Claim], period: int) -> list[Claim]:
    """Return the newest claim, and the oldest of each power of two in age, newest first."""
    newest = max(claim.upto for claim in claims)
    oldest: dict[int, Claim] = {}
    for claim in sorted(claims, key=lambda each: -each.upto):
        oldest[((newest - claim.upto) // period).bit_length()] = claim
    return sorted(oldest.values(), key=lambda each: -each.upto)
