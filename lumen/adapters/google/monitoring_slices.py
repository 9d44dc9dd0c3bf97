"""Slices of five minutes for the watch, with an estimated cost each, and requests by revision.

One grouped query per metric for all services. The estimate is that of docs/methods.md (Cost), five minutes at a time.
"""

import asyncio
from collections.abc import Collection, Coroutine, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lumen.adapters.cache.redis_info import RedisInfoCache
from lumen.adapters.checks import no_data
from lumen.adapters.google.cache_requests import CacheRequests, Sums
from lumen.adapters.google.hourly_cost import InstanceShapes
from lumen.adapters.google.monitoring_cache import MonitoringCache
from lumen.adapters.google.monitoring_query import (
    MonitoringQueries,
    Projects,
    Series,
    added_up,
    billable_seconds,
    of_each_project,
)
from lumen.adapters.google.monitoring_sleep import asleep
from lumen.adapters.google.monitoring_uptime import Probes, UptimeCheck
from lumen.adapters.google.monitoring_witnesses import Witnesses, witnesses
from lumen.model.alert import Observation
from lumen.model.cost import CostPrices, InstanceShape, cost_usd
from lumen.model.incident import RevisionCount
from lumen.model.messages import NoData, SourceUnavailable
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, Window
from lumen.model.witnesses import SERVER_ERRORS
from lumen.ports.incidents import SliceSource

#: A fortnight of distributions is asked for in pieces, so that no answer takes hundreds of megabytes.
PIECE = timedelta(days=2)
#: A server's counters up to now say nothing of a window that ended so long before.
LONG_AGO = timedelta(hours=1)

#: Per service and slice.
_Found = dict[ServiceId, dict[int, Observation]]


@dataclass(frozen=True, slots=True)
class MonitoringSlices:
    """Implements the SliceSource port.

    Of a service without an instance in `cache` the server tells hits and misses (`own`), of the newest slice alone: it
    counts since its start, so two looks make a difference. In neither: they are unknown.
    """

    projects: Projects
    cache: MonitoringCache
    own: Mapping[ServiceId, RedisInfoCache]
    #: None where no address of the service is looked at.
    uptime: UptimeCheck | None = None

    async def slices(
        self, services: Sequence[ServiceId], window: Window
    ) -> Mapping[ServiceId, Sequence[Observation] | NoData]:
        """NoData only where requests could not be asked for at all; without latency or cache a slice lacks those."""
        found = await self._all(services, window, latencies=True)
        by_server: dict[RedisInfoCache, list[ServiceId]] = {}
        for service in services:
            if service in self.own:
                by_server.setdefault(self.own[service], []).append(service)
        await asyncio.gather(*(self._add_own(own, mine, found, window) for own, mine in by_server.items()))
        return found

    async def counts(
        self, services: Sequence[ServiceId], window: Window
    ) -> Mapping[ServiceId, Sequence[Observation] | NoData]:
        """Without an instance these lack hits and misses too: a server's own counters tell of now alone."""
        return await self._all(services, window, latencies=False)

    async def _all(
        self, services: Sequence[ServiceId], window: Window, *, latencies: bool
    ) -> dict[ServiceId, list[Observation] | NoData]:
        async def of_one(project: str, mine: Sequence[ServiceId]) -> Mapping[ServiceId, list[Observation] | NoData]:
            return await self._of_project(self.projects[project], mine, window, latencies=latencies)

        return dict(await of_each_project(services, of_one))

    async def _of_project(
        self, queries: MonitoringQueries, services: Sequence[ServiceId], window: Window, *, latencies: bool
    ) -> dict[ServiceId, list[Observation] | NoData]:
        found: dict[ServiceId, list[Observation]] = {service: [] for service in services}
        start = window.start
        while start < window.end:
            piece = Window(start, min(window.end, start + PIECE))
            try:
                one = await self._piece(queries, services, piece, timed=latencies)
            except SourceUnavailable as error:
                return dict.fromkeys(services, no_data(error))
            for service in services:
                found[service] += [one[service][index] for index in sorted(one[service])]
            start = piece.end
        return dict(found)

    async def by_revision(
        self, services: Sequence[ServiceId], window: Window, period: timedelta
    ) -> Mapping[ServiceId, Sequence[RevisionCount] | NoData]:
        """`period` divides the window."""

        async def of_one(
            project: str, mine: Sequence[ServiceId]
        ) -> Mapping[ServiceId, Sequence[RevisionCount] | NoData]:
            try:
                found = await witnesses(self.projects[project], mine, window, period)
            except SourceUnavailable as error:
                return dict.fromkeys(mine, no_data(error))
            return {service: _counted(found[service], window.start, period) for service in mine}

        return await of_each_project(services, of_one)

    async def _add_own(
        self,
        own: RedisInfoCache,
        services: Sequence[ServiceId],
        found: Mapping[ServiceId, list[Observation] | NoData],
        window: Window,
    ) -> None:
        """Of the five minutes up to now rather than of the slice: a level, near enough for what is usual."""
        info = await own.refresh()
        if isinstance(info, NoData) or own.sampled_at is None or own.sampled_at - window.end > LONG_AGO:
            return
        counters = own.counters(Window(window.end - SLICE, window.end), info)
        if isinstance(counters.hits, NoData) or isinstance(counters.misses, NoData):
            return
        share = SLICE.total_seconds() / counters.seconds
        hits, misses = round(counters.hits * share), round(counters.misses * share)
        for slices in (found[service] for service in services):
            if not isinstance(slices, NoData) and slices and slices[-1].end == window.end:
                slices[-1] = replace(slices[-1], hits=hits, misses=misses)

    async def _piece(
        self, queries: MonitoringQueries, services: Sequence[ServiceId], window: Window, *, timed: bool
    ) -> _Found:
        told, cache = await asyncio.gather(
            witnesses(queries, services, window, SLICE, timed=timed), self.cache.lookups(services, window)
        )
        sleeping = await asleep(queries, told, window, SLICE)
        found: _Found = {}
        for service in services:
            slices = _requests(told[service], sleeping[service], window)
            latencies = told[service].latencies
            _add_latencies(slices, () if isinstance(latencies, NoData) else latencies)
            _add_lookups(slices, cache.get(service, {}), window)
            found[service] = slices
            await asyncio.sleep(0)  # clicks get their turn
        if self.uptime is not None and self.uptime.service in found:
            _add_probes(found[self.uptime.service], await self.uptime.slices(window), window)
        return found


