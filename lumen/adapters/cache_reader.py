"""The cache's figures put together: counters from Monitoring where an instance is set, else INFO; memory from INFO."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lumen.adapters.cache.redis_info import CacheInfo, Counters, Latency, MemoryUse, RedisInfoCache
from lumen.adapters.google.monitoring_cache import MonitoringCache
from lumen.model.messages import NoData
from lumen.model.service import ServiceId
from lumen.model.snapshot import CacheStats, Window


@dataclass(frozen=True, slots=True)
class CacheReader:
    """Implements the CacheSource port. `monitoring` None: no instance is configured (a self-managed server).

    Where one way cannot tell, the other is asked; the two are never mixed within one figure. Each figure stands alone.
    """

    info: RedisInfoCache
    monitoring: MonitoringCache | None

    async def cache(self, services: Sequence[ServiceId], window: Window) -> Mapping[ServiceId, CacheStats | NoData]:
        """A cache that does not answer is NoData, whatever Monitoring remembers of it."""
        info = await self.info.refresh()
        dead = info if isinstance(info, NoData) else None
        if dead is not None and dead.unreachable:
            return dict.fromkeys(services, dead)
        latency = info if isinstance(info, NoData) else await self.info.latency(info)
        told = await self.monitoring.counters(services, window) if self.monitoring else {}
        memory = MemoryUse(info, info) if isinstance(info, NoData) else info.memory()
        is_told = not isinstance(memory.used_mb, NoData)
        remembered = await self.monitoring.memory(services, window) if self.monitoring and not is_told else {}
        found: dict[ServiceId, CacheStats | NoData] = {}
        for service in services:
            own = info if isinstance(info, NoData) else self.info.counters(window, info)
            counters = _counters(told.get(service), own, info)
            found[service] = _stats(counters, _memory(memory, remembered.get(service)), latency)
        return found

    async def sample(self) -> None:
        """One look at INFO; Monitoring keeps its own history. A server that does not answer shows in the next turn."""
        await self.info.refresh()


def _counters(told: Counters | NoData | None, own: Counters | NoData, info: CacheInfo | NoData) -> Counters | NoData:
    if told is None:
        return own
    if isinstance(told, NoData):
        return told if isinstance(own, NoData) or isinstance(own.hits, NoData) else own
    if isinstance(told.evictions, NoData):
        return Counters(told.seconds, told.hits, told.misses, _evictions(told, own, info))
    return told


def _evictions(told: Counters, own: Counters | NoData, info: CacheInfo | NoData) -> int | NoData:
    if not isinstance(info, NoData) and info.nothing_evicted_since(told):
        return 0
    if isinstance(own, NoData) or isinstance(own.evictions, NoData) or own.seconds <= 0:
        return told.evictions
    return round(own.evictions * told.seconds / own.seconds)  # a rate, brought to the same span


def _memory(own: MemoryUse, remembered: MemoryUse | NoData | None) -> MemoryUse:
    """The server's own word, else what Monitoring remembers; used and allowed are of one of them."""
    if remembered is None or isinstance(remembered, NoData) or not isinstance(own.used_mb, NoData):
        return own
    return remembered


def _stats(counters: Counters | NoData, memory: MemoryUse, latency: Latency | NoData) -> CacheStats | NoData:
    """All figures; NoData only where there is none at all."""
    if isinstance(counters, NoData):
        if isinstance(memory.used_mb, NoData) and isinstance(latency, NoData):
            return counters
        counters = Counters(0.0, counters, counters, counters)
    return CacheStats(
        seconds=counters.seconds,
        hits=counters.hits,
        misses=counters.misses,
        evictions=counters.evictions,
        used_mb=memory.used_mb,
        max_mb=memory.max_mb,
        p95_ms=latency if isinstance(latency, NoData) else latency.p95_ms,
        p95_source="" if isinstance(latency, NoData) else latency.source,
        eviction_policy=memory.policy,
    )
