"""The cache as its own server tells it: INFO, and a probe of how long it takes to answer.

INFO's counters run since the server's start, so hits over a window are the difference of two samples; a restart
(another run_id, or counters that fell) begins anew. The samples live in this process: after a start the first figures
take `LEAST_SPAN`.

Disturbance: INFO and PING touch no key, so the probe moves neither hits nor misses. PING waits behind whatever the
server's one thread is doing, just as a GET does; the GET's own work (microseconds) comes from INFO latencystats.
"""

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from redis.asyncio import Redis

from lumen.adapters.cache.client import place, reading
from lumen.adapters.checks import no_data
from lumen.model.messages import NoData, SourceUnavailable, with_remedy
from lumen.model.snapshot import Window
from lumen.ports.clock import Clock

MB = 2**20
#: Less than a slice of history says too little.
LEAST_SPAN = timedelta(minutes=5)
#: Samples nearer than this to the one before replace it, so that a person who asks often does not grow the memory.
LEAST_GAP = timedelta(minutes=1)
#: Of samples: the longest look-back (24 h) in steps of the five-minute watch, and some.
MOST_SAMPLES = 400
#: A 95th percentile of fewer is none (docs/methods.md, Alerts).
PROBES = 20
PROBE_SECONDS = 3.0
#: Reasons that mean that the cache itself does not answer, not merely its measurement.
_DEAD = frozenset({"source.redis_unreachable", "source.redis_timeout", "source.redis_loading"})


@dataclass(frozen=True, slots=True)
class Counters:
    """Over `seconds`, which may be less than the window where data has only just begun."""

    seconds: float
    hits: int
    misses: int
    evictions: int | NoData


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """MB of 2**20 bytes."""

    used_mb: float
    max_mb: float | NoData


@dataclass(frozen=True, slots=True)
class Latency:
    """The 95th percentile of one small command, and its source: "latencystats" or "probe"."""

    p95_ms: float
    source: str


@dataclass(frozen=True, slots=True)
class Sample:
    """The counters at one instant of service time."""

    at: datetime
    run_id: str
    hits: int
    misses: int
    evicted: int


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """One reading of INFO. A value of its own: another look that begins meanwhile does not take it away."""

    _fields: Mapping[str, Any]
    _where: str

    def nothing_ever_evicted(self) -> bool:
        """Whether the server never had to evict: then it did not within any window either."""
        return self._fields.get("evicted_keys") == 0

    def memory(self) -> MemoryUse | NoData:
        """Used and allowed, in MB; NoData where the server does not say what it uses."""
        limit = int(self._fields.get("maxmemory", 0))
        if "used_memory" not in self._fields:
            return NoData(*with_remedy("source.info_incomplete", where=self._where, detail="used_memory"))
        return MemoryUse(
            used_mb=int(self._fields["used_memory"]) / MB,
            max_mb=limit / MB
            if limit
            else NoData(
                *with_remedy("source.no_maxmemory", where=self._where),
                known_absent=True,
            ),
        )

    def told_p95_ms(self) -> float | None:
        """GET's p95 from INFO latencystats (Redis 7+, where `latency-tracking-info-percentiles` has 95), or None.

        The default percentiles are 50, 99 and 99.9: another percentile is not passed off as this one.
        """
        stats = self._fields.get("latency_percentiles_usec_get")
        if not isinstance(stats, Mapping):
            return None
        found = next((value for name, value in stats.items() if float(str(name).lstrip("p")) == 95.0), None)
        return None if found is None else float(found) / 1000

    def sample(self, at: datetime) -> Sample:
        """The counters, as they stood `at`. Raises SourceUnavailable where one is missing."""
        fields = self._fields
        try:
            return Sample(
                at=at,
                run_id=str(fields["run_id"]),
                hits=int(fields["keyspace_hits"]),
                misses=int(fields["keyspace_misses"]),
                evicted=int(fields["evicted_keys"]),
            )
        except (KeyError, ValueError) as error:
            raise SourceUnavailable(
                *with_remedy("source.info_incomplete", where=self._where, detail=str(error))
            ) from error


@dataclass(frozen=True, slots=True)
class RedisInfoCache:
    """Looks at one cache server; all services that share it get the same figures."""

    redis: Redis
    clock: Clock
    _samples: deque[Sample] = field(default_factory=lambda: deque(maxlen=MOST_SAMPLES), init=False)

    async def refresh(self) -> ServerInfo | NoData:
        """Read INFO and take a sample; the reason when the server cannot be read."""
        try:
            with reading(self.redis):
                info = ServerInfo(await self._read(), place(self.redis))
            self._keep(info.sample(self.clock.now()))
        except SourceUnavailable as error:
            return no_data(error, unreachable=error.reason.code in _DEAD)
        return info

    @property
    def sampled_at(self) -> datetime | None:
        """The instant at which the counters were last read."""
        return self._samples[-1].at if self._samples else None

    def counters(self, window: Window) -> Counters | NoData:
        """Differences over a span as long as the window, or as much of it as has been sampled (`seconds` says)."""
        newest = self._samples[-1] if self._samples else None
        earlier = [s for s in self._samples if newest and newest.at - s.at >= LEAST_SPAN]
        if newest is None or not earlier:
            return self._too_early()
        wanted = newest.at - timedelta(seconds=window.seconds)
        # The sample nearest to the window's beginning: never far before it, so an old hour is not averaged in.
        first = min(earlier, key=lambda s: abs((s.at - wanted).total_seconds()))
        return Counters(
            seconds=(newest.at - first.at).total_seconds(),
            hits=newest.hits - first.hits,
            misses=newest.misses - first.misses,
            evictions=newest.evicted - first.evicted,
        )

    async def latency(self, info: ServerInfo) -> Latency | NoData:
        """The slower of what the server says of its GETs and what this process waits for a PING."""
        try:
            with reading(self.redis):
                async with asyncio.timeout(PROBE_SECONDS):
                    probed_ms = sorted([await self._ping_ms() for _ in range(PROBES)])[-(PROBES // 20) - 1]
        except SourceUnavailable as error:
            return no_data(error, unreachable=error.reason.code in _DEAD)
        told_ms = info.told_p95_ms()
        if told_ms is not None and told_ms > probed_ms:
            return Latency(told_ms, "latencystats")
        return Latency(probed_ms, "probe")

    async def _read(self) -> Mapping[str, Any]:
        """Section by section: servers before 7 take one name at a time; one that does not know a name sends nothing."""
        info: dict[str, Any] = {}
        for section in ("server", "memory", "stats", "latencystats"):
            info |= await self.redis.info(section)
        return info

    async def _ping_ms(self) -> float:
        began = time.perf_counter()
        await self.redis.ping()
        return (time.perf_counter() - began) * 1000

    def _keep(self, sample: Sample) -> None:
        last = self._samples[-1] if self._samples else None
        if last and (last.run_id != sample.run_id or sample.hits < last.hits or sample.misses < last.misses):
            self._samples.clear()  # another server, or CONFIG RESETSTAT: differences across it mean nothing
        elif len(self._samples) > 1 and self._samples[-1].at - self._samples[-2].at < LEAST_GAP:
            self._samples.pop()
        self._samples.append(sample)

    def _too_early(self) -> NoData:
        since = self._samples[0].at if self._samples else self.clock.now()
        left = LEAST_SPAN - (self.clock.now() - since)
        minutes = max(1, -(-int(left.total_seconds()) // 60))
        return NoData(*with_remedy("source.counters_too_early", where=place(self.redis), minutes=minutes))
