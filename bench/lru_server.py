"""A trace on a server that evicts what was used least recently, so many times faster than it came.

The machine's own Redis where there is one (with jemalloc, as it comes), else the embedded Valkey, whose entries are a
tenth smaller.
"""

import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import redis

from bench.access_world import Trace
from demo.valkey import EmbeddedValkey, Kind

#: Accesses of so many seconds on the wall go in one pipeline.
STEP_S = 0.02


@dataclass(frozen=True, slots=True)
class Served:
    """What the server's cache did; `capacity_bytes`: what `maxmemory` left for entries; `late_s`: how far this machine
    fell behind at worst, on the wall; `server`: which one, with its allocator."""

    hit_rate: float
    evictions: int
    capacity_bytes: float
    late_s: float
    server: str


def served(trace: Trace, ttl_s: float, capacity_bytes: float, faster: float, policy: str = "allkeys-lru") -> Served:
    """Ask for every key at its time, and write it after a miss with its TTL, both so many times faster."""
    own = shutil.which("redis-server")
    with (
        TemporaryDirectory() as folder,
        EmbeddedValkey(Path(folder), Kind.CACHE, binary=None if own is None else Path(own)) as server,
    ):
        client = redis.Redis.from_url(server.url)
        empty = int(_memory(client)["used_memory"])
        client.config_set("maxmemory-policy", policy)
        client.config_set("maxmemory", int(empty + capacity_bytes))
        hits, late_s, began = 0, 0.0, time.monotonic()
        for start, end in _steps(trace, faster):
            early_s = began + trace.at_s[start] / faster - time.monotonic()
            late_s = max(late_s, -early_s)
            time.sleep(max(0.0, early_s))
            keys = trace.key[start:end].tolist()
            distinct = dict(zip(keys, trace.size[start:end].tolist(), strict=True))
            with client.pipeline(transaction=False) as asked:
                for key in distinct:
                    asked.get(f"ion:cache:{key:08d}")
                found = [value is not None for value in asked.execute()]
            hits += sum(found) + len(keys) - len(distinct)
            with client.pipeline(transaction=False) as filled:
                for (key, size), known in zip(distinct.items(), found, strict=True):
                    if not known:
                        filled.set(f"ion:cache:{key:08d}", b"x" * size, px=max(int(1000 * ttl_s / faster), 1))
                filled.execute()
        told = client.info()
        client.close()
    name = f"{told['redis_version']}, {told['mem_allocator']}"
    return Served(hits / len(trace), int(told["evicted_keys"]), capacity_bytes, late_s, name)


def _memory(client: "redis.Redis") -> dict[str, Any]:
    return client.info("memory")


def _steps(trace: Trace, faster: float) -> Iterable[tuple[int, int]]:
    """First and last access of each step."""
    start = 0
    while start < len(trace):
        end = start + 1
        while end < len(trace) and trace.at_s[end] < trace.at_s[start] + STEP_S * faster:
            end += 1
        yield start, end
        start = end