def _requests(told: Witnesses, sleeping: Set[int], window: Window) -> dict[int, Observation]:
    if told.lacks_classes:
        return {}
    doubts = told.doubts()
    slept = {at: Observation(window.start + at * SLICE, requests=0, errors_5xx=0, errors_4xx=0) for at in sleeping}
    return slept | {
        index: Observation(
            window.start + index * SLICE,
            requests=of.total(),
            errors_5xx=of["5xx"],
            errors_4xx=of["4xx"],
            doubt=doubts.get(index),
        )
        for index, of in told.classes().items()
    }


def _add_latencies(slices: dict[int, Observation], series: Sequence[Series]) -> None:
    by_slice: dict[int, list[object]] = {}
    for one in series:
        for index, value in one.points.items():
            if value.HasField("distribution_value"):
                by_slice.setdefault(index, []).append(value.distribution_value)
    for index, seen in slices.items():
        latency = added_up(by_slice.get(index, ()))
        if latency is not None:
            p50, p95, p99 = latency.percentiles_ms((0.5, 0.95, 0.99))
            slices[index] = replace(seen, p50_ms=p50, p95_ms=p95, p99_ms=p99, latency=latency)


def _add_lookups(slices: dict[int, Observation], lookups: Mapping[int, tuple[int, int]], window: Window) -> None:
    for index, (hits, misses) in lookups.items():
        seen = slices.get(index) or Observation(window.start + index * SLICE)
        slices[index] = replace(seen, hits=hits, misses=misses)


def _add_probes(slices: dict[int, Observation], told: Mapping[int, Probes], window: Window) -> None:
    for index, probes in told.items():
        seen = slices.get(index) or Observation(window.start + index * SLICE)
        says = probes.says(seen.requests or 0)
        if says is not None and (says.is_lost or seen.requests == 0):
            slices[index] = replace(seen, doubt=says)


