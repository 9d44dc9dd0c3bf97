"""Grouped queries of Cloud Monitoring, their points on a grid of aligned periods, and its histograms as Lumen's.

Cloud Run's own metrics (resource `cloud_run_revision`) are asked for all services at once. Buckets of a histogram are
read at run time: percentiles are only as fine as they are.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
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
from lumen.model.messages import SourceUnavailable, with_remedy
from lumen.model.service import ServiceId, by_project
from lumen.model.snapshot import LatencyDistribution, Window, together
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
#: In nanoseconds.
HALF_A_SECOND = 500_000_000

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


@dataclass(frozen=True, slots=True)
class Series:
    """One series of the answer: its labels, and its points by period (0 = the first of the window)."""

    resource_labels: Mapping[str, str]
    metric_labels: Mapping[str, str]
    points: Mapping[int, Any]  # period -> TypedValue (protobuf)

    def label(self, name: str) -> str:
        """A resource label, or "" where the server did not give it."""
        return self.resource_labels.get(name, "")


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
        count = 0
        async for page in pages:
            count += 1
            if count > MOST_PAGES:
                raise SourceUnavailable(
                    *with_remedy("source.too_much", what=query.metric, where=self.project, pages=MOST_PAGES)
                )
            # Raw protobuf below: proto-plus wraps every point, which costs seconds for a fleet.
            points = 0
            for series in type(page).pb(page).time_series:
                yield _series(series, query, window, before)
                points += len(series.points)
                if points > POINTS_AT_ONCE:
                    points = 0
                    await asyncio.sleep(0)  # clicks get their turn


#: By project: what is asked of one that fails costs its own services alone.
Projects = Mapping[str, MonitoringQueries]


def _series(given: Any, query: Query, window: Window, before: int) -> Series:
    """In whole seconds: a fleet's answers have a million points."""
    begun, period = round(window.start.timestamp()), round(query.period.total_seconds())
    periods, half = round(window.seconds / period), period // 2
    points: dict[int, Any] = {}
    for point in given.points:
        interval, value = point.interval, point.value
        end = interval.end_time.seconds + (interval.end_time.nanos >= HALF_A_SECOND)
        # An incomplete slice would read as a drop of traffic; a point that does not say when it begins has no width.
        if 0 < end - interval.start_time.seconds < 0.99 * period:
            continue
        index, off = divmod(end - begun + half, period)
        if abs(off - half) <= 1 and 0 < index <= periods and value.WhichOneof("value") is not None:
            points[index - 1 - before] = value
    return Series(dict(given.resource.labels), dict(given.metric.labels), points)


def number(value: Any) -> float:
    """A point's number: an integer, a double, or how many samples a distribution holds."""
    kind = value.WhichOneof("value")
    if kind == "distribution_value":
        return float(value.distribution_value.count)
    return float(getattr(value, kind))


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


def summed(series: Iterable[Series]) -> dict[int, float]:
    """The numbers of several series added up, by period; a period without a point is not there."""
    sums: dict[int, float] = {}
    for one in series:
        for index, value in one.points.items():
            sums[index] = sums.get(index, 0.0) + number(value)
    return sums


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


def bounds_of(options: Any) -> tuple[float, ...]:
    """Ascending bucket bounds of a `Distribution.BucketOptions` (protobuf): linear, exponential or explicit.

    Formulas: google/api/distribution.proto (offset + width · i; scale · growth_factor ** i; i = 0 … N).
    """
    kind = options.WhichOneof("options")
    if kind == "linear_buckets":
        linear = options.linear_buckets
        return _linear(linear.offset, linear.width, linear.num_finite_buckets)
    if kind == "exponential_buckets":
        grown = options.exponential_buckets
        return _exponential(grown.scale, grown.growth_factor, grown.num_finite_buckets)
    return tuple(options.explicit_buckets.bounds)


@lru_cache
def _linear(offset: float, width: float, buckets: int) -> tuple[float, ...]:
    return tuple(offset + width * i for i in range(buckets + 1))


@lru_cache
def _exponential(scale: float, growth: float, buckets: int) -> tuple[float, ...]:
    """Once for all slices: they share their bounds."""
    return tuple(scale * growth**i for i in range(buckets + 1))


def added_up(distributions: Iterable[Any]) -> LatencyDistribution | None:
    """The sum of `google.api.Distribution`s in milliseconds; None when none of them holds a sample.

    Where their layouts differ, it has the bounds of all.
    """
    by_bounds: dict[tuple[float, ...], list[int]] = {}
    for one in distributions:
        bounds = bounds_of(one.bucket_options) if one.bucket_counts else ()
        if not bounds or len(one.bucket_counts) > len(bounds) + 1:
            continue  # nobody knows where its samples lie
        more = list(one.bucket_counts)
        counts = by_bounds.get(bounds)
        if counts is None:
            by_bounds[bounds] = more
            continue
        if len(counts) < len(more):  # empty buckets at its end may be left out
            counts += [0] * (len(more) - len(counts))
        for bucket, count in enumerate(more):
            counts[bucket] += count
    held = [LatencyDistribution(bounds, tuple(counts)) for bounds, counts in by_bounds.items() if any(counts)]
    return together(held) if held else None
