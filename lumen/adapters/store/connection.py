"""The client of the state store: bounded waits, no second try behind our back, and the node that serves a service.

Measured with redis-py's defaults: a timeout of 0.5 s took 9.65 s and ran the script twice (docs/adr/0003).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeVar

from redis.asyncio import BlockingConnectionPool, ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from lumen.adapters.redis_clients import open_pool
from lumen.adapters.store.node import Node
from lumen.adapters.store.topology import Topology
from lumen.adapters.store.trips import Trips
from lumen.model.cluster_url import is_cluster, urls_of_nodes
from lumen.model.messages import StoreUnavailable
from lumen.model.service import ServiceId

T = TypeVar("T")

#: How long an answer is waited for. A click is acked after the transition and Slack waits 3 s in all.
ANSWER_SECONDS = 1.5
CONNECT_SECONDS = 1.0
#: Opened as they are needed; more callers wait for a free one, at most `CONNECT_SECONDS`. Many, because whatever comes
#: in at once shares one write to the disk.
CONNECTIONS = 64


class StoreClient(Redis):
    """A client of the server that the URL names; of a cluster (`redis+cluster://`) `at` leads to the node that serves a
    service, and the client itself reaches the first one that is named."""

    def __init__(self, url: str, pool_of: Callable[[str], ConnectionPool]) -> None:
        begin = urls_of_nodes(url)[0] if is_cluster(url) else url
        super().__init__(connection_pool=pool_of(begin))
        self.auto_close_connection_pool = True
        self._only = Node(self)
        self._trips: dict[Node, Trips] = {}
        #: None for the one server.
        self.topology = Topology(url, self, lambda one: Redis.from_pool(pool_of(one))) if is_cluster(url) else None

    async def at(self, of: ServiceId | str, step: Callable[[Node], Awaitable[T]]) -> T:
        """Take `step` at the server of a service, or of a key. Raises StoreUnavailable, and what `step` raises."""
        return await (step(self._only) if self.topology is None else self.topology.at(of, step))

    async def holder(self, of: ServiceId | str) -> Node:
        """The server of a service, or of a key. Raises StoreUnavailable."""
        return self._only if self.topology is None else await self.topology.holder(of)

    def trips(self, node: Node) -> Trips:
        """Those to one server, which whoever asks in one moment shares."""
        found = self._trips.get(node)
        if found is None:
            found = self._trips[node] = Trips(node)
        return found

    async def nodes(self) -> Sequence[Node]:
        """The one server, or the cluster's primaries. Raises StoreUnavailable."""
        return [self._only] if self.topology is None else await self.topology.primaries()

    async def shares(self, services: Sequence[ServiceId]) -> Mapping[Node, Sequence[ServiceId]]:
        """Which server serves which of them. Raises StoreUnavailable."""
        if self.topology is None:
            return {self._only: services} if services else {}
        found: dict[Node, list[ServiceId]] = {}
        for service in services:
            found.setdefault(await self.topology.holder(service), []).append(service)
        return found

    async def has_replica(self, node: Node) -> bool:
        """Asked anew: a replica that died is nobody to wait for. True where nobody tells."""
        if self.topology is not None:
            with suppress(StoreUnavailable):
                await self.topology.refresh()
        return node.has_replica

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Close the connections to every node."""
        if self.topology is not None:
            await self.topology.aclose()
        await super().aclose(close_connection_pool)


def open_store(
    url: str,
    *,
    answer_seconds: float = ANSWER_SECONDS,
    connect_seconds: float = CONNECT_SECONDS,
    connections: int = CONNECTIONS,
) -> StoreClient:
    """A client for `redis://`, `rediss://`, `unix://` or `redis+cluster://`, `rediss+cluster://`.

    Connects when first used; close it with `aclose()`. Raises ValueError.
    """
    pool_of = partial(
        open_pool,
        kind=BlockingConnectionPool,
        max_connections=connections,
        timeout=connect_seconds,
        socket_timeout=answer_seconds,
        socket_connect_timeout=connect_seconds,
        retry=Retry(NoBackoff(), 0),
        retry_on_error=[],
        decode_responses=True,
        protocol=2,
    )
    return StoreClient(url, pool_of)
