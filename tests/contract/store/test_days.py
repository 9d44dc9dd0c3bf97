"""The sums of the days over a real store: each slice counts once, whatever the looks go through."""

import math
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from lumen.adapters.store import alerts as room
from lumen.adapters.store.alerts import RedisAlerts, RedisDays
from lumen.adapters.store.scripts import key
from lumen.model.alert import Correction, Observation
from lumen.model.history import Day, DayOfCost, folded, together
from lumen.model.snapshot import SLICE, LatencyDistribution
from lumen.ports.incidents import Look
from lumen.ports.store import Lease
from tests.contract.store.builders import OTHER, SERVICE, Store

EVENING = datetime(2026, 2, 28, 23, 0, tzinfo=UTC)
SOON = EVENING + timedelta(minutes=30)
EVER = date(2000, 1, 1)


TIMED = LatencyDistribution((1.4**15, 1.4**16), (900, 70, 30))


def slices(count: int, start: datetime = EVENING) -> list[Observation]:
    """Every seventh one is unknown, every fifth one bad, every third one without lookups, cost or latency."""
    return [
        Observation(at)
        if nth % 7 == 3
        else Observation(at, 1000, 100 if nth % 5 == 0 else 1, 4, hits=7, misses=3, cost_usd=0.021, latency=TIMED)
        if nth % 3
        else Observation(at, 1000, 100 if nth % 5 == 0 else 1)
        for nth in range(count)
        for at in (start + nth * SLICE,)
    ]


@pytest.fixture
def days(store: Store) -> RedisDays:
    return RedisDays(store.redis)


@pytest.fixture
async def lease(store: Store) -> AsyncIterator[Lease]:
    yield await store.lease("slot/watch")


def same(found: list[Day], wanted: tuple[Day, ...]) -> bool:
    """Money is kept in billionths of a dollar."""
    return [_rounded(d) for d in found] == [_rounded(d) for d in wanted]


def _rounded(day: Day) -> Day:
    parts = {part: (known, round(usd, 7)) for part, (known, usd) in day.cost_parts.items()}
    return replace(day, cost_usd=round(day.cost_usd, 7), cost_parts=parts)


async def test_the_stored_sums_are_those_of_the_slices(
    store: Store, days: RedisDays, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "BATCH", 5)  # a look that comes in pieces counts like one
    alerts = RedisAlerts(store.redis, store.clock)
    assert await days.days(SERVICE, EVER) == []
    given = slices(40)
    assert await alerts.look(SERVICE, lease, Look(None, given[:28], ()))
    assert await alerts.look(SERVICE, lease, Look(given[27].start, given[28:], ()))
    assert same(kept := await days.days(SERVICE, EVER), folded(given))
    costs = await days.costs_of([SERVICE, OTHER])
    assert costs == {SERVICE: [DayOfCost(day.date, day.slices, day.cost) for day in kept], OTHER: []}
    assert [d.date for d in await days.days(SERVICE, date(2026, 3, 1))] == [date(2026, 3, 1)]
    assert await days.days(OTHER, EVER) == []


async def test_how_long_requests_took_stays_with_the_day_and_not_with_the_slice(
    store: Store, days: RedisDays, lease: Lease
) -> None:
    alerts, given = RedisAlerts(store.redis, store.clock), slices(3)
    assert await alerts.look(SERVICE, lease, Look(None, given, ()))
    kept_with = [replace(one, latency=one.latency.trimmed() if one.latency else None) for one in given]
    assert await alerts.observations(SERVICE, None) == kept_with  # for a day, in which late points may come
    other = LatencyDistribution((200.0,), (10, 5))  # Monitoring has other buckets from now on
    assert await alerts.look(SERVICE, lease, Look(given[-1].start, [Observation(SOON, 15, 0, latency=other)], ()))
    (kept,) = await days.days(SERVICE, EVER)
    assert kept.timed_slices == 3
    assert kept.latencies == {
        (0.0, 1.4**15): 1800,
        (1.4**15, 1.4**16): 140,
        (1.4**16, math.inf): 60,
        (0.0, 200.0): 10,
        (200.0, math.inf): 5,
    }


