"""The connection to the cache that Lumen tunes, its errors as Lumen's sentences, and facts about its server.

Timeouts are bounded, and no command is sent a second time behind the caller's back.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.client import NEVER_DECODE

from lumen.adapters.cache.servers import CacheClient, all_servers, primaries
from lumen.adapters.checks import no_data
from lumen.adapters.clock import apart
from lumen.adapters.redis_clients import open_cluster, open_redis
from lumen.model import ion_contract
from lumen.model.cluster_url import is_cluster
from lumen.model.messages import (
    ActuatorFailed,
    LumenError,
    NoData,
    SourceUnavailable,
    Unreachable,
    message,
    with_remedy,
)
from lumen.ports.clock import Clock

#: On the wall. A cache that takes longer than this for one small command is ill, and the turn says so.
ANSWER_SECONDS = 3.0
MB = 2**20
#: Counters and sizes of a server are 64 bits wide.
MOST = 2**64

#: So many keys tell whether the prefix is the right one.
MOST_KEYS, SCAN_KEYS = 20_000, 1000

#: Everything that a command may raise, besides bugs. Cancellation is none of it.
FAILURES = (
    exceptions.RedisError,
    exceptions.RedisClusterException,
    OSError,
    TimeoutError,
    asyncio.IncompleteReadError,
)
#: The command may have been carried out although no answer came; or the cluster could not say who would do it.
_UNANSWERED = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.RedisClusterException,
    exceptions.ClusterError,
    exceptions.TryAgainError,
    OSError,
    asyncio.IncompleteReadError,
)

#: Reasons that mean that the cache itself does not answer, not merely its measurement.
_DEAD = frozenset({"redis_unreachable", "redis_timeout", "redis_loading"})


def open_cache(url: str) -> CacheClient:
    """A client for `redis://`, `rediss://`, `unix://` or a cluster's `redis+cluster://`; connects lazily."""
    return open_cluster(url, **_options(ANSWER_SECONDS)) if is_cluster(url) else open_server(url)


def open_server(url: str, answer_seconds: float = ANSWER_SECONDS) -> Redis:
    """The same for one server."""
    return open_redis(url, **_options(answer_seconds))


def _options(answer_seconds: float) -> Mapping[str, Any]:
    """RESP2 and no CLIENT SETINFO: older servers do not know HELLO, and Memorystore blocks CLIENT.

    No retries: a command that changes something must not run twice because its answer was lost.
    """
    return {
        "decode_responses": True,
        "protocol": 2,
        "socket_timeout": answer_seconds,
        "socket_connect_timeout": answer_seconds,
        "retry": Retry(NoBackoff(), 0),
        "driver_info": None,
    }


def place(cache: CacheClient) -> str:
    """Host and port, or the socket, without the password; of a cluster the nodes that are known."""
    if isinstance(cache, RedisCluster):
        return ", ".join(cache.nodes_manager.startup_nodes)
    given = cache.connection_pool.connection_kwargs
    return str(given.get("path") or f"{given.get('host', 'localhost')}:{given.get('port', 6379)}")


def explain(error: BaseException, where: str, kind: type[LumenError] = SourceUnavailable) -> LumenError:
    """`error` as an exception of `kind`, with reason and remedy; Unreachable where a source did not answer at all."""
    name, told = _name_of(error), error
    if isinstance(error, exceptions.RedisClusterException) and error.__cause__ is not None:
        name, told = _name_of(error.__cause__), error.__cause__
    detail = " ".join(str(told).split())[:240]
    if kind is SourceUnavailable and name in _DEAD:
        kind = Unreachable
    return kind(message(f"source.{name}", where=where, detail=detail), message(f"source.{name}_remedy", where=where))


