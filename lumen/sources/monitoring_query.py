"""One grouped query of Cloud Monitoring, and its points on a grid of aligned periods."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from google.cloud.monitoring_v3 import (
    Aggregation,
    ListTimeSeriesRequest,
    MetricServiceAsyncClient,
    TimeInterval,
)

from lumen.model.errors import SourceUnavailable
from lumen.model.message import message
from lumen.model.snapshot import Window
from lumen.vendors.google_calls import Patience
from lumen.vendors.google_errors import MONITORING, reading

#: A server that never stops handing out page tokens must not hold the turn up for ever.
MOST_PAGES = 200
#: Monitoring refuses longer filters; then all services of the project are read and the others dropped here.
LONGEST_FILTER = 2000

Aligner = Aggregation.Aligner
Reducer = Aggregation.Reducer


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of one metric. `only` = (label, allowed values), e.g. the service names."""

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


@dataclass(frozen=True, slots=True)
class Series:
    """One series of the answer: its labels, and its points by period (0 = the first of the window)."""

    resource_labels: Mapping[str, str]
    metric_labels: Mapping[str, str]
    points: Mapping[int, Any]  # period -> TypedValue (protobuf)

    def label(self, name: str) -> str:
        """A resource label, or "" where the server did not give it."""
        return self.resource_labels.get(name, "")


class MonitoringQueries:
    """Asks Cloud Monitoring of one project. Stateless but for the client."""

    def __init__(self, client: MetricServiceAsyncClient, project: str, patience: Patience | None = None) -> None:
        self._client = client
        self._project = project
        self._patience = patience or Patience()

    async def series(self, query: Query, window: Window) -> Sequence[Series]:
        """Every series over `window`, in whole periods; empty where nothing was written. Raises SourceUnavailable."""
        request = ListTimeSeriesRequest(
            name=f"projects/{self._project}",
            filter=query.filter,
            interval=TimeInterval(start_time=window.start, end_time=window.end),
            aggregation=Aggregation(
                alignment_period=query.period,
                per_series_aligner=query.aligner,
                cross_series_reducer=query.reducer,
                group_by_fields=list(query.group_by),
            ),
            view=ListTimeSeriesRequest.TimeSeriesView.FULL,
        )
        with reading(MONITORING, query.metric, self._project):
            async with asyncio.timeout(self._patience.whole_seconds):
                return [series async for series in self._pages(request, query, window)]

    async def _pages(self, request: ListTimeSeriesRequest, query: Query, window: Window) -> AsyncIterator[Series]:
        pager = await self._client.list_time_series(
            request, retry=self._patience.retry, timeout=self._patience.attempt_seconds
        )
        count = 0
        async for page in pager.pages:
            count += 1
            if count > MOST_PAGES:
                raise SourceUnavailable(
                    message("source.too_much", what=query.metric, where=self._project, pages=MOST_PAGES),
                    message("source.too_much_remedy"),
                )
            # Raw protobuf below: proto-plus wraps every point, which costs seconds for a fleet.
            for series in type(page).pb(page).time_series:
                yield _series(series, query, window)


def _series(given: Any, query: Query, window: Window) -> Series:
    period = query.period.total_seconds()
    points: dict[int, Any] = {}
    for point in given.points:
        index = _period_of(point.interval, period, window)
        if index is not None and point.value.WhichOneof("value") is not None:
            points[index] = point.value
    return Series(dict(given.resource.labels), dict(given.metric.labels), points)


def _period_of(interval: Any, period: float, window: Window) -> int | None:
    """The period that a point fills; None for one that is off the grid, outside, or shorter than its period."""
    end = _seconds(interval.end_time)
    width = end - _seconds(interval.start_time) if interval.HasField("start_time") else 0.0
    if 0 < width < period * 0.99:
        return None  # an incomplete slice would read as a drop of traffic
    position = (end - window.start.timestamp()) / period
    index = round(position) - 1
    if abs(position - round(position)) * period > 1 or not 0 <= index < round(window.seconds / period):
        return None
    return index


def _seconds(stamp: Any) -> float:
    return float(stamp.seconds) + float(stamp.nanos) / 1e9


def number(value: Any) -> float:
    """A point's number: an integer, a double, or how many samples a distribution holds."""
    kind = value.WhichOneof("value")
    if kind == "distribution_value":
        return float(value.distribution_value.count)
    return float(getattr(value, kind))
