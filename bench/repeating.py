"""What repeats is no news: thirty shapes of eight weeks, fed to the alerts on latencies and on the hit rate.

`python -m bench.repeating` prints the alerts of each shape, in all and in the last week; needs the extra `numerics`.
Shapes are of the P95, of the P99 or of the misses. Every slice scatters by 3 %. Weeks begin on a Monday; office hours
are those of working days.
"""

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

if __package__ in {None, ""}:
    sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from lumen.alerts.hit_rate import HitRateAlert
from lumen.alerts.latency import LatencyAlert
from lumen.model.alert import AlertChange, AlertEvent

ORIGIN = datetime(2026, 1, 5, tzinfo=UTC)
SLICE_MINUTES = 5
DAY_MINUTES = 1440
WEEKS = 8
SCATTER = 0.03
REQUESTS = 1000
USUAL_MS, USUAL_P99_MS, P99_LIMIT_MS = 120.0, 600.0, 1000.0
USUAL_MISSES, MOST_MISSES, HIT_RATE_LIMIT = 0.12, 0.9, 0.70

#: From minutes since the beginning to how many times as slow it is.
Shape = Callable[[int], float]


@dataclass(frozen=True, slots=True)
class Batch:
    """Runs of `minutes` that begin `at` minutes after midnight, or every so many minutes; `late`: by up to so much."""

    times: float
    minutes: int
    at: int = 120
    every: int = DAY_MINUTES
    days: frozenset[int] = frozenset(range(7))
    late: int = 0
    since_day: int = 0

    def __call__(self, minute: int) -> float:
        day, of_day = divmod(minute, DAY_MINUTES)
        run = (of_day - self.at) // self.every
        if self.late:
            run_at = self.at + run * self.every
            dice = np.random.default_rng([day, run_at + DAY_MINUTES])
            of_day -= int(dice.integers(0, self.late + 1))
        is_on = of_day >= self.at and (of_day - self.at) % self.every < self.minutes
        return self.times if is_on and day % 7 in self.days and day >= self.since_day else 1.0


WORKING, SUNDAY, SATURDAY, WEEKEND = frozenset(range(5)), frozenset({6}), frozenset({5}), frozenset({5, 6})


def office(times: float, days: frozenset[int] = WORKING) -> Shape:
    return Batch(times, 9 * 60, at=9 * 60, days=days)


def hourly(times: float, minutes: int, *, at: int = 20, since_day: int = 0) -> Shape:
    return Batch(times, minutes, at=at, every=60, since_day=since_day)


def flush(minute: int) -> float:
    """A cache that is emptied at four, and warm again within an hour."""
    return 1 + 2 * math.exp(-max(0, minute % DAY_MINUTES - 240) / 20) if minute % DAY_MINUTES >= 240 else 1.0


def summer_time(minute: int) -> float:
    """Office hours that come an hour earlier from the fifth week on."""
    return office(2.0)(minute + (60 if minute >= 4 * 7 * DAY_MINUTES else 0))


def ramp(minute: int) -> float:
    """Slower and slower from six to eighteen."""
    return 1 + 1.5 * min(1.0, max(0.0, (minute % DAY_MINUTES - 360) / 720)) * (minute % DAY_MINUTES < 1080)


def quiet(minute: int, *, days: int, level: float) -> float:
    """A quiet spell that ends with the fifth week."""
    return level if 35 - days <= minute // DAY_MINUTES < 35 else 1.0


def both(one: Shape, other: Shape, minute: int) -> float:
    return max(one(minute), other(minute))


