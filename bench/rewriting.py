"""Rewriting the lifetimes of many keys, against pipelined EXPIRE (unpaced it must reach 0.6 of that).

Both over one connection to the same embedded server, in alternating rounds. The bare one knows its keys; Lumen's has to
find them (SCAN), spreads the new ends, and moves each in one direction only.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from redis.asyncio import Redis

from demo.valkey import EmbeddedValkey, Kind
from lumen.adapters.cache.client import open_server
from lumen.adapters.cache.keys import CacheSweeper, Pace

KEYS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
ROUNDS = 3
PIPELINE = 500


async def fill(redis: Redis) -> None:
    for first in range(0, KEYS, 10_000):
        pipeline = redis.pipeline(transaction=False)
        for number in range(first, min(KEYS, first + 10_000)):
            pipeline.set(f"ion:cache:{number}", "answer", ex=3600)
        await pipeline.execute()


async def bare(redis: Redis) -> None:
    """EXPIRE of known keys in pipelines of the same length, as redis-benchmark would do it."""
    for first in range(0, KEYS, PIPELINE):
        pipeline = redis.pipeline(transaction=False)
        for number in range(first, min(KEYS, first + PIPELINE)):
            pipeline.expire(f"ion:cache:{number}", 3600)
        await pipeline.execute()


async def rate(work: Callable[[], Awaitable[object]]) -> float:
    """Keys a second."""
    began = time.perf_counter()
    await work()
    return KEYS / (time.perf_counter() - began)


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder, EmbeddedValkey(Path(folder), Kind.CACHE, maxmemory_mb=1024) as server:
        redis = open_server(server.url, answer_seconds=30)
        await fill(redis)
        sweeper = CacheSweeper(redis, "ion:cache:", Pace(batch=PIPELINE, keys_per_second=0))
        floors, ours = [], []
        for new_seconds in range(3000, 3000 - ROUNDS * 300, -300):
            floors.append(await rate(lambda: bare(redis)))
            ours.append(
                await rate(lambda new=new_seconds: sweeper.retime(3600, new, lambda _: None, dry_run=False))  # type: ignore[misc]
            )
        await redis.aclose()
    floor, own = statistics.median(floors), statistics.median(ours)
    print(f"pipelined EXPIRE  {floor:12,.0f} keys/s")
    print(f"rewriting TTLs    {own:12,.0f} keys/s  {own / floor:.2f}x (bar: 0.60x)")


if __name__ == "__main__":
    asyncio.run(main())