def _name_of(error: BaseException) -> str:
    said: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
        ((exceptions.AuthenticationError, exceptions.NoPermissionError, exceptions.AuthorizationError), "redis_denied"),
        (exceptions.BusyLoadingError, "redis_loading"),
        ((exceptions.TimeoutError, TimeoutError), "redis_timeout"),
        ((exceptions.ConnectionError, OSError, asyncio.IncompleteReadError), "redis_unreachable"),
        (exceptions.ReadOnlyError, "redis_read_only"),
        (exceptions.OutOfMemoryError, "redis_full"),
        ((exceptions.ClusterDownError, exceptions.SlotNotCoveredError), "redis_cluster_down"),
        ((exceptions.AskError, exceptions.ClusterCrossSlotError), "redis_is_cluster"),
    )
    name = next((name for types, name in said if isinstance(error, types)), "")
    if not name and isinstance(error, exceptions.RedisClusterException):
        name = "redis_no_cluster" if "not enabled" in str(error) else "redis_cluster_down"
    return name or "redis_refused"


def is_unanswered(error: BaseException) -> bool:
    """Whether the command may have been carried out although no answer came."""
    return isinstance(error, _UNANSWERED) and not isinstance(
        error, exceptions.AuthenticationError | exceptions.AuthorizationError | exceptions.BusyLoadingError
    )


@contextmanager
def reading(redis: CacheClient) -> Iterator[None]:
    """Around a read: raises SourceUnavailable for whatever the client raises, chained."""
    try:
        yield
    except FAILURES as error:
        raise explain(error, place(redis)) from error


def refusal(error: BaseException, redis: CacheClient) -> LumenError:
    """For a write: ActuatorFailed when the server said no, SourceUnavailable when nobody knows whether it was done."""
    return explain(error, place(redis), SourceUnavailable if is_unanswered(error) else ActuatorFailed)


def figure(info: Mapping[str, Any], name: str, where: str) -> int | NoData:
    """A field of INFO that is a whole number from 0; NoData where the server leaves it out or says something else."""
    told = info.get(name)
    if isinstance(told, int) and 0 <= told < MOST:
        return told
    detail = name if told is None else f"{name} {str(told)[:40]!r}"
    return NoData(*with_remedy("source.info_incomplete", where=where, detail=detail))


def needed(info: Mapping[str, Any], name: str, where: str) -> int:
    """The same, where nothing can be done without it. Raises SourceUnavailable."""
    found = figure(info, name, where)
    if isinstance(found, NoData):
        raise SourceUnavailable(found.reason, found.remedy)
    return found


@dataclass(slots=True)
class OwnReads:
    """Lookups of this process that the server counts among its hits and misses, since it began."""

    hits: int = 0
    misses: int = 0

    def add(self, found: object) -> None:
        """One lookup, and what it found."""
        if found:
            self.hits += 1
        else:
            self.misses += 1


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """`run_ids` tell servers apart, whatever addresses they have; `policy` may be "", and is the one that is least fit
    where servers differ.

    `max_mb` of all together; 0: a server has no limit; NoData: one does not say.
    """

    where: str
    run_ids: frozenset[str]
    version: str
    policy: str
    max_mb: float | NoData
    is_replica: bool
    keys: "KeysSeen"


@dataclass(frozen=True, slots=True)
class KeysSeen:
    """Some keys of the server, those of the contract aside: how many begin with `prefix`, and how many do not.

    `common`: what most of the others begin with, up to their last colon; "" where they have none.
    """

    prefix: str
    ours: int = 0
    others: int = 0
    common: str = ""


