"""Grouped queries of Cloud Monitoring, their points on a grid of aligned periods.

Cloud Run's own metrics (resource `cloud_run_revision`) are asked for all services at once.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from google.cloud.monitoring_v3 import (
    Aggregation,
    ListTimeSeriesRequest,
    MetricServiceAsyncClient,
    TimeInterval,
)

from lumen.adapters.google.asking import Pages
from lumen.adapters.google.clients import PATIENCE, Patience
from lumen.adapters.google.errors import MONITORING, reading
from lumen.adapters.google.monitoring_series import Grid, Reader, Series, summed
from lumen.model.messages import SourceUnavailable, with_remedy
from lumen.model.service import ServiceId, by_project
from lumen.model.snapshot import Window
from lumen.ports.sources import NO_BUDGET, Asking, QueryBudget, Urgency

T = TypeVar("T")

#: A server that never stops handing out page tokens must not hold the turn up for ever.
MOST_PAGES = 200
#: Monitoring refuses longer filters; then all services of the project are read and the others dropped here.
LONGEST_FILTER = 2000

#: Read before clicks get their turn: some milliseconds.
POINTS_AT_ONCE = 2000

#: A look reads a day again each hour, and the hour before it. Whoever asks for more asks for the past, and can wait.
LONGEST_LOOK = timedelta(hours=25)
Aligner = Aggregation.Aligner
Reducer = Aggregation.Reducer

RESOURCE = "cloud_run_revision"
REQUESTS = "run.googleapis.com/request_count"
LATENCIES = "run.googleapis.com/request_latencies"
STARTS = "run.googleapis.com/container/startup_latencies"
BILLABLE = "run.googleapis.com/container/billable_instance_time"
INSTANCES = "run.googleapis.com/container/instance_count"
#: The label by which request_count tells good answers from errors: "2xx" … "5xx".
RESPONSE_CLASS = "response_code_class"
_BY_SERVICE = ("resource.labels.project_id", "resource.labels.location", "resource.labels.service_name")


@dataclass(frozen=True, slots=True)
class Query:
    """A question about one metric. `only` = (label, allowed values), e.g. the service names."""

    metric: str
    resource: str
    period: timedelta
    group_by: tuple[str, ...]
    only: tuple[str, tuple[str, ...]]
    aligner: int = Aligner.ALIGN_DELTA
    reducer: int = Reducer.REDUCE_SUM

    @property
    def filter(self) -> str:
        """In Monitoring's filter language."""
        base = f'metric.type = "{self.metric}" AND resource.type = "{self.resource}"'
        label, values = self.only
        if not values:
            return base
        quoted = ",".join(f'"{value}"' for value in values)
        narrowed = f"{base} AND {label} = " + (quoted if len(values) == 1 else f"one_of({quoted})")
        return narrowed if len(narrowed) <= LONGEST_FILTER else base

    def request(self, project: str, window: Window) -> ListTimeSeriesRequest:
        """As Google's client asks it."""
        return ListTimeSeriesRequest(
            name=f"projects/{project}",
            filter=self.filter,
            interval=TimeInterval(start_time=window.start, end_time=window.end),
            aggregation=Aggregation(
                alignment_period=self.period,
                per_series_aligner=self.aligner,
                cross_series_reducer=self.reducer,
                group_by_fields=list(self.group_by),
            ),
            view=ListTimeSeriesRequest.TimeSeriesView.FULL,
        )

    def grid(self, window: Window, before: int) -> Grid:
        """The periods of the answer, of which so many come before the one that is numbered 0."""
        period = round(self.period.total_seconds())
        return Grid(round(window.start.timestamp()), period, round(window.seconds / period), before)


