"""The replicas that are alive, in one sorted set of the store (docs/adr/0030-parts-of-a-fleet.md)."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from lumen.adapters.store.connection import StoreClient
from lumen.adapters.store.leases import milliseconds
from lumen.adapters.store.node import Node, reached
from lumen.adapters.store.scripts import script

REPLICAS = "lumen:replicas"


class RedisReplicas:
    """`lumen.ports.replicas.Replicas`; durations are on the wall."""

    def __init__(self, redis: StoreClient) -> None:
        self._redis = redis

    async def beat(self, name: str, lasts: timedelta) -> Sequence[str]:
        return await self._redis.at(REPLICAS, partial(_beat, name, milliseconds(lasts)))

    async def leave(self, name: str) -> None:
        await self._redis.at(REPLICAS, partial(_leave, name))


async def _beat(name: str, lasts_ms: int, node: Node) -> Sequence[str]:
    client: Any = node.redis  # this method's types are those of several protocols
    with reached(node):
        return list(await client.eval(script("beat", bare=True).text, 1, REPLICAS, name, str(lasts_ms)))


async def _leave(name: str, node: Node) -> None:
    with reached(node):
        await node.redis.zrem(REPLICAS, name)
