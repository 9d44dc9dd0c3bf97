"""Hourly demand, errors and estimated cost of every service: for the cost rhythm and for the month's spend.

A gap of a measurement is a gap of the cost, never 0 (docs/methods.md, Cost).
"""

import asyncio
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from lumen.adapters.checks import no_data
from lumen.adapters.google import monitoring_query
from lumen.adapters.google.monitoring_cache import MonitoringCache
from lumen.adapters.google.monitoring_query import MonitoringQueries, billable_seconds
from lumen.adapters.google.monitoring_sleep import asleep
from lumen.adapters.google.monitoring_witnesses import Witnesses, witnesses
from lumen.model.cost import HOUR_SECONDS, CostPrices, InstanceShape, cache_shares, cost_usd
from lumen.model.messages import NoData, SourceUnavailable, with_remedy
from lumen.model.service import ServiceId
from lumen.model.snapshot import HourlyHistory, Window
from lumen.model.witnesses import bounds_of, witnesses_differ

HOUR = timedelta(hours=1)


class InstanceShapes(Protocol):
    """Tells how large an instance of a service is."""

    async def shapes(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, InstanceShape | NoData]:
        """Of each service."""


@dataclass(slots=True)
class HourlyCosts:
    """Three grouped queries (four with misses) for all services, whatever their number.

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
            told, billable, shapes, misses = await asyncio.gather(
                witnesses(self.queries, everybody, window, HOUR),
                billable_seconds(self.queries, services, window, HOUR),
                self.shapes.shapes(services),
                self._api_calls(services, window),
            )
        except SourceUnavailable as error:
            return dict.fromkeys(services, no_data(error))
        sleeping = await asleep(self.queries, told, window, HOUR)
        whole = {
            service: _requests(told[service], sleeping[service], shapes.get(service), window) for service in everybody
        }
        hours = range(round(window.seconds / 3600))
        shares = [cache_shares({service: whole[service][hour] for service in everybody}) for hour in hours]
        found: dict[ServiceId, HourlyHistory | NoData] = {}
        for service in services:
            if all(count is None for count in whole[service]):
                found[service] = _nothing(service, told[service], window)
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
                errors_5xx=_errors(told[service], whole[service]),
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
            if count == 0:  # it slept
                seconds, calls = seconds or 0.0, calls or 0
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


def _nothing(service: ServiceId, told: Witnesses, window: Window) -> NoData:
    """Why no hour is known: one that is told of is in doubt."""
    return witnesses_differ(bounds_of(told.doubts().values())) if told.classes() else nothing_seen(service, window)


def _requests(
    told: Witnesses, sleeping: Set[int], shape: InstanceShape | NoData | None, window: Window
) -> tuple[int | None, ...]:
    """An hour that the witnesses do not agree about is not known; nor is one before there was a service."""
    classes, doubts = told.classes(), told.doubts()
    known = {hour: of.total() for hour, of in classes.items() if hour not in doubts or doubts[hour].is_counted}
    hours = range(round(window.seconds / 3600))
    first = min(classes, default=len(hours))
    for hour in sleeping:
        if hour > first or (isinstance(shape, InstanceShape) and shape.existed(window.start + hour * HOUR)):
            known[hour] = 0
    return tuple(known.get(hour) for hour in hours)


def _errors(told: Witnesses, requests: Sequence[int | None]) -> tuple[int | None, ...]:
    """An hour with requests of which nobody tells an error had none."""
    classes, doubts = told.classes(), told.doubts()
    judged = [hour not in doubts or doubts[hour].is_judged for hour in range(len(requests))]
    failed = [classes[hour]["5xx"] if hour in classes else 0 for hour in range(len(requests))]
    known = zip(requests, judged, failed, strict=True)
    return tuple(errors if count is not None and sure else None for count, sure, errors in known)
