"""A figure that leaves what is usual: over a quarter of an hour by much, over an hour or six by less.

The mean of a window is a departure when it is above what is usual by a limit of its own, which past misses raise, and
above what repeats (docs/methods.md, Alerts).
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from lumen.alerts.lifecycle import CLEAR_SLICES
from lumen.alerts.repeating import HALF_HOUR
from lumen.alerts.usual import LATER, LEARNT, SINGLE, TOLD, WINDOWS, Ahead, Floats, Ints, Usual, UsualLevel
from lumen.model.snapshot import SLICE

#: A figure of fewer requests or lookups is no verdict (docs/methods.md).
LEAST_SAMPLES = 20
#: What has been told for so long is the new normal.
NEW_NORMAL_AFTER = timedelta(hours=24)
#: While open: half of the way back is not yet back.
STILL_OUT = 0.5
MISSES = 1.5
#: By no more do sums differ that are made in another order.
ROUNDED = 1e-9


@dataclass(frozen=True, slots=True)
class Least:
    """How far a departure is off, at least, in the units of the figure.

    `away` from what is usual, `beyond` what the prediction usually misses by, by window; `news` above what repeats;
    `spreads`: so many standard deviations.
    """

    away: Mapping[int, float]
    beyond: Mapping[int, float]
    news: float
    spreads: float


@dataclass(frozen=True, slots=True)
class Departure:
    """The mean of the newest `slices` against what is usual; both in the units that were fed."""

    slices: int
    value: float
    usual: float


def unusual_from(usual: Usual, away: float, news: float) -> float:
    """From where on a single slice is unusual: `away` from what is usual or as far as it often strays, `news` above
    what repeats."""
    strayed = usual.value + max(away, MISSES * usual.missed[SINGLE])
    return max(strayed, usual.expected[SINGLE] + news)


@dataclass(frozen=True, slots=True)
class Trial:
    """Slices that are learnt for a trial; before `calm` of them nothing can be told."""

    at: datetime
    after: Ints
    worse: Floats
    weights: Ints
    ahead: Ahead
    calm: int


class LevelWatch:
    """Departures of one figure. `sign`: +1 where high is bad, -1 where low is bad."""

    def __init__(self, sign: float, least: Least) -> None:
        self._sign = sign
        self._least = least
        self._level = UsualLevel((SINGLE, *WINDOWS))
        #: (value, usual) of the slices since the last alert.
        self._newest: deque[tuple[float, float]] = deque(maxlen=max(WINDOWS))
        self._since: datetime | None = None
        self._told = 0
        #: What was usual of the slice that was fed last.
        self.usual: Usual | None = None

    def feed(self, at: datetime, value: float, weight: int, *, is_open: bool) -> Departure | None:
        """Judge a slice with data, and remember it; `is_open`: a departure is being told."""
        if self._since is not None and not is_open:
            self._level.mark(CLEAR_SLICES, LEARNT)
            self._newest.clear()  # what has been told is over: it makes no new departure
            self._since = None
        usual = self.usual = self._level.usual(at, weight)
        worse = self._sign * value
        found = None
        if usual is not None:
            self._newest.append((worse, usual.value))
            found = self._departed(usual, is_open)
        if found is not None and self._since is None:
            self._since, self._told = at, 0
            self._level.mark(found.slices - 1, TOLD)
        mark = LEARNT
        if self._since is not None:
            mark = TOLD if self._told <= HALF_HOUR else LATER
            self._told += 1
        self._level.learn(at, worse, weight, mark)
        return found

    @property
    def is_settled(self) -> bool:
        """Whether nothing was told that the next slice has to be judged by."""
        return self._since is None

    def trial(self, at: datetime, after: Ints, values: Floats, weights: Ints) -> Trial:
        """Learn slices of a day for a trial, so many after `at` each, that of the first. Only what is settled may."""
        worse = self._sign * values
        ahead = self._level.ahead(at, after, worse, weights)
        return Trial(at, after, worse, weights, ahead, self._calm(ahead, worse))

    def keep(self, trial: Trial, count: int) -> None:
        """Keep the first of them, calm ones, and forget the others."""
        self._level.keep(trial.ahead, count, is_asked=True)
        if count:
            usual = trial.ahead.usual[:count]
            known = ~np.isnan(usual)
            self._newest.extend(zip(trial.worse[:count][known].tolist(), usual[known].tolist(), strict=True))
            last = trial.at + int(trial.after[count - 1]) * SLICE
            self.usual = self._level.usual(last, int(trial.weights[count - 1]))

    def _calm(self, ahead: Ahead, worse: Floats) -> int:
        """How many come before the first slice with which a window may be a departure, however far figures stray."""
        rows = np.flatnonzero(~np.isnan(ahead.usual))
        newest = np.array(self._newest, dtype=np.float64).reshape(-1, 2)
        pairs = np.concatenate((newest, np.column_stack((worse[rows], ahead.usual[rows]))))
        sums = np.concatenate((np.zeros((1, 2)), np.cumsum(pairs, axis=0)))
        end = len(self._newest) + 1 + np.arange(len(rows))
        may = np.zeros(len(rows), dtype=np.bool_)
        for w in WINDOWS:
            least = ahead.wider[rows] * self._least.away[w]
            above = worse[rows] > np.maximum(ahead.expected[w][rows], ahead.usual[rows] + least / 2)
            mean = (sums[end] - sums[np.maximum(0, end - w)]) / w
            may |= (end >= w) & above & (mean[:, 0] > mean[:, 1] + least - ROUNDED)
        return int(rows[np.argmax(may)]) if may.any() else len(worse)

    def accept(self) -> None:
        """The new level stays: learn it as normal."""
        if self._since is not None:
            self._level.accept(self._since)
        self._since = None
        self._newest.clear()

    def _departed(self, usual: Usual, is_open: bool) -> Departure | None:
        shrunk = STILL_OUT if is_open else 1.0
        newest = self._newest
        for slices in WINDOWS[:1] if is_open else WINDOWS:
            if len(newest) < slices:
                return None
            expected, least = usual.expected[slices], shrunk * usual.wider * self._least.away[slices]
            if newest[-1][0] <= max(expected, usual.value + least / 2):
                continue  # however far predictions stray
            value, level = (sum(of) / slices for of in zip(*list(newest)[-slices:], strict=True))
            if value <= level + least:
                continue
            needed = shrunk * usual.wider * self._needed(usual, slices)
            if newest[-1][0] <= usual.value + needed / 2:
                continue
            if value > max(level + needed, max(level, expected) + shrunk * self._least.news):
                return Departure(slices, self._sign * value, self._sign * level)
        return None

    def _needed(self, usual: Usual, slices: int) -> float:
        missed = usual.missed[slices]
        away, beyond = self._least.away[slices], self._least.beyond[slices]
        return max(away, MISSES * missed, missed + beyond, self._least.spreads * usual.spread[slices])
