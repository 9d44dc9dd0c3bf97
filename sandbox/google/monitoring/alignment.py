"""Aligners: one series → one value a period (google.monitoring.v3.Aggregation.Aligner).

Periods are counted back from the end of the query's interval; a period without points gives no point.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

from sandbox.google.monitoring.metric import Histogram, Kind, Value, ValueType, standard_deviation
from sandbox.google.monitoring.series import MINUTE, Point, Series

_NUMERIC = frozenset({ValueType.INT64, ValueType.DOUBLE})
_DIST = frozenset({ValueType.DISTRIBUTION})
_BOOL = frozenset({ValueType.BOOL})
_POINTWISE = frozenset({Kind.GAUGE, Kind.DELTA})
_COUNTED = frozenset({Kind.DELTA, Kind.CUMULATIVE})
_GAUGE = frozenset({Kind.GAUGE})
# Time over which ALIGN_NEXT_OLDER and ALIGN_INTERPOLATE carry a gauge's last value forward.
CARRY_SECONDS = 25 * 3600


@dataclass(frozen=True, slots=True)
class Shape:
    """The kind and value type of the aligned (or reduced) series."""

    kind: Kind
    value: ValueType


@dataclass(frozen=True, slots=True)
class Window:
    """One period (start, end]."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


Align = Callable[[Series, Window], Value | None]


@dataclass(frozen=True, slots=True)
class Aligner:
    """`kinds` and `values`: what it accepts. `out_value` None keeps the series' own; the same for `out_kind`."""

    name: str
    kinds: frozenset[Kind]
    values: frozenset[ValueType]
    align: Align
    out_kind: Kind | None
    out_value: ValueType | None

    def column(self, series: Series, grid: Sequence[Window]) -> Sequence[Value | None]:
        """One value a window, up to the one in which the series begins. `grid` is newest first and without gaps."""
        grid = grid[: bisect_left(grid, -series.begins, key=lambda window: -window.end)]
        if not grid:
            return []
        if self.align in (_delta, _sum) and series.metric.kind is Kind.DELTA:
            return series.totals([*(window.end for window in grid), grid[-1].start])
        return [self.align(series, window) for window in grid]

    def accepts(self, shape: Shape) -> bool:
        return shape.kind in self.kinds and shape.value in self.values

    def shape(self, of: Shape) -> Shape:
        return Shape(
            of.kind if self.out_kind is None else self.out_kind, of.value if self.out_value is None else self.out_value
        )


def windows(start: float, end: float, period: float) -> list[Window]:
    """Newest first; at least one. The oldest may begin before `start`: a period is always whole."""
    found = [Window(end - period, end)]
    while found[-1].start > start:
        found.append(Window(found[-1].start - period, found[-1].start))
    return found


def _points(series: Series, window: Window) -> list[Point]:
    return series.between(window.start, window.end)


def _numbers(series: Series, window: Window) -> list[float]:
    return [p.value for p in _points(series, window) if isinstance(p.value, int | float)]


def _delta(series: Series, window: Window) -> Value | None:
    if series.metric.kind is Kind.CUMULATIVE:
        return _cumulative_delta(series, window)
    return series.total(window.start, window.end)


def _cumulative_delta(series: Series, window: Window) -> Value | None:
    before = [p for p in series.between(window.start - CARRY_SECONDS, window.start) if isinstance(p.value, int | float)]
    inside = [p for p in _points(series, window) if isinstance(p.value, int | float)]
    if not inside:
        return None
    total, last = 0.0, before[-1].value if before else 0
    for point in inside:
        value = point.value
        if isinstance(value, int | float) and isinstance(last, int | float):
            total += value - last if value >= last else value  # a counter that fell was reset
            last = value
    return int(total) if series.metric.value is ValueType.INT64 else total


def _rate(series: Series, window: Window) -> Value | None:
    total = _delta(series, window)
    return total / window.seconds if isinstance(total, int | float) else None


def _newest(series: Series, window: Window) -> Value | None:
    """ALIGN_NEXT_OLDER: the newest point at or before the period's end."""
    found = _points(series, window) or series.between(window.end - CARRY_SECONDS, window.end)
    return found[-1].value if found else None


def _interpolate(series: Series, window: Window) -> Value | None:
    older = series.between(window.end - CARRY_SECONDS, window.end)
    newer = series.between(window.end, window.end + 10 * MINUTE)
    if not older or older[-1].end == window.end or not newer:
        return older[-1].value if older else None
    a, b = older[-1], newer[0]
    if not isinstance(a.value, int | float) or not isinstance(b.value, int | float):
        return a.value
    return a.value + (b.value - a.value) * (window.end - a.end) / (b.end - a.end)


