"""Days of accesses in the store."""

import random
import struct
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.adapters.store.accesses import RedisAccessDays, packed, unpacked
from lumen.model.messages import LeaseLost
from lumen.model.observed import KEEP_DAYS, Piece, Progress, Tally
from lumen.ports.store import Lease
from tests.contract.store.builders import LONG, OTHER, SERVICE, Store

FIRST = date(2026, 3, 1)


def piece(day: date, *words: int) -> Piece:
    tally = Tally(hits=len(words), batches=1)
    return Piece(day, tally, 1 << 32, struct.pack(f"<{len(words)}Q", *words), b"\1" * len(words), bytes(len(words)))


async def lease_of(store: Store) -> Lease:
    lease = await store.leases.acquire(SERVICE, "accesses", LONG)
    assert lease is not None
    return lease


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1) | st.integers(0, 2), st.integers(0, 7), st.integers(0, 255))))
def test_a_piece_is_read_as_it_was_written(accesses: list[tuple[int, int, int]]) -> None:
    """Sorted by key and time; what came at once stands in the order in which it came."""

    def of(listed: list[tuple[int, int, int]]) -> Piece:
        words = struct.pack(f"<{len(listed)}Q", *(word for word, _, _ in listed))
        return Piece(FIRST, Tally(hits=3, lost=1), 77, words, *(bytes(each[at] for each in listed) for at in (1, 2)))

    assert unpacked(FIRST, packed(of(accesses))) == of(sorted(accesses, key=lambda access: access[0]))


def test_an_hour_of_ion_takes_less_than_eight_bytes_an_access() -> None:
    """21,000 lookups of 30,000 keys, some much more often than others, a quarter of them misses with a write."""
    dice = random.Random(1)
    keys = [dice.getrandbits(36) << 28 for _ in range(30_000)]
    records = []
    for n in range(21_000):
        word, missed = keys[int(30_000 * dice.random() ** 3)] | (43_200_000 + n * 171) // 4, dice.random() < 0.25
        records += [(word, 0, 0), (word + 50, 2, dice.randint(90, 110))] if missed else [(word, 1, 0)]
    words = struct.pack(f"<{len(records)}Q", *(word for word, _, _ in records))
    whole = Piece(FIRST, Tally(), 1 << 32, words, *(bytes(each[at] for each in records) for at in (1, 2)))
    assert len(packed(whole)) / len(records) < 8


async def test_a_day_is_all_that_was_added_to_it(store: Store) -> None:
    days, lease = RedisAccessDays(store.redis), await lease_of(store)
    assert await days.progress(SERVICE) == Progress()
    progress = Progress("5-0", {"a": (3, 1)}, 1 << 31, (FIRST,), 1, 3)
    next_day = FIRST + timedelta(days=1)
    await days.put(SERVICE, lease, 23, [piece(FIRST, 1), piece(next_day, 9)], progress)
    await days.put(SERVICE, lease, 23, [piece(FIRST, 7)], progress)
    await days.put(SERVICE, lease, 0, [piece(FIRST, 3)], progress)
    whole = await days.day(SERVICE, FIRST)
    assert sorted(struct.unpack("<3Q", whole.packed)) == [1, 3, 7]
    assert (whole.tally, whole.kinds) == (Tally(hits=3, batches=3), b"\1\1\1")
    assert await days.progress(SERVICE) == progress
    assert len(await days.day(SERVICE, next_day)) == 1
    assert len(await days.day(SERVICE, next_day + timedelta(days=1))) == 0
    assert len(await days.day(OTHER, FIRST)) == 0


async def test_ten_days_are_kept(store: Store) -> None:
    store_days, lease = RedisAccessDays(store.redis), await lease_of(store)
    every = [FIRST + timedelta(days=n) for n in range(KEEP_DAYS + 2)]
    for number, day in enumerate(every):
        kept = tuple(every[: number + 1][-KEEP_DAYS:])
        await store_days.put(SERVICE, lease, 3, [piece(day, number)], Progress("1-0", days=kept))
    assert [len(await store_days.day(SERVICE, day)) for day in every] == [0, 0] + [1] * KEEP_DAYS


async def test_who_has_lost_the_lease_stores_nothing(store: Store) -> None:
    days, lease = RedisAccessDays(store.redis), await lease_of(store)
    await store.leases.release(SERVICE, lease)
    with pytest.raises(LeaseLost):
        await days.put(SERVICE, lease, 3, [piece(FIRST, 1)], Progress("1-0"))
    assert await days.progress(SERVICE) == Progress()
