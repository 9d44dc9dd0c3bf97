"""The replay equals a cache of a few lines, access by access."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lumen.prediction.accesses import Accesses, Kind, in_order, pack, size_bytes, size_code, times_ms
from lumen.prediction.lives import Requests, elapsed_ms, lasting_ms, packed, requests_of
from lumen.prediction.replay import DAY_MS, miss_count, missed, misses_by_day, requests_by_day

#: What a service does: (ms after the operation before, key, operation), in which a read that misses writes at once.
READ, OVERWRITE, DELETE, ABSENT = range(4)
UNIT = 4
OPERATIONS = st.binary(max_size=160).map(
    lambda drawn: [
        (1000 * (step % 41), what >> 2 & 3, what & 3) for step, what in zip(drawn[::2], drawn[1::2], strict=False)
    ]
)


def served(operations: Sequence[tuple[int, int, int]], ttl_ms: int) -> tuple[list[bool], list[tuple[int, int, Kind]]]:
    """A dict as a cache: which reads miss, and the records that the contract's client would have sent.

    ABSENT: a read of what nobody can answer: unless it is cached, nothing is written for it.
    """
    until: dict[int, int] = {}
    now, missing, records = 0, [], []
    for after, key, what in operations:
        now += after
        if what == OVERWRITE:
            until[key] = now + ttl_ms
            records.append((now, key, Kind.WRITE))
        elif what == DELETE:
            until.pop(key, None)
            records.append((now, key, Kind.DELETE))
        else:
            misses = until.get(key, 0) <= now
            missing.append(misses)
            records.append((now, key, Kind.MISS if misses else Kind.HIT))
            if misses and what == READ:
                until[key] = now + ttl_ms
                records.append((now, key, Kind.WRITE))
    return missing, records


def stored(records: Sequence[tuple[int, int, Kind]]) -> Accesses:
    hashes = np.array([(key + 1) << 40 for _, key, _ in records], np.uint64)
    times = np.array([at for at, _, _ in records], np.int64)
    kinds = np.array([kind for _, _, kind in records], np.uint8)
    return in_order(pack(hashes, times), kinds, np.zeros(len(records), np.uint8))


def by_time_and_key(operations: Sequence[tuple[int, int, int]], missing: Sequence[bool]) -> list[bool]:
    """The reads in the order of `Requests`: by key, then by time."""
    now = 0
    reads: list[tuple[int, int, int]] = []
    for after, key, what in operations:
        now += after
        if what in (READ, ABSENT):
            reads.append((key, now, len(reads)))
    return [missing[index] for _, _, index in sorted(reads)]


@settings(max_examples=80, deadline=None)
@given(OPERATIONS.map(lambda all_of: [one for one in all_of if one[2] != ABSENT]), st.sampled_from([12, 60, 400]))
def test_replay_equals_a_dict_access_by_access(operations: list[tuple[int, int, int]], seconds: int) -> None:
    """At any TTL, from the records of any other one: deletes, overwrites, and much at one moment."""
    _, records = served(operations, 60_000)
    requests = requests_of(stored(records))
    assert requests.asked is not None
    truth, _ = served(operations, seconds * 1000)
    assert missed(requests, seconds * 1000)[requests.asked].tolist() == by_time_and_key(operations, truth)


@settings(max_examples=50, deadline=None)
@given(OPERATIONS)
def test_at_the_ttl_in_force_replayed_is_seen(operations: list[tuple[int, int, int]]) -> None:
    """Also where nothing is written for some misses, as long as they are further apart than a fill may take."""
    operations = [(after + 11_000 if what == ABSENT else after, key, what) for after, key, what in operations]
    operations = [one for one in operations for one in ((11_000, 9, OVERWRITE), one)]
    _, records = served(operations, 60_000)
    requests = requests_of(stored(records))
    assert requests.asked is not None
    assert requests.hit is not None
    assert missed(requests, 60_000)[requests.asked].tolist() == (~requests.hit[requests.asked]).tolist()


def test_a_herd_of_misses_writes_no_overwrites() -> None:
    """Three instances miss at once and write one after the other; the fourth write, later, is an overwrite."""
    herd = [(0, 1, Kind.MISS), (4, 1, Kind.MISS), (8, 1, Kind.WRITE), (12, 1, Kind.HIT), (16, 1, Kind.MISS)]
    herd += [(20, 1, Kind.WRITE), (24, 1, Kind.WRITE), (50_000, 1, Kind.WRITE), (100_000, 1, Kind.HIT)]
    requests = requests_of(stored(herd))
    assert requests.asked is not None
    assert requests.asked.tolist() == [True, True, True, True, False, True]
    assert miss_count(requests, 60_000) == 1


@pytest.mark.parametrize(("took_ms", "lasting"), [(0, 60_000), (500, 60_000), (4000, 64_000)])
def test_slow_answers_end_later(took_ms: int, lasting: int) -> None:
    """What is written four seconds after a miss ends four seconds later; half a second is within the error."""
    records = [(at, key, Kind.MISS) for at in (0, 100_000) for key in (1, 2)]
    records += [(at + took_ms, key, Kind.WRITE) for at, key, _ in records]
    assert lasting_ms(stored(sorted(records)), 60_000) == lasting
    assert lasting_ms(stored(records[:4]), 60_000) == 60_000


def test_days_are_counted_with_what_the_days_before_left() -> None:
    at = np.array([0, DAY_MS - 1000, DAY_MS + 1000, DAY_MS + 100_000], np.int64)
    requests = Requests(packed(np.zeros(4, np.int64), at))
    assert misses_by_day(requests, [60_000, 300_000], 2).tolist() == [[2, 1], [2, 0]]
    assert requests_by_day(requests, 2).tolist() == [2, 2]


def test_nothing_is_replayed_of_nothing() -> None:
    requests = requests_of(stored([]))
    assert requests.count == 0
    assert miss_count(requests, 60_000) == 0


def test_a_size_in_a_byte_is_off_by_less_than_five_per_cent() -> None:
    sizes = np.unique(np.geomspace(1, 10**9, 2000).astype(np.int64))
    assert np.all(np.abs(size_bytes(size_code(sizes)) - sizes) <= 0.05 * sizes + 0.05)


def test_times_come_back_in_their_units() -> None:
    accesses = stored([(0, 0, Kind.HIT), (7, 0, Kind.HIT), (10**9, 3, Kind.HIT)])
    assert times_ms(accesses).tolist() == [0, 4, 10**9]
    assert elapsed_ms(requests_of(accesses).elements).tolist() == [0, 4, 10**9]
