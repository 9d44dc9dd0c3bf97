"""Alerts on the return of the cache, false and missed: `python -m bench.returns --seeds 30 --days 90`.

Services whose cache earns 1.5 to 8 times the limit of 300 % on a usual day: hits with a daily wave (0.5-1.8 in log),
weekends at 40-100 %, hour to hour +-10 %, counts by chance. Degradations, one a month on average, of 1-10 days: hits
fall to a share at which a whole day's return is 20-90 % of the limit. Told: an alert opened within it, or in the six
hours after. False: one that opened while the return of the last whole day was above the limit by a tenth. The same
worlds are judged over a quarter of an hour and over a day.
"""

import argparse
import math
import random
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles

if __package__ in {None, ""}:
    sys.path.insert(0, str(Path(__file__).parents[1]))

from lumen.alerts.spending import DAYS_PER_MONTH, ReturnAlert
from lumen.model.alert import AlertChange
from lumen.model.history import SLICES_A_DAY

START = datetime(2026, 1, 5, tzinfo=UTC)
SLICE = timedelta(minutes=5)
LIMIT = 3.0
PER_CALL_USD = 0.01
CACHE_USD = 9.36
#: Hits in a day at which the return is just the limit.
DAY_AT_LIMIT = (LIMIT + 1) * CACHE_USD / PER_CALL_USD / DAYS_PER_MONTH
AFTER = 72


@dataclass(frozen=True, slots=True)
class World:
    """Hits of each slice, and [begin, end) of each degradation in slices."""

    hits: list[int]
    degraded: list[tuple[int, int]]


def world(seed: int, days: int) -> World:
    """One service."""
    dice = random.Random(seed)
    usual = DAY_AT_LIMIT * dice.uniform(1.5, 8)
    amplitude, peak, weekend = dice.uniform(0.5, 1.8), dice.uniform(0, 288), dice.uniform(0.4, 1.0)
    wave = [math.exp(amplitude * math.cos(2 * math.pi * (slot - peak) / SLICES_A_DAY)) for slot in range(SLICES_A_DAY)]
    scale = usual / sum(wave)
    degraded, at = [], 7 * SLICES_A_DAY
    while True:
        at += round(dice.expovariate(1 / (30 * SLICES_A_DAY)))
        end = at + dice.randrange(SLICES_A_DAY, 10 * SLICES_A_DAY)
        if end + 2 * SLICES_A_DAY > days * SLICES_A_DAY:
            break
        degraded.append((at, end, dice.uniform(0.2, 0.9) * DAY_AT_LIMIT / usual))
        at = end + 3 * SLICES_A_DAY
    hits, noise = [], 0.0
    for index in range(days * SLICES_A_DAY):
        if index % 12 == 0:
            noise = math.exp(dice.gauss(0, 0.1))
        share = next((low for begin, end, low in degraded if begin <= index < end), 1.0)
        quiet = weekend if (index // SLICES_A_DAY) % 7 >= 5 else 1.0
        mean = scale * wave[index % SLICES_A_DAY] * noise * quiet * share
        hits.append(_count(dice, mean))
    return World(hits, [(begin, end) for begin, end, _ in degraded])


def _count(dice: random.Random, mean: float) -> int:
    """Poisson; by its normal shape where that is close enough."""
    if mean > 50:
        return max(0, round(dice.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), dice.random(), 0
    while product > limit:
        product *= dice.random()
        count += 1
    return count


@dataclass(slots=True)
class Score:
    """The result of one way of judging."""

    opened: int = 0
    false: int = 0
    told: int = 0
    late_hours: list[float] | None = None


def judge(found: World, over: int, score: Score) -> None:
    """Adds one world to `score`."""
    alert = ReturnAlert("bench", LIMIT, PER_CALL_USD, CACHE_USD, over)
    day = sum(found.hits[: SLICES_A_DAY - 1])
    opened: list[int] = []
    for index, hits in enumerate(found.hits):
        event = alert.step(START + (index + 1) * SLICE, hits)
        day += hits - (found.hits[index - SLICES_A_DAY] if index >= SLICES_A_DAY else 0)
        if event is not None and event.change is AlertChange.OPENED:
            opened.append(index)
            score.opened += 1
            score.false += index >= SLICES_A_DAY and day > 1.1 * DAY_AT_LIMIT and not _within(found, index)
    late = score.late_hours if score.late_hours is not None else []
    for begin, end in found.degraded:
        first = next((index for index in opened if begin <= index < end + AFTER), None)
        if first is not None:
            score.told += 1
            late.append((first - begin) / 12)
    score.late_hours = late


def _within(found: World, index: int) -> bool:
    return any(begin <= index < end + AFTER for begin, end in found.degraded)


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--days", type=int, default=90)
    given = parser.parse_args()
    worlds = [world(seed, given.days) for seed in range(given.seeds)]
    degraded, months = sum(len(one.degraded) for one in worlds), given.seeds * given.days / 30
    for name, over in (("a quarter of an hour", 3), ("a day", SLICES_A_DAY)):
        score = Score()
        for one in worlds:
            judge(one, over, score)
        late = score.late_hours or [0.0, 0.0]
        a_month = score.false / months
        print(
            f"over {name}: {score.opened} alerts, {score.false} false ({a_month:.2f} a month and service), "
            f"recall {score.told / max(1, degraded):.3f} of {degraded}, "
            f"told after P50 {quantiles(late, n=10)[4]:.1f} h, P90 {quantiles(late, n=10)[8]:.1f} h"
        )


if __name__ == "__main__":
    main()
