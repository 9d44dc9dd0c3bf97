"""The trend of a week of hours: a Theil-Sen slope with an interval that knows how alike neighbouring hours are.

Needs the extra `numerics`, and runs in the numerics worker.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit
from scipy.stats import theilslopes

from lumen.effects.design import HOURS_A_DAY, Floats

#: The normal quantile, and by `stdtrit` Student's: what scipy.stats gives too, after much ado.
NORMAL = float(ndtri(0.975))
LEAST_POINTS = 24
#: Hours are never more alike than this, and the interval never goes by fewer degrees of freedom.
MOST_ALIKE = 0.98
LEAST_FREEDOM = 1.5
#: What is larger was not measured; its slopes would be infinite.
LARGEST = 1e100
#: Freak hours count for no more than this many (robust) spreads when it is asked how alike hours are.
FREAK_SPREADS = 3.0
#: Days with this many known hours, of which at least four tell how days differ.
LEAST_HOURS, LEAST_DAYS = 12, 4


@dataclass(frozen=True, slots=True)
class Trend:
    """Change per day, in the units of the series, with a 95 % interval; `is_clear` when that excludes no change."""

    per_day: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        return self.low > 0 or self.high < 0


def trend(hourly: Sequence[float | None]) -> Trend | None:
    """Theil-Sen over the known hours, each taken against its hour of the day; None with fewer than a day of them.

    The interval counts hours as what they are, neighbours that resemble each other: it is widened for their
    autocorrelation, for what the daily curve took away, and by Student's t on as many hours as are independent; or for
    the differences of whole days (a weekend), where these are more than such hours explain.
    """
    values = np.array([np.nan if value is None else value for value in hourly], dtype=np.float64)
    values[np.abs(values) > LARGEST] = np.nan
    hours = np.arange(len(values))
    known = np.isfinite(values)
    if known.sum() < LEAST_POINTS:
        return None
    flat = _without_daily_curve(values, hours, known)
    slope, _, low, high = theilslopes(flat[known], hours[known] / HOURS_A_DAY)
    wider = _widening(flat[known] - slope * hours[known] / HOURS_A_DAY, hours[known])
    return Trend(float(slope), float(slope - (slope - low) * wider), float(slope + (high - slope) * wider))


def _without_daily_curve(values: Floats, hours: NDArray[np.int64], known: NDArray[np.bool_]) -> Floats:
    """Less the usual difference of each hour of the day from its day, where there are days enough to know it."""
    if known.sum() < 3 * HOURS_A_DAY:
        return values
    days = hours // HOURS_A_DAY
    level = {day: median(values[known & (days == day)].tolist()) for day in np.unique(days[known]).tolist()}
    above = values - np.array([level.get(day, np.nan) for day in days.tolist()])
    curve = np.zeros(HOURS_A_DAY)
    for hour in range(HOURS_A_DAY):
        at_hour = above[(hours % HOURS_A_DAY == hour) & known]
        curve[hour] = median(at_hour.tolist()) if at_hour.size else 0.0  # of a week: soon sorted
    return np.asarray(values - curve[hours % HOURS_A_DAY], dtype=np.float64)


def _widening(rest: Floats, hours: NDArray[np.int64]) -> float:
    """Factor by which the interval is wider than that of independent hours, from the residuals of the line."""
    rest = _without_freaks(rest)
    likeness = _likeness(rest, hours)
    independent = len(rest) * (1 - likeness) / (1 + likeness)
    few = float(stdtrit(max(LEAST_FREEDOM, independent - 2), 0.975) / NORMAL)
    days = len(np.unique(hours // HOURS_A_DAY))
    curve = np.sqrt(days / (days - 1)) if days > 1 else 1.0
    return max(float(np.sqrt((1 + likeness) / (1 - likeness)) * curve * few), _widening_of_days(rest, hours))


def _widening_of_days(rest: Floats, hours: NDArray[np.int64]) -> float:
    """The same factor from how much the means of days scatter round their line."""
    days, counts = np.unique(hours // HOURS_A_DAY, return_counts=True)
    days = days[counts >= LEAST_HOURS]
    scatter = float(rest.var())
    if len(days) < LEAST_DAYS or scatter <= 0:
        return 1.0
    means = np.array([rest[hours // HOURS_A_DAY == day].mean() for day in days])
    line = np.column_stack([np.ones(len(days)), days])
    beside = means - line @ np.linalg.lstsq(line, means, rcond=None)[0]
    freedom = len(days) - 2
    alike = float(beside @ beside) / freedom / (scatter / HOURS_A_DAY)
    return float(np.sqrt(alike) * stdtrit(freedom, 0.975) / NORMAL)


def _without_freaks(rest: Floats) -> Floats:
    """Draw in what is far out: a freak hour is like none, and would hide how alike the others are."""
    middle = np.median(rest)
    reach = FREAK_SPREADS * 1.4826 * np.median(np.abs(rest - middle))
    return np.asarray(np.clip(rest, middle - reach, middle + reach) if reach > 0 else rest, dtype=np.float64)


def _likeness(rest: Floats, hours: NDArray[np.int64]) -> float:
    """The lag-1 correlation of neighbouring hours, corrected for what was taken out of them.

    Kendall's (2 + 4r)/n is for a line; beside a daily curve twice as much is missing (bench/trends.py).
    """
    centred = rest - rest.mean()
    neighbours = np.flatnonzero(np.diff(hours) == 1)
    total = float(centred @ centred)
    if total <= 0 or not len(neighbours):
        return 0.0
    count = len(rest)
    found = float(centred[neighbours + 1] @ centred[neighbours]) / len(neighbours) / (total / count)
    return min(MOST_ALIKE, max(0.0, found + (3 + 8 * found) / count))
