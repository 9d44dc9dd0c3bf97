"""The cache's figures put together: counters from Monitoring where an instance is set, else INFO; memory from INFO."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lumen.adapters.cache.redis_info import CacheInfo, Counters, Latency, MemoryUse, RedisInfoCache
from lumen.adapters.google.monitoring_cache import MonitoringCache
from lumen.model.messages import NoData
from lumen.model.service import ServiceId
from lumen.model.snapshot import CacheStats, Window


@dataclass(frozen=True, slots=True)
class CacheReader:
    """Implements the CacheSource port. `infos`: the server of each service, one object for those that share it.

    `monitoring` knows those that have an instance. Where one way cannot tell, the other is asked; the two are never
    mixed within one figure. Each figure stands alone.
    """

    infos: Mapping[ServiceId, RedisInfoCache]
    monitoring: MonitoringCache

    async def cache(self, services: Sequence[ServiceId], window: Window) -> Mapping[ServiceId, CacheStats | NoData]:
        """A cache that does not answer is NoData, whatever Monitoring remembers of it; it holds up no other one."""
        servers = tuple(dict.fromkeys(self.infos[service] for service in services))
        seen = dict(zip(servers, await asyncio.gather(*(_Seen.of(one, window) for one in servers)), strict=True))
        of = {service: seen[self.infos[service]] for service in services}
        told = await self.monitoring.counters([one for one in services if not of[one].is_dead], window)
        untold = [one for one in services if isinstance(of[one].memory.used_mb, NoData) and not of[one].is_dead]
        remembered = await self.monitoring.memory(untold, window)
        return {service: of[service].with_told(told.get(service), remembered.get(service)) for service in services}

    async def sample(self) -> None:
        """One look at INFO; Monitoring keeps its own history. A server that does not answer shows in the next turn."""
        await asyncio.gather(*(one.refresh() for one in dict.fromkeys(self.infos.values())))


@dataclass(frozen=True, slots=True)
class _Seen:
    """One server, as it tells of itself."""

    info: CacheInfo | NoData
    own: Counters | NoData
    memory: MemoryUse
    latency: Latency | NoData

    @staticmethod
    async def of(server: RedisInfoCache, window: Window) -> "_Seen":
        info = await server.refresh()
        if isinstance(info, NoData):
            return _Seen(info, info, MemoryUse(info, info), info)
        return _Seen(info, server.counters(window, info), info.memory(), await server.latency(info))

    @property
    def is_dead(self) -> bool:
        return isinstance(self.info, NoData) and self.info.unreachable

    def with_told(self, told: Counters | NoData | None, remembered: MemoryUse | NoData | None) -> CacheStats | NoData:
        if isinstance(self.info, NoData) and self.info.unreachable:
            return self.info
        return _stats(_counters(told, self.own, self.info), _memory(self.memory, remembered), self.latency)


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
