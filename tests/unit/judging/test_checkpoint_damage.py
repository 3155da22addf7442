"""A checkpoint that is damaged is none: it never is another one, and its lengths are not believed."""

import pytest

from lupus_assets.errors import StateError
from lupus_assets.judging.checkpoint import Checkpoint, from_bytes, to_bytes
from lupus_assets.judging.incident import Open
from tests.models import START

WHOLE = Checkpoint(7, START, {}, [], Open("champion/2024-01-03", ("amount", "rows"), 2))
DATA = to_bytes(WHOLE)


def test_a_checkpoint_comes_back_as_it_was():
    assert from_bytes(DATA) == WHOLE
    assert to_bytes(from_bytes(DATA)) == DATA


def test_every_flipped_bit_is_found():
    for at in range(len(DATA) * 8):
        flipped = bytearray(DATA)
        flipped[at // 8] ^= 1 << at % 8
        with pytest.raises(StateError, match=r"it is (of version \d+|damaged)"):
            from_bytes(bytes(flipped))


def test_every_end_that_comes_too_early_or_too_late_is_found():
    for size in range(len(DATA)):
        with pytest.raises(StateError):
            from_bytes(DATA[:size])
    with pytest.raises(StateError, match="it is damaged"):
        from_bytes(DATA + b"\0")
