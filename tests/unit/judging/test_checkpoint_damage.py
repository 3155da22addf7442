"""A checkpoint that is damaged is none: it never is another one, and its lengths are not believed."""

import json

import pyarrow as pa
import pytest

from lupus_assets.errors import StateError
from lupus_assets.judging.checkpoint import (
    LENGTH,
    MAGIC,
    PREFIX,
    VERSION,
    Checkpoint,
    _digest,
    from_bytes,
    to_bytes,
)
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


def packed(tree: object) -> bytes:
    """Return a checkpoint of this tree, whole by its digest."""
    text = json.dumps(tree).encode()
    body = LENGTH.pack(len(text)) + text
    content = LENGTH.pack(len(body)) + pa.compress(body, codec="zstd", asbytes=True)
    return PREFIX.pack(MAGIC, VERSION, _digest(content)) + content


def tree(*incident: object) -> list[object]:
    return ["Checkpoint", 7, ["datetime", START.isoformat()], ["dict"], ["list"], ["Open", *incident]]


def test_a_state_with_a_field_too_few_or_too_many_is_damaged_also_where_the_field_has_a_default():
    members = ["tuple", "amount", "rows"]
    assert from_bytes(packed(tree("champion/2024-01-03", members, 2))) == WHOLE
    for fields in (["champion/2024-01-03", members], ["champion/2024-01-03", members, 2, 3]):
        with pytest.raises(StateError, match=r"^it cannot be read \(.+\)$"):
            from_bytes(packed(tree(*fields)))
