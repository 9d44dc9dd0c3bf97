"""Slices of five minutes for the watch, with an estimated cost each, and requests by revision.

One grouped query per metric for all services. The estimate is that of docs/methods.md (Cost), five minutes at a time.
"""

import asyncio
import math
from collections.abc import Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from lumen.adapters.cache.redis_info import RedisInfoCache
from lumen.adapters.checks import no_data
from lumen.adapters.google.cache_requests import CacheRequests
from lumen.adapters.google.hourly_cost import InstanceShapes
from lumen.adapters.google.monitoring_cache import MonitoringCache
from lumen.adapters.google.monitoring_query import MonitoringQueries, Projects, billable_seconds, of_each_project
from lumen.adapters.google.monitoring_series import Floats
from lumen.adapters.google.monitoring_sleep import asleep
from lumen.adapters.google.monitoring_uptime import Probes, UptimeCheck
from lumen.adapters.google.monitoring_witnesses import Witnesses, witnesses
from lumen.adapters.google.slice_columns import SliceColumns, columns_of, joined
from lumen.adapters.google.slice_days import days_of
from lumen.model.alert import Observation
from lumen.model.cost import CostPrices, InstanceShape, cost_usd
from lumen.model.history import Day
from lumen.model.incident import RevisionCount
from lumen.model.messages import NoData, SourceUnavailable
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, Window
from lumen.model.witnesses import SERVER_ERRORS

#: A fortnight of distributions is asked for in pieces, so that no answer takes hundreds of megabytes.
PIECE = timedelta(days=2)
#: A server's counters up to now say nothing of a window that ended so long before.
LONG_AGO = timedelta(hours=1)

Found = Mapping[ServiceId, SliceColumns | NoData]


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
        return await observed(await self.whole(services, window))

    async def days(self, services: Sequence[ServiceId], window: Window) -> Mapping[ServiceId, Sequence[Day] | NoData]:
        """Of `slices`."""
        return await summed_up(await self.whole(services, window))

    async def counts(
        self, services: Sequence[ServiceId], window: Window
    ) -> Mapping[ServiceId, Sequence[Observation] | NoData]:
        """Without an instance these lack hits and misses too: a server's own counters tell of now alone."""
        return await observed(await self.counted(services, window))

    async def whole(self, services: Sequence[ServiceId], window: Window) -> Found:
        """`slices`, in columns."""
        found = await self._all(services, window, latencies=True)
        by_server: dict[RedisInfoCache, list[ServiceId]] = {}
        for service in services:
            if service in self.own:
                by_server.setdefault(self.own[service], []).append(service)
        told = await asyncio.gather(*(self._lookups_now(own, window) for own in by_server))
        for mine, lookups in zip(by_server.values(), told, strict=True):
            for service in mine:
                slices = found[service]
                if lookups is not None and not isinstance(slices, NoData) and slices.there[-1]:
                    found[service] = slices.with_lookups(len(slices.there) - 1, *lookups)
        return found

    async def counted(self, services: Sequence[ServiceId], window: Window) -> Found:
        """`counts`, in columns."""
        return await self._all(services, window, latencies=False)

    async def _all(
        self, services: Sequence[ServiceId], window: Window, *, latencies: bool
    ) -> dict[ServiceId, SliceColumns | NoData]:
        async def of_one(project: str, mine: Sequence[ServiceId]) -> Found:
            return await self._of_project(self.projects[project], mine, window, latencies=latencies)

        return dict(await of_each_project(services, of_one))

    async def _of_project(
        self, queries: MonitoringQueries, services: Sequence[ServiceId], window: Window, *, latencies: bool
    ) -> Found:
        found: dict[ServiceId, list[SliceColumns]] = {service: [] for service in services}
        start = window.start
        while start < window.end:
            piece = Window(start, min(window.end, start + PIECE))
            try:
                one = await self._piece(queries, services, piece, timed=latencies)
            except SourceUnavailable as error:
                return dict.fromkeys(services, no_data(error))
            for service in services:
                found[service].append(one[service])
            start = piece.end
        return {service: joined(pieces) for service, pieces in found.items()}

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

    async def _lookups_now(self, own: RedisInfoCache, window: Window) -> tuple[int, int] | None:
        """Of the five minutes up to now rather than of the slice: a level, near enough for what is usual."""
        info = await own.refresh()
        if isinstance(info, NoData) or own.sampled_at is None or own.sampled_at - window.end > LONG_AGO:
            return None
        counters = own.counters(Window(window.end - SLICE, window.end), info)
        if isinstance(counters.hits, NoData) or isinstance(counters.misses, NoData):
            return None
        share = SLICE.total_seconds() / counters.seconds
        return round(counters.hits * share), round(counters.misses * share)

    async def _piece(
        self, queries: MonitoringQueries, services: Sequence[ServiceId], window: Window, *, timed: bool
    ) -> Mapping[ServiceId, SliceColumns]:
        told, cache = await asyncio.gather(
            witnesses(queries, services, window, SLICE, timed=timed), self.cache.lookups(services, window)
        )
        sleeping = await asleep(queries, told, window, SLICE)
        found: dict[ServiceId, SliceColumns] = {}
        for service in services:
            found[service] = columns_of(told[service], sleeping[service], cache.get(service, {}), window.start)
            await asyncio.sleep(0)  # clicks get their turn
        if self.uptime is not None and self.uptime.service in found:
            checked = self.uptime.service
            found[checked] = _with_probes(found[checked], await self.uptime.slices(window))
        return found


