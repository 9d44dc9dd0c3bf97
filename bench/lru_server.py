"""A trace on an embedded Valkey that evicts (`allkeys-lru`), so many times faster than it came."""

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
    fell behind at worst, on the wall."""

    hit_rate: float
    evictions: int
    capacity_bytes: float
    late_s: float


def served(trace: Trace, ttl_s: float, capacity_bytes: float, faster: float) -> Served:
    """Ask for every key at its time, and write it after a miss with its TTL, both so many times faster."""
    with TemporaryDirectory() as folder, EmbeddedValkey(Path(folder), Kind.CACHE) as server:
        client = redis.Redis.from_url(server.url)
        empty = int(_memory(client)["used_memory"])
        client.config_set("maxmemory-policy", "allkeys-lru")
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
        stats = client.info("stats")
        client.close()
    return Served(hits / len(trace), int(stats["evicted_keys"]), capacity_bytes, late_s)


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
