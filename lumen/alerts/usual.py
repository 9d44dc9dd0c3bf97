"""The usual values of a figure: what came at this time on earlier days, what repeats, and how far it strays.

A pure fold of the slices of a fortnight: at midnight the curve of the day to come is worked out, and once an hour what
the last days and hours add to it, from earlier slices alone (docs/methods.md, Alerts). Worse is up: whoever feeds a
rate that should be high turns its sign.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from lumen.alerts.evidence import MAD_TO_SD
from lumen.alerts.repeating import (
    DAYS,
    HALF_HOUR,
    HOUR,
    NEIGHBOURS,
    ROOM,
    Values,
    median_of_slices,
    repeated,
    repeats_of_the_hour,
)
from lumen.model.history import SLICES_A_DAY
from lumen.model.snapshot import SLICE_SECONDS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Windows whose means are judged, in slices: a quarter of an hour, an hour, six hours.
SINGLE, SHORT, LONG, LASTING = 1, 3, 12, 72
WINDOWS = (SHORT, LONG, LASTING)
LEAST_MISSES = SLICES_A_DAY // 2
#: Misses that the bar goes by: (days, quantile).
POOLS = ((DAYS, 0.98), (3, 0.95), (1, 0.93))
#: What is missed while little is known says nothing as soon as as many days more are known.
FIRST_DAYS = 2
#: Slices that the bar of the longest window waits for: else what rises slowly raises its own bar, and is never told.
UNSETTLED = SLICES_A_DAY // 2
SPREAD_DAYS = 2
#: Marks of slices: learnt; of an alert's window and its first half hour; later in an alert.
LEARNT, TOLD, LATER = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Usual:
    """The usual figures of one slice.

    By window: `expected` is the highest mean that is no news, `missed` what the prediction usually misses by, `spread`
    one standard deviation.
    """

    value: float
    #: By how much limits are wider, since the value is known from few days.
    wider: float
    expected: Mapping[int, float]
    #: How far predictions stray: worked out where it is asked for, for most slices are nowhere near a limit.
    _scattered: Callable[[], "_Scatter"]
    #: Samples of the slice.
    _weight: int

    @property
    def missed(self) -> Mapping[int, float]:
        return self._scattered().missed

    @property
    def spread(self) -> Mapping[int, float]:
        scatter = self._scattered()
        if not self._weight < scatter.weight:
            return scatter.spread
        thinner = (scatter.weight / max(1, self._weight) - 1) * scatter.chance**2
        return {w: math.sqrt(of**2 + thinner / w) for w, of in scatter.spread.items()}


@dataclass(frozen=True, slots=True)
class _Day:
    """The curve of a day by slice, and what means repeat, by window and slice."""

    shape: Values
    wider: Values
    repeats: Values


@dataclass(frozen=True, slots=True)
class _Scatter:
    """By window: what the prediction usually misses by, and one standard deviation.

    `chance`: one standard deviation of what differs from slice to slice, in slices of the usual size, which have
    `weight` samples.
    """

    missed: Mapping[int, float]
    spread: Mapping[int, float]
    chance: float
    weight: float


@dataclass(frozen=True, slots=True)
class _Hours:
    """Everything known of the twelve slices of some hours, by hour and slice; `expected` also by window."""

    shape: Values
    usual: Values
    wider: Values
    expected: Values

    def hour(self, nth: int, *, is_judged: bool) -> "_Hour":
        of = (self.shape, self.usual, self.wider, self.expected)
        shape, usual, wider, expected = (each[nth].tolist() for each in of)
        return _Hour(shape, usual, wider, expected, is_judged)


@dataclass(frozen=True, slots=True)
class _Hour:
    """One of them."""

    shape: Sequence[float]
    usual: Sequence[float]
    wider: Sequence[float]
    #: By slice and window.
    expected: Sequence[Sequence[float]]
    #: Whether so much is known that what strays from it says something.
    is_judged: bool


@dataclass(frozen=True, slots=True)
class Ahead:
    """Slices of one day that are learnt for a trial, with what is usual of each; see `UsualLevel.ahead`."""

    #: NaN while still learning.
    usual: Floats
    wider: Floats
    #: By window.
    expected: Mapping[int, Floats]
    places: Ints
    #: The hour of each slice among `hours`, and those of them that are judged.
    of: Ints
    hours: _Hours
    judged: Sequence[bool]


class UsualLevel:
    """Learns slice by slice, in order of time."""

    def __init__(self, windows: Sequence[int] = WINDOWS) -> None:
        """`windows`: those whose means are judged, SINGLE among them."""
        self._windows = (SINGLE, *(w for w in windows if w > SINGLE))
        self._first: int | None = None  # number of the slice that stands at 0
        self._values, self._off, self._weights = _empty(), _empty(), _empty()
        self._means = np.full((len(windows), ROOM), np.nan, dtype=np.float32)  # of misses, by window
        self._marks = np.zeros(ROOM, dtype=np.int8)
        self._averaged = 0  # number of the first slice whose means are not worked out
        self._untold = 0  # number of the last slice before anything was judged
        self._day, self._hour = -1, -1
        self._of_day: _Day | None = None
        self._of_hour: _Hour | None = None
        #: Of the hour; made when it is asked for.
        self._of_scatter: _Scatter | None = None

    def usual(self, at: datetime, weight: int) -> Usual | None:
        """For a slice of `weight` samples; None while still learning. Asked in order of time."""
        place = self._place(at)
        hour, index = self._prepared(place), place % HOUR
        value = hour.usual[index]
        if not hour.is_judged or math.isnan(value):
            return None
        if self._first is not None:  # the hour in which a level was accepted is averaged anew
            self._averaged = min(self._averaged, self._first + place - index)
        expected = dict(zip(self._windows, hour.expected[index], strict=True))
        return Usual(value, hour.wider[index], expected, self._scattered, weight)

    def _scattered(self) -> _Scatter:
        """Of the hour of the newest slice that was asked about, as all stood when it began."""
        if self._of_scatter is None:
            assert self._first is not None
            self._of_scatter = self._scatter(self._hour * HOUR - self._first)
        return self._of_scatter

    def learn(self, at: datetime, value: float, weight: int, mark: int) -> None:
        """A slice of `weight` samples, in order of time."""
        place = self._place(at)
        hour, index = self._prepared(place), place % HOUR
        self._values[place], self._weights[place], self._marks[place] = value, weight, mark
        self._off[place] = value - hour.shape[index]
        self._means[0, place] = value - hour.usual[index]

    def ahead(self, at: datetime, after: Ints, values: Floats, weights: Ints) -> Ahead:
        """Learn, for a trial, slices of one day, so many after `at` each, which is that of the first one.

        What is usual of them is what `usual` says of one after the other, where none is marked. `keep` ends the trial.
        """
        places = self._place(at) + after
        first, day = self._prepared(int(places[0])), self._of_day
        assert day is not None
        self._values[places], self._weights[places], self._marks[places] = values, weights, LEARNT
        self._off[places] = values - day.shape[places % SLICES_A_DAY].astype(np.float64)
        starts, of = np.unique(places - places % HOUR, return_inverse=True)
        hours = self._hours(starts, day)
        hours.usual[0], hours.expected[0] = first.usual, first.expected  # as it was when the hour began
        phase = places % HOUR
        usual = hours.usual[of, phase].astype(np.float64)
        self._means[0, places] = values - usual
        judged = [first.is_judged, *(self._is_judged(start) for start in starts[1:].tolist())]
        expected = hours.expected[of, phase].astype(np.float64)
        return Ahead(
            usual=np.where(np.array(judged)[of], usual, np.nan),
            wider=hours.wider[of, phase].astype(np.float64),
            expected={w: expected[:, nth] for nth, w in enumerate(self._windows)},
            places=places,
            of=of,
            hours=hours,
            judged=judged,
        )

    def keep(self, trial: Ahead, count: int, *, is_asked: bool) -> None:
        """Keep the first of a trial and forget the others; `is_asked`: what is usual of them was asked for."""
        assert self._first is not None
        for column in (self._values, self._off, self._weights, self._means[0]):
            column[trial.places[count:]] = np.nan
        if not count:
            return
        kept = trial.places[:count]
        number = int(self._first + kept[-1]) // HOUR
        hours = int(trial.of[count - 1]) + 1
        if number != self._hour:
            self._hour, self._of_scatter = number, None
            self._of_hour = trial.hours.hour(hours - 1, is_judged=trial.judged[hours - 1])
        for nth in range(1, hours):
            if not trial.judged[nth]:
                self._untold = int(self._first + kept[np.searchsorted(trial.of, nth)]) // HOUR * HOUR
        known = np.flatnonzero(~np.isnan(trial.usual[:count]))
        if is_asked and len(known):
            self._averaged = min(self._averaged, int(self._first + kept[known[0]]) // HOUR * HOUR)

    def mark(self, slices: int, mark: int) -> None:
        """Mark the newest slices that have a value."""
        if self._hour >= 0:
            self._scattered()  # before the marks that it goes by are others
        self._marks[np.flatnonzero(~np.isnan(self._values))[-slices:]] = mark

    def accept(self, since: datetime) -> None:
        """Take what came from `since` on as usual: everything before moves by what the last six hours missed by."""
        misses = self._means[0]
        known = np.flatnonzero(~np.isnan(misses))
        if not len(known):
            return
        self._average(int(known[-1]) + 1)
        place = max(0, self._place(since))
        moved = float(np.median(misses[known[-LASTING:]]))
        self._values[:place] += moved
        self._off[place:] -= moved
        self._means[:, place:] -= moved
        self._marks[:] = LEARNT
        self._day, self._hour = -1, -1

    def _place(self, at: datetime) -> int:
        """The place of a slice; what is older than is needed makes room for it, by whole days."""
        number = int(at.timestamp()) // SLICE_SECONDS
        if self._first is None:
            self._first = number - number % SLICES_A_DAY - ROOM + SLICES_A_DAY
        late = number - self._first - ROOM
        if late >= 0:
            self._forget((late // SLICES_A_DAY + 1) * SLICES_A_DAY)
        return number - self._first

    def _forget(self, slices: int) -> None:
        assert self._first is not None
        self._average(ROOM)  # while all that the means are made of is there
        self._first += slices
        kept = max(0, ROOM - slices)
        for one in (self._values, self._off, self._weights, *self._means):
            one[:kept] = one[ROOM - kept :].copy()
            one[kept:] = np.nan
        self._marks[:kept] = self._marks[ROOM - kept :].copy()
        self._marks[kept:] = LEARNT

    def _prepared(self, place: int) -> _Hour:
        assert self._first is not None
        number = self._first + place
        if self._of_day is None or number // SLICES_A_DAY != self._day:
            self._day = number // SLICES_A_DAY
            self._of_day = self._prepare_day(place - number % SLICES_A_DAY)
        if self._of_hour is None or number // HOUR != self._hour:
            self._hour = number // HOUR
            self._of_scatter = None
            start = place - number % HOUR
            is_judged = self._is_judged(start)
            if not is_judged:
                self._untold = self._first + start
            self._of_hour = self._hours(np.array([start]), self._of_day).hour(0, is_judged=is_judged)
        return self._of_hour

    def _is_judged(self, start: int) -> bool:
        return int(np.count_nonzero(~np.isnan(self._means[0, :start]))) >= LEAST_MISSES

    def _prepare_day(self, start: int) -> _Day:
        columns = np.arange(-NEIGHBOURS, SLICES_A_DAY + NEIGHBOURS)
        places = start + columns - SLICES_A_DAY * np.arange(1, DAYS + 1)[:, None]
        values = self._values[places]
        clean, all_of_them = (
            median_of_slices(of) for of in (np.where(self._marks[places] == LEARNT, values, np.nan), values)
        )
        days = np.count_nonzero(~np.isnan(values[:, NEIGHBOURS:-NEIGHBOURS]), axis=0)
        wider = np.sqrt(1 + math.pi / 2 / (np.maximum(1, days) * (2 * NEIGHBOURS + 1)))  # the variance of a median
        repeats = np.array([repeated(self._values[:start], w, start) for w in self._windows])
        return _Day(np.where(np.isnan(clean), all_of_them, clean), wider, repeats)

    def _hours(self, starts: Ints, day: _Day) -> _Hours:
        """Of the hours of a day that begin there, from what is known when each begins."""
        slots = starts[:, None] % SLICES_A_DAY + np.arange(HOUR)
        shape, wider = day.shape[slots], day.wider[slots]
        by_hour = repeats_of_the_hour(self._values[starts[:, None] + np.arange(-SLICES_A_DAY - HALF_HOUR, 0)])
        usual = shape + self._levels(starts)[:, None] + by_hour
        expected = np.fmax(usual, day.repeats[:, slots] + by_hour)
        return _Hours(shape, usual, wider, np.moveaxis(expected, 0, -1))

    def _average(self, until: int) -> None:
        """Work out the means of windows up to a place, of the misses that are known."""
        assert self._first is not None
        misses = self._means[0]
        known = np.flatnonzero(~np.isnan(misses[:until]))
        fresh = len(known) - int(np.searchsorted(known, self._averaged - self._first))
        self._averaged = self._first + until
        for means, w in zip(self._means[1:], self._windows[1:], strict=True):
            newest = known[-(fresh + w - 1) :]
            if fresh and len(newest) >= w:
                sums = np.concatenate(([0.0], np.cumsum(misses[newest], dtype=np.float64)))
                means[newest[w - 1 :]] = (sums[w:] - sums[:-w]) / w

    def _scatter(self, start: int) -> _Scatter:
        """The errors of the predictions so far."""
        self._average(start)
        recent = slice(start - SPREAD_DAYS * SLICES_A_DAY, start)
        learnt = self._means[:, recent][:, self._marks[recent] == LEARNT]
        steps = np.diff(learnt[:1], prepend=np.float32(np.nan))
        *spread, of_steps = _spreads(np.concatenate((learnt, steps)))
        by_window = dict(zip(self._windows, spread, strict=True))
        return _Scatter(self._missed(start), by_window, of_steps / math.sqrt(2), _median(self._weights[recent]))

    def _missed(self, start: int) -> Mapping[int, float]:
        """The highest of the quantiles of POOLS; an alert counts for half an hour, and the first days not for long."""
        assert self._first is not None
        since = start - DAYS * SLICES_A_DAY
        first = self._untold + FIRST_DAYS * SLICES_A_DAY - self._first
        if since < first <= start - FIRST_DAYS * SLICES_A_DAY:
            since = first
        misses, later = self._means[:, since:start], self._marks[since:start] == LATER
        if later.any():
            misses = np.where(later, np.float32(np.nan), misses)
        count = misses.shape[1]
        settled = count - UNSETTLED if count - UNSETTLED >= FIRST_DAYS * SLICES_A_DAY else count
        return {
            w: _highest_quantile(one[:settled] if w == LASTING else one)
            for w, one in zip(self._windows, misses, strict=True)
        }

    def _levels(self, starts: Ints) -> Values:
        """By hour: the least by which the last three days were off, each of them the same way."""
        days = starts[:, None] + np.arange(-3 * SLICES_A_DAY, 0)
        off = np.where(self._marks[days] == LEARNT, self._off[days], np.float32(np.nan))
        found = _medians(off.reshape(-1, SLICES_A_DAY), LEAST_MISSES).reshape(-1, 3)
        alike = (found > 0).all(axis=1) | (found < 0).all(axis=1)
        least = found[np.arange(len(found)), np.argmin(np.abs(found), axis=1)]
        return np.where(alike, least, np.float32(0.0))


def _empty() -> Values:
    return np.full(ROOM, np.nan, dtype=np.float32)


def _median(values: Values, least: int = 1) -> float:
    """Of the known ones; NaN where there are fewer than `least`."""
    known = values[~np.isnan(values)]
    if len(known) < least:
        return float("nan")
    middle = len(known) // 2
    return float(np.partition(known, middle)[middle])


def _medians(rows: Values, least: int = 1) -> Values:
    """Of the known ones of each row; NaN where there are fewer than `least`."""
    ordered = np.sort(rows, axis=1)  # NaN goes last
    counts = np.count_nonzero(~np.isnan(ordered), axis=1)
    middle = ordered[np.arange(len(ordered)), np.minimum(counts // 2, ordered.shape[1] - 1)]
    return np.where(counts >= least, middle, np.float32(np.nan))


def _spreads(rows: Values) -> Sequence[float]:
    """Of the known ones of each row, by how far they are from their median; 0 of none."""
    ordered = np.sort(rows, axis=1)
    counts = _known(ordered)
    middles = [row[count // 2] if count else 0.0 for row, count in zip(ordered, counts, strict=True)]
    off = np.abs(ordered - np.array(middles, dtype=np.float32)[:, None])
    off.sort(axis=1)
    return [MAD_TO_SD * float(row[count // 2]) if count else 0.0 for row, count in zip(off, counts, strict=True)]


def _known(ordered: Values) -> Sequence[int]:
    """The number of known values in each row."""
    return [ordered.shape[1] - int(np.count_nonzero(row)) for row in np.isnan(ordered)]


def _highest_quantile(misses: Values) -> float:
    """The highest of the quantiles of POOLS, of the known ones; 0 of none."""
    highest = -math.inf
    for days, share in POOLS:  # the longest is mostly the highest, so the others need no putting in order
        pool = misses[-days * SLICES_A_DAY :]
        known = len(pool) - int(np.count_nonzero(np.isnan(pool)))
        rank = min(known - 1, int(share * known))
        if known and np.count_nonzero(pool > highest) >= known - rank:
            highest = float(np.partition(pool, rank)[rank])
    return highest if math.isfinite(highest) else 0.0
