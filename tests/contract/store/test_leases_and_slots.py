"""Leases with fencing tokens, and slots that are taken once across replicas, crashes and restarts."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from lumen.adapters.store.scripts import key
from lumen.model.messages import LeaseLost
from tests.contract.store.builders import LONG, OTHER, SERVICE, SOON, Store

HOUR = timedelta(hours=1)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def test_one_holder_at_a_time(store: Store) -> None:
    held = await store.lease("work")
    assert await store.leases.acquire(SERVICE, "work", LONG) is None
    assert await store.leases.acquire(SERVICE, "other work", LONG) is not None
    assert await store.leases.acquire(OTHER, "work", LONG) is not None
    await store.leases.release(SERVICE, held)
    assert (await store.lease("work")).token > held.token


async def test_of_50_at_once_one_gets_it(store: Store) -> None:
    got = await asyncio.gather(*(store.leases.acquire(SERVICE, "work", LONG) for _ in range(50)))
    assert sum(lease is not None for lease in got) == 1


async def test_a_lease_runs_out_by_the_stores_clock(store: Store) -> None:
    first = await store.lease("work", SOON)
    await store.pass_time(SOON)
    with pytest.raises(LeaseLost):
        await store.leases.renew(SERVICE, first, LONG)
    second = await store.lease("work")
    assert second.token > first.token
    with pytest.raises(LeaseLost):
        await store.leases.renew(SERVICE, first, LONG)
    await store.leases.release(SERVICE, first)  # quiet, and the newer holder keeps it
    await store.leases.renew(SERVICE, second, LONG)


async def test_renewing_holds_it_longer_and_never_shorter(store: Store) -> None:
    held = await store.lease("work", timedelta(seconds=1))
    await store.leases.renew(SERVICE, held, LONG)
    await store.leases.renew(SERVICE, held, SOON)
    await store.pass_time(timedelta(seconds=1))
    assert await store.leases.acquire(SERVICE, "work", LONG) is None


async def test_leases_of_crashed_holders_leave_nothing_behind(store: Store) -> None:
    for n in range(15):
        await store.lease(f"execute:P{n}", SOON)
    await store.pass_time(SOON)
    for name in ("one", "two"):
        await store.lease(name)
    assert await store.redis.hlen(f"lumen:{{{SERVICE.key}}}:lease-tokens") == 2


async def test_a_slot_is_done_once(store: Store) -> None:
    claim = await store.slots.claim(SERVICE, "turn", NOON, LONG)
    assert claim is not None
    # Another replica, the same or the next hour: nobody works on a schedule twice at once.
    assert await store.slots.claim(SERVICE, "turn", NOON, LONG) is None
    assert await store.slots.claim(SERVICE, "turn", NOON + HOUR, LONG) is None
    assert await store.slots.claim(SERVICE, "digest", NOON, LONG) is not None
    assert await store.slots.last_done(SERVICE, "turn") is None
    await store.slots.done(SERVICE, "turn", NOON, claim)
    await store.slots.done(SERVICE, "turn", NOON, claim)  # its answer was lost
    assert await store.slots.last_done(SERVICE, "turn") == NOON
    assert await store.slots.claim(SERVICE, "turn", NOON, LONG) is None
    assert await store.slots.claim(SERVICE, "turn", NOON - HOUR, LONG) is None
    assert await store.slots.claim(SERVICE, "turn", NOON + HOUR, LONG) is not None


async def test_a_crashed_claim_is_taken_up_by_another(store: Store) -> None:
    crashed = await store.slots.claim(SERVICE, "turn", NOON, SOON)
    assert crashed is not None
    await store.pass_time(SOON)
    another = await store.slots.claim(SERVICE, "turn", NOON, LONG)
    assert another is not None
    with pytest.raises(LeaseLost):
        await store.slots.done(SERVICE, "turn", NOON, crashed)
    await store.slots.done(SERVICE, "turn", NOON, another)
    with pytest.raises(LeaseLost):
        await store.slots.done(SERVICE, "turn", NOON, crashed)


async def test_a_claim_can_be_renewed_like_any_lease(store: Store) -> None:
    claim = await store.slots.claim(SERVICE, "turn", NOON, timedelta(seconds=1))
    assert claim is not None
    await store.leases.renew(SERVICE, claim, LONG)
    await store.pass_time(timedelta(seconds=1))
    await store.slots.done(SERVICE, "turn", NOON, claim)


async def test_of_20_replicas_one_takes_the_slot(store: Store) -> None:
    got = await asyncio.gather(*(store.slots.claim(SERVICE, "turn", NOON, LONG) for _ in range(20)))
    assert sum(lease is not None for lease in got) == 1


async def test_a_dead_bots_lease_is_got_over_when_the_stores_clock_steps_back(store: Store) -> None:
    """It ends two hours from now, although leases are taken for seconds."""
    for name in ("outbox", "slot/turn"):
        dead = await store.lease(name)
        await store.redis.zincrby(key(SERVICE, "lease-until"), timedelta(hours=2) / timedelta(milliseconds=1), name)
        heir = await (
            store.slots.claim(SERVICE, "turn", NOON, LONG) if name == "slot/turn" else
            store.leases.acquire(SERVICE, name, LONG)
        )  # fmt: skip
        assert heir is not None, name
        assert heir.token > dead.token
        with pytest.raises(LeaseLost):
            await store.leases.renew(SERVICE, dead, LONG)


async def test_who_lives_keeps_a_lease_when_the_stores_clock_steps_back(store: Store) -> None:
    """Its next renewal gives it a true end: should it die then, nobody waits for hours."""
    mine = await store.lease("outbox")
    await store.redis.zincrby(key(SERVICE, "lease-until"), timedelta(hours=2) / timedelta(milliseconds=1), "outbox")
    await store.leases.renew(SERVICE, mine, SOON)
    await store.pass_time(SOON)
    assert await store.leases.acquire(SERVICE, "outbox", LONG) is not None


async def test_a_slot_that_is_done_and_has_not_come_holds_up_nothing(store: Store) -> None:
    """A clock that was two hours ahead took the slots of 13 and 14 o'clock."""
    ahead = await store.slots.claim(SERVICE, "turn", NOON + 2 * HOUR, LONG)
    assert ahead is not None
    await store.slots.done(SERVICE, "turn", NOON + 2 * HOUR, ahead)
    assert await store.slots.claim(SERVICE, "turn", NOON, LONG) is None
    newest = NOON + timedelta(minutes=5)
    claim = await store.slots.claim(SERVICE, "turn", NOON, LONG, newest)
    assert claim is not None
    await store.slots.done(SERVICE, "turn", NOON, claim)
    assert await store.slots.last_done(SERVICE, "turn") == NOON
    assert await store.slots.claim(SERVICE, "turn", NOON, LONG, newest) is None
