"""Invented histories of changes with known effects, by world and seed: what stands in the store when each was measured.

A world says how many changes were made, how well each was measured, how far their effects differ among themselves,
and how they are distributed. Every change of the TTL moves the hit rate by its own slope times log(new / old); the
mean of the slopes is the truth. Looks come after 6 (for harm alone), 24, 48 and 72 h, each on more data, and
end with the first clear one.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from math import log, sqrt

import numpy as np
from scipy.stats import t as student

from lumen.effects.hold_back import ALPHA_BY_LOOK
from lumen.effects.verdict import HIT_RATE_POINTS
from lumen.model.history import Day
from lumen.model.messages import NoData, message
from lumen.model.proposal import (
    Change,
    Draft,
    Knob,
    Measured,
    MeasuredEffect,
    Origin,
    Priority,
    Proposal,
    State,
    Verdict,
)
from lumen.model.service import ServiceId

SERVICE = ServiceId("naeda-genesis", "us-central1", "ion-api")
START = datetime(2026, 9, 1, 12, tzinfo=UTC)
TODAY = START.date()
NOTHING = NoData(message("forecast.next_turn"), message("forecast.next_turn_remedy"))
STEPS = (-120, -60, 60, 120, 120, 300)
LOWEST, HIGHEST = 60, 3600
LOOKS_HOURS = tuple(ALPHA_BY_LOOK)
QUARTER_HOURS, QUARTERS = 6, 4


@dataclass(frozen=True, slots=True)
class World:
    """`slope`: the mean effect (share of the lookups) for a unit of log(TTL); `spread`: the standard deviation of the
    slopes of changes, as a share of it. `error`: of a measurement after 24 h, in shares, from `error` / √`unequal` to
    `error` · √`unequal`; `degrees` of its Student's t. `every_days`: a change comes after so long.
    """

    name: str
    seed: int
    changes: int
    slope: float = 0.15
    spread: float = 0.0
    error: float = 0.004
    unequal: float = 1.0
    degrees: float = 30.0
    every_days: float = 4.0


#: On seeds that nothing was tuned on.
WORLDS = (
    World("three alike", 7101, 3),
    World("three that differ", 7102, 3, spread=0.3),
    World("three, one measured well", 7103, 3, unequal=25),
    World("four, few hot keys", 7104, 4, degrees=3, spread=0.2),
    World("five alike", 7105, 5),
    World("five that differ", 7106, 5, spread=0.5),
    World("five, unequal and different", 7107, 5, spread=0.3, unequal=25),
    World("five, barely seen", 7108, 5, slope=0.02, error=0.004),
    World("six, the wrong way", 7109, 6, slope=-0.1, spread=0.2),
    World("eight, few hot keys", 7110, 8, degrees=3),
    World("eight, unequal", 7111, 8, unequal=100),
    World("ten that contradict", 7112, 10, slope=0.05, spread=2.0),
    World("ten, measured well", 7113, 10, error=0.0005, spread=0.2),
    World("ten, measured badly", 7114, 10, error=0.03, spread=0.2),
    World("a dozen, hot keys and unequal", 7115, 12, degrees=3, unequal=25, spread=0.3),
    World("a dozen, barely seen", 7116, 12, slope=0.02, error=0.01),
    World("twenty alike", 7117, 20),
    World("twenty that differ", 7118, 20, spread=0.5, unequal=9),
    World("thirty, unequal and different", 7119, 30, spread=0.3, unequal=25),
    World("sixty, little each", 7120, 60, slope=0.01, spread=1.0, error=0.006),
)


@dataclass(frozen=True, slots=True)
class Lived:
    """`proposals` as they are stored; `next_slope`: of the next change, which is not among them."""

    proposals: tuple[Proposal, ...]
    next_slope: float


def lived(world: World, draw: int) -> Lived:
    """One history of the world."""
    dice = np.random.default_rng([world.seed, draw])
    slopes = world.slope * (1 + world.spread * dice.normal(size=world.changes + 1))
    found, ttl, at = [], int(dice.integers(2, 20)) * 60, START
    for number in range(world.changes):
        new = _next(ttl, dice)
        found.append(_measured(world, number, Change(Knob.TTL, ttl, new, "s"), float(slopes[number]), at, dice))
        ttl, at = new, at + timedelta(days=world.every_days)
    return Lived(tuple(found), float(slopes[-1]))


def _next(ttl: int, dice: np.random.Generator) -> int:
    steps = [step for step in STEPS if LOWEST <= ttl + step <= min(HIGHEST, max(2 * ttl, 300))]
    return ttl + int(dice.choice(steps))


def _measured(
    world: World, number: int, change: Change, slope: float, at: datetime, dice: np.random.Generator
) -> Proposal:
    assert isinstance(change.new, int) and isinstance(change.old, int)
    truth = slope * log(change.new / change.old)
    error = world.error * world.unequal ** dice.uniform(-0.5, 0.5)
    seen = _as_seen(truth, error, world.degrees, dice)
    looks = [(look, *one) for look, one in zip(LOOKS_HOURS, seen, strict=True)]
    look, middle, half = next((one for one in looks if _ends(*one)), looks[-1])
    is_clear = abs(middle) > half
    verdict = (Verdict.KEPT if middle > 0 else Verdict.HARMFUL) if is_clear else Verdict.INCONCLUSIVE
    effect = MeasuredEffect(HIT_RATE_POINTS, middle, middle - half, middle + half)
    measured = Measured(look, at + timedelta(hours=look), verdict, NOTHING.reason, (effect,), controlled=True)
    draft = Draft(SERVICE, change, "1", Origin.POLICY, None, (), NOTHING, Priority.MEDIUM, None, f"r{number}")
    done = Proposal(f"P{number}", draft, State(verdict.value), at, at + timedelta(days=1), None, None, None, at, 1)
    return replace(done, measured=measured)


def _ends(look: int, middle: float, half: float) -> bool:
    """Whether a look is the last one: the first is for harm alone."""
    return middle < -half or (look > LOOKS_HOURS[0] and middle > half)


def _as_seen(truth: float, error: float, degrees: float, dice: np.random.Generator) -> list[tuple[float, float]]:
    """Middle and half of the interval at each look: the mean of all quarters of a day up to it."""
    quarters = truth + error * sqrt(QUARTERS) * dice.standard_t(degrees, LOOKS_HOURS[-1] // QUARTER_HOURS)
    found = []
    for hours in LOOKS_HOURS:
        count = hours // QUARTER_HOURS
        reach = float(student.ppf(1 - ALPHA_BY_LOOK[hours] / 2, degrees))
        found.append((float(quarters[:count].mean()), reach * error * sqrt(QUARTERS / count)))
    return found


def week(hit_rate: float = 0.7, lookups: int = 1000, days: int = 7, until: date = TODAY) -> list[Day]:
    """Whole days before `until`."""
    hits = round(hit_rate * lookups)
    dates = [until - timedelta(days=nth) for nth in range(days, 0, -1)]
    return [Day(one, 288, lookup_slices=288, hits=hits, misses=lookups - hits) for one in dates]
