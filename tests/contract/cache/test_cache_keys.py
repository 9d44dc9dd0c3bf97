"""Sweeping the cache's keys on a real Valkey: only ours, in batches, paced, cancelable, uncounted."""

import asyncio
import statistics
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from lumen.adapters.cache.client import open_cache
from lumen.adapters.cache.keys import CacheSweeper, Pace
from lumen.model import ion_contract
from lumen.model.messages import ActuatorFailed, SourceUnavailable
from lumen.ports.actuators import CacheKeys, Swept

UNPACED = Pace(batch=100, keys_per_second=0)


@pytest.fixture
def sweeper(redis: Redis) -> CacheKeys:
    return CacheSweeper(redis, "ion:cache:", UNPACED)


def quiet(_swept: Swept) -> None:
    """Nobody listens."""


async def fill(redis: Redis, keys: int, ttl_seconds: int = 300) -> None:
    """Answers of the service, and everything else that may stand on the same server."""
    pipeline = redis.pipeline(transaction=False)
    for number in range(keys):
        pipeline.set(f"ion:cache:{number}", "answer", ex=ttl_seconds)
    pipeline.hset(ion_contract.CONFIG_KEY, mapping={"value": "300", "version": "1"})
    pipeline.hset(ion_contract.ACK_KEY, mapping={"value": "300", "version": "1"})
    pipeline.set("session:1", "somebody", ex=1000)
    pipeline.set("ion:cached", "not under the prefix", ex=1000)
    await pipeline.execute()


async def test_a_flush_removes_the_answers_and_nothing_else(redis: Redis, sweeper: CacheKeys) -> None:
    await fill(redis, 1234)
    seen: list[Swept] = []
    done = await sweeper.flush(seen.append, dry_run=False)
    assert done == Swept(1234, 1234) == seen[-1]
    assert len(seen) > 10
    assert sorted(await redis.keys("*")) == sorted(
        [ion_contract.CONFIG_KEY, ion_contract.ACK_KEY, "session:1", "ion:cached"]
    )


async def test_a_dry_run_counts_and_changes_nothing(redis: Redis, sweeper: CacheKeys) -> None:
    await fill(redis, 500)
    assert await sweeper.flush(quiet, dry_run=True) == Swept(500, 0)
    assert await sweeper.retime(300, 60, quiet, dry_run=True) == Swept(500, 0)
    assert await redis.dbsize() == 504
    assert await redis.ttl("ion:cache:7") >= 298


@pytest.mark.parametrize(
    "prefix", ["", "ion:", "ion:config:", "i", "ion:acc", "ion:accesses:", "ion:ack:cache_ttl_seconds:api"]
)
async def test_a_prefix_that_reaches_further_is_refused(redis: Redis, prefix: str) -> None:
    await fill(redis, 10)
    with pytest.raises(ActuatorFailed) as refused:
        await CacheSweeper(redis, prefix, UNPACED).flush(quiet, dry_run=False)
    assert refused.value.reason.code == "actuator.prefix_too_wide"
    assert await redis.dbsize() == 14


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    prefix=st.text("ab*?[]\\^-:", min_size=1, max_size=4),
    keys=st.lists(st.binary(max_size=6) | st.text("ab*?[]\\^-:x", max_size=6).map(str.encode), max_size=20),
)
async def test_exactly_the_keys_that_begin_with_the_prefix_go(redis: Redis, prefix: str, keys: list[bytes]) -> None:
    """Whatever signs stand in the prefix, and also when keys are no text."""
    await redis.flushdb()
    for key in [*keys, *(prefix.encode() + key for key in keys)]:
        await redis.set(key, "value")
    await CacheSweeper(redis, prefix, UNPACED).flush(quiet, dry_run=False)
    wanted = {key for key in keys if not key.startswith(prefix.encode())}
    assert await redis.dbsize() == len(wanted)
    for key in wanted:
        assert await redis.exists(key) == 1


async def test_shortening_leaves_nothing_longer_than_the_new_ttl_and_spreads_the_ends(
    redis: Redis, sweeper: CacheKeys
) -> None:
    await fill(redis, 1000, ttl_seconds=3600)
    await redis.set("ion:cache:nearly", "over", ex=5)
    await redis.set("ion:cache:for-ever", "no expiry")
    done = await sweeper.retime(3600, 300, quiet, dry_run=False)
    assert done == Swept(1002, 1000)
    left = [await redis.pttl(f"ion:cache:{n}") for n in range(1000)]
    assert max(left) <= 300_000
    assert min(left) > 140_000
    assert statistics.pstdev(left) > 30_000  # not all in one moment
    assert await redis.ttl("ion:cache:nearly") <= 5
    assert await redis.ttl("ion:cache:for-ever") == -1
    assert await redis.ttl("session:1") > 900


async def test_stretching_gives_no_answer_more_than_the_new_ttl_in_all(redis: Redis, sweeper: CacheKeys) -> None:
    await fill(redis, 200, ttl_seconds=300)  # new: 300 s left
    await redis.set("ion:cache:old", "written 290 s ago", ex=10)
    await sweeper.retime(300, 420, quiet, dry_run=False)
    assert await redis.ttl("ion:cache:0") in (299, 300)  # has more left than the difference: as it was
    assert 60 <= await redis.ttl("ion:cache:old") <= 120  # 290 + 120 ≤ 420


async def test_a_repeat_moves_further_in_no_other_direction(redis: Redis, sweeper: CacheKeys) -> None:
    await fill(redis, 300, ttl_seconds=3600)
    await sweeper.retime(3600, 300, quiet, dry_run=False)
    before = [await redis.pttl(f"ion:cache:{n}") for n in range(300)]
    await sweeper.retime(3600, 300, quiet, dry_run=False)
    after = [await redis.pttl(f"ion:cache:{n}") for n in range(300)]
    assert all(late <= early for early, late in zip(before, after, strict=True))
    assert min(after) > 140_000


async def test_sweeping_moves_neither_hits_nor_misses(redis: Redis, sweeper: CacheKeys) -> None:
    await fill(redis, 500)
    await redis.config_resetstat()
    await sweeper.retime(300, 60, quiet, dry_run=False)
    await sweeper.flush(quiet, dry_run=False)
    stats = await redis.info("stats")
    assert (stats["keyspace_hits"], stats["keyspace_misses"]) == (0, 0)


async def test_it_keeps_its_pace(redis: Redis) -> None:
    await fill(redis, 400)
    began = time.monotonic()
    await CacheSweeper(redis, "ion:cache:", Pace(batch=50, keys_per_second=1000)).flush(quiet, dry_run=False)
    assert time.monotonic() - began >= 0.35


async def test_it_can_be_cancelled_between_two_batches(redis: Redis) -> None:
    await fill(redis, 2000)
    begun = asyncio.Event()
    slow = CacheSweeper(redis, "ion:cache:", Pace(batch=50, keys_per_second=500))
    task = asyncio.create_task(slow.flush(lambda _: begun.set(), dry_run=False))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    left = await redis.dbsize()
    assert 500 < left < 2004
    assert await CacheSweeper(redis, "ion:cache:", UNPACED).flush(quiet, dry_run=False) == Swept(left - 4, left - 4)


async def test_a_server_that_is_gone_says_that_nobody_knows() -> None:
    client = open_cache("redis://127.0.0.1:1")
    with pytest.raises(SourceUnavailable):
        await CacheSweeper(client, "ion:cache:", UNPACED).flush(quiet, dry_run=False)
    await client.aclose()
