"""Hourly demand, errors and estimated cost of every service: for the cost rhythm and for the month's spend."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from lumen.adapters.google import monitoring_query
from lumen.adapters.google.errors import no_data
from lumen.adapters.google.monitoring_query import MonitoringQueries, Series, number
from lumen.model.cost import HOUR_SECONDS, CostPrices, InstanceShape, cache_shares, cost_usd
from lumen.model.messages import NoData, SourceUnavailable, message
from lumen.model.service import ServiceId
from lumen.model.snapshot import HourlyHistory, Window

HOUR = timedelta(hours=1)


class InstanceShapes(Protocol):
    """Who knows how large an instance of a service is."""

    async def shapes(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, InstanceShape | NoData]:
        """Of each service."""


class HourlyMisses(Protocol):
    """Who counts the calls that the cache could not save."""

    async def hourly_misses(
        self, services: Sequence[ServiceId], window: Window
    ) -> Mapping[ServiceId, Sequence[int | None] | NoData]:
        """Of each service, one figure per hour of the window, None where it is not known."""


class HourlyCosts:
    """Two grouped queries (three with misses) for all services, whatever their number.

    `misses` None: nobody counts API calls (no cache instance is configured), so the estimate is without them.
    `sharing`: all services that use the one cache, for each pays its part of it.
    """

    def __init__(
        self,
        queries: MonitoringQueries,
        prices: CostPrices,
        shapes: InstanceShapes,
        misses: HourlyMisses | None,
        sharing: Sequence[ServiceId] = (),
    ) -> None:
        self._queries = queries
        self._prices = prices
        self._shapes = shapes
        self._misses = misses
        self._sharing = sharing

    async def history(
        self, services: Sequence[ServiceId], window: Window
    ) -> Mapping[ServiceId, HourlyHistory | NoData]:
        """`window` is aligned to hours. NoData where not one request is known; a gap is None, never 0."""
        everybody = tuple(dict.fromkeys((*services, *self._sharing)))
        try:
            requests, billable, shapes, misses = await asyncio.gather(
                self._queries.series(monitoring_query.by_response_class(everybody, HOUR), window),
                self._billable(services, window),
                self._shapes.shapes(services),
                self._api_calls(services, window),
            )
        except SourceUnavailable as error:
            return dict.fromkeys(services, no_data(error))
        of = monitoring_query.per_service(everybody, requests)
        whole = {service: _requests(of[service], window) for service in everybody}
        hours = range(round(window.seconds / 3600))
        shares = [cache_shares({service: whole[service][hour] for service in everybody}) for hour in hours]
        found: dict[ServiceId, HourlyHistory | NoData] = {}
        for service in services:
            if all(count is None for count in whole[service]):
                found[service] = nothing_seen(service, window)
                continue
            found[service] = HourlyHistory(
                start=window.start,
                requests=whole[service],
                cost_usd=self._costs(
                    whole[service],
                    billable[service],
                    shapes[service],
                    misses[service],
                    [share.get(service, 0.0) for share in shares],
                ),
                errors_5xx=_errors(of[service], whole[service]),
            )
        return found

    async def _billable(
        self, services: Sequence[ServiceId], window: Window
    ) -> Mapping[ServiceId, Sequence[float | None]]:
        """Without it there is demand, but no cost: that is a gap, no failure of the whole."""
        hours = round(window.seconds / 3600)
        try:
            query = monitoring_query.by_service(monitoring_query.BILLABLE, services, HOUR)
            series = await self._queries.series(query, window)
        except SourceUnavailable:
            return dict.fromkeys(services, [None] * hours)
        of = monitoring_query.per_service(services, series)
        return {service: _per_hour(of[service], hours) for service in services}

    async def _api_calls(
        self, services: Sequence[ServiceId], window: Window
    ) -> Mapping[ServiceId, Sequence[int | None] | NoData | None]:
        if self._misses is None:
            return dict.fromkeys(services)
        return await self._misses.hourly_misses(services, window)

    def _costs(
        self,
        requests: Sequence[int | None],
        billable: Sequence[float | None],
        shape: InstanceShape | NoData,
        misses: Sequence[int | None] | NoData | None,
        shares: Sequence[float],
    ) -> tuple[float | None, ...]:
        if isinstance(shape, NoData) or isinstance(misses, NoData):
            return (None,) * len(requests)
        costs: list[float | None] = []
        for hour, (count, seconds, share) in enumerate(zip(requests, billable, shares, strict=True)):
            calls = None if misses is None else misses[hour]
            if count is None or seconds is None or (misses is not None and calls is None):
                costs.append(None)
            else:
                costs.append(cost_usd(self._prices, shape, HOUR_SECONDS, count, seconds, calls, share))
        return tuple(costs)


def nothing_seen(service: ServiceId, window: Window) -> NoData:
    """An absent series: Cloud Run writes request_count only when there are requests, so this is no zero."""
    return NoData(
        message(
            "source.no_requests",
            service=service.name,
            metric=monitoring_query.REQUESTS,
            start_at=window.start.isoformat(),
            end_at=window.end.isoformat(),
        ),
        message("source.no_requests_remedy", service=service.name, region=service.region, project=service.project),
    )


def _requests(series: Sequence[Series], window: Window) -> tuple[int | None, ...]:
    counts = _per_hour(series, round(window.seconds / 3600))
    return tuple(None if count is None else round(count) for count in counts)


def _errors(series: Sequence[Series], requests: Sequence[int | None]) -> tuple[int | None, ...]:
    """An hour with requests and no series of errors had none."""
    failed = _per_hour([one for one in series if _is_server_error(one)], len(requests))
    return tuple(None if count is None else round(bad or 0) for count, bad in zip(requests, failed, strict=True))


def _is_server_error(series: Series) -> bool:
    return series.metric_labels.get(monitoring_query.RESPONSE_CLASS) == "5xx"


def _per_hour(series: Sequence[Series], hours: int) -> list[float | None]:
    sums: list[float | None] = [None] * hours
    for one in series:
        for hour, value in one.points.items():
            sums[hour] = (sums[hour] or 0.0) + number(value)
    return sums
