"""Memorystore's own figures from Cloud Monitoring (resource `redis_instance`): one grouped query per metric."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from lumen.adapters.cache.redis_info import Counters, MemoryUse
from lumen.adapters.checks import no_data
from lumen.adapters.google.monitoring_query import Aligner, Projects, Query, Reducer
from lumen.adapters.google.monitoring_series import Series, summed
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
    """`instances`: the full resource name of a service's instance (projects/…/locations/…/instances/…), where it has
    one; an instance is asked for in its own project."""

    projects: Projects
    instances: Mapping[ServiceId, str]

    async def counters(self, services: Sequence[ServiceId], window: Window) -> Mapping[ServiceId, Counters | NoData]:
        """Of those with instances: hits, misses, evictions over the slices in which both hits and misses are known."""
        services = self.counted(services)
        hits, misses, evicted = await asyncio.gather(
            *(self._ask(services, window, metric, SLICE) for metric in (HITS, MISSES, EVICTED))
        )
        return {service: _counters(hits[service], misses[service], evicted[service]) for service in services}

    async def memory(self, services: Sequence[ServiceId], window: Window) -> Mapping[ServiceId, MemoryUse | NoData]:
        """The newest reading of the window; of those with instances."""
        services = self.counted(services)
        used, limit = await asyncio.gather(
            *(self._ask(services, window, metric, SLICE, gauge=True) for metric in (USAGE, MAXMEMORY))
        )
        return {service: _memory(used[service], limit[service]) for service in services}

    async def lookups(
        self, services: Sequence[ServiceId], window: Window
    ) -> Mapping[ServiceId, Mapping[int, tuple[int, int]]]:
        """Hits and misses of each slice in which both are known; nothing where they cannot be read."""
        services = self.counted(services)
        hits, misses = await asyncio.gather(*(self._ask(services, window, m, SLICE) for m in (HITS, MISSES)))
        found: dict[str, Mapping[int, tuple[int, int]]] = {}
        for service in services:
            good, bad, name = hits[service], misses[service], self.instances.get(service, "")
            if name not in found and not isinstance(good, NoData) and not isinstance(bad, NoData):
                found[name] = {at: (round(good[at]), round(bad[at])) for at in _whole(good, bad)}
        of = {service: self.instances.get(service, "") for service in services}
        return {service: found[name] for service, name in of.items() if name in found}

    async def hourly_misses(
        self, services: Sequence[ServiceId], window: Window
    ) -> Mapping[ServiceId, Sequence[int | None] | NoData | None]:
        """Calls that the cache could not save, per hour of the window; None where an hour is not known.

        None for a service without an instance: nobody counts them.
        """
        counted = self.counted(services)
        found = await self._ask(counted, window, MISSES, HOUR)
        hours = range(round(window.seconds / 3600))
        return dict.fromkeys(services) | {
            service: points if isinstance(points, NoData) else [_rounded(points.get(hour)) for hour in hours]
            for service, points in found.items()
        }

    def counted(self, services: Sequence[ServiceId]) -> Sequence[ServiceId]:
        """Those that have an instance."""
        return [service for service in services if service in self.instances]

    async def _ask(
        self, services: Sequence[ServiceId], window: Window, metric: str, period: timedelta, *, gauge: bool = False
    ) -> Mapping[ServiceId, Mapping[int, float] | NoData]:
        """Per service: period -> value; NoData where the series is absent or the query failed."""
        names = sorted({self.instances[service] for service in services})
        aligner, reducer = Aligner.ALIGN_DELTA, Reducer.REDUCE_SUM
        if gauge:
            aligner, reducer = Aligner.ALIGN_MEAN, Reducer.REDUCE_MEAN

        async def of_one(project: str) -> Mapping[str, Mapping[int, float] | NoData]:
            mine = tuple(name for name in names if project_of(name) == project)
            only = "resource.labels.instance_id", mine
            query = Query(metric, RESOURCE, period, _GROUP, only, aligner, reducer)
            try:
                series = await self.projects[project].series(query, window)
            except SourceUnavailable as error:
                return dict.fromkeys(mine, no_data(error))
            labelled: dict[str, list[Series]] = {}
            for one in series:
                labelled.setdefault(one.label("instance_id"), []).append(one)
            return {name: _of(labelled, name) or _absent(metric, name) for name in mine}

        answers = await asyncio.gather(*(of_one(project) for project in dict.fromkeys(map(project_of, names))))
        found = {name: points for answer in answers for name, points in answer.items()}
        return {service: found[self.instances[service]] for service in services}


def project_of(instance: str) -> str:
    """Of an instance by its full name."""
    return instance.split("/")[1]


def _of(labelled: Mapping[str, Sequence[Series]], instance: str) -> Mapping[int, float]:
    """The primary's points. A server may leave the role out, or give the instance's short name."""
    names = dict.fromkeys((instance, instance.rsplit("/", 1)[-1]))
    series = (one for name in names for one in labelled.get(name, ()))
    return summed(one for one in series if one.metric_labels.get("role") != "replica")


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
