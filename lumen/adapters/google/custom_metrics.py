"""Custom metrics of Cloud Monitoring: gauges on `generic_task`, for `cloud_run_revision` cannot be written."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from google.api import metric_pb2, monitored_resource_pb2
from google.api_core.exceptions import InvalidArgument
from google.cloud.monitoring_v3 import (
    CreateTimeSeriesRequest,
    CreateTimeSeriesSummary,
    MetricServiceAsyncClient,
    Point,
    TimeInterval,
    TimeSeries,
    TypedValue,
)
from google.protobuf import any_pb2

from lumen.adapters.google.clients import PATIENCE, Patience
from lumen.adapters.google.errors import FAILURES, MONITORING, explain, refusal
from lumen.model.messages import LumenError, NoData
from lumen.model.metrics import UNITS, Published

PREFIX = "custom.googleapis.com/"
WHAT = PREFIX + "*"
#: Monitoring takes no more in one call.
MOST_SERIES = 200
#: One series a figure and service, whichever replica writes it.
NAMESPACE, TASK = "lumen", "watch"
#: Monitoring's words for a series that has a point at that instant (or a later one) already.
_WRITTEN_ALREADY = "must be written in order"


@dataclass(frozen=True, slots=True)
class CustomMetrics:
    """`lumen.ports.sources.FigureSink`: each service's go to its project. No write is repeated, for more come soon."""

    client: MetricServiceAsyncClient
    patience: Patience = PATIENCE

    async def publish(self, figures: Sequence[Published], at: datetime) -> None:
        """Every project gets its own, whatever another one says; then the first refusal is raised."""
        by_project: dict[str, list[Published]] = {}
        for one in figures:
            by_project.setdefault(one.service.project, []).append(one)
        refused: list[LumenError] = []
        for project, mine in by_project.items():
            try:
                await self._publish(project, mine, at)
            except LumenError as error:
                refused.append(error)
        if refused:
            raise refused[0]

    async def _publish(self, project: str, figures: Sequence[Published], at: datetime) -> None:
        for start in range(0, len(figures), MOST_SERIES):
            series = [_series(one, at) for one in figures[start : start + MOST_SERIES]]
            try:
                await self._create(project, series)
            except InvalidArgument as error:
                if not _all_written_already(error):
                    raise refusal(error, MONITORING, WHAT, project) from error
            except FAILURES as error:
                raise refusal(error, MONITORING, WHAT, project) from error

    async def lacking(self, project: str) -> NoData | None:
        """Asks to write nothing at all, which is refused: for being empty where Lumen may write, else for want of
        the right."""
        try:
            await self._create(project, [])
        except InvalidArgument:
            return None
        except FAILURES as error:
            said = explain(error, MONITORING, WHAT, project, role=MONITORING.write_role)
            return NoData(said.reason, said.remedy)
        return None

    async def _create(self, project: str, series: Sequence[TimeSeries]) -> None:
        request = CreateTimeSeriesRequest(name=f"projects/{project}", time_series=series)
        async with asyncio.timeout(self.patience.whole_seconds):
            await self.client.create_time_series(request, retry=None, timeout=self.patience.attempt_seconds)


def _series(one: Published, at: datetime) -> TimeSeries:
    of = one.service
    labels = {
        "project_id": of.project,
        "location": of.region,
        "namespace": NAMESPACE,
        "job": of.name,
        "task_id": TASK,
    }
    return TimeSeries(
        metric=metric_pb2.Metric(type=PREFIX + one.name, labels=one.labels),
        resource=monitored_resource_pb2.MonitoredResource(type="generic_task", labels=labels),
        unit=UNITS[one.name],
        points=[Point(interval=TimeInterval(end_time=at), value=TypedValue(double_value=one.value))],
    )


def _all_written_already(error: InvalidArgument) -> bool:
    """A replica that died after writing left its slot open: its points are there, and these are the same.

    Goes by the summary that comes with the refusal: the message names each series, and is cut where they are many.
    """
    causes: list[str] = []
    for detail in error.details:
        summary = CreateTimeSeriesSummary.pb()()
        if isinstance(detail, any_pb2.Any) and detail.Unpack(summary):
            causes += [each.status.message for each in summary.errors]
    return bool(causes) and all(_WRITTEN_ALREADY in cause for cause in causes)
