"""Requests, latency, cold starts and instance time from Cloud Monitoring: one grouped query per metric."""

import asyncio
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TypeVar

from lumen.adapters.checks import no_data
from lumen.adapters.google import monitoring_query
from lumen.adapters.google.histograms import added_up
from lumen.adapters.google.hourly_cost import HourlyCosts, nothing_seen
from lumen.adapters.google.monitoring_query import (
    MonitoringQueries,
    Projects,
    of_each_project,
)
from lumen.adapters.google.monitoring_series import Series
from lumen.adapters.google.monitoring_sleep import asleep
from lumen.adapters.google.monitoring_uptime import UptimeCheck
from lumen.adapters.google.monitoring_witnesses import Witnesses, witnesses
from lumen.model.messages import NoData, SourceUnavailable, message, with_remedy
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, HourlyHistory, LatencyDistribution, RequestSlice, Traffic, Window

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MonitoringTraffic:
    """Implements the TrafficSource port. A metric that fails costs its own part only."""

    projects: Projects
    hourly: HourlyCosts
    #: None where no address of the service is looked at.
    uptime: UptimeCheck | None = None

    async def traffic(self, services: Sequence[ServiceId], window: Window) -> Mapping[ServiceId, Traffic | NoData]:
        """The window in slices of five minutes; a slice that is not there is left out, never zero."""
        found = dict(await of_each_project(services, partial(self._of_project, window)))
        if self.uptime is not None and self.uptime.service in found:
            found[self.uptime.service] = await self._checked(self.uptime, found[self.uptime.service], window)
        return found

    async def _of_project(
        self, window: Window, project: str, services: Sequence[ServiceId]
    ) -> Mapping[ServiceId, Traffic | NoData]:
        queries = self.projects[project]
        told, starts, billable = await asyncio.gather(
            _witnesses(queries, services, window),
            _ask(queries, services, window, monitoring_query.STARTS),
            _ask(queries, services, window, monitoring_query.BILLABLE),
        )
        known = {service: one for service, one in told.items() if not isinstance(one, NoData)}
        sleeping = await asleep(queries, known, window, SLICE)
        return {
            service: _slept(
                _traffic(service, window, told[service], starts[service], billable[service]),
                service, window, sleeping.get(service, frozenset()),
            )
            for service in services
        }  # fmt: skip

    async def _checked(self, uptime: UptimeCheck, found: Traffic | NoData, window: Window) -> Traffic | NoData:
        """Slices in which nobody got through, also where nothing was counted."""
        if isinstance(found, NoData):
            return found
        slices = {one.start: one for one in found.slices}
        for index, probes in (await uptime.slices(window)).items():
            start = window.start + index * SLICE
            seen = slices.get(start) or RequestSlice(start, 0, 0, 0)
            says = probes.says(seen.total)
            if says is not None and says.is_lost:
                slices[start] = replace(seen, doubt=says)
        return replace(found, slices=tuple(slices[start] for start in sorted(slices)))

    async def history(
        self, services: Sequence[ServiceId], window: Window
    ) -> Mapping[ServiceId, HourlyHistory | NoData]:
        """Hourly demand, server errors and estimated cost."""
        return await self.hourly.history(services, window)


async def _ask(
    queries: MonitoringQueries, services: Sequence[ServiceId], window: Window, metric: str
) -> Mapping[ServiceId, Sequence[Series] | NoData]:
    try:
        series = await queries.series(monitoring_query.by_service(metric, services, SLICE), window)
    except SourceUnavailable as error:
        return dict.fromkeys(services, no_data(error))
    return monitoring_query.per_service(services, series)


async def _witnesses(
    queries: MonitoringQueries, services: Sequence[ServiceId], window: Window
) -> Mapping[ServiceId, Witnesses | NoData]:
    try:
        return await witnesses(queries, services, window, SLICE)
    except SourceUnavailable as error:
        return dict.fromkeys(services, no_data(error))


def _traffic(
    service: ServiceId,
    window: Window,
    told: Witnesses | NoData,
    starts: Sequence[Series] | NoData,
    billable: Sequence[Series] | NoData,
) -> Traffic | NoData:
    if isinstance(told, NoData):
        return told
    if told.lacks_classes:
        return absent(service, monitoring_query.REQUESTS, "no_classes")
    slices = _slices(told, window)
    if not slices:
        return nothing_seen(service, window)
    return Traffic(
        slices=slices,
        latency=_part(told.latencies, lambda given: _latency(service, given)),
        cold_starts=_part(starts, lambda given: _sum(service, monitoring_query.STARTS, "no_starts", given, round)),
        billable_instance_seconds=_part(
            billable, lambda given: _sum(service, monitoring_query.BILLABLE, "absent", given, float)
        ),
    )


def _slept(found: Traffic | NoData, service: ServiceId, window: Window, sleeping: Set[int]) -> Traffic | NoData:
    """With the slices that it slept through: no requests, and no instance that was billed or started."""
    slices = [RequestSlice(window.start + at * SLICE, 0, 0, 0) for at in sleeping]
    if not slices:
        return found
    if isinstance(found, NoData):
        start_at, end_at = window.start.isoformat(), window.end.isoformat()
        nothing = NoData(*with_remedy("source.asleep", service=service.name, start_at=start_at, end_at=end_at))
        return Traffic(tuple(sorted(slices, key=_start)), nothing, 0, 0.0)
    return replace(found, slices=tuple(sorted((*found.slices, *slices), key=_start)))


def _start(one: RequestSlice) -> datetime:
    return one.start


def _part(series: Sequence[Series] | NoData, read: Callable[[Sequence[Series]], T | NoData]) -> T | NoData:
    return series if isinstance(series, NoData) else read(series)


def _slices(told: Witnesses, window: Window) -> tuple[RequestSlice, ...]:
    doubts = told.doubts
    return tuple(
        RequestSlice(
            start=window.start + index * SLICE,
            good=of.total() - of["4xx"] - of["5xx"],
            errors_4xx=of["4xx"],
            errors_5xx=of["5xx"],
            doubt=doubts.get(index),
        )
        for index, of in sorted(told.classes().items())
    )


def _latency(service: ServiceId, series: Sequence[Series]) -> LatencyDistribution | NoData:
    found = added_up(one for each in series for one in each.distributions)
    return found or absent(service, monitoring_query.LATENCIES, "absent")


def _sum(service: ServiceId, metric: str, why: str, series: Sequence[Series], kind: Callable[[float], T]) -> T | NoData:
    values = [number for one in series for _, number in one.points()]
    return kind(sum(values)) if values else absent(service, metric, why)


def absent(service: ServiceId, metric: str, why: str) -> NoData:
    """The query was answered, and there is no such series: no data, not zero."""
    return NoData(
        message(f"source.{why}", service=service.name, metric=metric),
        message(f"source.{why}_remedy", service=service.name, metric=metric, project=service.project),
    )
