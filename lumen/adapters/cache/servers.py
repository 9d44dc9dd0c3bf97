"""The servers behind the cache's URL: one, or the nodes of a cluster, each asked by itself for what it alone knows."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster

from lumen.model.messages import SourceUnavailable, with_remedy

#: For commands that name a key; a cluster's client finds the node.
CacheClient: TypeAlias = Redis | RedisCluster


@asynccontextmanager
async def primaries(cache: CacheClient) -> AsyncIterator[Sequence[Redis]]:
    """A client for each server that keys are written to, as the cluster itself tells now.

    A primary that is down is among them until another node has taken its place: whoever needs all of them learns it.
    Raises SourceUnavailable for a node of a cluster that is taken for a single server.
    """
    async with _opened(cache, replicas=False) as servers:
        yield servers


@asynccontextmanager
async def all_servers(cache: CacheClient) -> AsyncIterator[Sequence[Redis]]:
    """Also the replicas that the cluster does not take for dead; the primaries come first."""
    async with _opened(cache, replicas=True) as servers:
        yield servers


@asynccontextmanager
async def _opened(cache: CacheClient, *, replicas: bool) -> AsyncIterator[Sequence[Redis]]:
    if not isinstance(cache, RedisCluster):
        await _check_alone(cache)
        yield [cache]
        return
    await cache.initialize()
    await cache.nodes_manager.initialize()
    nodes = [*cache.get_primaries(), *(cache.get_replicas() if replicas else ())]
    servers = [_client(node) for node in sorted(nodes, key=lambda node: (node.server_type != "primary", node.name))]
    try:
        yield servers
    finally:
        await asyncio.gather(*(server.aclose() for server in servers))


async def _check_alone(server: Redis) -> None:
    """Raise SourceUnavailable for a node of a cluster: its figures and keys are but a part of the cache's."""
    if (await server.info("server")).get("redis_mode") == "cluster":
        given = server.connection_pool.connection_kwargs
        where = f"{given.get('host')}:{given.get('port')}"
        raise SourceUnavailable(*with_remedy("source.redis_is_cluster", where=where, detail="redis_mode:cluster"))


def _client(node: ClusterNode) -> Redis:
    pool = ConnectionPool(node.connection_class, **{**node.connection_kwargs, "host": node.host, "port": node.port})
    return Redis.from_pool(pool)
