"""CreateTimeSeries: what may be written, in which order and how often.

Limits (Cloud Monitoring, "Quotas and limits" and "Create metrics with the API"): 200 series a call, one point a
series, one series once, ends strictly increasing and at least 5 s apart, at most 24 h old and 5 min in the future.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.rpc.status_pb2 import Status

from sandbox.google.monitoring.catalogue import RESOURCES
from sandbox.google.monitoring.metric import Kind, MetricType, Value, ValueType
from sandbox.google.monitoring.series import Labels, Point
from sandbox.google.monitoring.store import SeriesStore
from sandbox.google.monitoring.wire import interval_of, labels_of, value_of
from sandbox.google.refusal import Refusal, invalid_argument

MAX_SERIES = 200
#: The description of a metric that was written before anybody described it.
AUTO_CREATED = "Auto created custom metric."
MIN_GAP_SECONDS = 5.0
MAX_AGE_SECONDS = 24 * 3600
MAX_FUTURE_SECONDS = 5 * 60
#: The message travels twice, once in base64. Clients drop an answer at random whose headers are over 8 KiB.
MOST_MESSAGE = 3_200


class Unwritable(ValueError):
    """The reason why one series of the call was not written."""


@dataclass(frozen=True, slots=True)
class _Point:
    """A checked point, ready to be put in."""

    metric: MetricType
    labels: Labels
    point: Point


def write(store: SeriesStore, series: Sequence[Any], summary: Any) -> None:
    """Write what can be written. Raises Refusal with `summary` (a CreateTimeSeriesSummary class) if anything cannot."""
    if not series:
        raise invalid_argument("Field timeSeries had an invalid value: At least one TimeSeries must be specified.")
    if len(series) > MAX_SERIES:
        raise invalid_argument(
            f"Field timeSeries had an invalid value: A maximum of {MAX_SERIES} TimeSeries may be written in a single "
            "request."
        )
    failures: list[tuple[str, str]] = []
    seen: set[tuple[object, ...]] = set()
    for index, each in enumerate(series):
        try:
            checked = _check(store, each)
            _check_repeated(seen, checked)
            _put(store, checked)
        except Unwritable as reason:
            failures.append((str(reason), f"{_name(each)} timeSeries[{index}]"))
    if failures:
        raise _refusal(len(series), failures, summary)


def _check(store: SeriesStore, series: Any) -> _Point:
    labels = labels_of(series)
    _check_resource(labels)
    if len(series.points) != 1:
        raise Unwritable("Field points had an invalid value: Exactly one point must be given per TimeSeries")
    typed = value_of(series.points[0].value)
    if typed is None:
        raise Unwritable("Field points[0].value had an invalid value: A value must be given")
    value, value_type = typed
    metric = _metric(store, series, value_type)
    return _Point(metric, labels, _interval(store, metric, series.points[0].interval, value))


def _check_resource(labels: Labels) -> None:
    resource = RESOURCES.get(labels.resource_type)
    if resource is None:
        raise Unwritable(f'Unrecognized resource type "{labels.resource_type}"')
    if not resource.writable:
        raise Unwritable(f'Custom metrics cannot be written to the monitored resource type "{labels.resource_type}"')
    unknown = set(labels.resource) - set(resource.labels)
    if unknown:
        raise Unwritable(f"Unrecognized resource label: {', '.join(sorted(unknown))}")
    missing = set(resource.labels) - set(labels.resource) - {"project_id"}
    if missing:
        raise Unwritable(f"Missing resource label: {', '.join(sorted(missing))}")


def _metric(store: SeriesStore, series: Any, value_type: ValueType) -> MetricType:
    name = series.metric.type
    new = MetricType(
        name,
        Kind(series.metric_kind or Kind.GAUGE),
        value_type,
        series.unit,
        AUTO_CREATED,
        tuple(sorted(series.metric.labels)),
    )
    if not new.custom:
        raise Unwritable(f'Metric type "{name}" cannot be written: only custom.googleapis.com/ and the like can')
    known = store.types.get(name)
    if known is None:
        store.types[name] = new
        return new
    if known.value is not value_type:
        raise Unwritable(
            f"Value type for metric {name} must be {known.value.name}, but is {value_type.name}",
        )
    if series.metric_kind and series.metric_kind != known.kind:
        raise Unwritable(f"Metric kind for metric {name} must be {known.kind.name}, but is {new.kind.name}")
    unknown = set(series.metric.labels) - set(known.labels)
    if unknown and known.labels:
        raise Unwritable(f"Unrecognized metric labels: {', '.join(sorted(unknown))}")
    return known


def _interval(store: SeriesStore, metric: MetricType, interval: Any, value: Value) -> Point:
    start, end = interval_of(interval)
    now = store.now()
    if end < now - MAX_AGE_SECONDS:
        raise Unwritable("Data points cannot be written more than 24h in the past")
    if end > now + MAX_FUTURE_SECONDS:
        raise Unwritable("Data points cannot be written more than 5m in the future")
    if metric.kind is Kind.GAUGE:
        if start not in (None, end):
            raise Unwritable("The start time must be equal to the end time for the gauge metric")
        return Point(end, end, value)
    if start is None or start >= end:
        raise Unwritable("The start time must be before the end time for the non-gauge metric")
    return Point(start, end, value)


def _check_repeated(seen: set[tuple[object, ...]], checked: _Point) -> None:
    key = (checked.metric.name, checked.labels.key())
    if key in seen:
        raise Unwritable("Duplicate TimeSeries encountered. Only one point can be written per TimeSeries per request.")
    seen.add(key)


def _put(store: SeriesStore, checked: _Point) -> None:
    series = store.open_written(checked.metric, checked.labels)
    last = series.last
    if last is not None and checked.point.end <= last.end:
        raise Unwritable(
            "Points must be written in order. One or more of the points specified had an older end time than the most "
            "recent point"
        )
    if last is not None and checked.point.end < last.end + MIN_GAP_SECONDS:
        raise Unwritable(
            "One or more points were written more frequently than the maximum sampling period configured for the metric"
        )
    series.put(checked.point)


def _name(series: Any) -> str:
    resource = ",".join(f"{k}:{v}" for k, v in sorted(series.resource.labels.items()))
    return f"{series.resource.type}{{{resource}}} {series.metric.type}"


def _refusal(total: int, failures: Sequence[tuple[str, str]], summary: Any) -> Refusal:
    """The message names each series; the summary counts points by cause, as Google's does."""
    told = "One or more TimeSeries could not be written: " + "; ".join(f"{why}: {where}" for why, where in failures)
    detail = summary(total_point_count=total, success_point_count=total - len(failures))
    for why, points in Counter(why for why, _ in failures).items():
        detail.errors.add(status=Status(code=3, message=why), point_count=points)
    return invalid_argument(told if len(told) <= MOST_MESSAGE else told[: MOST_MESSAGE - 3] + "...", [detail])
