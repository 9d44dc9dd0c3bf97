"""A query: filter, align, group, reduce. Pure of protobuf; refusals are ValueErrors with Google's reasons."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import zip_longest

from sandbox.google.monitoring.alignment import ALIGNERS, Aligner, Shape, Window, windows
from sandbox.google.monitoring.catalogue import RESOURCES
from sandbox.google.monitoring.filters import Filter, Selector
from sandbox.google.monitoring.metric import Kind, MetricType, Value, ValueType
from sandbox.google.monitoring.reduction import REDUCE_SUM, REDUCERS
from sandbox.google.monitoring.series import Column, Labels, Point, Points, Series
from sandbox.google.monitoring.store import SeriesStore

_NUMBERS = frozenset({ValueType.INT64, ValueType.DOUBLE})
MIN_PERIOD_SECONDS = 60
MAX_PERIOD_SECONDS = 104 * 7 * 86400
MAX_WINDOWS = 100_000


class BadQuery(ValueError):
    """INVALID_ARGUMENT."""


class UnknownMetric(ValueError):
    """NOT_FOUND: no such metric type."""


@dataclass(frozen=True, slots=True)
class Aggregation:
    """google.monitoring.v3.Aggregation; 0 is NONE for both."""

    period: float = 0.0
    aligner: int = 0
    reducer: int = 0
    group_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """One series of the answer, points newest first."""

    metric: MetricType
    labels: Labels
    shape: Shape
    points: list[Point] = field(default_factory=list)


def run(
    store: SeriesStore,
    wanted: Filter,
    interval: Window,
    first: Aggregation,
    second: Aggregation = Aggregation(),
    project: str = "",
) -> list[Found]:
    """Series of `project` ("": of all) with at least one point in the interval. Raises BadQuery, UnknownMetric.

    A raw query takes points that end in (start, end]; an interval of no length takes the point that ends just there.
    """
    check_interval(interval)
    types = metric_types(store, wanted)
    check_labels(wanted, types)
    found: list[Found] = []
    for metric in types:
        matching = [s for s in store.visible(metric) if _is_of(project, s.labels) and wanted(metric, s.labels)]
        found += aggregate(matching, metric, interval, first)
    if second.aligner or second.reducer:
        found = _again(found, interval, second)
    return [f for f in found if f.points]


def _is_of(project: str, labels: Labels) -> bool:
    return labels.resource.get("project_id", project) in (project, "") or not project


def check_interval(interval: Window) -> None:
    """Raises BadQuery for an interval that ends before it starts."""
    if interval.end < interval.start:
        raise BadQuery("Field interval had an invalid value: The end time must not be earlier than the start time.")


def metric_types(store: SeriesStore, wanted: Filter) -> list[MetricType]:
    """The types that the filter selects. Raises BadQuery without a metric.type, UnknownMetric without a match."""
    if not wanted.names_metric:
        raise BadQuery(
            "Field filter had an invalid value: The filter must specify a metric type, such as "
            'metric.type = "run.googleapis.com/request_count".'
        )
    types = [t for t in store.types.values() if wanted.may_have_metric(t.name)]
    if not types:
        raise UnknownMetric(
            f"Cannot find metric(s) that match the filter {wanted.text!r}. If a metric was created recently, it could "
            "take up to 10 minutes to become available. Please try again soon."
        )
    return types


def check_labels(wanted: Filter, types: Sequence[MetricType]) -> None:
    """Raises BadQuery for labels that neither the metrics nor their resources have."""
    metric_labels = {label for t in types for label in t.labels}
    resource_names = {name for t in types for name in (RESOURCES if t.resources is None else t.resources)}
    resource_labels = {label for name in resource_names for label in RESOURCES[name].labels}
    for comparison in wanted.comparisons:
        selector = comparison.selector
        known = (
            (selector.field != "metric.labels" or selector.label in metric_labels)
            and (selector.field != "resource.labels" or selector.label in resource_labels)
            and (
                selector.field != "resource.type" or comparison.negated or any(map(comparison.matches, resource_names))
            )
        )
        if not known:
            raise BadQuery(
                f"Field filter had an invalid value of {wanted.text!r}: The supplied filter does not specify a valid "
                "combination of metric and monitored resource descriptors. The query will not return any time series."
            )


def aggregate(matching: Sequence[Series], metric: MetricType, interval: Window, how: Aggregation) -> list[Found]:
    """Align each series, then reduce by group. Raises BadQuery for what does not go together."""
    raw = Shape(metric.kind, metric.value)
    aligner = check_aggregation(how, raw, interval)
    if aligner is None:
        start = interval.start if interval.start < interval.end else interval.start - 1e-6
        return [Found(metric, s.labels, raw, s.between(start, interval.end)[::-1]) for s in matching]
    grid = windows(interval.start, interval.end, how.period)
    shape = aligner.shape(raw)
    aligned = [(s.labels, aligner.column(s, grid)) for s in matching]
    if not how.reducer:
        return [Found(metric, labels, shape, _points(values, grid, shape)) for labels, values in aligned]
    return _reduced(metric, aligned, grid, shape, how)


def check_aggregation(how: Aggregation, shape: Shape, interval: Window) -> Aligner | None:
    """The aligner, or None for raw points. Raises BadQuery."""
    if not how.aligner:
        if how.reducer:
            raise BadQuery(
                "Field aggregation.perSeriesAligner had an invalid value: A cross-series reducer needs a per-series "
                "aligner other than ALIGN_NONE."
            )
        return None
    aligner = ALIGNERS.get(how.aligner)
    if aligner is None or (how.reducer and how.reducer not in REDUCERS):
        raise BadQuery(f"Field aggregation had an invalid value: unknown aligner or reducer in {how}.")
    _check_period(how.period, interval)
    if not aligner.accepts(shape):
        raise BadQuery(
            f'Field aggregation.perSeriesAligner had an invalid value of "{aligner.name}": It cannot be applied '
            f"to metrics with kind {shape.kind.name} and value type {shape.value.name}."
        )
    if how.reducer and aligner.shape(shape).value not in REDUCERS[how.reducer].values:
        raise BadQuery(
            f'Field aggregation.crossSeriesReducer had an invalid value of "{REDUCERS[how.reducer].name}": The reducer '
            f"cannot be applied to values of type {aligner.shape(shape).value.name}."
        )
    return aligner


def _check_period(period: float, interval: Window) -> None:
    if not MIN_PERIOD_SECONDS <= period <= MAX_PERIOD_SECONDS:
        raise BadQuery(
            f'Field aggregation.alignmentPeriod had an invalid value of "{period:g}s": The alignment period must be at '
            "least 60 seconds and at most 104 weeks."
        )
    if interval.seconds / period > MAX_WINDOWS:
        raise BadQuery("Field interval had an invalid value: The interval has too many alignment periods.")


def _points(values: Sequence[Value | None], grid: Sequence[Window], shape: Shape) -> list[Point]:
    """`values` go with the first of `grid`, newest first; a gauge's point has no length."""
    if isinstance(values, Column):
        return _points_in_common(values, grid[0], len(values), gauge=shape.kind is Kind.GAUGE)
    return _points_of(values, grid[: len(values)], gauge=shape.kind is Kind.GAUGE)


