"""Memorystore's own figures from Cloud Monitoring (resource `redis_instance`): one grouped query per metric."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from lumen.adapters.cache.redis_info import Counters, MemoryUse
from lumen.adapters.checks import no_data
from lumen.adapters.google.monitoring_query import Aligner, MonitoringQueries, Query, Reducer, Series, summed
from lumen.model.messages import NoData, SourceUnavailable, with_remedy
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, Window

RESOURCE = "redis_instance"
HITS = "redis.googleapis.com/stats/keyspace_hits"
MISSES = "redis.googleapis.com/stats/keyspace_misses"
EVICTED = "redis.googleapis.com/stats/evicted_keys"
USAGE = "redis.googleapis.com/stats/memory/usage"
MAXMEMORY = "redis.googleapis.com/stats/memory/maxmemory"

MB = 2**20
HOUR = timedelta(hours=1)

#: Per instance and role: a replica answers no requests of the service.
_GROUP = ("resource.labels.instance_id", "metric.labels.role")


@dataclass(frozen=True, slots=True)
class MonitoringCache:
    """`instances`: the full resource name of each service's instance (projects/…/locations/…/instances/…)."""

    queries: MonitoringQueries
    instances: Mapping[ServiceId, str]

    async def counters(self, services: Sequence[ServiceId], window: Window) -> Mapping[ServiceId, Counters | NoData]:
        """Hits, misses and evictions over the slices in which both hits and misses are known."""
        hits, misses, evicted = await asyncio.gather(
            *(self._ask(services, window, metric, SLICE) for metric in (HITS, MISSES, EVICTED))
        )
        return {service: _counters(hits[service], misses[service], evicted[service]) for service in services}

    async def memory(self, services: Sequence[ServiceId], window: Window) -> Mapping[ServiceId, MemoryUse | NoData]:
        """The newest reading of the window."""
        used, limit = await asyncio.gather(
            *(self._ask(services, window, metric, SLICE, gauge=True) for metric in (USAGE, MAXMEMORY))
        )
        return {service: _memory(used[service], limit[service]) for service in services}

    async def lookups(
        self, services: Sequence[ServiceId], window: Window
    ) -> Mapping[ServiceId, Mapping[int, tuple[int, int]]]:
        """Hits and misses of each slice in which both are known; nothing where they cannot be read."""
        hits, misses = await asyncio.gather(*(self._ask(services, window, m, SLICE) for m in (HITS, MISSES)))
        found: dict[ServiceId, Mapping[int, tuple[int, int]]] = {}
        for service in services:
            good, bad = hits[service], misses[service]
            if not isinstance(good, NoData) and not isinstance(bad, NoData):
                found[service] = {at: (round(good[at]), round(bad[at])) for at in _whole(good, bad)}
        return found

    async def hourly_misses(
        self, services: Sequence[ServiceId], window: Window
    ) -> Mapping[ServiceId, Sequence[int | None] | NoData]:
        """Calls that the cache could not save, per hour of the window; None where an hour is not known."""
        found = await self._ask(services, window, MISSES, HOUR)
        hours = range(round(window.seconds / 3600))
        return {
            service: points if isinstance(points, NoData) else [_rounded(points.get(hour)) for hour in hours]
            for service, points in found.items()
        }

    async def _ask(
        self, services: Sequence[ServiceId], window: Window, metric: str, period: timedelta, *, gauge: bool = False
    ) -> Mapping[ServiceId, Mapping[int, float] | NoData]:
        """Per service: period -> value; NoData where the series is absent or the query failed."""
        instances = {service: self.instances.get(service, "") for service in services}
        query = Query(
            metric,
            RESOURCE,
            period,
            _GROUP,
            ("resource.labels.instance_id", tuple(sorted({name for name in instances.values() if name}))),
            Aligner.ALIGN_MEAN if gauge else Aligner.ALIGN_DELTA,
            Reducer.REDUCE_MEAN if gauge else Reducer.REDUCE_SUM,
        )
        try:
            series = await self.queries.series(query, window)
        except SourceUnavailable as error:
            return dict.fromkeys(services, no_data(error))
        return {
            service: _of(series, name) or _absent(metric, name) if name else _not_configured(service)
            for service, name in instances.items()
        }


def _of(series: Sequence[Series], instance: str) -> Mapping[int, float]:
    """The primary's points. A server may leave the role out, or give the instance's short name."""
    names = (instance, instance.rsplit("/", 1)[-1])
    return summed(s for s in series if s.label("instance_id") in names and s.metric_labels.get("role") != "replica")


def _whole(hits: Mapping[int, float], misses: Mapping[int, float]) -> set[int]:
    """Slices of which both are known. Where one of them begins, ends or has a gap, the slice beside it is cut."""
    alone = hits.keys() ^ misses.keys()
    return {at for at in hits.keys() & misses.keys() if not {at - 1, at + 1} & alone}


def _counters(
    hits: Mapping[int, float] | NoData, misses: Mapping[int, float] | NoData, evicted: Mapping[int, float] | NoData
) -> Counters | NoData:
    if isinstance(hits, NoData):
        return hits
    if isinstance(misses, NoData):
        return misses
    both = _whole(hits, misses)
    if not both:
        return _apart(HITS, MISSES)
    evictions: int | NoData = _apart(HITS, EVICTED)
    if isinstance(evicted, NoData):
        evictions = evicted
    elif both <= evicted.keys():
        evictions = round(sum(evicted[index] for index in both))
    return Counters(
        seconds=len(both) * SLICE.total_seconds(),
        hits=round(sum(hits[index] for index in both)),
        misses=round(sum(misses[index] for index in both)),
        evictions=evictions,
    )


def _memory(used: Mapping[int, float] | NoData, limit: Mapping[int, float] | NoData) -> MemoryUse | NoData:
    if isinstance(used, NoData):
        return used
    return MemoryUse(
        used_mb=used[max(used)] / MB,
        max_mb=limit if isinstance(limit, NoData) else limit[max(limit)] / MB,
    )


def _rounded(value: float | None) -> int | None:
    return None if value is None else round(value)


def _apart(one: str, other: str) -> NoData:
    return NoData(*with_remedy("source.slices_apart", one=one, other=other))


def _absent(metric: str, instance: str) -> NoData:
    return NoData(*with_remedy("source.instance_absent", metric=metric, instance=instance))


def _not_configured(service: ServiceId) -> NoData:
    return NoData(*with_remedy("source.instance_not_configured", service=service.name))
