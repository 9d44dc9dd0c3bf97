"""Time series in memory: compact columns on a one-minute grid, closed-form counters, and written points.

Every series answers two questions about (after, until]: its points, and their sum (DELTA only). A missing point is
absent, never 0.
"""

from abc import ABC, abstractmethod
from array import array
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import inf
from typing import NamedTuple

from sandbox.google.monitoring.metric import Buckets, Histogram, Kind, MetricType, Value, ValueType, merged

MINUTE = 60
_ABSENT = -1  # every value on the grid is a count, a size or a time: none is below 0


class Point(NamedTuple):
    """A value over (start, end]; a gauge has start == end."""

    start: float
    end: float
    value: Value


class Column(list[Value | None]):
    """Values that many series have in common, worked out once; told apart by which one it is, not by what is in it."""

    __hash__ = object.__hash__  # type: ignore[assignment]  # a list has none


class Points(list[Point]):
    """The points of a `Column`, as many series have them."""

    __hash__ = object.__hash__  # type: ignore[assignment]  # a list has none


@dataclass(frozen=True)
class Labels:
    """The identity of a series: the resource's labels and the metric's own."""

    resource_type: str
    resource: Mapping[str, str]
    metric: Mapping[str, str]

    def key(self) -> tuple[object, ...]:
        """Equal for equal label sets."""
        return (self.resource_type, tuple(sorted(self.resource.items())), tuple(sorted(self.metric.items())))


class Series(ABC):
    """One time series."""

    def __init__(self, metric: MetricType, labels: Labels) -> None:
        self.metric = metric
        self.labels = labels

    @property
    def begins(self) -> float:
        """No point ends at this time or before it."""
        return -inf

    @abstractmethod
    def between(self, after: float, until: float) -> list[Point]:
        """The points that end in (after, until], oldest first."""

    def total(self, after: float, until: float) -> Value | None:
        """The sum of the points that end in (after, until]; None without any. For DELTA series."""
        return sum_of([p.value for p in self.between(after, until)])

    def totals(self, edges: Sequence[float]) -> Sequence[Value | None]:
        """`total` between each two neighbouring edges, which fall; where a series can do that at a stroke, it does."""
        return [self.total(after, until) for until, after in pairwise(edges)]


def sum_of(values: Sequence[Value]) -> Value | None:
    """Numbers added, histograms merged; None of nothing."""
    if not values:
        return None
    if len(values) == 1:
        return values[0]
    if isinstance(values[0], Histogram):
        return merged([v for v in values if isinstance(v, Histogram)])
    return sum(v for v in values if isinstance(v, int | float))


