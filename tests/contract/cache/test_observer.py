"""The observer over a real cache, a real store and ION's own client."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from lumen.adapters.cache.access_stream import RedisAccessStream
from lumen.adapters.cache.redis_info import RedisInfoCache
from lumen.adapters.cache.ttl import RedisTtl
from lumen.adapters.store.accesses import RedisAccessDays
from lumen.model.accesses import ALL_KEYS
from lumen.model.messages import NoData, SomeFailed, SourceUnavailable, message
from lumen.model.observed import MOST_KEYS, Piece
from lumen.model.snapshot import Window
from lumen.use_cases import observer as room
from lumen.use_cases.observer import Observer
from sandbox.ion.ion_cache import HIT, AsyncCache
from tests.contract.store.builders import SERVICE, Store, patient

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
STREAM, OWN, ACK = (
    f"ion:accesses:{SERVICE.name}",
    f"ion:config:cache_ttl_seconds:{SERVICE.name}",
    "ion:ack:cache_ttl_seconds",
)


@dataclass
class House:
    """A service with its cache, and Lumen's store."""

    store: Store
    cache: Redis
    service: AsyncCache

    def replica(self) -> Observer:
        return Observer({SERVICE: RedisAccessStream(self.cache)}, RedisAccessDays(self.store.redis), self.store.claims)

    async def serve(self, *keys: bytes) -> None:
        """Requests, which are then reported."""
        for key in keys:
            if await self.service.get(key) is None:
                await self.service.set(key, b"answer")
        await self.service.close()
        await self.service.close()  # takes along what the first one sealed by reading the setting

    async def seen(self) -> Piece:
        return await RedisAccessDays(self.store.redis).day(SERVICE, NOON.date())


@pytest.fixture
async def house(state_url: str, cache_url: str, redis: Redis) -> AsyncIterator[House]:
    its, store = patient(state_url), None
    store = Store.over(its)
    store.clock.time = NOON
    await store.prepare()
    async with Redis.from_url(cache_url) as connection:
        service = AsyncCache(connection, SERVICE.name, b"secret")
        service.now = store.clock.time.timestamp
        yield House(store, redis, service)
    await its.aclose()


async def test_every_access_is_kept_once_and_then_leaves_the_stream(house: House) -> None:
    lumen = house.replica()
    await house.serve(b"one", b"two", b"one")
    assert await lumen.due() > 0
    await house.serve(b"one")
    await lumen.due()
    assert await lumen.due() == 0
    seen = await house.seen()
    assert (seen.tally.misses, seen.tally.hits, seen.tally.writes, seen.tally.lost) == (2, 2, 2, 0)
    assert len(seen) == 6
    assert len(seen.hashes()) == 2
    assert await house.cache.xlen(STREAM) == 1  # the one by which the stream is known again


async def test_a_crash_after_any_step_loses_and_doubles_nothing(house: House) -> None:
    """A day is written before the stream is trimmed; another replica goes on."""
    for step in ("put", "trim", "thin"):
        await house.serve(step.encode())
        crashing: Any = house.replica()
        part = crashing.days if step == "put" else crashing.streams[SERVICE]

        class Crashing:
            def __getattr__(self, name: str, part: Any = part, step: str = step) -> Any:
                if name == step:
                    raise SourceUnavailable(message("state.too_late_remedy"), message("state.too_late_remedy"))
                return getattr(part, name)

        parts: Any = {"days": Crashing()} if step == "put" else {"streams": {SERVICE: Crashing()}}
        broken = replace(crashing, **parts)
        if step != "thin":
            with pytest.raises(SomeFailed):
                await broken.due()
        await house.replica().due()
    seen = await house.seen()
    assert (seen.tally.misses, seen.tally.writes, seen.tally.lost, seen.tally.doubled) == (3, 3, 0, 0)
    assert len(seen) == 6


