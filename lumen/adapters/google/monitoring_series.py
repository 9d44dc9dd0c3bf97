"""Series of Cloud Monitoring's answers as columns: decoded in bulk, for a fleet's past has millions of points."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter, eq
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: In nanoseconds.
HALF_A_SECOND = 500_000_000
#: A point that covers less of its period is incomplete.
WHOLE = 0.99

_INTERVAL, _END, _START = attrgetter("interval"), attrgetter("end_time"), attrgetter("start_time.seconds")
_SECONDS, _NANOS = attrgetter("seconds"), attrgetter("nanos")
_DISTRIBUTION, _COUNT = attrgetter("value.distribution_value"), attrgetter("count")


@dataclass(frozen=True, slots=True)
class Grid:
    """Periods of `seconds` each, the first of which begins at `begun` (Unix time) and is number -`before`."""

    begun: int
    seconds: int
    periods: int
    before: int = 0


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer: its labels, and its points by period, ascending."""

    resource_labels: Mapping[str, str]
    metric_labels: Mapping[str, str]
    at: Ints
    #: An integer, a double, or how many samples a distribution holds.
    numbers: Floats
    #: `google.api.Distribution`s (protobuf), one a point; empty where points are numbers.
    distributions: Sequence[Any] = ()

    def label(self, name: str) -> str:
        """A resource label, or "" where the server did not give it."""
        return self.resource_labels.get(name, "")

    def since(self, period: int) -> "Series":
        """Without the points of earlier periods."""
        first = int(np.searchsorted(self.at, period))
        if not first:
            return self
        rest = self.distributions[first:]
        return Series(self.resource_labels, self.metric_labels, self.at[first:], self.numbers[first:], rest)

    def points(self) -> Iterable[tuple[int, float]]:
        """Period and number of each point."""
        return zip(self.at.tolist(), self.numbers.tolist(), strict=True)


class Reader:
    """Reads the series of one answer, which mostly have their points at the same times."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._intervals: Sequence[Any] = ()
        self._periods: tuple[Ints, Mask] = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.bool_)

    def read(self, given: Any) -> Series:
        """A `TimeSeries` (raw protobuf: proto-plus wraps every point, which costs seconds for a fleet).

        Of two points of a period the later one counts.
        """
        intervals = list(map(_INTERVAL, given.points))
        if len(intervals) != len(self._intervals) or not all(map(eq, intervals, self._intervals)):
            self._intervals, self._periods = intervals, _periods(intervals, self._grid)
        at, kept = self._periods
        numbers, distributions, told = _values(given.points)
        rows = _once(at, np.flatnonzero(kept & told))
        held = [distributions[row] for row in rows] if distributions else ()
        return Series(dict(given.resource.labels), dict(given.metric.labels), at[rows], numbers[rows], held)


def _periods(intervals: Sequence[Any], grid: Grid) -> tuple[Ints, Mask]:
    """In whole seconds; and which points are there in whole."""
    count, period, half = len(intervals), grid.seconds, grid.seconds // 2
    ends = list(map(_END, intervals))
    end = np.fromiter(map(_SECONDS, ends), np.int64, count)
    end += np.fromiter(map(_NANOS, ends), np.int64, count) >= HALF_A_SECOND
    width = end - np.fromiter(map(_START, intervals), np.int64, count)
    index, off = np.divmod(end - (grid.begun - half), period)
    # An incomplete slice would read as a drop of traffic; a point that does not say when it begins has no width.
    kept = ((width <= 0) | (width >= WHOLE * period)) & (np.abs(off - half) <= 1)
    kept &= (index > 0) & (index <= grid.periods)
    return index - 1 - grid.before, kept


def _values(points: Any) -> tuple[Floats, Sequence[Any], Mask]:
    """Of each point its number, and its distribution where the first one has one; and which points have a value."""
    kind = _kind(points[0]) if len(points) else None
    told = np.ones(len(points), dtype=np.bool_)
    distributions: Sequence[Any] = ()
    if kind == "distribution_value":
        distributions = list(map(_DISTRIBUTION, points))
        numbers = np.fromiter(map(_COUNT, distributions), np.float64, len(points))
    else:
        numbers = np.fromiter(map(attrgetter(f"value.{kind or 'int64_value'}"), points), np.float64, len(points))
    for row in np.flatnonzero(numbers == 0).tolist():  # which is also what a field reads that is not set
        other = _kind(points[row])
        told[row] = other is not None and (other == kind or not distributions)
        if other is not None and other != kind:
            numbers[row] = getattr(points[row].value, other)
    return numbers, distributions, told


def _kind(point: Any) -> str | None:
    kind: str | None = point.value.WhichOneof("value")
    return kind


def _once(at: Ints, rows: Ints) -> list[int]:
    """Rows in the order of their periods; Monitoring gives the newest first."""
    steps, inverse = np.diff(at[rows]), list[int](rows[::-1].tolist())
    if (steps < 0).all():
        return inverse
    newest = dict(zip(at[rows].tolist(), inverse[::-1], strict=True))
    return [newest[period] for period in sorted(newest)]


def summed(series: Iterable[Series]) -> dict[int, float]:
    """The numbers of several series added up, by period; a period without a point is not there."""
    sums: dict[int, float] = {}
    for one in series:
        for index, number in one.points():
            sums[index] = sums.get(index, 0.0) + number
    return sums


def columns(series: Iterable[Series], first: int, periods: int) -> tuple[Floats, Mask]:
    """The same of the periods from `first` on, in order, and which of them have a point."""
    sums, told = np.zeros(periods), np.zeros(periods, dtype=np.bool_)
    for one in series:
        here = one.at - first
        sums[here] += one.numbers
        told[here] = True
    return sums, told