def _counted(found: Witnesses, start: datetime, period: timedelta) -> Sequence[RevisionCount]:
    """Also of a revision that told nothing in a period, where it is missed."""
    counts = []
    for revision, bounds in found.bounds.items():
        for index, one in bounds.items():
            counted = told.counted if (told := found.told[revision].get(index)) else {}
            if index >= 0 and one.most_requests > 0:
                doubt = None if one.is_exact else one
                at, requests = start + index * period, sum(counted.values())
                counts.append(RevisionCount(at, revision, requests, counted.get(SERVER_ERRORS, 0), doubt))
    return sorted(counts, key=lambda one: (one.start, one.revision))


@dataclass(frozen=True, slots=True)
class PricedSlices:
    """Implements the SliceSource port over another one: one more grouped query, and the shapes of the instances.

    `counted`: of these the misses of a slice are the API calls that the cache could not save, so a slice without them
    has no cost; of others nobody counts them, and the estimate is without them, as the month's is. `requests`: of all
    services that are watched, for each pays its part of its cache.
    """

    unpriced: SliceSource
    projects: Projects
    prices: Mapping[ServiceId, CostPrices]
    shapes: InstanceShapes
    counted: Collection[ServiceId]
    requests: CacheRequests

    async def slices(
        self, services: Sequence[ServiceId], window: Window
    ) -> Mapping[ServiceId, Sequence[Observation] | NoData]:
        return await self._with_costs(self.unpriced.slices(services, window), services, window)

    async def counts(
        self, services: Sequence[ServiceId], window: Window
    ) -> Mapping[ServiceId, Sequence[Observation] | NoData]:
        return await self._with_costs(self.unpriced.counts(services, window), services, window)

    async def _with_costs(
        self,
        asked: Coroutine[None, None, Mapping[ServiceId, Sequence[Observation] | NoData]],
        services: Sequence[ServiceId],
        window: Window,
    ) -> Mapping[ServiceId, Sequence[Observation] | NoData]:
        found, billable, shapes = await asyncio.gather(
            asked, billable_seconds(self.projects, services, window, SLICE), self.shapes.shapes(services)
        )
        sums = await self.requests.beside(found, window)
        priced: dict[ServiceId, Sequence[Observation] | NoData] = {}
        for service in services:
            priced[service] = self._priced(
                service, found[service], billable[service], shapes[service], window, sums.get(service)
            )
            await asyncio.sleep(0)  # clicks get their turn
        return priced

    async def by_revision(
        self, services: Sequence[ServiceId], window: Window, period: timedelta
    ) -> Mapping[ServiceId, Sequence[RevisionCount] | NoData]:
        return await self.unpriced.by_revision(services, window, period)

    def _priced(
        self,
        service: ServiceId,
        found: Sequence[Observation] | NoData,
        billable: Mapping[int, float],
        shape: InstanceShape | NoData,
        window: Window,
        sums: Sums | None,
    ) -> Sequence[Observation] | NoData:
        if isinstance(found, NoData) or isinstance(shape, NoData):
            return found
        priced = []
        for one in found:
            seconds = billable.get(int((one.start - window.start) / SLICE))
            share = sums.share(one.start, one.requests) if sums else float(one.requests is not None)
            priced.append(replace(one, cost_usd=self._cost_usd(service, one, seconds, shape, share)))
        return priced

    def _cost_usd(
        self, service: ServiceId, one: Observation, billable_seconds: float | None, shape: InstanceShape, share: float
    ) -> float | None:
        """None where anything that it is made of is unknown: a part of a cost is no cost."""
        is_counted = service in self.counted
        calls = one.misses if is_counted else None
        if one.requests == 0 and shape.existed(one.start):
            billable_seconds, calls = billable_seconds or 0.0, calls or 0
        if one.requests is None or (one.doubt is not None and not one.doubt.is_counted):
            return None
        if billable_seconds is None or (is_counted and calls is None):
            return None
        return cost_usd(
            self.prices[service], shape, SLICE.total_seconds(), one.requests, billable_seconds, calls, share
        )
