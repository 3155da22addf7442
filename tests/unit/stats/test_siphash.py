import hashlib
import tracemalloc

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lupus_assets.stats import siphash
from lupus_assets.stats.siphash import hash_bytes, hash_strings, seeds

KEY = (0x0706050403020100, 0x0F0E0D0C0B0A0908)
# The first of the test vectors of the reference implementation: of no bytes, of 0, of 0 1, and so on.
VECTORS = {
    0: 0x726FDB47DD0E0E31,
    1: 0x74F839C593DC67FD,
    2: 0x0D6C8009D9A94F5A,
    7: 0xAB0200F58B01D137,
    8: 0x93F5F5799A932462,
    15: 0xA129CA6149BE45E5,
}
MASK = 2**64 - 1


def plain(message: bytes, key: tuple[int, int]) -> int:
    """Return the hash as the paper writes it, a string at a time."""
    v0, v1, v2, v3 = (
        key[0] ^ 0x736F6D6570736575,
        key[1] ^ 0x646F72616E646F6D,
        key[0] ^ 0x6C7967656E657261,
        key[1] ^ 0x7465646279746573,
    )

    def turn(x: int, by: int) -> int:
        return ((x << by) | (x >> (64 - by))) & MASK

    def mixed(v0, v1, v2, v3, times):
        for _ in range(times):
            v0, v2 = (v0 + v1) & MASK, (v2 + v3) & MASK
            v1, v3 = turn(v1, 13) ^ v0, turn(v3, 16) ^ v2
            v0 = turn(v0, 32)
            v2, v0 = (v2 + v1) & MASK, (v0 + v3) & MASK
            v1, v3 = turn(v1, 17) ^ v2, turn(v3, 21) ^ v0
            v2 = turn(v2, 32)
        return v0, v1, v2, v3

    padded = message + bytes((-len(message) - 1) % 8) + bytes([len(message) % 256])
    for at in range(0, len(padded), 8):
        word = int.from_bytes(padded[at : at + 8], "little")
        v0, v1, v2, v3 = mixed(v0, v1, v2, v3 ^ word, 2)
        v0 ^= word
    v0, v1, v2, v3 = mixed(v0, v1, v2 ^ 0xFF, v3, 4)
    return v0 ^ v1 ^ v2 ^ v3


def hashed(messages: list[bytes], key: tuple[int, int]) -> list[int]:
    offsets = np.cumsum([0, *map(len, messages)])
    return hash_bytes(np.frombuffer(b"".join(messages), np.uint8), offsets, key).tolist()


def test_the_reference_vectors_come_out():
    assert hashed([bytes(range(n)) for n in VECTORS], KEY) == list(VECTORS.values())


@given(st.lists(st.binary(max_size=40), max_size=30), st.integers(0, MASK), st.integers(0, MASK))
def test_many_at_once_are_hashed_as_one_at_a_time(messages, low, high):
    assert hashed(messages, (low, high)) == [plain(each, (low, high)) for each in messages]


def test_more_strings_than_a_block_of_any_length():
    messages = [str(n).encode() * (n % 4) for n in range(40_000)]
    found = hashed(messages, KEY)
    assert [found[n] for n in (0, 16_383, 16_384, 39_999)] == [
        plain(messages[n], KEY) for n in (0, 16_383, 16_384, 39_999)
    ]


def test_a_long_string_is_hashed_by_keyed_blake2b_wherever_it_lies():
    long, longest, key = b"a" * 1_025, bytes(range(256)) * 40, KEY[0].to_bytes(8, "little")
    key += KEY[1].to_bytes(8, "little")

    def digest(message: bytes) -> int:
        return int.from_bytes(hashlib.blake2b(message, digest_size=8, key=key).digest(), "little")

    last_short = b"a" * 1_024
    messages = [long, b"ab", last_short, longest, b"", long, b"c"]
    assert hashed(messages, KEY) == [
        digest(long),
        plain(b"ab", KEY),
        plain(last_short, KEY),
        digest(longest),
        plain(b"", KEY),
        digest(long),
        plain(b"c", KEY),
    ]
    assert hashed([longest], KEY) == [digest(longest)]


def test_a_long_string_does_not_make_the_others_go_through_its_rounds(monkeypatch):
    words = []
    absorb = siphash._absorb
    monkeypatch.setattr(siphash, "_absorb", lambda *given: (words.append(1), absorb(*given)))
    hashed([b"short", b"x" * 100_000, *[b"y" * 50_000] * 20], KEY)
    assert len(words) <= 1_024 // 8 + 1


def test_hashing_copies_no_string():
    data = np.frombuffer(b"".join([b"x" * 10_000_000, *[b"value"] * 1_000]), np.uint8)
    offsets = np.cumsum([0, 10_000_000, *[5] * 1_000])
    tracemalloc.start()
    hash_bytes(data, offsets, KEY)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_the_salt_is_the_key():
    assert seeds(b"one") != seeds(b"other")
    digest = hashlib.blake2b(b"one", digest_size=16).digest()
    key = (int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little"))
    assert hash_strings(["日本", ""], b"one").tolist() == [plain("日本".encode(), key), plain(b"", key)]


def test_no_strings_have_no_hashes():
    assert hash_strings([], b"one").dtype == np.uint64
    assert hash_strings([], b"one").size == 0
