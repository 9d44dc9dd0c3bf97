"""The cache, put together: counters from Monitoring where an instance is configured, else INFO; memory from INFO."""

from collections.abc import Mapping, Sequence

from lumen.model.nodata import NoData
from lumen.model.service import ServiceId
from lumen.model.snapshot import CacheStats, Window
from lumen.sources.cache_parts import Counters, Latency, Memory
from lumen.sources.monitoring_cache import MonitoringCache
from lumen.sources.redis_cache import RedisInfoCache


class CacheReader:
    """Implements the CacheSource port. `monitoring` None: no instance is configured (a self-managed server).

    What one way cannot say the other is asked; the two are never mixed within one figure.
    """

    def __init__(self, info: RedisInfoCache, monitoring: MonitoringCache | None) -> None:
        self._info = info
        self._monitoring = monitoring

    async def cache(self, services: Sequence[ServiceId], window: Window) -> Mapping[ServiceId, CacheStats | NoData]:
        """A cache that does not answer is NoData, whatever Monitoring remembers of it."""
        dead = await self._info.refresh()
        if dead is not None and dead.unreachable:
            return dict.fromkeys(services, dead)
        latency = dead or await self._info.latency()
        told = await self._monitoring.counters(services, window) if self._monitoring else {}
        remembered = await self._monitoring.memory(services, window) if self._monitoring and dead else {}
        own = dead or self._info.counters(window)
        found: dict[ServiceId, CacheStats | NoData] = {}
        for service in services:
            counters = self._counters(told.get(service), own)
            memory = remembered.get(service, dead) if dead else self._info.memory()
            found[service] = _stats(counters, memory, latency)
        return found

    async def sample(self) -> None:
        """One look at INFO; Monitoring keeps its own history. A server that does not answer shows in the next turn."""
        await self._info.refresh()

    def _counters(self, told: Counters | NoData | None, own: Counters | NoData) -> Counters | NoData:
        if told is None:
            return own
        if isinstance(told, NoData):
            return told if isinstance(own, NoData) else own
        if isinstance(told.evictions, NoData):
            return Counters(told.seconds, told.hits, told.misses, self._evictions(told, own))
        return told

    def _evictions(self, told: Counters, own: Counters | NoData) -> int | NoData:
        if self._info.nothing_ever_evicted():
            return 0
        if isinstance(own, NoData) or isinstance(own.evictions, NoData):
            return told.evictions
        return round(own.evictions * told.seconds / own.seconds)  # a rate, brought to the same span


def _stats(
    counters: Counters | NoData, memory: Memory | NoData | None, latency: Latency | NoData
) -> CacheStats | NoData:
    if isinstance(counters, NoData):
        return counters
    if isinstance(counters.evictions, NoData):
        return counters.evictions
    if memory is None or isinstance(memory, NoData):
        assert memory is not None
        return memory
    return CacheStats(
        seconds=counters.seconds,
        hits=counters.hits,
        misses=counters.misses,
        evictions=counters.evictions,
        used_mb=memory.used_mb,
        max_mb=memory.max_mb,
        p95_ms=latency if isinstance(latency, NoData) else latency.p95_ms,
        p95_source="" if isinstance(latency, NoData) else latency.source,
    )
