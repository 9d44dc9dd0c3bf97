"""google.monitoring.v3.MetricService over the series store."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from google.cloud.monitoring_v3 import MetricServiceAsyncClient
from google.cloud.monitoring_v3.types import metric_service
from google.protobuf.empty_pb2 import Empty

from sandbox.google.monitoring import query, wire, writing
from sandbox.google.monitoring.alignment import Window
from sandbox.google.monitoring.catalogue import RESOURCES
from sandbox.google.monitoring.filters import Filter, FilterError, parse
from sandbox.google.monitoring.metric import MetricType, ValueType
from sandbox.google.monitoring.query import Found
from sandbox.google.monitoring.series import Labels
from sandbox.google.monitoring.store import SeriesStore
from sandbox.google.paging import offset_of, page, token_of
from sandbox.google.refusal import invalid_argument, not_found
from sandbox.google.server import Method
from sandbox.google.surface import Rpc, learn

MAX_POINTS = 100_000
# A client's default limit for one message is 4 MiB; a page ends well before it.
MAX_PAGE_BYTES = 3 * 1024 * 1024
_POINT_BYTES = {ValueType.DISTRIBUTION: 160}
_HEADERS = 1  # ListTimeSeriesRequest.TimeSeriesView.HEADERS


class MetricService:
    """Implementations by method name, and what the client's transport says of them."""

    def __init__(self, project: str, store: SeriesStore) -> None:
        self._project = project
        #: Others that have metrics here too, each its own.
        self.others: set[str] = set()
        self._store = store
        #: The request whose pages are being asked for, and what was found.
        self._paged: tuple[bytes, list[Found]] = (b"", [])
        self._summary = metric_service.CreateTimeSeriesSummary.pb(metric_service.CreateTimeSeriesSummary()).__class__
        self.rpcs: Mapping[str, Rpc] = learn(MetricServiceAsyncClient.get_transport_class("grpc_asyncio"))
        self.methods: Mapping[str, Method] = {
            "ListTimeSeries": self.list_time_series,
            "CreateTimeSeries": self.create_time_series,
            "ListMetricDescriptors": self.list_metric_descriptors,
            "GetMetricDescriptor": self.get_metric_descriptor,
            "CreateMetricDescriptor": self.create_metric_descriptor,
            "DeleteMetricDescriptor": self.delete_metric_descriptor,
            "ListMonitoredResourceDescriptors": self.list_resource_descriptors,
            "GetMonitoredResourceDescriptor": self.get_resource_descriptor,
        }

    # Series

    def list_time_series(self, request: Any) -> Any:
        """Whole pages of points; a series that does not fit goes on on the next page."""
        self._check_project(request.name)
        start, end = wire.interval_of(request.interval)
        if not request.interval.HasField("end_time"):
            raise invalid_argument("Field interval.endTime had an invalid value: The end time must be given.")
        found = self._found(request, Window(end if start is None else start, end))
        response = self.rpcs["ListTimeSeries"].response()
        self._fill(response, found, request)
        return response

    def _found(self, request: Any, interval: Window) -> list[Found]:
        """As it was found for the first page, whatever has come since."""
        mark = _without_page(request)
        if not request.page_token or self._paged[0] != mark:
            self._paged = mark, self._find(request, interval)
        return self._paged[1]

    def _find(self, request: Any, interval: Window) -> list[Found]:
        try:
            return query.run(
                self._store,
                parse(request.filter),
                interval,
                wire.aggregation_of(request.aggregation),
                wire.aggregation_of(request.secondary_aggregation),
                project=request.name.rpartition("/")[2],
            )
        except query.UnknownMetric as reason:
            raise not_found(str(reason)) from reason
        except query.BadQuery as reason:
            raise invalid_argument(str(reason)) from reason
        except FilterError as reason:
            raise invalid_argument(f"Field filter had an invalid value of {request.filter!r}: {reason}") from reason

    def _fill(self, response: Any, found: list[Found], request: Any) -> None:
        mark = _without_page(request)
        skip = offset_of(request.page_token, mark)
        if request.page_size < 0:
            raise invalid_argument(f"Field pageSize had an invalid value of {request.page_size}.")
        size = min(request.page_size or MAX_POINTS, MAX_POINTS)
        if request.view == _HEADERS:
            for each in found[skip : skip + size]:
                wire.put_head(response.time_series.add(), each)
            response.next_page_token = token_of(skip + size, mark) if skip + size < len(found) else ""
            return
        self._fill_points(response, found, skip, size, mark)

    def _fill_points(self, response: Any, found: list[Found], skip: int, size: int, mark: bytes) -> None:
        at, taken, room = 0, 0, MAX_PAGE_BYTES
        for each in found:
            first = max(0, skip - at)
            at += len(each.points)
            if first >= len(each.points):
                continue
            cost = _POINT_BYTES.get(each.shape.value, 40)
            count = min(len(each.points) - first, size - taken, max(1, room // cost))
            is_whole = count == len(each.points)
            points = each.points if is_whole else each.points[first : first + count]
            wire.put_series(response.time_series.add(), each, points)
            taken += count
            room -= 300 + cost * count
            if taken >= size or room <= 0 or first + count < len(each.points):
                break
        total = sum(len(f.points) for f in found)
        response.next_page_token = token_of(skip + taken, mark) if skip + taken < total else ""

    def create_time_series(self, request: Any) -> Empty:
        self._check_project(request.name)
        writing.write(self._store, request.time_series, self._summary)
        return Empty()

    # Descriptors

    def list_metric_descriptors(self, request: Any) -> Any:
        self._check_project(request.name)
        wanted = _filter(request.filter)
        types = [t for t in self._store.types.values() if _describes(wanted, t)]
        shown, token = page(types, request.page_size, request.page_token, _without_page(request), 10_000)
        response = self.rpcs["ListMetricDescriptors"].response(next_page_token=token)
        response.metric_descriptors.extend(wire.metric_descriptor(self._project, t) for t in shown)
        return response

    def _type(self, name: str) -> MetricType:
        prefix = f"projects/{self._project}/metricDescriptors/"
        found = self._store.types.get(name.removeprefix(prefix)) if name.startswith(prefix) else None
        if found is None:
            raise not_found(f"Could not find descriptor for metric '{name.removeprefix(prefix)}'.")
        return found

    def get_metric_descriptor(self, request: Any) -> Any:
        return wire.metric_descriptor(self._project, self._type(request.name))

    def create_metric_descriptor(self, request: Any) -> Any:
        self._check_project(request.name)
        try:
            metric = wire.metric_of(request.metric_descriptor)
        except ValueError as reason:
            raise invalid_argument(f"Field metricDescriptor had an invalid value: {reason}") from reason
        if not metric.custom:
            raise invalid_argument(
                f'Field metricDescriptor.type had an invalid value of "{metric.name}": must begin with '
                "custom.googleapis.com/, workload.googleapis.com/ or external.googleapis.com/."
            )
        known = self._store.types.get(metric.name)
        if known is not None and (known.kind, known.value) != (metric.kind, metric.value):
            raise invalid_argument(
                "Field metricDescriptor had an invalid value: The metric already exists with another kind or value "
                "type; delete it first."
            )
        if known is not None:  # labels are never removed
            metric = replace(metric, labels=tuple(dict.fromkeys((*known.labels, *metric.labels))))
        self._store.types[metric.name] = metric
        return wire.metric_descriptor(self._project, metric)

    def delete_metric_descriptor(self, request: Any) -> Empty:
        metric = self._type(request.name)
        if not metric.custom:
            raise invalid_argument(f"Metric {metric.name} is not user-defined and cannot be deleted.")
        self._store.drop(metric.name)
        return Empty()

    def list_resource_descriptors(self, request: Any) -> Any:
        self._check_project(request.name)
        shown, token = page(
            list(RESOURCES.values()), request.page_size, request.page_token, _without_page(request), 1000
        )
        response = self.rpcs["ListMonitoredResourceDescriptors"].response(next_page_token=token)
        response.resource_descriptors.extend(wire.resource_descriptor(self._project, r) for r in shown)
        return response

    def get_resource_descriptor(self, request: Any) -> Any:
        resource = RESOURCES.get(request.name.rsplit("/", 1)[-1])
        if resource is None:
            raise not_found(f"Could not find descriptor for monitored resource '{request.name}'.")
        return wire.resource_descriptor(self._project, resource)

    def _check_project(self, name: str) -> None:
        if name != f"projects/{self._project}" and name.removeprefix("projects/") not in self.others:
            raise not_found(f"Cannot find project '{name}'; this sandbox has 'projects/{self._project}'.")


def _without_page(request: Any) -> bytes:
    """The request as it must stay from page to page."""
    copy = type(request)()
    copy.CopyFrom(request)
    copy.page_token = ""
    data: bytes = copy.SerializeToString(deterministic=True)
    return data


def _filter(text: str) -> Filter:
    try:
        return parse(text)
    except FilterError as reason:
        raise invalid_argument(f"Field filter had an invalid value of {text!r}: {reason}") from reason


def _describes(wanted: Filter, metric: MetricType) -> bool:
    """Whether a descriptor passes a filter on metric.type or resource.type."""
    return any(wanted(metric, Labels(resource, {}, {})) for resource in metric.resources or ("global",))