@pytest.mark.parametrize("goes", ["flushed", "evicted", "begun anew by a clock that was set back"])
async def test_a_stream_that_is_lost_shows_as_lost_batches_and_goes_on(house: House, goes: str) -> None:
    lumen = house.replica()
    await house.serve(b"one")
    await lumen.due()
    await house.serve(b"lost")
    before = house.service.sequence
    if goes == "flushed":
        await house.cache.flushall()
    else:
        await house.cache.delete(STREAM)
    await house.serve(b"three")
    if goes.startswith("begun"):
        client: Any = house.service.redis
        entries = await client.xrange(STREAM)
        await client.delete(STREAM)
        for number, (_, fields) in enumerate(entries):
            await client.xadd(STREAM, fields, id=f"{number + 1}-0")
    await lumen.due()
    seen = await house.seen()
    assert seen.tally.lost > 0
    assert seen.tally.batches + seen.tally.lost == house.service.sequence > before
    assert seen.tally.doubled == 0


async def test_of_many_replicas_one_reads(house: House) -> None:
    await house.serve(b"one", b"two")
    await asyncio.gather(*(house.replica().due() for _ in range(5)))
    assert (await house.seen()).tally.misses == 2


async def test_a_backlog_is_taken_in_by_bounded_steps(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_BATCHES", 3)
    for number in range(5):
        await house.serve(b"%d" % number)
    assert await house.replica().due() == house.service.sequence
    assert (await house.seen()).tally.lost == 0


async def test_a_service_of_version_1_is_not_read_and_nothing_of_it_is_made_up(house: House) -> None:
    await house.cache.hset(ACK, mapping={"value": "300", "version": "0"})
    assert await house.replica().due() == 0
    assert await house.store.redis.exists(f"lumen:{{{SERVICE.key}}}:accesses") == 0


async def test_its_own_lookups_are_known_to_the_last(house: House) -> None:
    lumen = house.replica()
    stream: Any = lumen.streams[SERVICE]
    await house.cache.config_resetstat()
    await lumen.due()
    await house.serve(b"one")
    before = await house.cache.info("stats")
    known = stream.reads.hits, stream.reads.misses
    assert known[0] + known[1] == 1
    for _ in range(3):
        await lumen.due()
    await house.cache.delete(STREAM)
    await lumen.due()
    after = await house.cache.info("stats")
    assert after["keyspace_hits"] - before["keyspace_hits"] == stream.reads.hits - known[0]
    assert after["keyspace_misses"] - before["keyspace_misses"] == stream.reads.misses - known[1]


async def test_its_own_lookups_are_taken_out_of_the_servers_figures(house: House) -> None:
    lumen, clock = house.replica(), house.store.clock
    stream: Any = lumen.streams[SERVICE]
    info = RedisInfoCache(house.cache, clock, stream.reads)
    await house.serve(b"one")
    await info.refresh()
    setting = RedisTtl(house.cache, 300, reads=stream.reads)
    for _ in range(7):
        await lumen.due()
        await setting.ttl(SERVICE)
    for key in ("ion:cache:one", "ion:cache:one", "ion:cache:absent"):
        await house.cache.get(key)
    clock.time += timedelta(minutes=5)
    server = await info.refresh()
    assert not isinstance(server, NoData)
    counted = info.counters(Window(NOON, NOON + timedelta(minutes=5)), server)
    assert (counted.hits, counted.misses) == (2, 1)


async def test_too_many_keys_are_thinned_by_the_service_itself(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lumen.policies.observing.MOST_KEYS", 50)
    lumen = house.replica()
    await house.serve(b"begin")
    for number in range(200):
        house.service.note(house.service.hash(b"%d" % number), HIT)
    await house.serve()
    await lumen.due()
    below = int(await house.cache.hget(OWN, "below") or 0)
    assert ALL_KEYS // 8 < below < ALL_KEYS // 3
    assert (await RedisAccessDays(house.store.redis).progress(SERVICE)).below == below
    house.service.read = -1e9
    await house.serve(b"x")
    assert house.service.below == below
    await house.cache.hdel(OWN, "below")  # lost, as by a flush: it is told again
    house.service.read = -1e9
    await house.serve(b"y")
    await house.serve(b"z")
    await lumen.due()
    assert int(await house.cache.hget(OWN, "below") or 0) == below
    assert MOST_KEYS == 32_768
