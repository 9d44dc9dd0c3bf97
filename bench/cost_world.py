"""Invented costs of days: rises, quiet spells, charges of a month, whole months, steady years, days with holes.

Seeds below 1000 were used while the methods were tuned; `FRESH` and those after it were named before anybody looked,
and nothing was tuned on them.
"""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from lumen.model.day_cost import PART_SLICES, PARTS, DayCost

FRESH = 7000
FIRST = date(2026, 1, 5)
DAY = timedelta(days=1)


def noisy(usd: Sequence[float], noise: float, seed: int) -> list[float]:
    """Each day by itself off by `noise` (in log)."""
    dice = random.Random(f"noise{seed}")
    return [one * math.exp(dice.gauss(0, noise)) for one in usd]


def weekly(usd: float, weekend: float, days: int) -> list[float]:
    """From a Monday on, weekends at `weekend` of a working day."""
    return [usd * (weekend if index % 7 >= 5 else 1.0) for index in range(days)]


def risen(usd: Sequence[float], at: int, times: float) -> list[float]:
    """`times` as dear from day `at` on."""
    return [one * (times if index >= at else 1.0) for index, one in enumerate(usd)]


def quiet(usd: Sequence[float], at: int, days: int, share: float) -> list[float]:
    """`days` days at `share` of their cost."""
    return [one * (share if at <= index < at + days else 1.0) for index, one in enumerate(usd)]


def charged(usd: Sequence[float], kind: str, times: float) -> list[float]:
    """Once a month `times` as dear: on the "1st", "15th", the "last" day or the first "working" day."""
    return [one * (times if _is_charged(FIRST + index * DAY, kind) else 1.0) for index, one in enumerate(usd)]


def _is_charged(day: date, kind: str) -> bool:
    if kind == "last":
        return (day + DAY).day == 1
    if kind == "working":
        first = day.replace(day=1)
        return day == first + DAY * {5: 2, 6: 1}.get(first.weekday(), 0)
    return day.day == {"1st": 1, "15th": 15}[kind]


def rises() -> Mapping[str, list[float]]:
    """One rise, constant afterwards: fifteen of them, on three weekdays."""
    return {
        f"x{times} on day {at}": risen(weekly(100, 0.6, 120), at, times)
        for times in (1.35, 1.5, 2.0, 3.0, 6.0)
        for at in (60, 62, 65)
    }


def quiet_spells() -> Mapping[str, list[float]]:
    """Quiet days, and Christmas (ten days), and back."""
    spells = {f"{days} quiet days": quiet(weekly(100, 0.6, 150), 70, days, 0.4) for days in (3, 5, 7, 14, 21)}
    return {**spells, "Christmas": quiet(weekly(100, 0.6, 150), 75, 10, 0.3)}


def noisy_rise(seed: int) -> list[float]:
    """A service with a noise of 5-15 % a day and one rise of 30-200 %."""
    dice = random.Random(f"rise{seed}")
    usd = weekly(dice.uniform(50, 300), dice.uniform(0.4, 1.0), 120)
    return noisy(risen(usd, 60 + dice.randrange(7), dice.uniform(1.3, 3.0)), dice.uniform(0.05, 0.15), seed)


def noisy_spell(seed: int) -> list[float]:
    """A noise of 5-15 % a day, and 3-21 days at 30-70 %."""
    dice = random.Random(f"spell{seed}")
    usd = weekly(dice.uniform(50, 300), dice.uniform(0.4, 1.0), 150)
    spell = quiet(usd, 70, dice.randint(3, 21), dice.uniform(0.3, 0.7))
    return noisy(spell, dice.uniform(0.05, 0.15), seed)


def charges() -> Mapping[str, list[float]]:
    """Eight months with a dear day in each."""
    usd = noisy(weekly(100, 0.7, 243), 0.04, 1)
    return {
        f"x{times} on the {kind}": charged(usd, kind, times)
        for kind, times in (("1st", 3.0), ("15th", 2.5), ("last", 2.5), ("working", 2.5))
    }


@dataclass(frozen=True, slots=True)
class Month:
    """A month to be forecast, with the three before it: `usd` by day from the first of those on."""

    first: date
    begins: date
    usd: Sequence[float]

    @property
    def truth_usd(self) -> float:
        """What the month comes to."""
        return sum(self.usd[(self.begins - self.first).days :])


def month(seed: int) -> Month:
    """Weekends at 30-100 %, noise of 3-15 %, growth of -10 to 15 % a month; of three in ten a charge of the month,
    of three in ten a dear day (times 2-5) each fortnight, of two in ten a lasting change of up to 30 % on any day."""
    dice = random.Random(f"month{seed}")
    begins = date(2026, dice.randint(4, 12), 1)
    first = (begins - timedelta(days=80)).replace(day=1)
    count = ((begins + timedelta(days=32)).replace(day=1) - first).days
    level, weekend, noise = dice.uniform(2, 300), dice.uniform(0.3, 1.0), dice.uniform(0.03, 0.15)
    growth = dice.uniform(-0.1, 0.15)
    charge, on = (dice.uniform(2, 30) * level if dice.random() < 0.3 else 0.0), dice.randint(1, 28)
    dear = dice.random() < 0.3
    change_at, change = dice.randrange(count), dice.uniform(-0.3, 0.3) if dice.random() < 0.2 else 0.0
    usd = []
    for index in range(count):
        day = first + index * DAY
        usual = level * (weekend if day.weekday() >= 5 else 1.0) * (1 + growth) ** (index / 30)
        usual *= (1 + change if index >= change_at else 1.0) * math.exp(dice.gauss(0, noise))
        usual *= dice.uniform(2, 5) if dear and dice.random() < 1 / 14 else 1.0
        usd.append(usual + (charge if day.day == on else 0.0))
    return Month(first, begins, usd)


def year(seed: int, noise: float, *, holiday_week: bool = False) -> list[float]:
    """60 days and a steady year with weekends at 40 %; a week off in summer."""
    usd = weekly(100, 0.4, 60 + 365)
    return noisy(quiet(usd, 252, 7 if holiday_week else 0, 0.4), noise, seed)


def slices_of(day_usd: float, dice: random.Random) -> list[float]:
    """A day by slices: a daily wave of 1 to 3, each slice off by 5 %."""
    waves = [1 + 0.5 * math.sin(2 * math.pi * (index - 96) / 288) for index in range(288)]
    return [day_usd / 288 * wave * math.exp(dice.gauss(0, 0.05)) for wave in waves]


def with_holes(day: date, day_usd: float, share: float, dice: random.Random) -> DayCost:
    """The day with `share` of its slices missing: half of these days by chance, the others in one piece."""
    lost = set(dice.sample(range(288), round(288 * share)))
    if dice.random() < 0.5:
        begin = dice.randrange(288)
        lost = {(begin + index) % 288 for index in range(len(lost))}
    usd = slices_of(day_usd, dice)
    each: list[list[float]] = [[] for _ in range(PARTS)]
    for index, one in enumerate(usd):
        if index not in lost:
            each[index // PART_SLICES].append(one)
    parts = {part: (len(told), sum(told)) for part, told in enumerate(each) if told}
    return DayCost(day, sum(map(len, each)), sum(map(sum, each)), parts)
