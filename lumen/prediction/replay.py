"""Requests replayed at any TTL, exactly: what would have missed had the cache kept each answer for so long.

The TTL is set by the write that follows a miss, and reads do not prolong it; a request at an age of the TTL or more
misses.
Memory does not bind: where it does, see `memory`.
"""

from collections.abc import Sequence

import numpy as np

from lumen.prediction.accesses import Flags, Integers
from lumen.prediction.lives import MS_BITS, Requests, elapsed_ms

DAY_MS = 86_400_000


def missed(requests: Requests, ttl_ms: int) -> Flags:
    """Of each element whether it is a request that misses. `ttl_ms` is above 0."""
    found = began(requests, ttl_ms)
    return found if requests.asked is None else found & requests.asked


def ages_ms(requests: Requests, starts: Flags) -> Integers:
    """The age of the answer to each request; 0 for one that misses. `starts`: what `began` says of them."""
    entry = np.maximum.accumulate(np.where(starts, requests.elements, np.uint64(0)))
    return (requests.elements - entry).astype(np.int64)


def began(requests: Requests, ttl_ms: int) -> Flags:
    """Of each element whether an entry begins with it: a request that misses, or a write.

    The first element of a life, and one that comes a TTL or more after the one before it, are starts whatever came
    earlier. From all of them at once one jumps to the first element that the entry does not cover any more; it is the
    next miss of that life, and one jumps from there, until every jump ends in another life or at another start.
    """
    elements, found = requests.elements, np.zeros(len(requests.elements), np.bool_)
    if not len(elements):
        return found
    step = np.uint64(ttl_ms)
    found[0] = True
    np.greater_equal(elements[1:] - elements[:-1], step, out=found[1:])
    current = np.flatnonzero(found)
    while len(current):
        following = np.searchsorted(elements, elements[current] + step)
        inside = following < len(elements)
        current, following = current[inside], following[inside]
        same = (elements[following] ^ elements[current]) >> np.uint64(MS_BITS) == 0
        following = following[same & ~found[following]]
        found[following] = True
        current = following
    return found


def miss_count(requests: Requests, ttl_ms: int) -> int:
    """The number of requests that miss at this TTL."""
    return int(np.count_nonzero(missed(requests, ttl_ms)))


def misses_by_day(requests: Requests, ttls_ms: Sequence[int], days: int) -> Integers:
    """Misses of each TTL (rows) on each day of the window (columns); what a day finds in the cache is what the days
    before it left there."""
    day = elapsed_ms(requests.elements) // DAY_MS
    rows = [np.bincount(day[missed(requests, ttl_ms)], minlength=days)[:days] for ttl_ms in ttls_ms]
    return np.array(rows, np.int64).reshape(len(ttls_ms), days)


def requests_by_day(requests: Requests, days: int) -> Integers:
    """Requests on each day of the window."""
    day = elapsed_ms(requests.elements) // DAY_MS
    asked = day if requests.asked is None else day[requests.asked]
    return np.bincount(asked, minlength=days)[:days].astype(np.int64)
