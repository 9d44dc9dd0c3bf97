"""Series of Cloud Monitoring's answers as columns: decoded in bulk, for a fleet's past has millions of points."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter, methodcaller
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

_END, _SECONDS, _NANOS = attrgetter("interval.end_time"), attrgetter("seconds"), attrgetter("nanos")
_START, _VALUE = attrgetter("interval.start_time.seconds"), attrgetter("value")
_KIND, _COUNT = methodcaller("WhichOneof", "value"), attrgetter("count")


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


def read(given: Any, grid: Grid) -> Series:
    """A `TimeSeries` (raw protobuf: proto-plus wraps every point, which costs seconds for a fleet).

    Of two points of a period the later one counts.
    """
    values: Sequence[Any] = list(map(_VALUE, given.points))
    at, kept = _periods(given.points, grid)
    kinds = list(map(_KIND, values))
    if None in kinds:  # a point without a value tells nothing
        kept &= np.array([kind is not None for kind in kinds])
    rows = _once(at, np.flatnonzero(kept))
    if rows != list(range(len(values))):
        values, kinds = [values[row] for row in rows], [kinds[row] for row in rows]
    resource, metric = dict(given.resource.labels), dict(given.metric.labels)
    if "distribution_value" in kinds:
        timed = [row for row, kind in enumerate(kinds) if kind == "distribution_value"]
        held = [values[row].distribution_value for row in timed]
        counts = np.fromiter(map(_COUNT, held), np.float64, len(held))
        return Series(resource, metric, at[[rows[row] for row in timed]], counts, held)
    return Series(resource, metric, at[rows], _numbers(values, kinds))


def _periods(points: Any, grid: Grid) -> tuple[Ints, Mask]:
    """In whole seconds; and which points are there in whole."""
    count, period, half = len(points), grid.seconds, grid.seconds // 2
    ends = list(map(_END, points))
    end = np.fromiter(map(_SECONDS, ends), np.int64, count)
    end += np.fromiter(map(_NANOS, ends), np.int64, count) >= HALF_A_SECOND
    width = end - np.fromiter(map(_START, points), np.int64, count)
    index, off = np.divmod(end - (grid.begun - half), period)
    # An incomplete slice would read as a drop of traffic; a point that does not say when it begins has no width.
    kept = ((width <= 0) | (width >= WHOLE * period)) & (np.abs(off - half) <= 1)
    kept &= (index > 0) & (index <= grid.periods)
    return index - 1 - grid.before, kept


def _once(at: Ints, rows: Ints) -> list[int]:
    """Rows in the order of their periods; Monitoring gives the newest first."""
    steps, inverse = np.diff(at[rows]), list[int](rows[::-1].tolist())
    if (steps < 0).all():
        return inverse
    newest = dict(zip(at[rows].tolist(), inverse[::-1], strict=True))
    return [newest[period] for period in sorted(newest)]


def _numbers(values: Sequence[Any], kinds: Sequence[str]) -> Floats:
    alike = kinds[0] if kinds and kinds.count(kinds[0]) == len(kinds) else None
    if alike is not None:
        return np.fromiter(map(attrgetter(alike), values), np.float64, len(values))
    return np.array([getattr(value, kind) for value, kind in zip(values, kinds, strict=True)], dtype=np.float64)


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
