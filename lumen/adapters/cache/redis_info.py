"""The cache as its own servers tell it: INFO, and a probe of how long it takes to answer.

INFO's counters run since the server's start, so hits over a window are the difference of two samples; a restart
(another run_id, or any counter that fell) begins anew. The samples live in this process: after a start the first
figures take `LEAST_SPAN`. Of a cluster every primary is asked, and what one of them does not tell is not known: sums
begin anew as soon as one of them does, or another node becomes a primary.

Disturbance: INFO and PING touch no key, so the probe moves neither hits nor misses. PING waits behind whatever the
server's one thread is doing, just as a GET does; the GET's own work (microseconds) comes from INFO latencystats.
"""

import asyncio
import itertools
import math
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from redis.asyncio import Redis

from lumen.adapters.cache.client import OwnReads, figure, place, reading
from lumen.adapters.cache.servers import CacheClient, primaries
from lumen.adapters.checks import no_data
from lumen.model.messages import NoData, SourceUnavailable, with_remedy
from lumen.model.snapshot import Window
from lumen.ports.clock import Clock

MB = 2**20
#: A server that comes back within this after another one, or counters that begin anew more often than
#: RESTLESS_TIMES within it, are no restart.
RESTLESS = timedelta(hours=1)
RESTLESS_TIMES = 3
#: Less than a slice of history says too little.
LEAST_SPAN = timedelta(minutes=5)
#: Samples nearer than this to the one before replace it, so that a person who asks often does not grow the memory.
LEAST_GAP = timedelta(minutes=1)
#: Of samples: the longest look-back (24 h) in steps of the five-minute watch, and some.
MOST_SAMPLES = 400
#: A 95th percentile of fewer is none (docs/methods.md, Alerts).
PROBES = 20
PROBE_SECONDS = 3.0


#: One of them falls where the server was restarted, or its counters were set to nothing (CONFIG RESETSTAT): the busy
#: ones show it also where hits and misses have since overtaken what they were.
RISING = (
    "uptime_in_seconds",
    "keyspace_hits",
    "keyspace_misses",
    "evicted_keys",
    "expired_keys",
    "total_commands_processed",
    "total_connections_received",
    "total_net_input_bytes",
    "total_net_output_bytes",
)


@dataclass(frozen=True, slots=True)
class Counters:
    """Over `seconds`, which may be less than the window where data has only just begun. Each stands alone."""

    seconds: float
    hits: int | NoData
    misses: int | NoData
    evictions: int | NoData


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """MB of 2**20 bytes."""

    used_mb: float | NoData
    max_mb: float | NoData
    policy: str = ""


@dataclass(frozen=True, slots=True)
class Latency:
    """The 95th percentile of one small command, and its source: "latencystats" or "probe"."""

    p95_ms: float
    source: str


@dataclass(frozen=True, slots=True)
class Sample:
    """The counters that were told at one instant of service time, all servers together.

    `own`: what of them Lumen's own lookups are.
    """

    at: datetime
    counts: Mapping[str, int]
    own: Mapping[str, int]

    def risen(self, since: "Sample", name: str) -> int:
        """By how much others let a counter rise."""
        own = self.own.get(name, 0) - since.own.get(name, 0)
        return max(0, self.counts[name] - since.counts[name] - own)


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """One reading of one server's INFO."""

    fields: Mapping[str, Any]
    where: str

    @property
    def run_id(self) -> str:
        """ "" where the server tells none."""
        return str(self.fields.get("run_id") or "")

    def figure(self, name: str) -> int | NoData:
        """A whole number from 0; NoData where the server leaves it out or says something else."""
        return figure(self.fields, name, self.where)

    def counts(self) -> Mapping[str, int]:
        """The counters that only rise, as far as they are told."""
        told = ((name, self.figure(name)) for name in RISING)
        return {name: count for name, count in told if not isinstance(count, NoData)}

    def told_p95_ms(self) -> float | None:
        """GET's p95 from INFO latencystats (Redis 7+, where `latency-tracking-info-percentiles` has 95), or None.

        The default percentiles are 50, 99 and 99.9: another percentile is not passed off as this one.
        """
        stats = self.fields.get("latency_percentiles_usec_get")
        if not isinstance(stats, Mapping):
            return None
        p95 = next((value for name, value in stats.items() if str(name).lstrip("p") in ("95", "95.0")), None)
        return p95 / 1000 if isinstance(p95, int | float) and 0 <= p95 < math.inf else None


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """One reading of every server's INFO. A value of its own: another look meanwhile does not take it away."""

    servers: Sequence[ServerInfo]
    where: str

    def figure(self, name: str) -> int | NoData:
        """All servers together; what one of them does not tell is not known."""
        told = [server.figure(name) for server in self.servers]
        missing = next((one for one in told if isinstance(one, NoData)), None)
        return missing or sum(one for one in told if not isinstance(one, NoData))

    def nothing_evicted_since(self, told: Counters) -> bool:
        """Whether it never had to evict, by counters that have not begun anew since: they know of all those lookups."""
        hits, misses = self.figure("keyspace_hits"), self.figure("keyspace_misses")
        return self.figure("evicted_keys") == 0 and _at_least(hits, told.hits) and _at_least(misses, told.misses)

    def memory(self) -> MemoryUse:
        """Used and allowed, in MB; each NoData where a server does not say it. A limit of 0 is none.

        The policy is "" where servers have different ones.
        """
        used, limit = self.figure("used_memory"), self.figure("maxmemory")
        none = NoData(*with_remedy("source.no_maxmemory", where=self.where), known_absent=True)
        is_unbounded = any(server.figure("maxmemory") == 0 for server in self.servers)
        policies = {str(server.fields.get("maxmemory_policy", "")) for server in self.servers}
        policy = policies.pop() if len(policies) == 1 else ""
        return MemoryUse(_in_mb(used), none if is_unbounded else _in_mb(limit), policy)

    def told_p95_ms(self) -> float | None:
        """That of the slowest server; None where one does not tell."""
        told = [server.told_p95_ms() for server in self.servers]
        known = [one for one in told if one is not None]
        return max(known) if len(known) == len(told) else None

    def sample(self, at: datetime, reads: OwnReads) -> Sample:
        """The counters that every server tells, as they stood `at`."""
        each = [server.counts() for server in self.servers]
        names = [name for name in RISING if all(name in counts for counts in each)]
        own = {"keyspace_hits": reads.hits, "keyspace_misses": reads.misses}
        return Sample(at, {name: sum(counts[name] for counts in each) for name in names}, own)