async def observed(found: Found) -> Mapping[ServiceId, Sequence[Observation] | NoData]:
    """Slice by slice."""
    told: dict[ServiceId, Sequence[Observation] | NoData] = {}
    for service, slices in found.items():
        if isinstance(slices, NoData):
            told[service] = slices
            continue
        each: list[Observation] = []
        for some in slices.observations():
            each += some
            await asyncio.sleep(0)  # clicks get their turn
        told[service] = each
    return told


async def summed_up(found: Found) -> Mapping[ServiceId, Sequence[Day] | NoData]:
    """By day."""
    told: dict[ServiceId, Sequence[Day] | NoData] = {}
    for service, slices in found.items():
        told[service] = slices if isinstance(slices, NoData) else days_of(slices)
        await asyncio.sleep(0)  # clicks get their turn
    return told


def _with_probes(slices: SliceColumns, told: Mapping[int, Probes]) -> SliceColumns:
    there, doubts = slices.there.copy(), dict(slices.doubts)
    for row, probes in told.items():
        requests = int(slices.requests[row]) if slices.known[row] else None
        says = probes.says(requests or 0)
        if says is not None and (says.is_lost or requests == 0):
            there[row], doubts[row] = True, says
    return replace(slices, there=there, doubts=doubts)


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
    """Implements the SliceSource port with costs: one more grouped query, and the shapes of the instances.

    `counted`: of these the misses of a slice are the API calls that the cache could not save, so a slice without them
    has no cost; of others nobody counts them, and the estimate is without them, as the month's is. `requests`: of all
    services that are watched, for each pays its part of its cache.
    """

    unpriced: MonitoringSlices
    projects: Projects
    prices: Mapping[ServiceId, CostPrices]
    shapes: InstanceShapes
    counted: Collection[ServiceId]
    requests: CacheRequests

    async def slices(
        self, services: Sequence[ServiceId], window: Window
    ) -> Mapping[ServiceId, Sequence[Observation] | NoData]:
        return await observed(await self._with_costs(self.unpriced.whole(services, window), services, window))

    async def days(self, services: Sequence[ServiceId], window: Window) -> Mapping[ServiceId, Sequence[Day] | NoData]:
        return await summed_up(await self._with_costs(self.unpriced.whole(services, window), services, window))

    async def counts(
        self, services: Sequence[ServiceId], window: Window
    ) -> Mapping[ServiceId, Sequence[Observation] | NoData]:
        return await observed(await self._with_costs(self.unpriced.counted(services, window), services, window))

    async def _with_costs(
        self, asked: Coroutine[None, None, Found], services: Sequence[ServiceId], window: Window
    ) -> Found:
        found, billable, shapes = await asyncio.gather(
            asked, billable_seconds(self.projects, services, window, SLICE), self.shapes.shapes(services)
        )
        sums = await self.requests.beside(found, window)
        priced: dict[ServiceId, SliceColumns | NoData] = {}
        for service, slices in found.items():
            shape = shapes[service]
            if isinstance(slices, NoData) or isinstance(shape, NoData):
                priced[service] = slices
                continue
            shares = sums[service].shares(slices) if service in sums else slices.known.astype(np.float64)
            cost_usd = self._costs_usd(service, slices, billable[service], shape, shares)
            priced[service] = replace(slices, cost_usd=cost_usd)
            await asyncio.sleep(0)  # clicks get their turn
        return priced

    async def by_revision(
        self, services: Sequence[ServiceId], window: Window, period: timedelta
    ) -> Mapping[ServiceId, Sequence[RevisionCount] | NoData]:
        return await self.unpriced.by_revision(services, window, period)

    def _costs_usd(
        self,
        service: ServiceId,
        slices: SliceColumns,
        billable: Mapping[int, float],
        shape: InstanceShape,
        shares: Floats,
    ) -> Floats:
        """NaN where anything that it is made of is unknown: a part of a cost is no cost."""
        is_counted, count = service in self.counted, len(slices.there)
        slept = slices.known & (slices.requests == 0) & (np.arange(count) >= _existed_from(shape, slices.start))
        seconds = np.where(slept, 0.0, np.nan)
        seconds[list(billable)] = list(billable.values())
        known = slices.known & (slices.looked_up | slept) if is_counted else slices.known.copy()
        known[[row for row, doubt in slices.doubts.items() if not doubt.is_counted]] = False
        calls = slices.misses.astype(np.float64) if is_counted else None
        costs = cost_usd(
            self.prices[service],
            shape,
            SLICE.total_seconds(),
            slices.requests.astype(np.float64),
            seconds,
            calls,
            shares,
        )
        return np.where(known, costs, np.nan)


def _existed_from(shape: InstanceShape, start: datetime) -> float:
    """The first slice of which is known that there was such a service."""
    return math.inf if shape.since is None else -((start - shape.since) // SLICE)
