"""Which node of a cluster serves a service, by redis-py's own map of its slots (docs/adr/0027-store-cluster.md).

All keys of a service share a hash tag, so one primary serves them. The map is read anew after whatever says that it may
be out of date, and now and then; meanwhile everybody goes by the one that is known, so that a node that does not answer
holds up its own services alone.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from redis import exceptions
from redis.asyncio import Redis
from redis.crc import key_slot

from lumen.adapters.redis_clients import open_cluster
from lumen.adapters.store.answers import SILENCE, place, unreachable
from lumen.adapters.store.node import Node
from lumen.model.cluster_url import urls_of_nodes
from lumen.model.messages import OutcomeUnknown, StoreUnavailable, with_remedy
from lumen.model.service import ServiceId

T = TypeVar("T")
SLOTS = 16384

#: How often the map is read again without a reason: a replica that came or went is noticed by then.
REFRESH_SECONDS = 30.0
#: How long a caller waits for the map, when the node that it knows is not there.
REFRESH_WITHIN_SECONDS = 1.5
#: How often one call follows "it is another node".
FOLLOWED = 2
#: The map may be out of date.
_MOVING = (exceptions.AskError, exceptions.TryAgainError, exceptions.ClusterDownError, exceptions.ReadOnlyError)
_NO_MAP = (*SILENCE, exceptions.RedisClusterException, IndexError)


class Shared(Generic[T]):
    """Work of which one at a time is enough: whoever asks meanwhile gets the same answer."""

    def __init__(self, work: Callable[[], Awaitable[T]]) -> None:
        self._work = work
        self._running: asyncio.Future[T] | None = None

    def begin(self) -> "asyncio.Future[T]":
        """Do it in the background, unless it is being done."""
        if self._running is None or self._running.done():
            self._running = asyncio.ensure_future(self._work())
            self._running.add_done_callback(_looked_at)
        return self._running

    async def __call__(self) -> T:
        return await asyncio.shield(self.begin())

    async def stop(self) -> None:
        """Nobody waits for it any more."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)


class Topology:
    """`client_of`: opens a plain client of another server, as the URL tells. Raises StoreUnavailable where no node
    tells the map."""

    def __init__(self, url: str, seed: Redis, client_of: Callable[[str], Redis]) -> None:
        given = seed.connection_pool.connection_kwargs
        waits = {name: given[name] for name in ("socket_timeout", "socket_connect_timeout", "retry")}
        cluster = open_cluster(url, require_full_coverage=False, decode_responses=True, protocol=2, **waits)
        self._url, self._where, self._client_of = urls_of_nodes(url)[0], place(seed), client_of
        self._map: Any = cluster.nodes_manager  # its methods carry no types
        self._nodes: dict[str, Node] = {}
        #: By primary: it and its replicas, but for dead ones.
        self._shards: dict[str, Sequence[Any]] = {}
        self._read_at, self._failed = 0.0, ""
        self.refresh = Shared(self._read)

    async def at(self, of: ServiceId | str, step: Callable[[Node], Awaitable[T]]) -> T:
        """Take `step` at the node that serves a service, or a key; at another one where it answers that this is
        another's, or where nothing was sent and another one has taken its place: nothing ran, it is no second try."""
        for _ in range(FOLLOWED):
            node = await self.holder(of)
            try:
                return await step(node)
            except (StoreUnavailable, OutcomeUnknown) as error:
                if not await self._leads_on(error, of, node):
                    raise
        return await step(await self.holder(of))

    async def holder(self, of: ServiceId | str) -> Node:
        """The primary of its slot. Raises StoreUnavailable."""
        if not self._read_at:
            await self.refresh()
        elif time.monotonic() - self._read_at > REFRESH_SECONDS:
            self.refresh.begin()
        try:
            found = self._map.get_node_from_slot(slot_of(of))
        except exceptions.SlotNotCoveredError as error:
            self.refresh.begin()
            raise StoreUnavailable(*with_remedy("state.cluster_down", where=self._where, detail=str(error))) from error
        return self._node(found)

    async def primaries(self) -> Sequence[Node]:
        """Every node that serves slots, as far as is known. Raises StoreUnavailable."""
        if not self._read_at:
            await self.refresh()
        return [self._node(first) for first, *_ in self._shards.values()]

    async def aclose(self) -> None:
        """Close the connections to all nodes."""
        await self.refresh.stop()
        await self._map.aclose()
        await self._map.aclose("startup_nodes")
        for node in self._nodes.values():
            await node.redis.aclose()

    async def _leads_on(self, error: StoreUnavailable | OutcomeUnknown, of: ServiceId | str, node: Node) -> bool:
        """Whether the step may be taken elsewhere now; what the error tells of the map is learnt."""
        cause = error.__cause__
        may_have_run = isinstance(error, OutcomeUnknown)
        if isinstance(cause, exceptions.MovedError) and not may_have_run:
            await self._map.move_slot(cause)
            self.refresh.begin()
            return True
        is_silence = isinstance(cause, SILENCE) and not isinstance(cause, exceptions.ResponseError)
        if not is_silence and not isinstance(cause, _MOVING):
            return False
        self._failed = node.where
        refreshing = self.refresh.begin()
        if may_have_run or not is_silence:
            return False
        await asyncio.wait({refreshing}, timeout=REFRESH_WITHIN_SECONDS)
        return await self.holder(of) is not node

    async def _read(self) -> None:
        """One node after the other is asked until one tells all; what failed just now comes last."""
        try:
            await self._map.initialize(last_failed_node_name=self._failed or None)
        except _NO_MAP as error:
            if "Cluster mode is not enabled" in str(error):
                raise StoreUnavailable(*with_remedy("state.no_cluster", where=self._where)) from error
            raise unreachable(error, self._where) from error
        self._read_at, self._failed = time.monotonic(), ""
        self._shards = {nodes[0].name: nodes for nodes in self._map.slots_cache.values()}
        for name, node in self._nodes.items():
            node.has_replica = self._is_replicated(name)

    def _node(self, found: Any) -> Node:
        """With its connections; those of a node that went are kept, for it may come back."""
        if found.name not in self._nodes:
            client = self._client_of(_at_another(self._url, found.host, found.port))
            self._nodes[found.name] = Node(client, has_replica=self._is_replicated(found.name))
        return self._nodes[found.name]

    def _is_replicated(self, name: str) -> bool:
        """Also where the map does not tell yet."""
        return len(self._shards.get(name, (None, None))) > 1


def slot_of(of: ServiceId | str) -> int:
    """Of a service's keys, or of one key."""
    return int(key_slot((of if isinstance(of, str) else f"{{{of.key}}}").encode()))


def _at_another(url: str, host: str, port: int) -> str:
    """The URL of another node: user, password and all else stay."""
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    named = f"[{host}]" if ":" in host else host
    return parts._replace(netloc=f"{user}{at}{named}:{port}").geturl()


def _looked_at(done: "asyncio.Future[Any]") -> None:
    """So that nobody complains that nobody looked: who waits is told, and the next one asks again."""
    if not done.cancelled():
        done.exception()