def _in_mb(size: int | NoData) -> float | NoData:
    return size if isinstance(size, NoData) else size / MB


def _at_least(count: int | NoData, other: int | NoData) -> bool:
    return not isinstance(count, NoData) and not isinstance(other, NoData) and count >= other


@dataclass(slots=True)
class _Counting:
    """One server's counters: each as it was last told since they began, and when they began within the last hour."""

    newest: dict[str, int] = field(default_factory=dict)
    begun: deque[tuple[datetime, str]] = field(default_factory=deque)
    run_id: str = ""

    def take(self, at: datetime, run_id: str, counts: Mapping[str, int]) -> bool:
        """Note what is told now; False where the counters have begun anew."""
        other = bool(self.run_id and run_id) and self.run_id != run_id
        fell = any(count < self.newest.get(name, 0) for name, count in counts.items())
        goes_on = bool(self.begun) and not other and not fell
        if not goes_on:
            self.newest.clear()
            self.begun.append((at, run_id))
        self.newest.update(counts)
        self.run_id = run_id
        while len(self.begun) > 1 and at - self.begun[0][0] > RESTLESS:
            self.begun.popleft()
        return goes_on

    def trouble(self, where: str) -> NoData | None:
        """The sentence for a server that comes back after another: no restart gives a server its old `run_id`."""
        in_turn = [run_id for run_id, _ in itertools.groupby(run_id for _, run_id in self.begun)]
        servers = list(dict.fromkeys(run_id for run_id in in_turn if run_id))
        if sum(map(bool, in_turn)) > len(servers):
            names = ", ".join(run_id[:8] for run_id in servers)
            return NoData(*with_remedy("source.several_servers", where=where, servers=len(servers), names=names))
        if len(self.begun) > RESTLESS_TIMES:
            return NoData(*with_remedy("source.counters_restless", where=where, times=len(self.begun) - 1))
        return None