@dataclass(frozen=True, slots=True)
class MonitoringQueries:
    """Asks Cloud Monitoring of one project. Stateless but for the client."""

    client: MetricServiceAsyncClient
    project: str
    patience: Patience = PATIENCE
    budget: QueryBudget = NO_BUDGET
    urgency: Urgency = Urgency.TURN

    async def series(self, query: Query, window: Window, before: int = 0) -> Sequence[Series]:
        """Every series over `window`, in whole periods; empty where nothing was written. Raises SourceUnavailable.

        `before`: periods are numbered from that one on, so that those before it are negative.
        """
        request = query.request(self.project, window)
        with reading(MONITORING, query.metric, self.project):
            async with asyncio.timeout(self.patience.whole_seconds) as limit:
                urgency = Urgency.PAST if window.seconds > LONGEST_LOOK.total_seconds() else self.urgency
                asking = Asking(self.project, urgency, query.metric)
                pages = Pages(self.client, self.patience, self.budget, asking, limit).of(request)
                return [series async for series in self._read(pages, query, window, before)]

    async def _read(
        self, pages: AsyncIterator[Any], query: Query, window: Window, before: int
    ) -> AsyncIterator[Series]:
        count, reader = 0, Reader(query.grid(window, before))
        async for page in pages:
            count += 1
            if count > MOST_PAGES:
                raise SourceUnavailable(
                    *with_remedy("source.too_much", what=query.metric, where=self.project, pages=MOST_PAGES)
                )
            points = 0
            for series in type(page).pb(page).time_series:
                yield reader.read(series)
                points += len(series.points)
                if points > POINTS_AT_ONCE:
                    points = 0
                    await asyncio.sleep(0)  # clicks get their turn


#: By project: what is asked of one that fails costs its own services alone.
Projects = Mapping[str, MonitoringQueries]


def by_service(metric: str, services: Sequence[ServiceId], period: timedelta) -> Query:
    """`metric` summed per service and period."""
    return Query(metric, RESOURCE, period, _BY_SERVICE, _only(services))


def by_revision(services: Sequence[ServiceId], period: timedelta, metric: str = REQUESTS) -> Query:
    """`metric` per service, revision, response class and period: who answered, and how well."""
    of = (*_BY_SERVICE, "resource.labels.revision_name", f"metric.labels.{RESPONSE_CLASS}")
    return Query(metric, RESOURCE, period, of, _only(services))


def _only(services: Sequence[ServiceId]) -> tuple[str, tuple[str, ...]]:
    return "resource.labels.service_name", tuple(sorted({service.name for service in services}))


def per_service(services: Iterable[ServiceId], series: Sequence[Series]) -> Mapping[ServiceId, Sequence[Series]]:
    """Sort series by service. A label that the server leaves out (it may, of a constant one) matches any."""
    found: dict[ServiceId, list[Series]] = {service: [] for service in services}
    named: dict[str, list[ServiceId]] = {}
    for service in found:
        named.setdefault(service.name, []).append(service)
    for one in series:
        for service in named.get(one.label("service_name"), ()):
            if one.label("location") in ("", service.region) and one.label("project_id") in ("", service.project):
                found[service].append(one)
    return found


def lacks_classes(series: Sequence[Series]) -> bool:
    """Whether there are requests of which no class is told: every error would count as good."""
    return bool(series) and not any(one.metric_labels.get(RESPONSE_CLASS) for one in series)


async def billable_seconds(
    projects: Projects, services: Sequence[ServiceId], window: Window, period: timedelta
) -> Mapping[ServiceId, Mapping[int, float]]:
    """Instance time by period; nothing where it cannot be read: then there is demand without a cost."""

    async def of_one(project: str, mine: Sequence[ServiceId]) -> Mapping[ServiceId, Mapping[int, float]]:
        try:
            series = await projects[project].series(by_service(BILLABLE, mine, period), window)
        except SourceUnavailable:
            return {service: {} for service in mine}
        return {service: summed(given) for service, given in per_service(mine, series).items()}

    return await of_each_project(services, of_one)


async def of_each_project(
    services: Sequence[ServiceId], ask: Callable[[str, Sequence[ServiceId]], Awaitable[Mapping[ServiceId, T]]]
) -> Mapping[ServiceId, T]:
    """Ask all projects at once, each for its own services, and put the answers together."""
    answers = await asyncio.gather(*(ask(project, mine) for project, mine in by_project(services).items()))
    return {service: found for answer in answers for service, found in answer.items()}