class GridSeries(Series):
    """A number a minute. `first_minute` numbers the minutes since the epoch; point i ends at its minute's end."""

    def __init__(self, metric: MetricType, labels: Labels, first_minute: int) -> None:
        super().__init__(metric, labels)
        self.first_minute = first_minute
        self.values: array[int] | array[float] = array("d" if metric.value is ValueType.DOUBLE else "q")
        self._sparse = False

    @property
    def begins(self) -> float:
        return self.first_minute * MINUTE

    @property
    def next_minute(self) -> int:
        return self.first_minute + len(self.values)

    def put(self, minute: int, value: float | None) -> None:
        """Append; minutes that were left out stay absent. Raises ValueError for a minute that has passed."""
        missing = minute - self.next_minute
        if missing < 0:
            raise ValueError(f"{self.metric.name}: minute {minute} is already written")
        if missing:
            self._sparse = True
            self.values.extend([_ABSENT] * missing)
        if value is None:
            self._sparse = True
        self.values.append(_ABSENT if value is None else value)  # type: ignore[arg-type]  # the array converts

    def fill(self, values: Sequence[float], sparse: bool) -> None:
        """Append a whole stretch of history; `sparse` says that it has absent points (-1)."""
        self.values.extend(values)  # type: ignore[arg-type]  # the array converts
        self._sparse = self._sparse or sparse

    def trim(self, keep: int) -> None:
        """Forget all but the newest `keep` minutes."""
        surplus = len(self.values) - keep
        if surplus > 0:
            del self.values[:surplus]
            self.first_minute += surplus

    def _range(self, after: float, until: float) -> tuple[int, int]:
        # The point of minute m ends at (m + 1) * 60.
        low = int(after // MINUTE) - self.first_minute
        high = int(until // MINUTE) - self.first_minute
        return max(0, low), max(0, min(high, len(self.values)))

    def between(self, after: float, until: float) -> list[Point]:
        low, high = self._range(after, until)
        width = 0 if self.metric.kind is Kind.GAUGE else MINUTE
        return [
            Point(end - width, end, value)
            for end, value in zip(
                range((self.first_minute + low + 1) * MINUTE, (self.first_minute + high + 1) * MINUTE, MINUTE),
                self.values[low:high],
                strict=False,
            )
            if value >= 0
        ]

    def total(self, after: float, until: float) -> Value | None:
        low, high = self._range(after, until)
        if low >= high:
            return None
        part = self.values[low:high]
        if not self._sparse:
            return sum(part)
        present = [v for v in part if v >= 0]
        return sum(present) if present else None


class GridHistograms(Series):
    """A histogram a minute, as rows of counts; mean and deviation come from the samples themselves."""

    def __init__(self, metric: MetricType, labels: Labels, first_minute: int, buckets: Buckets) -> None:
        super().__init__(metric, labels)
        self.first_minute = first_minute
        self._buckets = buckets
        self._rows: list[Histogram | None] = []

    @property
    def begins(self) -> float:
        return self.first_minute * MINUTE

    @property
    def next_minute(self) -> int:
        return self.first_minute + len(self._rows)

    def put(self, minute: int, value: Histogram | None) -> None:
        """Append; an empty histogram is written as absent."""
        self._rows.extend([None] * (minute - self.next_minute))
        self._rows.append(value if value is not None and value.count else None)

    def trim(self, keep: int) -> None:
        surplus = len(self._rows) - keep
        if surplus > 0:
            del self._rows[:surplus]
            self.first_minute += surplus

    def between(self, after: float, until: float) -> list[Point]:
        low = max(0, int(after // MINUTE) - self.first_minute)
        high = max(0, int(until // MINUTE) - self.first_minute)
        ends = ((self.first_minute + low + 1 + i) * MINUTE for i in range(max(0, high - low)))
        return [
            Point(end - MINUTE, end, row)
            for end, row in zip(ends, self._rows[low:high], strict=False)
            if row is not None
        ]


class CountingSeries(Series):
    """A DELTA series in closed form: `counted(t)` is how much was counted up to t, a whole minute's end."""

    def __init__(
        self, metric: MetricType, labels: Labels, counted: Callable[[int], Value | None], since: int, until: int | None
    ) -> None:
        """Exists over (since, until] seconds; `until` None means for ever. `counted` never falls."""
        super().__init__(metric, labels)
        self._formula = counted
        self._last: tuple[int, Value | None] = (-1, None)
        self._since = since
        self._until = until

    @property
    def begins(self) -> float:
        return self._since

    def _counted(self, at: int) -> Value | None:
        """The formula's value; a period's start is the end of the one before, so the last value is kept."""
        if self._last[0] != at:
            self._last = (at, self._formula(at))
        return self._last[1]

    def _grid(self, after: float, until: float) -> tuple[int, int]:
        low = max(int(after // MINUTE) * MINUTE, self._since)
        high = int(until // MINUTE) * MINUTE
        return low, high if self._until is None else min(high, self._until)

    def total(self, after: float, until: float) -> Value | None:
        low, high = self._grid(after, until)
        if low >= high:
            return None
        return _difference(self._counted(high), self._counted(low))

    def totals(self, edges: Sequence[float]) -> Sequence[Value | None]:
        since, until = self._since, inf if self._until is None else self._until
        return _column(self._formula, tuple(min(max(int(edge // MINUTE) * MINUTE, since), until) for edge in edges))

    def between(self, after: float, until: float) -> list[Point]:
        low, high = self._grid(after, until)
        points = []
        for end in range(low + MINUTE, high + 1, MINUTE):
            value = _difference(self._counted(end), self._counted(end - MINUTE))
            if value is not None:
                points.append(Point(end - MINUTE, end, value))
        return points


@lru_cache(maxsize=128)
def _column(formula: Callable[[int], Value | None], edges: tuple[float, ...]) -> Column:
    """In a fleet many series have one formula."""
    counted = {edge: formula(int(edge)) for edge in dict.fromkeys(edges)}
    return Column(
        _difference(counted[later], counted[earlier]) if earlier < later else None for later, earlier in pairwise(edges)
    )


def _difference(later: Value | None, earlier: Value | None) -> Value | None:
    """The difference in between; None (no point) when nothing was counted."""
    if later.__class__ is int and earlier.__class__ is int:
        return (later - earlier) or None  # by far the most frequent case
    if isinstance(later, Histogram) and isinstance(earlier, Histogram):
        counts = tuple(map(int.__sub__, later.counts, earlier.counts))
        return Histogram.of_counts(later.buckets, counts) if any(counts) else None
    if isinstance(later, int | float) and isinstance(earlier, int | float):
        return (later - earlier) or None
    return None


class GaugeSeries(Series):
    """A GAUGE series in closed form: `level(t)` at each whole minute."""

    def __init__(self, metric: MetricType, labels: Labels, level: Callable[[int], Value], since: int) -> None:
        super().__init__(metric, labels)
        self._level = level
        self._since = since

    @property
    def begins(self) -> float:
        return self._since

    def between(self, after: float, until: float) -> list[Point]:
        low = max(int(after // MINUTE) * MINUTE, self._since)
        return [Point(t, t, self._level(t)) for t in range(low + MINUTE, int(until // MINUTE) * MINUTE + 1, MINUTE)]


class WrittenSeries(Series):
    """Points as a client wrote them (custom metrics)."""

    KEEP = 50_000  # points; the oldest go first

    def __init__(self, metric: MetricType, labels: Labels) -> None:
        super().__init__(metric, labels)
        self._ends: list[float] = []
        self._points: list[Point] = []

    @property
    def last(self) -> Point | None:
        return self._points[-1] if self._points else None

    def put(self, point: Point) -> None:
        """Append; the caller has checked the order."""
        self._ends.append(point.end)
        self._points.append(point)
        if len(self._points) > self.KEEP:
            del self._points[: self.KEEP // 10], self._ends[: self.KEEP // 10]

    def between(self, after: float, until: float) -> list[Point]:
        return self._points[bisect_right(self._ends, after) : bisect_right(self._ends, until)]