@lru_cache(maxsize=128)
def _points_in_common(values: Column, newest: Window, periods: int, *, gauge: bool) -> Points:
    ends = [newest.end - newest.seconds * back for back in range(periods)]
    return Points(_points_of(values, [Window(end - newest.seconds, end) for end in ends], gauge=gauge))


def _points_of(values: Sequence[Value | None], grid: Sequence[Window], *, gauge: bool) -> list[Point]:
    return [
        Point(window.end if gauge else window.start, window.end, value)
        for value, window in zip(values, grid, strict=True)
        if value is not None
    ]


def _reduced(
    metric: MetricType,
    aligned: Sequence[tuple[Labels, Sequence[Value | None]]],
    grid: Sequence[Window],
    shape: Shape,
    how: Aggregation,
) -> list[Found]:
    reducer = REDUCERS[how.reducer]
    selectors = [group_selector(field) for field in how.group_by]
    groups: dict[tuple[str | None, ...], list[tuple[Labels, Sequence[Value | None]]]] = {}
    for labels, values in aligned:
        key = (labels.resource_type, *(s.read(metric, labels) for s in selectors))
        groups.setdefault(key, []).append((labels, values))
    out_shape = reducer.shape(shape)
    found = []
    alone = how.reducer == REDUCE_SUM
    for key, members in groups.items():
        if alone and len(members) == 1:  # its own sum; in a fleet's answer that is most of them
            found.append(
                Found(metric, _group_labels(key, selectors), out_shape, _points(members[0][1], grid, out_shape))
            )
            continue
        columns = [values for _, values in members]
        if alone and shape.value in _NUMBERS:
            columns = _multiplied(columns)
        present = ([v for v in row if v is not None] for row in zip_longest(*columns))
        reduced = [reducer.reduce(row) if row else None for row in present]
        found.append(Found(metric, _group_labels(key, selectors), out_shape, _points(reduced, grid, out_shape)))
    return found


def _multiplied(columns: Sequence[Sequence[Value | None]]) -> list[Sequence[Value | None]]:
    """To be added up: those that several series have in common once, as many times as large."""
    times = Counter(id(column) for column in columns)
    once = {id(column): column for column in columns}
    return [
        column if times[of] == 1 else [v * times[of] if isinstance(v, int | float) else None for v in column]
        for of, column in once.items()
    ]


def group_selector(text: str) -> Selector:
    """Raises BadQuery for what is no group-by field."""
    for prefix, place in (
        ("resource.labels.", "resource.labels"),
        ("resource.label.", "resource.labels"),
        ("metric.labels.", "metric.labels"),
        ("metric.label.", "metric.labels"),
    ):
        if text.startswith(prefix):
            return Selector(place, text[len(prefix) :])
    if text in ("resource.type", "metric.type", "project"):
        return Selector(text)
    raise BadQuery(f'Field aggregation.groupByFields had an invalid value of "{text}".')


def _group_labels(key: tuple[str | None, ...], selectors: Sequence[Selector]) -> Labels:
    resource: dict[str, str] = {}
    metric: dict[str, str] = {}
    for selector, value in zip(selectors, key[1:], strict=True):
        if value is not None and selector.field == "resource.labels":
            resource[selector.label] = value
        elif value is not None and selector.field == "metric.labels":
            metric[selector.label] = value
    return Labels(key[0] or "", resource, metric)


class _Answered(Series):
    """The first aggregation's answer as a series, for the second one."""

    def __init__(self, found: Found) -> None:
        shape = found.shape
        metric = found.metric
        super().__init__(
            MetricType(metric.name, shape.kind, shape.value, metric.unit, metric.description, metric.labels),
            found.labels,
        )
        self._points = found.points[::-1]

    def between(self, after: float, until: float) -> list[Point]:
        return [p for p in self._points if after < p.end <= until]


def _again(found: list[Found], interval: Window, how: Aggregation) -> list[Found]:
    by_type: dict[str, list[_Answered]] = {}
    for each in found:
        by_type.setdefault(each.metric.name, []).append(_Answered(each))
    return [f for group in by_type.values() for f in aggregate(group, group[0].metric, interval, how)]