def _sum(series: Series, window: Window) -> Value | None:
    if series.metric.kind is Kind.DELTA:
        return series.total(window.start, window.end)
    numbers = _numbers(series, window)
    return sum(numbers) if numbers else None


def _of_numbers(function: Callable[[list[float]], float]) -> Align:
    def align(series: Series, window: Window) -> Value | None:
        numbers = _numbers(series, window)
        return function(numbers) if numbers else None

    return align


def _count(series: Series, window: Window) -> Value | None:
    return len(_points(series, window)) or None


def _of_truths(function: Callable[[Sequence[bool]], float]) -> Align:
    def align(series: Series, window: Window) -> Value | None:
        truths = [bool(p.value) for p in _points(series, window)]
        return function(truths) if truths else None

    return align


def _percentile(share: float) -> Align:
    def align(series: Series, window: Window) -> Value | None:
        whole = series.total(window.start, window.end)
        return whole.percentile(share) if isinstance(whole, Histogram) else None

    return align


def _percent_change(series: Series, window: Window) -> Value | None:
    now = _numbers(series, window)
    before = _numbers(series, Window(window.start - window.seconds, window.start))
    if not now or not before:
        return None
    mean_before, mean_now = _mean(before), _mean(now)
    if mean_before == 0:
        return 0.0 if mean_now == 0 else inf
    return 100 * (mean_now - mean_before) / mean_before


def _mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers)


# By google.monitoring.v3.Aggregation.Aligner's numbers.
ALIGNERS = {
    1: Aligner("ALIGN_DELTA", _COUNTED, _NUMERIC | _DIST, _delta, Kind.DELTA, None),
    2: Aligner("ALIGN_RATE", _COUNTED, _NUMERIC, _rate, Kind.GAUGE, ValueType.DOUBLE),
    3: Aligner("ALIGN_INTERPOLATE", _GAUGE, _NUMERIC, _interpolate, Kind.GAUGE, None),
    4: Aligner("ALIGN_NEXT_OLDER", _GAUGE, frozenset(ValueType), _newest, Kind.GAUGE, None),
    10: Aligner("ALIGN_MIN", _POINTWISE, _NUMERIC, _of_numbers(min), Kind.GAUGE, None),
    11: Aligner("ALIGN_MAX", _POINTWISE, _NUMERIC, _of_numbers(max), Kind.GAUGE, None),
    12: Aligner("ALIGN_MEAN", _POINTWISE, _NUMERIC, _of_numbers(_mean), Kind.GAUGE, ValueType.DOUBLE),
    13: Aligner("ALIGN_COUNT", _POINTWISE, _NUMERIC | _BOOL, _count, Kind.GAUGE, ValueType.INT64),
    14: Aligner("ALIGN_SUM", _POINTWISE, _NUMERIC | _DIST, _sum, None, None),
    15: Aligner("ALIGN_STDDEV", _POINTWISE, _NUMERIC, _of_numbers(standard_deviation), Kind.GAUGE, ValueType.DOUBLE),
    16: Aligner("ALIGN_COUNT_TRUE", _GAUGE, _BOOL, _of_truths(sum), Kind.GAUGE, ValueType.INT64),
    24: Aligner("ALIGN_COUNT_FALSE", _GAUGE, _BOOL, _of_truths(lambda t: len(t) - sum(t)), Kind.GAUGE, ValueType.INT64),
    17: Aligner(
        "ALIGN_FRACTION_TRUE", _GAUGE, _BOOL, _of_truths(lambda t: sum(t) / len(t)), Kind.GAUGE, ValueType.DOUBLE
    ),
    18: Aligner("ALIGN_PERCENTILE_99", _POINTWISE, _DIST, _percentile(0.99), Kind.GAUGE, ValueType.DOUBLE),
    19: Aligner("ALIGN_PERCENTILE_95", _POINTWISE, _DIST, _percentile(0.95), Kind.GAUGE, ValueType.DOUBLE),
    20: Aligner("ALIGN_PERCENTILE_50", _POINTWISE, _DIST, _percentile(0.50), Kind.GAUGE, ValueType.DOUBLE),
    21: Aligner("ALIGN_PERCENTILE_05", _POINTWISE, _DIST, _percentile(0.05), Kind.GAUGE, ValueType.DOUBLE),
    23: Aligner("ALIGN_PERCENT_CHANGE", _POINTWISE, _NUMERIC, _percent_change, Kind.GAUGE, ValueType.DOUBLE),
}
