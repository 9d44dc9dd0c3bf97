"""The uplift of the coming day, from the days before it: yesterday's, and the usual step between the kinds of days.

Intervals come from back-tests: each past day predicted from those before it and compared with its own replay, which
costs nothing. What shifts in the predicted day itself is in no interval.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil, hypot, inf, sqrt

from lumen.model.forecast import Z_90, confidence_of
from lumen.prediction.accesses import Integers

SATURDAY = 5
NO_DATE = date(2001, 1, 1)
#: Days of each kind of which the mean is taken.
DAYS_OF_A_KIND = 3
#: Back-tested days below which the starting values hold.
LEAST_TESTS = 3
FEW_TESTS = 0.5
START_RELATIVE, START_MORE = 0.15, 0.002
LEAST_UPLIFT = 0.01


@dataclass(frozen=True, slots=True)
class Day:
    """A whole day's replayed uplifts by TTL in seconds (shares of the hit rate)."""

    on: date
    uplifts: Mapping[int, float]

    @property
    def is_free(self) -> bool:
        """Saturday or Sunday."""
        return self.on.weekday() >= SATURDAY


@dataclass(frozen=True, slots=True)
class Expected:
    """An uplift to come, with half of its 90 % interval."""

    uplift: float
    half: float

    @property
    def confidence(self) -> float:
        """The chance that what comes lies within the tolerance."""
        return confidence_of(self.uplift, self.half)


def days_of(misses: Integers, lookups: Integers, ttls: Sequence[int], first: date | None) -> Sequence[Day]:
    """The days of a replay: `misses` by TTL (rows, the present TTL before `ttls`) and day, `lookups` by day.

    `first` is the date of the first one; None where it is not known: then all count as days of one kind. A day without
    a lookup is none.
    """
    return [
        Day(
            NO_DATE if first is None else first + timedelta(days=day),
            {ttl: float(misses[0, day] - misses[row, day]) / int(lookups[day]) for row, ttl in enumerate(ttls, 1)},
        )
        for day in range(len(lookups))
        if lookups[day]
    ]


def point(days: Sequence[Day], ttl: int, is_free: bool) -> float:
    """The uplift of a day of that kind after these, oldest first, the last one being yesterday."""
    yesterday = days[-1]
    value = yesterday.uplifts[ttl]
    if yesterday.is_free == is_free:
        return value
    ours, others = (_usual(days, ttl, kind) for kind in (is_free, yesterday.is_free))
    return value if ours is None or others is None else value + ours - others


def _usual(days: Sequence[Day], ttl: int, is_free: bool) -> float | None:
    known = [day.uplifts[ttl] for day in days if day.is_free == is_free][-DAYS_OF_A_KIND:]
    return sum(known) / len(known) if known else None


def errors(days: Sequence[Day]) -> Sequence[Sequence[float]]:
    """Of each day that has one before it, the relative errors of its predictions, one a TTL."""
    return [
        [
            abs(point(days[:place], ttl, day.is_free) - value)
            / max(abs(point(days[:place], ttl, day.is_free)), LEAST_UPLIFT)
            for ttl, value in day.uplifts.items()
            if ttl in days[place - 1].uplifts
        ]
        for place, day in enumerate(days)
        if place
    ]


def expected(days: Sequence[Day], ttl: int, on: date, own_half: float = 0.0) -> Expected:
    """The uplift of the day `on` from these days, oldest first; `own_half` is that of yesterday's figure itself.

    Raises IndexError without any day.
    """
    value = point(days, ttl, on.weekday() >= SATURDAY)
    return Expected(value, sqrt(half_of(days, value) ** 2 + own_half**2))


def half_of(days: Sequence[Day], uplift: float, requests: float = inf) -> float:
    """Half of the 90 % interval of an uplift to come, from how well these days were predicted; for few of them from a
    starting value, and from how many `requests` the uplift rests on."""
    tests, size = errors(days), max(abs(uplift), LEAST_UPLIFT)
    pooled = sorted(error for day in tests for error in day)
    if len(tests) < LEAST_TESTS or not pooled:
        return hypot(START_RELATIVE * size + START_MORE, _by_chance(uplift, requests))
    return _quantile(pooled, len(tests)) * size


def _by_chance(uplift: float, requests: float) -> float:
    """The error of so many requests where each is by itself, and as many come again."""
    share = min(max(abs(uplift), 1 / requests), 0.5)
    return Z_90 * sqrt(2 * share * (1 - share) / requests)


def _quantile(errors: Sequence[float], tests: int) -> float:
    """Of ascending errors, above nine tenths for few tests. The errors of a day's TTLs go together, but not wholly:
    half of what a quantile of so few days would need is enough."""
    share = min(1.0, 0.9 * (1 + FEW_TESTS / tests))
    return errors[min(ceil(share * len(errors)), len(errors)) - 1]
