"""Replicas that know each other: each begins with its own part, and what one does not do is done by the others."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from lumen.adapters.store import epoch
from lumen.adapters.store.replicas import REPLICAS, RedisReplicas
from lumen.model.service import ServiceId
from lumen.ports.store import Lease
from lumen.use_cases import leases
from lumen.use_cases.leases import LATE, Batch, Claims
from lumen.use_cases.membership import Membership
from tests.contract.store.builders import LONG, Store

FLEET = tuple(ServiceId("p", "us-central1", f"svc-{n:02d}") for n in range(48))
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Replica:
    """Tells what it has done of which slot."""

    def __init__(self, store: Store) -> None:
        self.membership = Membership(RedisReplicas(store.redis))
        self.claims = Claims(store.leases, store.slots, store.clock, self.membership)
        self.done: list[ServiceId] = []

    async def share(
        self, work: Callable[[Batch], Awaitable[object]] | None = None, slot: datetime = NOON, *, asked: bool = False
    ) -> None:
        await self.claims.share(FLEET, "turn", slot, work or (lambda batch: batch.each(self.one)), asked=asked)

    @property
    def own(self) -> Sequence[ServiceId]:
        return sorted(self.membership.part or ())

    async def one(self, service: ServiceId, _: Lease) -> None:
        self.done.append(service)


@pytest.fixture
async def three(store: Store) -> Sequence[Replica]:
    await epoch.init(store.redis, FLEET, store.clock)
    replicas = [Replica(store) for _ in range(3)]
    await know_each_other(replicas)
    return replicas


async def know_each_other(replicas: Sequence[Replica]) -> None:
    for _ in range(2):
        for replica in replicas:
            await replica.membership.beat(FLEET)


@pytest.mark.on_cluster
async def test_each_replica_does_its_even_part_whoever_wakes_first(three: Sequence[Replica]) -> None:
    for replica in three:  # one has ended before the next one wakes
        await replica.share()
    assert [len(replica.done) for replica in three] == [16, 16, 16]
    assert sorted(service for replica in three for service in replica.done) == sorted(FLEET)
    for replica in three:
        await replica.share(slot=NOON + timedelta(hours=1))
    assert all(len(replica.done) == 32 and len(set(replica.done)) == 16 for replica in three), "the same again"


async def test_what_one_is_slow_to_begin_stays_its_own_and_what_it_never_begins_is_done_by_the_others(
    store: Store, three: Sequence[Replica]
) -> None:
    slow, quick, dead = three
    began, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(batch: Batch) -> None:
        began.set()
        await go_on.wait()  # it asks Google
        await batch.each(slow.one)

    slowing = asyncio.create_task(slow.share(slowly))
    await began.wait()
    await quick.share()
    store.clock.time += LATE
    await quick.share()  # the slot is late: it takes what nobody has begun
    assert len(quick.done) == 32
    go_on.set()
    await slowing
    assert len(slow.done) == 16
    assert not dead.done
    assert sorted([*quick.done, *slow.done]) == sorted(FLEET)


async def test_a_part_that_takes_long_is_given_back(
    store: Store, three: Sequence[Replica], monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, quick, _ = three
    await quick.share()
    store.clock.time += LATE
    monkeypatch.setattr(leases, "MOST_TIME", timedelta(0))

    async def work(batch: Batch) -> None:
        if not slow.done:
            await batch.each(slow.one, together=1)
        elif len(quick.done) == 16:
            monkeypatch.setattr(leases, "MOST_TIME", timedelta(seconds=20))
            await quick.share()

    await slow.share(work)
    assert len(slow.done) == 1
    assert len(quick.done) > 32


async def test_who_has_no_part_of_what_is_shared_does_nothing(three: Sequence[Replica]) -> None:
    one = three[0]
    await one.claims.share((), "turn", NOON, lambda batch: batch.each(one.one))
    await one.claims.share(three[1].own, "turn", NOON, lambda batch: batch.each(one.one))
    assert not one.done


async def test_who_is_asked_alone_does_all(three: Sequence[Replica]) -> None:
    await three[0].share(asked=True)
    assert sorted(three[0].done) == sorted(FLEET)


@pytest.mark.on_cluster
async def test_who_leaves_or_says_nothing_has_no_part(store: Store, three: Sequence[Replica]) -> None:
    first, second, third = three
    await third.membership.leave()
    await know_each_other((first, second))
    assert [len(each.membership.part or ()) for each in three] == [24, 24, 0]
    await RedisReplicas(store.redis).beat("killed", LONG)
    await know_each_other((first, second))
    assert [len(each.membership.part or ()) for each in (first, second)] == [16, 16]
    server = (await store.redis.holder(REPLICAS)).redis
    await server.zadd(REPLICAS, {"killed": await store.now_ms()})
    await know_each_other((first, second))
    assert [len(each.membership.part or ()) for each in (first, second)] == [24, 24]
    await server.zadd(REPLICAS, {"of before the clock stepped back": await store.now_ms() + 3_600_000})
    await second.membership.leave()
    await first.membership.beat(FLEET)
    assert first.membership.part is None, "alone: all is its own"
