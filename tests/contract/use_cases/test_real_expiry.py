"""Predicted against what came, with nothing in between: a server that lets keys expire, ION's client, and real time."""

import asyncio
import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from demo.valkey import EmbeddedValkey, Kind
from lumen.adapters.cache.access_stream import RedisAccessStream
from lumen.adapters.store.accesses import RedisAccessDays
from lumen.prediction.kept import compared, replayed
from lumen.use_cases.observer import Observer
from sandbox.ion.ion_cache import AsyncCache
from tests.contract.store.builders import SERVICE, Store

#: The shortest TTLs that the contract allows: the one in force, and those to predict.
TTL, OTHERS = 120, (60, 240)
#: How long real requests come, and how many a second; deletes and refreshes are among them.
LASTS_S, A_SECOND, KEYS = 450.0, 120, 3_000
DELETED, REFRESHED = 0.01, 0.02
WITHIN = 0.002


@pytest.fixture(params=["valkey", "redis-server"])
def server_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The embedded server, and the machine's own."""
    binary = None if request.param == "valkey" else shutil.which("redis-server")
    if request.param == "redis-server" and binary is None:
        pytest.skip("there is no redis-server on this machine")
    with EmbeddedValkey(tmp_path / "cache", Kind.CACHE, binary=None if binary is None else Path(binary)) as server:
        yield server.url


@dataclass
class Client:
    """One service at one TTL, and what it met."""

    cache: AsyncCache
    asked: int = 0
    hits: int = 0

    async def ask(self, key: bytes) -> None:
        self.asked += 1
        if await self.cache.get(key) is None:
            await self.cache.set(key, b"answer")
        else:
            self.hits += 1

    async def do(self, key: bytes, chance: float) -> None:
        if chance < DELETED:
            await self.cache.delete(key)
        elif chance < DELETED + REFRESHED:
            await self.cache.set(key, b"another answer")
        else:
            await self.ask(key)


async def served(url: str, observer: Observer, store: Store) -> dict[int, Client]:
    """The same requests to three services that differ in their TTL, in real time."""
    dice, clients = random.Random(31), dict[int, Client]()
    async with Redis.from_url(url) as connection:
        for seconds in (TTL, *OTHERS):
            name = SERVICE.name if seconds == TTL else f"other-{seconds}"
            await connection.hset(f"ion:config:cache_ttl_seconds:{name}", mapping={"value": seconds, "version": 1})
            clients[seconds] = Client(AsyncCache(connection, name, b"secret", f"{name}:".encode()))
            await clients[seconds].cache.close()
            assert clients[seconds].cache.ttl == seconds
        began, looked = time.monotonic(), time.monotonic()
        while (now := time.monotonic()) < began + LASTS_S:
            for _ in range(A_SECOND // 20):
                key, chance = b"%d" % int(KEYS * dice.random() ** 3), dice.random()
                for client in clients.values():
                    await client.do(key, chance)
            if now > looked + 30:
                looked = now
                await observed(observer, store)
            await asyncio.sleep(max(0.0, now + 0.05 - time.monotonic()))
        await clients[TTL].cache.close()
        await observed(observer, store)
        return clients


async def observed(observer: Observer, store: Store) -> None:
    store.clock.time = datetime.now(UTC)
    await observer.due()


@pytest.mark.prove
async def test_what_is_predicted_is_what_another_ttl_brings_on_a_real_server(store: Store, server_url: str) -> None:
    """Up and down within 0.2 points, and at the TTL in force replayed is seen."""
    start = datetime.now(UTC)
    days = RedisAccessDays(store.redis)
    cache: Any
    async with Redis.from_url(server_url, decode_responses=True) as cache:
        observer = Observer({SERVICE: RedisAccessStream(cache)}, days, store.claims)
        clients = await served(server_url, observer, store)
    end = datetime.now(UTC) + timedelta(seconds=1)
    kept_days = (await days.progress(SERVICE)).days
    pieces = [await days.day(SERVICE, day) for day in kept_days]
    assert sum(piece.tally.hits + piece.tally.misses for piece in pieces) == clients[TTL].asked
    agreed = compared(pieces, start, end, TTL)
    assert agreed.agreement > 0.99
    found = replayed(pieces, start, end, TTL, OTHERS)
    assert found is not None
    now = clients[TTL].hits / clients[TTL].asked
    assert found.hit_rate == pytest.approx(now, abs=1e-9)
    off = {}
    for seconds in OTHERS:
        came = clients[seconds].hits / clients[seconds].asked - now
        assert abs(came) > 10 * WITHIN
        off[seconds] = found.at[seconds].uplift - came
    assert all(abs(error) <= WITHIN for error in off.values()), off
