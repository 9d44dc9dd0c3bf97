"""Series, points and descriptors ↔ the messages of google.monitoring.v3 and google.api (raw protobuf)."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from google.api.label_pb2 import LabelDescriptor
from google.api.metric_pb2 import MetricDescriptor
from google.api.monitored_resource_pb2 import MonitoredResourceDescriptor
from google.cloud.monitoring_v3 import TimeSeries

from sandbox.google.monitoring.catalogue import ResourceType
from sandbox.google.monitoring.metric import Buckets, Histogram, Kind, MetricType, Value, ValueType
from sandbox.google.monitoring.query import Aggregation, Found
from sandbox.google.monitoring.series import Labels, Point, Points
from sandbox.google.times import put, seconds_of


def put_value(typed: Any, value: Value, kind: ValueType) -> None:
    """Fill a TypedValue."""
    if isinstance(value, Histogram):
        _put_histogram(typed.distribution_value, value)
    elif kind is ValueType.INT64:
        typed.int64_value = int(value)
    elif kind is ValueType.DOUBLE:
        typed.double_value = float(value)
    elif kind is ValueType.BOOL:
        typed.bool_value = bool(value)
    else:
        typed.string_value = str(value)


def _put_histogram(distribution: Any, histogram: Histogram) -> None:
    counts = histogram.counts
    last = next((i for i in range(len(counts), 0, -1) if counts[i - 1]), 0)
    distribution.count = sum(counts)
    distribution.mean = histogram.mean
    distribution.sum_of_squared_deviation = histogram.deviation
    distribution.bucket_counts.extend(counts[:last])  # trailing zeroes are left out, as Google does
    options = distribution.bucket_options
    if histogram.buckets.exponential is None:
        options.explicit_buckets.bounds.extend(histogram.buckets.bounds)
        return
    exponential = options.exponential_buckets
    exponential.num_finite_buckets, exponential.growth_factor, exponential.scale = histogram.buckets.exponential


def put_series(series: Any, found: Found, points: Iterable[Point]) -> None:
    """Fill a TimeSeries with its head and the given points."""
    put_head(series, found)
    if isinstance(points, Points):
        series.MergeFromString(_packed(points, found.shape.value))
    else:
        _put_points(series, points, found.shape.value)


@lru_cache(maxsize=128)
def _packed(points: Points, value_type: ValueType) -> bytes:
    """Of many series the same: put into words once."""
    series = TimeSeries.pb(TimeSeries())
    _put_points(series, points, value_type)
    packed: bytes = series.SerializeToString()
    return packed


def _put_points(series: Any, points: Iterable[Point], value_type: ValueType) -> None:
    for point in points:
        one = series.points.add()
        interval = one.interval
        interval.end_time.seconds = int(point.end)
        interval.start_time.seconds = int(point.start)
        if point.end % 1 or point.start % 1:
            put(interval.end_time, point.end)
            put(interval.start_time, point.start)
        put_value(one.value, point.value, value_type)


def put_head(series: Any, found: Found) -> None:
    """Metric, resource, kind, value type and unit of a TimeSeries."""
    series.metric.type = found.metric.name
    series.metric.labels.update(found.labels.metric)
    series.resource.type = found.labels.resource_type
    series.resource.labels.update(found.labels.resource)
    series.metric_kind = int(found.shape.kind)
    series.value_type = int(found.shape.value)
    series.unit = found.metric.unit


def value_of(typed: Any) -> tuple[Value, ValueType] | None:
    """A TypedValue's value; None when it has none."""
    match typed.WhichOneof("value"):
        case "int64_value":
            return typed.int64_value, ValueType.INT64
        case "double_value":
            return typed.double_value, ValueType.DOUBLE
        case "bool_value":
            return typed.bool_value, ValueType.BOOL
        case "string_value":
            return typed.string_value, ValueType.STRING
        case "distribution_value":
            return _histogram(typed.distribution_value), ValueType.DISTRIBUTION
    return None


def _histogram(distribution: Any) -> Histogram:
    options = distribution.bucket_options
    if options.HasField("exponential_buckets"):
        given = options.exponential_buckets
        buckets = Buckets.growing(given.num_finite_buckets, given.growth_factor, given.scale)
    else:
        buckets = Buckets(tuple(options.explicit_buckets.bounds) or (0.0,))
    counts = tuple(distribution.bucket_counts)
    counts += (0,) * (buckets.size - len(counts))
    return Histogram(buckets, counts, distribution.mean, distribution.sum_of_squared_deviation)


def labels_of(series: Any) -> Labels:
    """Of a TimeSeries."""
    return Labels(series.resource.type, dict(series.resource.labels), dict(series.metric.labels))


def aggregation_of(message: Any) -> Aggregation:
    """Of google.monitoring.v3.Aggregation."""
    period = message.alignment_period
    return Aggregation(
        period.seconds + period.nanos / 1e9,
        message.per_series_aligner,
        message.cross_series_reducer,
        tuple(message.group_by_fields),
    )


def interval_of(message: Any) -> tuple[float | None, float]:
    """(start or None, end) of a TimeInterval, in seconds."""
    start = seconds_of(message.start_time) if message.HasField("start_time") else None
    return start, seconds_of(message.end_time)


def metric_descriptor(project: str, metric: MetricType) -> MetricDescriptor:
    """google.api.MetricDescriptor."""
    descriptor = MetricDescriptor(
        name=f"projects/{project}/metricDescriptors/{metric.name}",
        type=metric.name,
        metric_kind=int(metric.kind),
        value_type=int(metric.value),
        unit=metric.unit,
        description=metric.description,
        display_name=metric.display_name or metric.name.rsplit("/", 1)[-1],
        monitored_resource_types=list(metric.resources or ()),
    )
    descriptor.labels.extend(LabelDescriptor(key=label) for label in metric.labels)
    if not metric.custom:
        descriptor.metadata.sample_period.seconds = 60
        descriptor.metadata.ingest_delay.seconds = 120
    return descriptor


def metric_of(descriptor: MetricDescriptor) -> MetricType:
    """Inverse of `metric_descriptor`, for custom metrics. Raises ValueError for an unset kind or value type."""
    return MetricType(
        descriptor.type,
        Kind(descriptor.metric_kind),
        ValueType(descriptor.value_type),
        descriptor.unit,
        descriptor.description,
        tuple(label.key for label in descriptor.labels),
        None,
        descriptor.display_name,
    )


def resource_descriptor(project: str, resource: ResourceType) -> MonitoredResourceDescriptor:
    """google.api.MonitoredResourceDescriptor."""
    descriptor = MonitoredResourceDescriptor(
        name=f"projects/{project}/monitoredResourceDescriptors/{resource.name}",
        type=resource.name,
        display_name=resource.display_name,
    )
    descriptor.labels.extend(LabelDescriptor(key=label) for label in resource.labels)
    return descriptor
