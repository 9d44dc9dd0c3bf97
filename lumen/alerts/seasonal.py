"""What is usual at this hour, learnt from the days before: for figures that burn rates cannot judge (methods 1).

usual = median of the same hour on up to 14 earlier days, between hours linearly, moved by the recent level (median of
the last day's differences). spread = 1.4826 x the median absolute difference, over two days, of single slices and of
their means over a window: chance averages out within it and drift does not, and which of them it is differs. It says
nothing before it has seen one whole day and a further day's differences.
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from statistics import median

DAYS = 14
SLICES_PER_DAY = 288
LEVEL_OVER = SLICES_PER_DAY
SPREAD_OVER = 2 * SLICES_PER_DAY
LEAST_DIFFERENCES = SLICES_PER_DAY // 2
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
    """Fed with a value a slice; asked, before that, what is usual. Values may be logarithms."""

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
        """What is usual at `at` for a slice of `weight` samples; None while it is still learning.

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
