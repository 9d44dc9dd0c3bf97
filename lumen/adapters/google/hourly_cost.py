"""Hourly demand, errors and estimated cost of every service: for the cost rhythm and for the month's spend.

A gap of a measurement is a gap of the cost, never 0 (docs/methods.md, Cost).
"""

import asyncio
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Protocol

from lumen.adapters.checks import no_data
from lumen.adapters.google import monitoring_query
from lumen.adapters.google.monitoring_cache import MonitoringCache
from lumen.adapters.google.monitoring_query import Projects, billable_seconds, of_each_project
from lumen.adapters.google.monitoring_sleep import asleep
from lumen.adapters.google.monitoring_witnesses import Witnesses, witnesses
from lumen.model.cost import HOUR_SECONDS, Caches, CostPrices, InstanceShape, beside, cache_shares, cost_usd
from lumen.model.messages import NoData, SourceUnavailable, with_remedy
from lumen.model.service import ServiceId
from lumen.model.snapshot import HourlyHistory, Window
from lumen.model.witnesses import bounds_of, witnesses_differ

HOUR = timedelta(hours=1)
#: That of the rhythm, and the month.
KEPT_WINDOWS = 2


class InstanceShapes(Protocol):
    """Tells how large an instance of a service is."""

    async def shapes(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, InstanceShape | NoData]:
        """Of each service."""


@dataclass(slots=True)
class HourlyCosts:
    """Three grouped queries (four with misses) a project, whatever the number of services.

    `misses`: nobody counts the API calls of services without an instance there, so their estimate is without them.
    `caches`: of all services that are watched, for each pays its part of its cache.
    """

    projects: Projects
    prices: Mapping[ServiceId, CostPrices]
    shapes: InstanceShapes
    misses: MonitoringCache
    caches: Caches
    #: Requests by hour of those that were asked for: who only shares a cache with others is asked once a window.
    _known: dict[Window, dict[ServiceId, Sequence[int | None]]] = field(default_factory=dict, init=False)

    async def history(
        self, services: Sequence[ServiceId], window: Window
    ) -> Mapping[ServiceId, HourlyHistory | NoData]:
        """`window` is aligned to hours. NoData where not one request is known; a gap is None, never 0."""
        mates, known = beside(services, self.caches), self._known_in(window)
        everybody = (*services, *(mate for mate in mates if mate not in known))
        asked, billable, shapes, misses = await asyncio.gather(
            of_each_project(everybody, partial(self._seen, window)),
            billable_seconds(self.projects, services, window, HOUR),
            self.shapes.shapes(services),
            self.misses.hourly_misses(services, window),
        )
        seen = {service: one for service, one in asked.items() if not isinstance(one, NoData)}
        whole = {service: _requests(*one, shapes.get(service), window) for service, one in seen.items()}
        known |= whole
        sharing = whole | {mate: known[mate] for mate in mates if mate in known}
        hours = range(round(window.seconds / 3600))
        shares = [cache_shares({one: counts[hour] for one, counts in sharing.items()}, self.caches) for hour in hours]
        found: dict[ServiceId, HourlyHistory | NoData] = {}
        for service in services:
            one = asked[service]
            if isinstance(one, NoData):
                found[service] = one
                continue
            told = one[0]
            if all(count is None for count in whole[service]):
                found[service] = _nothing(service, told, window)
                continue
            found[service] = HourlyHistory(
                start=window.start,
                requests=whole[service],
                cost_usd=self._costs(
                    self.prices[service],
                    whole[service],
                    billable[service],
                    shapes[service],
                    misses[service],
                    [share.get(service, 0.0) for share in shares],
                ),
                errors_5xx=_errors(told, whole[service]),
            )
        return found

    def _known_in(self, window: Window) -> dict[ServiceId, Sequence[int | None]]:
        known = self._known.setdefault(window, {})
        while len(self._known) > KEPT_WINDOWS:
            del self._known[next(iter(self._known))]
        return known

    async def _seen(
        self, window: Window, project: str, services: Sequence[ServiceId]
    ) -> Mapping[ServiceId, tuple[Witnesses, Set[int]] | NoData]:
        """What the witnesses of one project tell, and the hours through which each service slept."""
        queries = self.projects[project]
        try:
            told = await witnesses(queries, services, window, HOUR)
        except SourceUnavailable as error:
            return dict.fromkeys(services, no_data(error))
        sleeping = await asleep(queries, told, window, HOUR)
        return {service: (told[service], sleeping[service]) for service in services}

    def _costs(
        self,
        prices: CostPrices,
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
                costs.append(cost_usd(prices, shape, HOUR_SECONDS, count, seconds, calls, share))
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
    return witnesses_differ(bounds_of(told.doubts.values())) if told.classes() else nothing_seen(service, window)


def _requests(
    told: Witnesses, sleeping: Set[int], shape: InstanceShape | NoData | None, window: Window
) -> tuple[int | None, ...]:
    """An hour that the witnesses do not agree about is not known; nor is one before there was a service."""
    classes, doubts = told.classes(), told.doubts
    known = {hour: of.total() for hour, of in classes.items() if hour not in doubts or doubts[hour].is_counted}
    hours = range(round(window.seconds / 3600))
    first = min(classes, default=len(hours))
    for hour in sleeping:
        if hour > first or (isinstance(shape, InstanceShape) and shape.existed(window.start + hour * HOUR)):
            known[hour] = 0
    return tuple(known.get(hour) for hour in hours)


def _errors(told: Witnesses, requests: Sequence[int | None]) -> tuple[int | None, ...]:
    """An hour with requests of which nobody tells an error had none."""
    classes, doubts = told.classes(), told.doubts
    judged = [hour not in doubts or doubts[hour].is_judged for hour in range(len(requests))]
    failed = [classes[hour]["5xx"] if hour in classes else 0 for hour in range(len(requests))]
    known = zip(requests, judged, failed, strict=True)
    return tuple(errors if count is not None and sure else None for count, sure, errors in known)
