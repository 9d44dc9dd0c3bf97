"""Accesses as they are stored: packed, sorted by key and time, with the lives of each key.

A stored access is one uint64: the upper 36 bits of the key's 48-bit hash << 28 | the time since the window's start in
units of 4 ms (so a window holds up to 12 days). Beside it stand one byte for the kind and one for the size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lumen.model import accesses as reported
from lumen.model.observed import HASH_BITS, TIME_BITS, UNIT_MS

#: Arrays of uint64, of bytes, of truth values, of integers and of floats.
Words = NDArray[np.uint64]
Bytes = NDArray[np.uint8]
Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

#: The service's hash of a key; what is kept of it is HASH_BITS.
SERVICE_HASH_BITS = 48
WINDOW_MS = UNIT_MS << TIME_BITS
#: A write so soon after a miss of its key fills the cache for that miss; any later one is an overwrite.
FILL_MS = 10_000


class Kind(IntEnum):
    """What was done to a key. In a byte of `Accesses.kinds` the bit HELD may be added: the key keeps the old TTL."""

    MISS = reported.MISS
    HIT = reported.HIT
    WRITE = reported.WRITE
    DELETE = reported.DELETE


@dataclass(frozen=True, slots=True)
class Accesses:
    """A window of accesses, sorted by key and time; what came at once stands in the order in which it came.

    `packed`: uint64 each. `kinds`: `Kind`, with HELD where it applies. `sizes`: `size_code` of a write, 0 elsewhere.
    """

    packed: Words
    kinds: Bytes
    sizes: Bytes

    def __len__(self) -> int:
        return len(self.packed)


def pack(hashes: NDArray[Any], times_ms: NDArray[Any]) -> Words:
    """Hashes of 48 bits and times in ms since the window's start, each packed into one uint64; not sorted yet.

    Raises ValueError for a time outside of the window.
    """
    times = np.asarray(times_ms)
    if times.size and (times.min() < 0 or times.max() >= WINDOW_MS):
        raise ValueError(f"times must lie from 0 to {WINDOW_MS} ms after the window's start")
    upper = np.asarray(hashes).astype(np.uint64) >> np.uint64(SERVICE_HASH_BITS - HASH_BITS)
    return upper << np.uint64(TIME_BITS) | times.astype(np.uint64) // np.uint64(UNIT_MS)


def in_order(packed: Words, kinds: Bytes, sizes: Bytes) -> Accesses:
    """Sorted as `Accesses` has to be, from the order in which they came."""
    order = np.argsort(packed, kind="stable")
    return Accesses(packed[order], kinds[order], sizes[order])


def joined(parts: Sequence[Accesses]) -> Accesses:
    """Several parts of one window, in the order in which they came, as one."""
    if not parts:
        return Accesses(np.empty(0, np.uint64), np.empty(0, np.uint8), np.empty(0, np.uint8))
    return in_order(
        np.concatenate([part.packed for part in parts]),
        np.concatenate([part.kinds for part in parts]),
        np.concatenate([part.sizes for part in parts]),
    )


def below(accesses: Accesses, limit: int) -> Accesses:
    """Only keys whose upper 32 bits of the hash are below `limit` (2**32: all), as the contract thins them."""
    end = np.searchsorted(accesses.packed, np.uint64(limit) << np.uint64(32)) if limit < reported.ALL_KEYS else None
    return Accesses(accesses.packed[:end], accesses.kinds[:end], accesses.sizes[:end])


def hashes_of(accesses: Accesses) -> Words:
    """The 36 bits of each access's key."""
    return accesses.packed >> np.uint64(TIME_BITS)


def times_ms(accesses: Accesses) -> Integers:
    """When each access was, in ms since the window's start."""
    return (accesses.packed & np.uint64((1 << TIME_BITS) - 1)).astype(np.int64) * UNIT_MS


def size_code(size_bytes: NDArray[Any]) -> Bytes:
    """Sizes as one byte each, by eighths of a power of two: round(8·log2(bytes + 1)), up to 3.9 GB."""
    codes: Bytes = np.clip(np.rint(8 * np.log2(np.asarray(size_bytes, np.float64) + 1)), 0, 255).astype(np.uint8)
    return codes


def size_bytes(codes: Bytes) -> Floats:
    """Bytes of each `size_code`, off by at most 4.5 %."""
    sizes: Floats = np.exp2(codes / 8.0) - 1
    return sizes
