"""A level that left what is usual: over a quarter of an hour by much, or over an hour by less."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from lumen.alerts.seasonal import LONG, SHORT, SeasonalLevel, Usual


@dataclass(frozen=True, slots=True)
class _Away:
    """How far away the mean of a window must be: so many spreads of single slices, or less where so many of means."""

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
    """`least_short`, `least_long`: what the means must at least be worse by, however small the spread is."""

    def __init__(self, worse: Direction, least_short: float, least_long: float) -> None:
        self._worse = worse
        self._least = {SHORT: least_short, LONG: least_long}
        self._seasonal = SeasonalLevel()
        self._window: deque[_Seen] = deque(maxlen=LONG)
        self._was_open = False

    def feed(self, at: datetime, value: float, weight: int, *, is_open: bool) -> Departure | None:
        """After a slice with data; learns from it unless it departs or `is_open` (a departure is being told)."""
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
        """What is usual at `at`, for a judgement of another kind."""
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
