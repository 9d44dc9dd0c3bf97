"""Clients of a Redis or Valkey and of a cluster, by URL: each connects when it is used, and loses no cancellation."""

import asyncio
from collections.abc import Iterable
from typing import Any

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
    parse_url,
)

from lumen.model.cluster_url import urls_of_nodes

PORT = 6379


class _Cancellable(AbstractConnection):
    """Python 3.11's `asyncio.wait_for`, in which redis-py writes, loses a cancellation that comes as it ends."""

    async def send_packed_command(self, command: bytes | str | Iterable[bytes], check_health: bool = True) -> None:
        asked_before = _cancellations()
        await super().send_packed_command(command, check_health)
        if _cancellations() > asked_before:
            await self.disconnect(nowait=True)  # nobody will read the answer
            raise asyncio.CancelledError


class _Tcp(_Cancellable, Connection):
    pass


class _Tls(_Cancellable, SSLConnection):
    pass


class _Unix(_Cancellable, UnixDomainSocketConnection):
    pass


_CANCELLABLE: dict[type[AbstractConnection], type[AbstractConnection]] = {
    Connection: _Tcp,
    SSLConnection: _Tls,
    UnixDomainSocketConnection: _Unix,
}


def open_pool(url: str, kind: type[ConnectionPool] = ConnectionPool, **options: Any) -> ConnectionPool:
    """Connections to `redis://`, `rediss://` or `unix://`. `options`: those of the pool. Raises ValueError."""
    pool = kind.from_url(url, **options)
    pool.connection_class = _CANCELLABLE[pool.connection_class]
    return pool


def open_redis(url: str, **options: Any) -> Redis:
    """A client of one server, with a pool of its own. Raises ValueError."""
    return Redis.from_pool(open_pool(url, **options))


def open_cluster(url: str, **options: Any) -> RedisCluster:
    """The same of a cluster, `redis+cluster://` or `rediss+cluster://`. Raises ValueError."""
    nodes: list[dict[str, Any]] = [dict(parse_url(each)) for each in urls_of_nodes(url)]
    told = {name: value for name, value in nodes[0].items() if name not in ("host", "port", "db")}
    kind = told.pop("connection_class", Connection)
    begin = [ClusterNode(one["host"], one.get("port", PORT)) for one in nodes]
    cluster = RedisCluster(startup_nodes=begin, ssl=kind is SSLConnection, **{**told, **options})
    cluster.connection_kwargs["connection_class"] = _CANCELLABLE[kind]  # of nodes that it learns of
    known: Any = cluster.nodes_manager.startup_nodes.values()  # they are typed as plain connections' nodes
    for node in known:
        node.connection_class = _CANCELLABLE[kind]
    return cluster


def _cancellations() -> int:
    """The number of requests to cancel the running task."""
    task = asyncio.current_task()
    return task.cancelling() if task is not None else 0
