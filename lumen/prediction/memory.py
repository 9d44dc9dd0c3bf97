"""Requests replayed in a cache of a given size: least recently used goes first, and entries expire.

The size of an entry is what was written last, as a server's memory takes it (`entry_bytes`). A server that samples a
few keys for each eviction (`*-lru`) comes within a point of the hit rate; one that counts uses (`*-lfu`) does not. Not
vectorised: half a million to a million accesses a second.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from lumen.model.accesses import KIND_MASK
from lumen.prediction.accesses import (
    Accesses,
    Floats,
    Integers,
    Kind,
    hashes_of,
    size_bytes,
    times_ms,
)
from lumen.prediction.lives import overwritten

#: Bytes of an entry beside its value: key, table and expiry; and of the value beside its text.
ENTRY_BYTES, VALUE_BYTES = 130, 8
#: Below this share of the writes, evictions move nothing that counts.
FEW_EVICTIONS = 0.01
#: Of fewer entries at once a server's pick among a few of them is chance: 50 to 160 were off by up to 5.5 points.
LEAST_ENTRIES = 500
#: Events that are taken at a time.
STRIDE = 1 << 17


@dataclass(frozen=True, slots=True)
class Timeline:
    """Events in order of time, of each: ms, number of the key, `Kind`, and the bytes of the key's value.

    MISS and HIT alike are requests; a WRITE is an overwrite: what fills the cache after a miss is no event of its own.
    """

    at_ms: Integers
    key: NDArray[np.integer]
    kind: NDArray[np.integer]
    size: Floats

    @property
    def requests(self) -> int:
        """The number of requests among them."""
        return int(np.count_nonzero(self.kind <= Kind.HIT))


@dataclass(frozen=True, slots=True)
class Kept:
    """Counts of a replay, and the bytes and the entries that were in use at most."""

    misses: int
    writes: int
    evictions: int
    most_bytes: float
    most_entries: int

    @property
    def binds(self) -> bool:
        """Whether memory was short: then the TTL alone does not tell the hit rate."""
        return self.evictions > FEW_EVICTIONS * self.writes

    def is_told(self, share: float = 1.0) -> bool:
        """Whether a server's cache, of which this is a `share`, comes near enough to it."""
        return not self.binds or self.most_entries >= LEAST_ENTRIES * share


def timeline_of(accesses: Accesses) -> Timeline:
    """Stored accesses in order of time."""
    kind, overwrites = accesses.kinds & KIND_MASK, overwritten(accesses)
    size = _sizes(hashes_of(accesses), kind, size_bytes(accesses.sizes))
    kept = overwrites | (kind != Kind.WRITE)
    at_ms, key = times_ms(accesses)[kept], np.cumsum(np.append(0, np.diff(hashes_of(accesses)) > 0))[kept]
    order = np.argsort(at_ms, kind="stable")
    return Timeline(at_ms[order], key[order], kind[kept][order], size[kept][order])


def _sizes(hashes: NDArray[np.uint64], kind: NDArray[np.integer], written: Floats) -> Floats:
    """Of each access the size that was written last for its key; else the first one; else the mean of all."""
    place, is_write = np.arange(len(kind)), kind == Kind.WRITE
    if not is_write.any():
        return np.zeros(len(kind))
    begins = np.maximum.accumulate(np.where(np.append(True, hashes[1:] != hashes[:-1]), place, 0))
    last = np.maximum.accumulate(np.where(is_write, place, -1))
    nearest = np.where(is_write, place, len(kind))
    coming = np.minimum.accumulate(nearest[::-1])[::-1]
    source = np.where(last >= begins, last, coming)
    same = (source < len(kind)) & (hashes[np.minimum(source, len(kind) - 1)] == hashes)
    sizes: Floats = np.where(same, written[np.minimum(source, len(kind) - 1)], written[is_write].mean())
    return sizes


def entry_bytes(value_bytes: Floats) -> Floats:
    """Of values the bytes of their entries in a server with jemalloc, as Redis comes: it hands out pieces of certain
    sizes, four to each doubling and 16 apart at least, which is a tenth more than the values have."""
    text = value_bytes + VALUE_BYTES
    step = np.maximum(16.0, np.exp2(np.floor(np.log2(text - 1)) - 2))
    pieces: Floats = np.ceil(text / step) * step + ENTRY_BYTES
    return pieces


def kept(
    timeline: Timeline,
    capacity_bytes: float,
    ttl_ms: float,
    progress: Callable[[int], None] = lambda _: None,
    since_ms: int = 0,
) -> Kept:
    """Replay everything in a cache of so many bytes; `ttl_ms` may be infinite, and so may the capacity.

    What came before `since_ms` fills the cache, and counts for nothing.
    """
    entries: dict[int, tuple[float, float]] = {}
    expiring: deque[tuple[float, int]] = deque()
    used = most = 0.0
    misses = writes = evictions = most_entries = 0
    for now, key, kind, size in _events(timeline, progress):
        while expiring and expiring[0][0] <= now:
            until, gone = expiring.popleft()
            if gone in entries and entries[gone][0] == until:
                used -= entries.pop(gone)[1]
        entry = entries.pop(key, None)
        if entry is not None and kind <= Kind.HIT:
            entries[key] = entry
            continue
        if entry is not None:
            used -= entry[1]
        if kind == Kind.DELETE:
            continue
        misses += kind <= Kind.HIT and now >= since_ms
        writes += now >= since_ms
        entries[key] = (now + ttl_ms, size)
        if ttl_ms < inf:
            expiring.append((now + ttl_ms, key))
        used += size
        most = max(most, min(used, capacity_bytes))
        while used > capacity_bytes and entries:
            used -= entries.pop(next(iter(entries)))[1]
            evictions += now >= since_ms
        most_entries = max(most_entries, len(entries))
    return Kept(misses, writes, evictions, most, most_entries)


def _events(timeline: Timeline, progress: Callable[[int], None]) -> Iterator[tuple[int, int, int, float]]:
    """Time, key, kind and size in the cache of each event; a part of them at a time, as objects take much memory."""
    for start in range(0, len(timeline.at_ms), STRIDE):
        part = slice(start, start + STRIDE)
        sizes = entry_bytes(timeline.size[part]).tolist()
        columns = timeline.at_ms[part].tolist(), timeline.key[part].tolist(), timeline.kind[part].tolist(), sizes
        yield from zip(*columns, strict=True)
        progress(len(sizes))
