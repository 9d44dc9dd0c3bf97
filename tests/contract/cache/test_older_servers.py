"""The scripts on another server than the embedded one: Debian's Redis 7, where it is installed."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from demo.valkey import EmbeddedValkey, Kind
from lumen.adapters.cache.client import CacheServer, ServerFacts, open_server
from lumen.adapters.cache.keys import CacheSweeper, Pace
from lumen.adapters.cache.ttl import RedisTtl, RedisTtlActuator
from lumen.model.proposal import Change, Knob
from lumen.model.service import ServiceId
from lumen.ports.actuators import Reading, Swept

API = ServiceId("naeda-genesis", "us-central1", "ion-api")
BINARY = shutil.which("redis-server")

pytestmark = pytest.mark.skipif(BINARY is None, reason="no redis-server is installed (Debian: redis-server)")


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[Redis]:
    with EmbeddedValkey(tmp_path, Kind.CACHE, binary=Path(BINARY or "")) as server:
        client = open_server(server.url)
        yield client
        await client.aclose()


async def test_the_setting_and_the_sweeps(redis: Redis) -> None:
    facts = await CacheServer(redis).facts()
    assert isinstance(facts, ServerFacts)
    assert facts.version.startswith("7.")
    actuator = RedisTtlActuator(redis, RedisTtl(redis, 300))
    change = Change(Knob.TTL, 300, 420, "s")
    assert await actuator.set(API, change, await actuator.read(API), "p1") == Reading(420, "1")
    for number in range(50):
        await redis.set(f"ion:cache:{number}", "answer", ex=3600)
    sweeper = CacheSweeper(redis, "ion:cache:", Pace(batch=10, keys_per_second=0))
    assert await sweeper.retime(3600, 300, lambda _: None, dry_run=False) == Swept(50, 50)
    assert await sweeper.flush(lambda _: None, dry_run=False) == Swept(50, 50)
    assert await redis.dbsize() == 2  # the setting of the service, and the one that all share
