"""Accesses as they are replayed: the requests of each life of a key, in order of time.

A life of a key ends with a delete, with an overwrite, or with a miss that nothing was written for (the answer does not
exist, or was not to be cached): the request after any of them meets nothing of what was there before. Lives are
numbered, so that no two keys share a number; an element is one uint64: the life << 36 | ms since the window's start.
"""

from dataclasses import dataclass

import numpy as np

from lumen.model.accesses import HELD, KIND_MASK
from lumen.prediction.accesses import FILL_MS, Accesses, Flags, Integers, Kind, Words, hashes_of, times_ms

MS_BITS = 36
#: No window is longer (1.1 years), so that no time plus a TTL reaches into the bits of the life.
LONGEST_MS = 1 << (MS_BITS - 1)
#: Answers that take a larger share of the TTL than this move the ends of entries.
SLOW_ANSWER = 0.01


@dataclass(frozen=True, slots=True)
class Requests:
    """Elements sorted by life and time.

    `elements`: uint64 each. `asked`: False for the write that begins a life and is no request; None: all are requests.
    `hit`: whether the request was seen to hit at the TTL that was in force; None where the log does not tell.
    `key`: numbers of the keys, ascending, of which each has one life or more; `held`: whether the key was said to keep
    the old TTL. Both are None where lives are of keys by themselves.
    """

    elements: Words
    asked: Flags | None = None
    hit: Flags | None = None
    key: Integers | None = None
    held: Flags | None = None

    @property
    def count(self) -> int:
        """Requests, without the writes between them."""
        return len(self.elements) if self.asked is None else int(np.count_nonzero(self.asked))


def packed(life: Integers, at_ms: Integers) -> Words:
    """Numbers of lives and times as elements, not sorted. Raises ValueError for times that do not fit."""
    if at_ms.size and (at_ms.min() < 0 or at_ms.max() >= LONGEST_MS):
        raise ValueError(f"times must lie from 0 to {LONGEST_MS} ms after the window's start")
    return life.astype(np.uint64) << np.uint64(MS_BITS) | at_ms.astype(np.uint64)


def elapsed_ms(elements: Words) -> Integers:
    """The time of each element, in ms since the window's start."""
    return (elements & np.uint64((1 << MS_BITS) - 1)).astype(np.int64)


def requests_of(accesses: Accesses) -> Requests:
    """The requests of stored accesses, with the lives of their keys."""
    if not len(accesses):
        none, no_flags = np.empty(0, np.uint64), np.empty(0, np.bool_)
        return Requests(none, no_flags, no_flags, none.astype(np.int64), no_flags)
    kind, at_ms = accesses.kinds & KIND_MASK, times_ms(accesses)
    new_key, overwrites = _changes(hashes_of(accesses)), overwritten(accesses)
    written, deleted = kind == Kind.WRITE, kind == Kind.DELETE
    begins = new_key | overwrites | deleted
    begins[1:] |= _unanswered(kind, at_ms, new_key)[:-1]
    kept = overwrites | ~(written | deleted)
    elements = packed(np.cumsum(begins)[kept], at_ms[kept])
    held = (accesses.kinds & HELD != 0)[kept]
    return Requests(elements, ~written[kept], (kind == Kind.HIT)[kept], (np.cumsum(new_key) - 1)[kept], held)


def overwritten(accesses: Accesses) -> Flags:
    """Flags of the accesses that are writes and answer no miss."""
    kind, at_ms = accesses.kinds & KIND_MASK, times_ms(accesses)
    if not len(kind):
        return np.empty(0, np.bool_)
    found: Flags = (kind == Kind.WRITE) & _surplus(kind, at_ms, _changes(hashes_of(accesses)))
    return found


def lasting_ms(accesses: Accesses, ttl_ms: int) -> int:
    """The time from a miss to the end of what was written for it: where answers take long against the TTL (in the
    median more than a hundredth of it), that is the TTL and that median."""
    return prolonged_ms(ttl_ms, answer_ms(accesses))


def prolonged_ms(ttl_ms: int, took_ms: float) -> int:
    """The same where the median is known."""
    return ttl_ms + round(took_ms) if took_ms > SLOW_ANSWER * ttl_ms else ttl_ms


def answer_ms(accesses: Accesses) -> float:
    """The median of the times from a miss to the write that answers it; 0 where nothing was written."""
    kind, at_ms = accesses.kinds & KIND_MASK, times_ms(accesses)
    filled = (kind == Kind.WRITE) & ~overwritten(accesses)
    if not filled.any():
        return 0.0
    last_miss = _last(kind == Kind.MISS, _changes(hashes_of(accesses)) | (kind == Kind.DELETE))[filled]
    return float(np.median((at_ms[filled] - at_ms[last_miss])[last_miss >= 0]))


def _changes(values: Words) -> Flags:
    """Whether each value is another than the one before it; the first one is."""
    found = np.ones(len(values), np.bool_)
    np.not_equal(values[1:], values[:-1], out=found[1:])
    return found


def _surplus(kind: np.ndarray, at_ms: Integers, new_key: Flags) -> Flags:
    """Writes beyond the misses that they answer: overwrites. Misses of one burst may be answered in any order."""
    place, missed = np.arange(len(kind)), kind == Kind.MISS
    last_miss = _last(missed, new_key | (kind == Kind.DELETE))
    before = np.concatenate([[-1], last_miss[:-1]])
    fresh = missed & ((before < 0) | (at_ms - at_ms[before] > FILL_MS))
    burst = np.cumsum(new_key | (kind == Kind.DELETE) | fresh)
    begins = np.concatenate([[True], burst[1:] != burst[:-1]])
    balance = np.cumsum(missed.astype(np.int64) - (kind == Kind.WRITE))
    first = np.maximum.accumulate(np.where(begins, place, 0))
    owed = balance - np.where(first > 0, balance[first - 1], 0)
    floor = -burst * np.int64(len(kind) + 1)
    lowest = np.minimum.accumulate(np.minimum(owed, 0) + floor)
    below = np.where(begins, floor, np.concatenate([[0], lowest[:-1]]))
    late = (last_miss < 0) | (at_ms - at_ms[last_miss] > FILL_MS)
    surplus: Flags = (owed + floor < below) | late
    return surplus


def _last(marked: Flags, barrier: Flags) -> Integers:
    """The place of the last marked element up to each one, -1 where a barrier lies between or there is none."""
    place = np.arange(len(marked))
    found = np.maximum.accumulate(np.where(marked, place, -1))
    return np.where(found >= np.maximum.accumulate(np.where(barrier, place, -1)), found, -1)


def _unanswered(kind: np.ndarray, at_ms: Integers, new_key: Flags) -> Flags:
    """Misses for which nothing was written within FILL_MS. A log without any write tells nothing of that: none."""
    missed, written = kind == Kind.MISS, kind == Kind.WRITE
    if not written.any():
        return np.zeros(len(kind), np.bool_)
    last_of_key = np.concatenate([new_key[1:], [True]])[::-1]
    behind = _last(written[::-1], last_of_key | (kind[::-1] == Kind.DELETE))[::-1]
    answer = len(kind) - 1 - behind
    there = behind >= 0
    soon = there & (at_ms[np.where(there, answer, 0)] - at_ms <= FILL_MS)
    found: Flags = missed & ~soon
    return found