@dataclass(frozen=True, slots=True)
class CacheServer:
    """Looks at a cache without changing anything, for `lumen doctor`; managed servers block CONFIG, so with INFO."""

    redis: CacheClient
    #: Of the keys that are looked for; "": none are.
    prefix: str = ""

    async def facts(self) -> ServerFacts | NoData:
        """INFO, some keys; also tries whether scripts are allowed, for the TTL is set by one."""
        try:
            with reading(self.redis):
                async with primaries(self.redis) as servers:
                    told = [await _told(server) for server in servers]
                    keys = await self._keys(servers)
        except SourceUnavailable as error:
            return no_data(error)
        limits = [figure(info, "maxmemory", place(self.redis)) for info in told]
        policies = [str(info.get("maxmemory_policy", "")) for info in told]
        return ServerFacts(
            where=place(self.redis),
            run_ids=frozenset(str(info.get("run_id", "")) for info in told) - {""},
            version=str(told[0].get("valkey_version") or told[0].get("redis_version") or "?"),
            policy=min(policies, key=lambda policy: policy.startswith("volatile-")),
            max_mb=_limit_mb(limits),
            is_replica=any(info.get("role") in ("slave", "replica") for info in told),
            keys=keys,
        )

    async def seen(self) -> KeysSeen | NoData:
        """Some keys alone."""
        try:
            with reading(self.redis):
                async with primaries(self.redis) as servers:
                    return await self._keys(servers)
        except SourceUnavailable as error:
            return no_data(error)

    async def ahead_seconds(self, clock: Clock) -> float | None:
        """By how much `clock` is ahead of the server's beyond what the way takes; None: not told.

        Of several servers that of the one that is furthest off.
        """
        try:
            async with primaries(self.redis) as servers:
                return max([await _ahead_seconds(server, clock) for server in servers], key=abs)
        except FAILURES:
            return None

    async def silent_seconds(self, service_name: str) -> float | None:
        """How long ago, by the server's clock, the service last reported its accesses; None: never, or not told."""
        client: Any = self.redis  # records are no text
        key = ion_contract.own(ion_contract.ACCESSES_KEY, service_name)
        try:
            newest = await client.execute_command("XREVRANGE", key, "+", "-", "COUNT", 1, **{NEVER_DECODE: []})
            seconds, _ = await self.redis.time()
        except FAILURES:
            return None
        return seconds - int(newest[0][0].partition(b"-")[0]) / 1000 if newest else None

    async def announced_events(self) -> str | None:
        """The events that every server announces (`notify-keyspace-events`); None where one does not tell."""
        try:
            async with all_servers(self.redis) as servers:
                told = [await server.config_get("notify-keyspace-events") for server in servers]
        except FAILURES:
            return None
        events = [one.get("notify-keyspace-events") for one in told]
        known = [each for each in events if each is not None]
        if len(known) < len(events):
            return None
        return "".join(sign for sign in known[0] if all(sign in each for each in known))

    async def _keys(self, servers: Sequence[Redis]) -> KeysSeen:
        """Of the first ones that SCAN brings, which come in no order; a server of millions is not walked through."""
        ours, others = 0, Counter[str]()
        for server in servers:
            client: Any = server  # this method carries no types
            cursor = None
            while self.prefix and cursor != 0 and not ours and others.total() < MOST_KEYS:
                # As bytes: keys need not be text.
                cursor, found = await client.execute_command(
                    "SCAN", cursor or 0, "COUNT", SCAN_KEYS, **{NEVER_DECODE: []}
                )
                for key in (each.decode(errors="replace") for each in found):
                    if key.startswith(self.prefix):
                        ours += 1
                    elif not ion_contract.is_part(key):
                        others["".join(key.rpartition(":")[:2])] += 1
        (common, _), *_ = others.most_common(1) or [("", 0)]
        return KeysSeen(self.prefix, ours, others.total(), common)


async def _told(server: Redis) -> dict[str, Any]:
    info: dict[str, Any] = {}
    for section in ("server", "memory", "replication"):
        info |= await server.info(section)
    await server.eval("return 1", 0)
    return info


async def _ahead_seconds(server: Redis, clock: Clock) -> float:
    before = clock.now().timestamp()
    seconds, microseconds = await server.time()
    return apart(before, seconds + microseconds / 1e6, clock.now().timestamp())


def _limit_mb(limits: Sequence[int | NoData]) -> float | NoData:
    """0 where one of them has none."""
    missing = next((one for one in limits if isinstance(one, NoData)), None)
    if missing is not None or 0 in limits:
        return missing or 0
    return sum(one for one in limits if not isinstance(one, NoData)) / MB
