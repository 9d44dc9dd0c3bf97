"""Reducers: the aligned values of several series at one instant → one value (Aggregation.Reducer)."""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.google.monitoring.alignment import Shape
from sandbox.google.monitoring.metric import Histogram, Value, ValueType, merged, standard_deviation
from sandbox.google.monitoring.series import sum_of

_NUMERIC = frozenset({ValueType.INT64, ValueType.DOUBLE})
_DIST = frozenset({ValueType.DISTRIBUTION})
_BOOL = frozenset({ValueType.BOOL})

Reduce = Callable[[list[Value]], Value]


@dataclass(frozen=True, slots=True)
class Reducer:
    """`out_value` None keeps the aligned series' value type."""

    name: str
    values: frozenset[ValueType]
    reduce: Reduce
    out_value: ValueType | None

    def shape(self, of: Shape) -> Shape:
        return Shape(of.kind, of.value if self.out_value is None else self.out_value)


def _numbers(values: list[Value]) -> list[float]:
    return [v for v in values if isinstance(v, int | float)]


def _sum(values: list[Value]) -> Value:
    total = sum_of(values)
    assert total is not None, "a group has at least one value"
    return total


def _mean(values: list[Value]) -> Value:
    if isinstance(values[0], Histogram):
        return merged([v for v in values if isinstance(v, Histogram)]).mean
    return sum(_numbers(values)) / len(values)


def _percentile(share: float) -> Reduce:
    """Of a distribution: inside its buckets. Of numbers: between the neighbouring ranks."""

    def reduce(values: list[Value]) -> Value:
        if isinstance(values[0], Histogram):
            return merged([v for v in values if isinstance(v, Histogram)]).percentile(share)
        ordered = sorted(_numbers(values))
        at = share * (len(ordered) - 1)
        low = int(at)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (ordered[high] - ordered[low]) * (at - low)

    return reduce


_DOUBLE, _INT = ValueType.DOUBLE, ValueType.INT64

REDUCE_SUM = 4
# By google.monitoring.v3.Aggregation.Reducer's numbers.
REDUCERS = {
    1: Reducer("REDUCE_MEAN", _NUMERIC | _DIST, _mean, _DOUBLE),
    2: Reducer("REDUCE_MIN", _NUMERIC, lambda v: min(_numbers(v)), None),
    3: Reducer("REDUCE_MAX", _NUMERIC, lambda v: max(_numbers(v)), None),
    REDUCE_SUM: Reducer("REDUCE_SUM", _NUMERIC | _DIST, _sum, None),
    5: Reducer("REDUCE_STDDEV", _NUMERIC, lambda v: standard_deviation(_numbers(v)), _DOUBLE),
    6: Reducer("REDUCE_COUNT", frozenset(ValueType), len, _INT),
    7: Reducer("REDUCE_COUNT_TRUE", _BOOL, lambda v: sum(map(bool, v)), _INT),
    15: Reducer("REDUCE_COUNT_FALSE", _BOOL, lambda v: len(v) - sum(map(bool, v)), _INT),
    8: Reducer("REDUCE_FRACTION_TRUE", _BOOL, lambda v: sum(map(bool, v)) / len(v), _DOUBLE),
    9: Reducer("REDUCE_PERCENTILE_99", _NUMERIC | _DIST, _percentile(0.99), _DOUBLE),
    10: Reducer("REDUCE_PERCENTILE_95", _NUMERIC | _DIST, _percentile(0.95), _DOUBLE),
    11: Reducer("REDUCE_PERCENTILE_50", _NUMERIC | _DIST, _percentile(0.50), _DOUBLE),
    12: Reducer("REDUCE_PERCENTILE_05", _NUMERIC | _DIST, _percentile(0.05), _DOUBLE),
}
