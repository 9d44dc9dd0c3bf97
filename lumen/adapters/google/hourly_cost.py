"""Hourly demand, errors and estimated cost of every service: for the cost rhythm and for the month's spend.

A gap of a measurement is a gap of the cost, never 0 (docs/methods.md, Cost).
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from lumen.adapters.checks import no_data
from lumen.adapters.google import monitoring_query
from lumen.adapters.google.monitoring_cache import MonitoringCache
from lumen.adapters.google.monitoring_query import MonitoringQueries, Series, billable_seconds, summed
from lumen.model.cost import HOUR_SECONDS, CostPrices, InstanceShape, cache_shares, cost_usd
from lumen.model.messages import NoData, SourceUnavailable, with_remedy
from lumen.model.service import ServiceId
from lumen.model.snapshot import HourlyHistory, Window

HOUR = timedelta(hours=1)


class InstanceShapes(Protocol):
    """Tells how large an instance of a service is."""

    async def shapes(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, InstanceShape | NoData]:
        """Of each service."""


@dataclass(slots=True)
class HourlyCosts:
    """Two grouped queries (three with misses) for all services, whatever their number.

    `misses` None: nobody counts API calls (no cache instance is configured), so the estimate is without them.
    `sharing`: all services that use the one cache, for each pays its part of it.
    """

    queries: MonitoringQueries
    prices: CostPrices
    shapes: InstanceShapes
    misses: MonitoringCache | None
    sharing: Sequence[ServiceId] = ()

    async def history(
        self, services: Sequence[ServiceId], window: Window
    ) -> Mapping[ServiceId, HourlyHistory | NoData]:
        """`window` is aligned to hours. NoData where not one request is known; a gap is None, never 0."""
        everybody = tuple(dict.fromkeys((*services, *self.sharing)))
        try:
            requests, billable, shapes, misses = await asyncio.gather(
                self.queries.series(monitoring_query.by_response_class(everybody, HOUR), window),
                billable_seconds(self.queries, services, window, HOUR),
                self.shapes.shapes(services),
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

    async def _api_calls(
        self, services: Sequence[ServiceId], window: Window
    ) -> Mapping[ServiceId, Sequence[int | None] | NoData | None]:
        if self.misses is None:
            return dict.fromkeys(services)
        return await self.misses.hourly_misses(services, window)

    def _costs(
        self,
        requests: Sequence[int | None],
        billable: Mapping[int, float],
        shape: InstanceShape | NoData,
        misses: Sequence[int | None] | NoData | None,
        shares: Sequence[float],
    ) -> tuple[float | None, ...]:
        if isinstance(shape, NoData) or isinstance(misses, NoData):
            return (None,) * len(requests)
        costs: list[float | None] = []
        for hour, (count, share) in enumerate(zip(requests, shares, strict=True)):
            seconds = billable.get(hour)
            calls = None if misses is None else misses[hour]
            if count is None or seconds is None or (misses is not None and calls is None):
                costs.append(None)
            else:
                costs.append(cost_usd(self.prices, shape, HOUR_SECONDS, count, seconds, calls, share))
        return tuple(costs)


def nothing_seen(service: ServiceId, window: Window) -> NoData:
    """An absent series: Cloud Run writes request_count only when there are requests, so this is no zero."""
    return NoData(
        *with_remedy(
            "source.no_requests",
            service=service.name,
            metric=monitoring_query.REQUESTS,
            start_at=window.start.isoformat(),
            end_at=window.end.isoformat(),
            region=service.region,
            project=service.project,
        )
    )


def _requests(series: Sequence[Series], window: Window) -> tuple[int | None, ...]:
    counts = summed(series)
    return tuple(round(counts[hour]) if hour in counts else None for hour in range(round(window.seconds / 3600)))


def _errors(series: Sequence[Series], requests: Sequence[int | None]) -> tuple[int | None, ...]:
    """An hour with requests and no series of errors had none."""
    failed = summed(one for one in series if one.metric_labels.get(monitoring_query.RESPONSE_CLASS) == "5xx")
    return tuple(None if count is None else round(failed.get(hour, 0)) for hour, count in enumerate(requests))
