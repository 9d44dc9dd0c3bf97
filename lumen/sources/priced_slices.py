"""Slices with what each of them cost: the estimate of docs/methods.md (Cost), five minutes at a time."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from lumen.model.errors import SourceUnavailable
from lumen.model.nodata import NoData
from lumen.model.observation import Observation
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, Window
from lumen.model.watching import RevisionCount
from lumen.ports.watching import SliceSource
from lumen.sources import cloud_run_metrics
from lumen.sources.cost import InstanceShape, Prices, cache_shares, cost_usd
from lumen.sources.hourly_cost import InstanceShapes
from lumen.sources.monitoring_query import MonitoringQueries, number

#: What each service pays of the cache, by the start of the slice.
_Shares = Mapping[datetime, Mapping[ServiceId, float]]


class PricedSlices:
    """Implements the SliceSource port over another one: one more grouped query, and the shapes of the instances.

    `counts_misses`: the misses of a slice are the API calls that the cache could not save, so a slice without them
    has no cost; else nobody counts them, and the estimate is without them, as the month's is. `sharing`: all
    services that use the one cache, for each pays its part of it.
    """

    def __init__(
        self,
        slices: SliceSource,
        queries: MonitoringQueries,
        prices: Prices,
        shapes: InstanceShapes,
        sharing: Sequence[ServiceId] = (),
        *,
        counts_misses: bool,
    ) -> None:
        self._slices = slices
        self._queries = queries
        self._prices = prices
        self._shapes = shapes
        self._sharing = sharing
        self._counts_misses = counts_misses

    async def slices(
        self, services: Sequence[ServiceId], window: Window
    ) -> Mapping[ServiceId, Sequence[Observation] | NoData]:
        return await self._with_costs(self._slices.slices(services, window), services, window)

    async def counts(
        self, services: Sequence[ServiceId], window: Window
    ) -> Mapping[ServiceId, Sequence[Observation] | NoData]:
        return await self._with_costs(self._slices.counts(services, window), services, window)

    async def _with_costs(
        self,
        asked: Coroutine[None, None, Mapping[ServiceId, Sequence[Observation] | NoData]],
        services: Sequence[ServiceId],
        window: Window,
    ) -> Mapping[ServiceId, Sequence[Observation] | NoData]:
        others = tuple(service for service in self._sharing if service not in services)
        found, billable, shapes, beside = await asyncio.gather(
            asked,
            self._billable(services, window),
            self._shapes.shapes(services),
            self._slices.counts(others, window) if others else _nobody(),
        )
        shares = _shares({**beside, **found})
        return {
            service: self._priced(service, found[service], billable[service], shapes[service], window, shares)
            for service in services
        }

    async def by_revision(
        self, services: Sequence[ServiceId], window: Window, period: timedelta
    ) -> Mapping[ServiceId, Sequence[RevisionCount] | NoData]:
        return await self._slices.by_revision(services, window, period)

    def _priced(
        self,
        service: ServiceId,
        found: Sequence[Observation] | NoData,
        billable: Mapping[int, float],
        shape: InstanceShape | NoData,
        window: Window,
        shares: _Shares,
    ) -> Sequence[Observation] | NoData:
        if isinstance(found, NoData) or isinstance(shape, NoData):
            return found
        priced = []
        for one in found:
            seconds = billable.get(int((one.start - window.start) / SLICE))
            share = shares[one.start].get(service, 0.0)
            priced.append(replace(one, cost_usd=self._cost_usd(one, seconds, shape, share)))
        return priced

    def _cost_usd(
        self, one: Observation, billable_seconds: float | None, shape: InstanceShape, share: float
    ) -> float | None:
        """None where anything that it is made of is unknown: a part of a cost is no cost."""
        calls = one.misses if self._counts_misses else None
        if one.requests is None or billable_seconds is None or (self._counts_misses and calls is None):
            return None
        return cost_usd(self._prices, shape, SLICE.total_seconds(), one.requests, billable_seconds, calls, share)

    async def _billable(self, services: Sequence[ServiceId], window: Window) -> Mapping[ServiceId, Mapping[int, float]]:
        """Seconds by slice; without them there is demand but no cost, and the watch goes on."""
        try:
            query = cloud_run_metrics.by_service(cloud_run_metrics.BILLABLE, services, SLICE)
            series = await self._queries.series(query, window)
        except SourceUnavailable:
            return {service: {} for service in services}
        found: dict[ServiceId, Mapping[int, float]] = {}
        for service, mine in cloud_run_metrics.per_service(services, series).items():
            seconds: dict[int, float] = {}
            for one in mine:
                for index, value in one.points.items():
                    seconds[index] = seconds.get(index, 0.0) + number(value)
            found[service] = seconds
        return found


def _shares(found: Mapping[ServiceId, Sequence[Observation] | NoData]) -> _Shares:
    requests: dict[datetime, dict[ServiceId, int | None]] = {}
    for service, slices in found.items():
        for one in () if isinstance(slices, NoData) else slices:
            requests.setdefault(one.start, {})[service] = one.requests
    return {start: cache_shares(of) for start, of in requests.items()}


async def _nobody() -> Mapping[ServiceId, Sequence[Observation] | NoData]:
    return {}
