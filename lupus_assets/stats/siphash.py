"""Keyed hashes of many byte strings at once: SipHash-2-4.

Aumasson and Bernstein, *SipHash: a fast short-input PRF* (INDOCRYPT 2012). Whoever has hashes and not the
key can neither find the key nor try values out. All strings of a block go through each round together, so
that a string costs some 40 ns rather than the 400 ns of a call per string. Long strings would take thousands
of rounds for a few of them, or for one: they are hashed by BLAKE2b (RFC 7693), a call each, at 1 ns a byte.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lupus_assets.stats.state import Hashes

Bytes = NDArray[np.uint8]

CONSTANTS = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
WORD = 8  # bytes
BLOCK = 16_384  # strings at a time: the state of so many stays in the cache
LONG = 1_024  # bytes above which a call of BLAKE2b costs no more than a string's share of so many rounds


def seeds(salt: bytes) -> tuple[int, int]:
    """Return the two halves of the 128-bit key that a salt of any length stands for."""
    digest = hashlib.blake2b(salt, digest_size=16).digest()
    return int.from_bytes(digest[:WORD], "little"), int.from_bytes(digest[WORD:], "little")


def hash_strings(values: Sequence[str], salt: bytes) -> Hashes:
    """Return the 64-bit hash of the UTF-8 bytes of each of `values`, keyed by `salt`."""
    encoded = [value.encode("utf-8", "surrogatepass") for value in values]
    offsets = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(each) for each in encoded], out=offsets[1:])
    return hash_bytes(np.frombuffer(b"".join(encoded), np.uint8), offsets, seeds(salt))


def hash_bytes(data: Bytes, offsets: NDArray[np.signedinteger], key: tuple[int, int]) -> Hashes:
    """Return the 64-bit hash of each string.

    Work grows with the bytes, and beside `data` and the result no more memory is used than a block takes,
    however long the longest string is.

    Parameters
    ----------
    data : array of uint8
        The strings end to end.
    offsets : array of int, shape (strings + 1,)
        Where each begins, and where the last ends.
    key : tuple of int
        Two halves of 64 bits.
    """
    count = offsets.size - 1
    out = np.empty(count, np.uint64)
    if data.size < WORD:  # where no whole word can be read
        data = np.append(data, np.zeros(WORD, np.uint8))
    # A word begins at any byte, which processors allow and numpy's constructor does too.
    words = np.ndarray((data.size - WORD + 1,), "<u8", buffer=data, strides=(1,))
    for start in range(0, count, BLOCK):
        bounds = offsets[start : start + BLOCK + 1].astype(np.int64)
        begins, lengths = bounds[:-1], np.diff(bounds)
        if int(lengths.max()) <= LONG:
            out[start : start + BLOCK] = _block(words, begins, lengths, key)
            continue
        short = np.flatnonzero(lengths <= LONG)
        if short.size:
            out[start + short] = _block(words, begins[short], lengths[short], key)
        for at in np.flatnonzero(lengths > LONG).tolist():
            out[start + at] = _digest(data[bounds[at] : bounds[at + 1]], key)
    return out


def _digest(string: Bytes, key: tuple[int, int]) -> int:
    """Return the hash of a long string: BLAKE2b, keyed as well."""
    secret = b"".join(half.to_bytes(WORD, "little") for half in key)
    return int.from_bytes(hashlib.blake2b(string.data, digest_size=WORD, key=secret).digest(), "little")


def _block(
    words: Hashes, begins: NDArray[np.int64], lengths: NDArray[np.int64], key: tuple[int, int]
) -> Hashes:
    """Return the hashes of some strings, of `LONG` bytes at most."""
    whole = lengths // WORD
    least, most = int(whole.min()), int(whole.max())
    order = None
    if least < most:  # so that the strings with a word left are always the last
        order = np.argsort(whole.astype(np.uint8), kind="stable")  # which sorts by counting
        begins, lengths, whole = begins[order], lengths[order], whole[order]
    state = [
        np.full(lengths.size, constant ^ key[at % 2], np.uint64) for at, constant in enumerate(CONSTANTS)
    ]
    spare = np.empty(lengths.size, np.uint64)
    for at in range(most):
        left = 0 if at < least else int(np.searchsorted(whole, at, side="right"))
        _absorb([each[left:] for each in state], words[begins[left:] + at * WORD], spare[left:])
    _absorb(state, _last_words(words, begins + whole * WORD, lengths), spare)
    state[2] ^= np.uint64(0xFF)
    for _ in range(4):
        _round(state, spare)
    found = state[0] ^ state[1] ^ state[2] ^ state[3]
    if order is None:
        return found
    hashes = np.empty(lengths.size, np.uint64)
    hashes[order] = found
    return hashes


def _last_words(words: Hashes, at: NDArray[np.int64], lengths: NDArray[np.int64]) -> Hashes:
    """Return the bytes that fill no word, and the length modulo 256 in the highest byte."""
    rest = lengths.astype(np.uint64) & np.uint64(WORD - 1)
    kept = (np.uint64(1) << (rest << np.uint64(3))) - np.uint64(1)
    # Behind the last string there are no bytes to read: it is read from further ahead, and moved.
    readable = np.minimum(at, words.size - 1)
    ahead = (at - readable).astype(np.uint64) << np.uint64(3)
    last: Hashes = ((words[readable] >> ahead) & kept) | (lengths.astype(np.uint64) << np.uint64(56))
    return last


def _absorb(state: Sequence[Hashes], word: Hashes, spare: Hashes) -> None:
    state[3][:] ^= word
    _round(state, spare)
    _round(state, spare)
    state[0][:] ^= word


def _round(state: Sequence[Hashes], spare: Hashes) -> None:
    v0, v1, v2, v3 = state
    v0 += v1
    v2 += v3
    _rotate(v1, 13, spare)
    _rotate(v3, 16, spare)
    v1 ^= v0
    v3 ^= v2
    _rotate(v0, 32, spare)
    v2 += v1
    v0 += v3
    _rotate(v1, 17, spare)
    _rotate(v3, 21, spare)
    v1 ^= v2
    v3 ^= v0
    _rotate(v2, 32, spare)


def _rotate(value: Hashes, by: int, spare: Hashes) -> None:
    np.right_shift(value, np.uint64(64 - by), out=spare)
    np.left_shift(value, np.uint64(by), out=value)
    np.bitwise_or(value, spare, out=value)
