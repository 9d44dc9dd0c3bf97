"""A level that leaves what is usual at this hour: over a quarter of an hour by much, or over an hour by less.

usual = median of the same hour on up to 14 earlier days, between hours linearly, moved by the recent level (median of
the last day's differences). spread = 1.4826 x the median absolute difference, over two days, of single slices and of
their means over a window: chance averages out within it and drift does not. Nothing is judged before one whole day and
a further day's differences are known (docs/methods.md, Alerts).
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from statistics import median
from typing import Protocol

from lumen.model.history import SLICES_A_DAY

DAYS = 14
LEVEL_OVER = SLICES_A_DAY
SPREAD_OVER = 2 * SLICES_A_DAY
LEAST_DIFFERENCES = SLICES_A_DAY // 2
LEAST_IN_HOUR = 4
MAD_TO_SD = 1.4826
#: Windows whose means are compared with what is usual, in slices: a quarter of an hour, and an hour.
SHORT = 3
LONG = 12


@dataclass(frozen=True, slots=True)
class Usual:
    """The value that is usual now, and the spread (one standard deviation) of single slices around it.

    `spread_of_means`: that of means over so many slices, by SHORT and LONG.
    """

    value: float
    spread: float
    spread_of_means: Mapping[int, float]


class SeasonalLevel:
    """The usual value by the hour of the day, learnt slice by slice. Values may be logarithms."""

    def __init__(self) -> None:
        self._days: list[deque[float]] = [deque(maxlen=DAYS) for _ in range(24)]
        self._hour: tuple[int, int] | None = None
        self._in_hour: list[float] = []
        self._differences: deque[float] = deque(maxlen=SPREAD_OVER)
        self._weights: deque[int] = deque(maxlen=SPREAD_OVER)
        self._level = 0.0
        self._spread = 0.0
        self._spread_of_means: dict[int, float] = {}
        self._usual_weight = 1.0

    def usual(self, at: datetime, weight: int) -> Usual | None:
        """The usual value at `at` for a slice of `weight` samples; None while still learning.

        A slice of fewer samples than usual scatters more: by the root of the ratio.
        """
        shape = self._shape(at)
        if shape is None or not self._spread_of_means:
            return None
        thinner = math.sqrt(max(1.0, self._usual_weight / max(1, weight)))
        of_means = {slices: spread * thinner for slices, spread in self._spread_of_means.items()}
        return Usual(shape + self._level, self._spread * thinner, of_means)

    def feed(self, at: datetime, value: float, weight: int) -> None:
        """Learn from a slice that no alert is open for."""
        hour = (at.toordinal(), at.hour)
        if hour != self._hour:
            self._close_hour()
            self._hour = hour
        self._in_hour.append(value)
        shape = self._shape(at)
        if shape is not None:
            self._differences.append(value - shape)
            self._weights.append(weight)

    def rebase(self, difference: float) -> None:
        """Take a lasting change of level for the new normal."""
        self._level += difference
        self._differences = deque((d + difference for d in self._differences), maxlen=SPREAD_OVER)

    def _close_hour(self) -> None:
        if self._hour is not None and len(self._in_hour) >= LEAST_IN_HOUR:
            self._days[self._hour[1]].append(median(self._in_hour))
        self._in_hour = []
        if len(self._differences) >= LEAST_DIFFERENCES:
            recent = list(self._differences)
            self._level = median(recent[-LEVEL_OVER:])
            around = [d - self._level for d in recent]
            self._spread = MAD_TO_SD * median(map(abs, around))
            self._spread_of_means = {slices: _spread_of_means(around, slices) for slices in (SHORT, LONG)}
            self._usual_weight = max(1.0, median(self._weights))

    def _shape(self, at: datetime) -> float | None:
        """The curve of the day through the middles of its hours."""
        here = self._typical(at.hour)
        if here is None:
            return None
        share = (at.minute + 2.5) / 60 - 0.5
        there = self._typical((at.hour + (1 if share > 0 else -1)) % 24)
        return here if there is None else here + abs(share) * (there - here)

    def _typical(self, hour: int) -> float | None:
        days = self._days[hour]
        return median(days) if days else None


def _spread_of_means(around: Sequence[float], slices: int) -> float:
    """Spread of the means of so many neighbours, every quarter of an hour."""
    sums = [0.0, *accumulate(around)]
    means = [(sums[end] - sums[end - slices]) / slices for end in range(slices, len(sums), SHORT)]
    return MAD_TO_SD * median(map(abs, means))


@dataclass(frozen=True, slots=True)
class _Away:
    """The distance that is a departure: so many spreads of single slices, or of means where that is less."""

    slices: int
    spreads: float
    spreads_of_means: float


WINDOWS = (_Away(SHORT, 5.0, 6.0), _Away(LONG, 3.5, 5.0))
#: While open: half of the way back is not yet back.
STILL_OUT = 0.5


class Direction(Protocol):
    """Turns a difference into "worse": +difference where high is bad, -difference where low is bad."""

    def __call__(self, difference: float) -> float: ...


@dataclass(frozen=True, slots=True)
class Departure:
    """The mean of the newest `slices` against what is usual; both in the units that were fed."""

    slices: int
    value: float
    usual: float


@dataclass(frozen=True, slots=True)
class _Seen:
    value: float
    usual: Usual


class LevelWatch:
    """Departures of one figure. `least_short`, `least_long`: the least difference, however small the spread is."""

    def __init__(self, worse: Direction, least_short: float, least_long: float) -> None:
        self._worse = worse
        self._least = {SHORT: least_short, LONG: least_long}
        self._seasonal = SeasonalLevel()
        self._window: deque[_Seen] = deque(maxlen=LONG)
        self._was_open = False

    def feed(self, at: datetime, value: float, weight: int, *, is_open: bool) -> Departure | None:
        """Judge a slice with data; learn from it unless it departs or `is_open` (a departure is being told)."""
        if self._was_open and not is_open:
            self._window.clear()  # what has been told is over: it makes no new departure
        self._was_open = is_open
        usual = self._seasonal.usual(at, weight)
        if usual is not None:
            self._window.append(_Seen(value, usual))
        found = self._departed(is_open) if usual is not None else None
        if not is_open and found is None:
            self._seasonal.feed(at, value, weight)
        return found

    def usual(self, at: datetime, weight: int) -> Usual | None:
        """The usual value at `at`, for other rules."""
        return self._seasonal.usual(at, weight)

    def accept(self) -> None:
        """The new level stays: learn it as normal."""
        window = list(self._window)[-SHORT:]
        if window:
            self._seasonal.rebase(sum(s.value - s.usual.value for s in window) / len(window))
        self._window.clear()

    def _departed(self, is_open: bool) -> Departure | None:
        for away in WINDOWS:
            slices = away.slices
            if len(self._window) < slices:
                continue
            window = list(self._window)[-slices:]
            worse = sum(self._worse(s.value - s.usual.value) for s in window) / slices
            needed = max(self._least[slices], _needed(window, away)) * (STILL_OUT if is_open else 1.0)
            newest = self._worse(window[-1].value - window[-1].usual.value)
            if worse > needed and newest > needed / 2:
                value, usual = (sum(x) / slices for x in zip(*((s.value, s.usual.value) for s in window), strict=True))
                return Departure(slices, value, usual)
            if is_open:
                return None
        return None


def _needed(window: list[_Seen], away: _Away) -> float:
    spread = sum(s.usual.spread for s in window) / len(window)
    of_means = sum(s.usual.spread_of_means[away.slices] for s in window) / len(window)
    return min(away.spreads * spread, away.spreads_of_means * of_means)
