"""The simulated cache, key by key (cache-aside, TTL set by the write after a miss, LRU when full), and instances.

Instances follow the work, start cold, and linger for a while.
"""

import heapq
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

Entry = tuple[float, float]


@dataclass(slots=True)
class Looked:
    """Lookups of one slice. `ages`: seconds since the answer was written, -1 for a miss; aligned with the lookups."""

    ages: list[float] = field(default_factory=list)
    evictions: int = 0


class Cache:
    """Sizes are in MB. A read does not refresh a TTL; an access at the age of the TTL is a miss."""

    def __init__(self, entry_mb: float) -> None:
        self._entry_mb = entry_mb
        #: Least recently used first: (written at, expires at).
        self._entries: OrderedDict[int, Entry] = OrderedDict()
        self._expiries: list[tuple[float, int]] = []

    @property
    def used_mb(self) -> float:
        return len(self._entries) * self._entry_mb

    def look_up(self, times: Sequence[float], keys: Sequence[int], ttls: Sequence[float], room_mb: float) -> Looked:
        """Each key in turn; what is missing is written with its TTL. `room_mb` is what the answers may take."""
        entries, expiries = self._entries, self._expiries
        most = max(1, int(room_mb / self._entry_mb))
        found = Looked()
        ages = found.ages
        for at, key, ttl_seconds in zip(times, keys, ttls, strict=True):
            entry = entries.get(key)
            if entry is not None and at < entry[1]:
                ages.append(at - entry[0])
                entries.move_to_end(key)
                continue
            ages.append(-1.0)
            expires = at + ttl_seconds
            entries[key] = (at, expires)
            entries.move_to_end(key)
            heapq.heappush(expiries, (expires, key))
            if len(entries) > most:
                self._expire(at)
                while len(entries) > most:
                    entries.popitem(last=False)
                    found.evictions += 1
        return found

    def settle(self, at: float, room_mb: float) -> int:
        """The end of a slice: what has expired goes, and then what is too much. Returns the evictions."""
        self._expire(at)
        most = max(1, int(room_mb / self._entry_mb))
        evictions = max(0, len(self._entries) - most)
        for _ in range(evictions):
            self._entries.popitem(last=False)
        return evictions

    def flush(self) -> None:
        self._entries.clear()
        self._expiries.clear()

    def fork(self) -> "Cache":
        """A copy that goes its own way."""
        other = Cache(self._entry_mb)
        other._entries, other._expiries = self._entries.copy(), self._expiries.copy()
        return other

    def _expire(self, at: float) -> None:
        entries, expiries = self._entries, self._expiries
        while expiries and expiries[0][0] <= at:
            expires, key = heapq.heappop(expiries)
            entry = entries.get(key)
            # An evicted key may have been written again since, with a later end.
            if entry is not None and entry[1] == expires:
                del entries[key]


#: Seconds of answering that one instance gets done in a second (its concurrency), as far as it is planned to.
WORK_PER_INSTANCE = 4.0
#: Slices that an instance without work is kept.
KEEPS = 3
#: Requests that wait for each instance that starts.
WAIT_FOR_START = 2
VCPU_USD = 0.000024
GIB_USD = 0.0000025
GIB = 0.5
REQUEST_USD = 0.40 / 1_000_000


@dataclass(frozen=True, slots=True)
class Instances:
    """`running` instances, of which the work of the last slices needed `needed`."""

    running: int = 1
    idle_slices: int = 0

    def after(self, busy_seconds: float, slice_seconds: float, *, restarted: bool) -> tuple["Instances", int]:
        """The next slice, with so many seconds of answering, and how many requests wait for a start in it."""
        needed = max(1, round(busy_seconds / slice_seconds / WORK_PER_INSTANCE + 0.5))
        started = needed if restarted else max(0, needed - self.running)
        if needed >= self.running:
            return Instances(needed, 0), started * WAIT_FOR_START
        idle = replace(self, idle_slices=self.idle_slices + 1)
        return (Instances(needed, 0) if idle.idle_slices > KEEPS else idle), started * WAIT_FOR_START


def slice_usd(busy_seconds: float, requests: int) -> float:
    """The bill of a slice, by requests and the time that instances are busy."""
    billable = busy_seconds / WORK_PER_INSTANCE
    return billable * (VCPU_USD + GIB * GIB_USD) + requests * REQUEST_USD