@dataclass(frozen=True, slots=True, eq=False)
class RedisInfoCache:
    """Looks at one cache; all services that share it get the same figures."""

    redis: CacheClient
    clock: Clock
    #: Lookups that are Lumen's own, and no service's.
    reads: OwnReads = field(default_factory=OwnReads)
    _samples: deque[Sample] = field(default_factory=lambda: deque(maxlen=MOST_SAMPLES), init=False)
    #: By the address of the server.
    _counting: dict[str, _Counting] = field(default_factory=dict, init=False)
    #: One look after another: of two that overtake each other the counters would seem to fall.
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def refresh(self) -> CacheInfo | NoData:
        """Read INFO and take a sample; the reason when a server cannot be read, or is more than one."""
        async with self._looking:
            try:
                info = CacheInfo(await self._read_each(), place(self.redis))
            except SourceUnavailable as error:
                return no_data(error)
            return self._keep(info) or info

    @property
    def sampled_at(self) -> datetime | None:
        """The instant at which the counters were last read."""
        return self._samples[-1].at if self._samples else None

    def counters(self, window: Window, info: CacheInfo) -> Counters:
        """Differences over a span as long as the window, or as much of it as has been sampled (`seconds` says).

        Each stands alone; evictions are brought to the span of the lookups.
        """
        hit_seconds, hits = self._risen("keyspace_hits", window, info)
        miss_seconds, misses = self._risen("keyspace_misses", window, info)
        evicted_seconds, evictions = self._risen("evicted_keys", window, info)
        if isinstance(hits, NoData) or isinstance(misses, NoData) or hit_seconds != miss_seconds:
            missing = hits if isinstance(hits, NoData) else misses
            unknown = missing if isinstance(missing, NoData) else self._too_early("keyspace_misses")
            return Counters(evicted_seconds, unknown, unknown, evictions)
        if isinstance(evictions, NoData) or not evicted_seconds:
            return Counters(hit_seconds, hits, misses, evictions)
        return Counters(hit_seconds, hits, misses, round(evictions * hit_seconds / evicted_seconds))

    async def latency(self, info: CacheInfo) -> Latency | NoData:
        """The slower of what the servers say of their GETs and what this process waits for a PING of the slowest."""
        try:
            with reading(self.redis):
                async with asyncio.timeout(PROBE_SECONDS), primaries(self.redis) as servers:
                    probed_ms = max([await _probed_ms(server) for server in servers])
        except SourceUnavailable as error:
            return no_data(error)
        told_ms = info.told_p95_ms()
        if told_ms is not None and told_ms > probed_ms:
            return Latency(told_ms, "latencystats")
        return Latency(probed_ms, "probe")

    async def _read_each(self) -> Sequence[ServerInfo]:
        """Raises SourceUnavailable where one of them does not answer."""
        with reading(self.redis):
            async with primaries(self.redis) as servers:
                found = []
                for server in servers:
                    with reading(server):
                        found.append(ServerInfo(await _read(server), place(server)))
                return found

    def _keep(self, info: CacheInfo) -> NoData | None:
        """Take the sample; the reason why its counters cannot be followed, if there is one."""
        sample, goes_on = info.sample(self.clock.now(), self.reads), True
        for gone in self._counting.keys() - {server.where for server in info.servers}:
            del self._counting[gone]
            goes_on = False
        for server in info.servers:
            counting = self._counting.setdefault(server.where, _Counting())
            goes_on = counting.take(sample.at, server.run_id, server.counts()) and goes_on
        if not goes_on:
            self._samples.clear()  # another server, or CONFIG RESETSTAT: differences across it mean nothing
        elif len(self._samples) > 1 and self._samples[-1].at - self._samples[-2].at < LEAST_GAP:
            self._samples.pop()
        self._samples.append(sample)
        return next(filter(None, (counting.trouble(where) for where, counting in self._counting.items())), None)

    def _risen(self, name: str, window: Window, info: CacheInfo) -> tuple[float, int | NoData]:
        """Over how many seconds, and by how much a counter rose."""
        now = info.figure(name)
        if isinstance(now, NoData):
            return 0.0, now
        newest = self._samples[-1]
        earlier = [s for s in self._samples if newest.at - s.at >= LEAST_SPAN and name in s.counts]
        if not earlier or name not in newest.counts:
            return 0.0, self._too_early(name)
        wanted = newest.at - timedelta(seconds=window.seconds)
        # The sample nearest to the window's beginning: never far before it, so an old hour is not averaged in.
        first = min(earlier, key=lambda s: abs((s.at - wanted).total_seconds()))
        return (newest.at - first.at).total_seconds(), newest.risen(first, name)

    def _too_early(self, name: str) -> NoData:
        since = next((s.at for s in self._samples if name in s.counts), self.clock.now())
        left = LEAST_SPAN - (self.clock.now() - since)
        minutes = max(1, -(-int(left.total_seconds()) // 60))
        return NoData(*with_remedy("source.counters_too_early", where=place(self.redis), minutes=minutes))


async def _read(server: Redis) -> Mapping[str, Any]:
    """Section by section: servers before 7 take one name at a time; one that does not know a name sends nothing.

    Over one connection, so that all sections are of one server.
    """
    pipeline = server.pipeline(transaction=False)
    for section in ("server", "memory", "stats", "latencystats"):
        pipeline.info(section)
    info: dict[str, Any] = {}
    for told in await pipeline.execute():
        info |= told
    return info


async def _probed_ms(server: Redis) -> float:
    """The 95th percentile of some PINGs."""
    return sorted([await _ping_ms(server) for _ in range(PROBES)])[-(PROBES // 20) - 1]


async def _ping_ms(server: Redis) -> float:
    began = time.perf_counter()
    await server.ping()
    return (time.perf_counter() - began) * 1000