SHAPES: Mapping[str, Shape] = {
    **{f"office hours x{times}": office(times) for times in (1.5, 2.0, 3.0, 4.0)},
    "long days x2": office(2.0, frozenset(range(7))),
    "nightly batch of an hour x2": Batch(2.0, 60),
    "nightly batch of two hours x4": Batch(4.0, 120),
    "nightly batch of four hours x1.5": Batch(1.5, 240),
    "backup of half an hour x1.8": Batch(1.8, 30),
    "backup of three hours x1.5": Batch(1.5, 180),
    **{f"hourly, {minutes} min x2": hourly(2.0, minutes) for minutes in (10, 15, 20, 30)},
    "hourly, 10 min x4": hourly(4.0, 10, at=0),
    "every four hours, 20 min x2.5": Batch(2.5, 20, at=60, every=240),
    "every six hours, 15 min x3": Batch(3.0, 15, at=0, every=360),
    "nightly, up to 15 min late": Batch(3.0, 60, at=180, late=15),
    "every four hours, up to 15 min late": Batch(2.5, 30, at=30, every=240, late=15),
    "cache flush": flush,
    "slower weekends x1.6": Batch(1.6, DAY_MINUTES, at=0, days=WEEKEND),
    "faster weekends x0.6": Batch(0.6, DAY_MINUTES, at=0, days=WEEKEND),
    "Sunday batch of three hours x3": Batch(3.0, 180, days=SUNDAY),
    "Saturday backup of an hour x2.5": Batch(2.5, 60, days=SATURDAY),
    "twice a day, 40 min x2": partial(both, Batch(2.0, 40, at=360), Batch(2.0, 40, at=1080)),
    "office hours and a nightly batch": partial(both, office(1.8), Batch(3.0, 60)),
    "summer time": summer_time,
    "ramp to x2.5": ramp,
    "end of five quiet days": partial(quiet, days=5, level=0.6),
    "end of two quiet weeks": partial(quiet, days=14, level=0.7),
}
#: What begins in the fourth week.
BEGUN_DAY = 21
BEGINNING: Mapping[str, Shape] = {
    "new hourly cron, 10 min x3": hourly(3.0, 10, since_day=BEGUN_DAY),
    "new hourly cron, 20 min x2": hourly(2.0, 20, since_day=BEGUN_DAY),
    "new nightly batch x3": Batch(3.0, 60, since_day=BEGUN_DAY),
    "new office hours x2": Batch(2.0, 9 * 60, at=9 * 60, days=WORKING, since_day=BEGUN_DAY),
    "new Sunday batch x3": Batch(3.0, 180, days=SUNDAY, since_day=BEGUN_DAY),
}


def forever(minute: int) -> float:
    """A level that stays."""
    return 1.6 if minute >= BEGUN_DAY * DAY_MINUTES + 600 else 1.0


#: Feeds a slice: its start and end, how many times what is usual, and its chance.
Step = Callable[[datetime, datetime, float, float], AlertEvent | None]


def p95() -> Step:
    alert = LatencyAlert("svc", P99_LIMIT_MS)
    return lambda start, end, times, chance: alert.step(start, end, REQUESTS, USUAL_MS * times * chance, None)


def p99() -> Step:
    """Above its limit from 1.7 times on; the P95 stays."""
    alert = LatencyAlert("svc", P99_LIMIT_MS)
    return lambda start, end, times, chance: alert.step(
        start, end, REQUESTS, USUAL_MS * chance, USUAL_P99_MS * times * chance
    )


def hit_rate() -> Step:
    """Below its limit from 2.5 times as many misses on."""
    alert = HitRateAlert("svc", HIT_RATE_LIMIT)
    return lambda start, end, times, chance: alert.step(
        start, end, round(REQUESTS * (1 - min(MOST_MISSES, USUAL_MISSES * times * chance))), REQUESTS
    )


FIGURES: Mapping[str, Callable[[], Step]] = {"P95": p95, "P99": p99, "hit rate": hit_rate}


def openings(shape: Shape, figure: str = "P95", seed: int = 0, weeks: int = WEEKS) -> list[timedelta]:
    """When alerts opened, since the beginning."""
    step = FIGURES[figure]()
    minutes = range(0, weeks * 7 * DAY_MINUTES, SLICE_MINUTES)
    scatter = np.exp(np.random.default_rng(seed).normal(0, SCATTER, len(minutes))).tolist()
    found = []
    for minute, by_chance in zip(minutes, scatter, strict=True):
        start = ORIGIN + timedelta(minutes=minute)
        event = step(start, start + timedelta(minutes=SLICE_MINUTES), shape(minute), by_chance)
        if event is not None and event.change is AlertChange.OPENED:
            found.append(event.alert.opened_at - ORIGIN)
    return found


def report(figure: str) -> None:
    total = 0
    for name, shape in {**SHAPES, **BEGINNING, "x1.6 for ever": forever}.items():
        opened = openings(shape, figure)
        total += len(opened) if name in SHAPES else 0
        last = sum(one >= timedelta(weeks=WEEKS - 1) for one in opened)
        days = ", ".join(f"{one / timedelta(days=1):.1f}" for one in opened)
        sys.stdout.write(f"{name:36} {len(opened):2}, in the last week {last}  {f'(days {days})' if days else ''}\n")
    sys.stdout.write(f"{figure}: {len(SHAPES)} shapes that repeat from the beginning: {total} alerts\n")


def main() -> None:
    for figure in FIGURES:
        report(figure)


if __name__ == "__main__":
    main()
