"""What repeats from day to day and from hour to hour, of a fortnight of slices with the newest last.

A slice without a value is NaN; rows are days or hours, columns slices.
"""

import numpy as np
from numpy.typing import NDArray

from lumen.model.history import SLICES_A_DAY

Values = NDArray[np.float32]

DAYS = 14
HOUR = 12
#: Slices to each side that are taken for the same time of day: of what is usual, and of what repeats.
NEIGHBOURS = 1
AROUND = 3
HALF_HOUR = 6
LEAST_VALUES = 2
#: What came on so many days of a fortnight is no news.
REPEATED = 3
#: What repeats by the hour is what so many of the last 24 hours had at least.
HOURS_ALIKE = 4
#: The phases of an hour that stand out the least tell what is chance.
QUIET_PHASE = 2

#: A fortnight, the windows that reach into it, and the day itself; whole days, so that hours begin where they should.
ROOM = (DAYS + 2) * SLICES_A_DAY


def median_of_slices(values: Values) -> Values:
    """By slice, of the rows of all days with its neighbours; NaN where fewer than LEAST_VALUES are known."""
    width = 2 * NEIGHBOURS + 1
    pooled = np.concatenate([values[:, j : values.shape[1] - width + 1 + j] for j in range(width)])
    pooled.sort(axis=0)  # NaN goes last
    count = (~np.isnan(pooled)).sum(axis=0)
    column, last = np.arange(pooled.shape[1]), len(pooled) - 1
    lower, upper = np.clip((count - 1) // 2, 0, last), np.clip(count // 2, 0, last)
    return np.where(count >= LEAST_VALUES, (pooled[lower, column] + pooled[upper, column]) / 2, np.nan)


def repeated(values: Values, slices: int, start: int) -> Values:
    """By slice of the day that begins at `start`: the mean of a window that earlier days lead to expect.

    The highest that came on REPEATED of DAYS, or what came in both of the last two weeks.
    """
    known = np.flatnonzero(~np.isnan(values))
    means = np.full(ROOM, np.nan, dtype=np.float32)
    if len(known) >= slices:
        sums = np.concatenate(([0.0], np.cumsum(values[known], dtype=np.float64)))
        means[known[slices - 1 :]] = (sums[slices:] - sums[:-slices]) / slices
    columns = np.arange(-AROUND, SLICES_A_DAY + AROUND)
    days = means[start + columns - SLICES_A_DAY * np.arange(1, DAYS + 1)[:, None]]
    highest = days[:, :SLICES_A_DAY]
    for j in range(1, 2 * AROUND + 1):
        highest = np.fmax(highest, days[:, j : j + SLICES_A_DAY])
    ordered = np.sort(np.where(np.isnan(highest), -np.inf, highest), axis=0)
    often = np.where(np.isneginf(ordered[-REPEATED]), np.nan, ordered[-REPEATED])
    return np.asarray(np.fmax(often, np.minimum(highest[6], highest[13])))


def repeats_of_the_hour(values: Values) -> Values:
    """By phase: how far it stands out of its own half hours in HOURS_ALIKE of the last 24 hours, beyond chance.

    `values`: a row of a day, and half an hour before it, for each hour that is asked about.
    """
    absent, ends = np.isnan(values), np.full((len(values), HALF_HOUR), np.inf, dtype=np.float32)
    low = np.concatenate((np.where(absent, np.inf, values), ends), axis=1)
    high = np.concatenate((np.where(absent, -np.inf, values)[:, HALF_HOUR - 1 :], -ends[:, :1]), axis=1)
    for step in (1, 2, 4, 5):  # the least of thirteen slices
        low = np.minimum(low[:, :-step], low[:, step:])
    out = np.maximum(np.maximum(high[:, :-2], high[:, 1:-1]), high[:, 2:]) - low
    out = np.sort(np.where(np.isfinite(out), out, 0.0).reshape(len(values), 24, HOUR), axis=1)
    alike = out[:, -HOURS_ALIKE]
    return np.asarray(np.maximum(0.0, alike - np.sort(alike, axis=1)[:, QUIET_PHASE, None]))