async def test_corrected_slices_correct_their_days(store: Store, days: RedisDays, lease: Lease) -> None:
    alerts, given = RedisAlerts(store.redis, store.clock), slices(40)
    assert await alerts.look(SERVICE, lease, Look(None, given[:39], ()))
    late = LatencyDistribution((1.4**15, 1.4**16), (900, 70, 95))
    better = (
        replace(given[7], requests=1065, errors_5xx=66, latency=late),
        replace(given[3], requests=900, errors_5xx=0),
    )
    stored = {one.start: one for one in await alerts.observations(SERVICE, None)}
    corrections = [Correction(stored[one.start], one) for one in better]
    look = Look(given[38].start, given[39:], (), (), corrections, 0)
    assert await alerts.look(SERVICE, lease, look)
    wanted = [{one.start: one for one in (*given, *better)}[one.start] for one in given]
    assert same(await days.days(SERVICE, EVER), folded(wanted))
    assert [one.requests for one in await alerts.observations(SERVICE, None)] == [one.requests for one in wanted]
    assert (await alerts.standings([SERVICE]))[SERVICE].corrections == 1
    # Somebody who does not know of it corrects nothing: the sums would count twice.
    assert not await alerts.look(SERVICE, lease, replace(look, after=given[39].start, observations=()))
    assert same(await days.days(SERVICE, EVER), folded(wanted))


async def test_latencies_leave_a_slice_when_nothing_corrects_it_any_more(store: Store, lease: Lease) -> None:
    alerts, start = RedisAlerts(store.redis, store.clock), store.clock.time - 24 * timedelta(hours=1)
    given = [Observation(start + nth * SLICE, 1000, 1, latency=TIMED) for nth in range(310)]
    assert await alerts.look(SERVICE, lease, Look(None, given[:290], ()))
    assert all(one.latency for one in await alerts.observations(SERVICE, None))
    assert await alerts.look(SERVICE, lease, Look(given[289].start, given[290:], ()))
    kept = [one.latency is not None for one in await alerts.observations(SERVICE, None)]
    assert kept == [False] * 10 + [True] * 300


async def test_days_of_a_lumen_that_kept_no_latency_are_read_and_added_to(
    store: Store, days: RedisDays, lease: Lease
) -> None:
    names = "slices known_slices good_slices bad_slices requests errors_5xx errors_4xx lookup_slices hits misses"
    for name, value in zip(names.split(), (3, 3, 3, 0, 300, 1, 2, 3, 21, 9), strict=True):
        await store.redis.hset(key(SERVICE, "days"), f"2026-02-28/{name}", str(value))
    old = Day(date(2026, 2, 28), 3, 3, 3, 0, 300, 1, 2, 3, 21, 9)
    assert await days.days(SERVICE, EVER) == [old]
    given = slices(2)
    assert await RedisAlerts(store.redis, store.clock).look(SERVICE, lease, Look(None, given, ()))
    (found,) = await days.days(SERVICE, EVER)
    assert same([found], together([old], folded(given)))
    assert (found.slices, found.timed_slices, found.timed) == (5, 1, 1000)


async def test_a_slice_counts_once_however_often_it_is_looked_at(store: Store, days: RedisDays, lease: Lease) -> None:
    alerts, given = RedisAlerts(store.redis, store.clock), slices(20)
    assert await alerts.look(SERVICE, lease, Look(None, given, ()))
    assert not await alerts.look(SERVICE, lease, Look(None, given, ()))
    assert not await alerts.look(SERVICE, lease, Look(given[4].start, given[5:], ()))
    assert await alerts.look(SERVICE, lease, Look(given[-1].start, (), ()))
    assert same(await days.days(SERVICE, EVER), folded(given))


async def test_days_outlive_their_slices_and_the_oldest_give_way(store: Store, days: RedisDays, lease: Lease) -> None:
    alerts = RedisAlerts(store.redis, store.clock, keep_slices=2, keep_days=3)
    after = None
    for nth in range(6):
        at = EVENING + timedelta(days=nth)
        store.clock.time = at
        assert await alerts.look(SERVICE, lease, Look(after, (Observation(at, 10, 0),), ()))
        after = at
    kept = await days.days(SERVICE, EVER)
    assert [d.date for d in kept] == [(EVENING + timedelta(days=nth)).date() for nth in range(2, 6)]
    assert all(d.requests == 10 for d in kept)
