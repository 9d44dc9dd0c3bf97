"""Money on invented weeks and months: rhythm, anomalies, the month's forecast, rising cost: `python -m bench.costs`.

Seeds from `bench.cost_world.FRESH` on, on which nothing was tuned.

Weeks: demand with a daily wave (0.3-1.2 in log), weekends at 50-100 %, noise of 2-12 % on demand and cost; growing:
20-80 % over the week; shifted: 3-12 h either way; flat: 2 %; random: 60 % regardless of demand.
Months: daily cost $20-200, weekends at 50-100 %, noise of 3-8 %, growth of up to 30 % over 90 days, one lasting
change of up to 20 %; anomalies: one in 20 days, times 1.6-4. The other worlds: `bench/cost_world.py`.
"""

import argparse
import math
import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import fmean

if __package__ in {None, ""}:
    sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import cost_world
from lumen.alerts.budget import MonthlyBudget
from lumen.alerts.spending import DailyCosts, SpendingAlerts
from lumen.exporters.cost_rhythm import rhythm_of
from lumen.model.alert import AlertChange
from lumen.model.assessment import RhythmState
from lumen.model.day_cost import DayCost, UsualCosts, end_of
from lumen.model.history import SLICES_A_DAY
from lumen.model.snapshot import HourlyHistory
from lumen.policies.ttl import cost_change

START = datetime(2026, 1, 5, tzinfo=UTC)
EXPECTED = {
    "normal": RhythmState.RESONANT,
    "growing": RhythmState.RESONANT,
    "shifted": RhythmState.DISSONANT,
    "flat": RhythmState.DISSONANT,
    "random": RhythmState.CHAOTIC,
}


def week(kind: str, seed: int) -> HourlyHistory:
    """A week of demand and of spending beside it."""
    dice = random.Random(f"{kind}{seed}")
    amplitude, noise = dice.uniform(0.3, 1.2), dice.uniform(0.02, 0.12)
    peak, weekend = dice.uniform(0, 24), dice.uniform(0.5, 1.0)
    growth = dice.uniform(0.2, 0.8) if kind == "growing" else 0.0
    shift = dice.choice([-1, 1]) * dice.uniform(3, 12) if kind == "shifted" else 0.0

    def demand(hour: float) -> float:
        pulse = amplitude * math.cos(2 * math.pi * (hour - peak) / 24) + growth * hour / 168
        return 3000 * math.exp(pulse) * (weekend if (hour // 24) % 7 >= 5 else 1.0)

    def cost(hour: int) -> float:
        if kind == "flat":
            return 0.5 * math.exp(dice.gauss(0, 0.02))
        if kind == "random":
            return 0.5 * math.exp(dice.gauss(0, 0.6))
        return 0.0002 * demand(hour - shift) * math.exp(dice.gauss(0, noise))

    requests = tuple(round(demand(hour) * math.exp(dice.gauss(0, noise))) for hour in range(168))
    return HourlyHistory(START, requests, tuple(cost(hour) for hour in range(168)))


@dataclass(frozen=True, slots=True)
class Found:
    flagged: int
    true: int
    anomalies: int


def quarter(seed: int, holes: float = 0.0) -> Found:
    """90 days; those of the first three weeks are only learnt from. `holes`: the share of slices that are missing."""
    dice, other = random.Random(seed), random.Random(f"holes{seed}")
    level, weekend, noise = dice.uniform(20, 200), dice.uniform(0.5, 1.0), dice.uniform(0.03, 0.08)
    growth, change_at, change = dice.uniform(0, 0.3), dice.randrange(90), dice.uniform(-0.2, 0.2)
    days, usual_costs, flagged, true, anomalies = DailyCosts(), UsualCosts(), 0, 0, 0
    for index in range(90):
        day = date(2026, 1, 5) + timedelta(days=index)
        usual = level * (weekend if index % 7 >= 5 else 1.0) * (1 + growth * index / 90)
        usual *= (1 + change if index >= change_at else 1.0) * math.exp(dice.gauss(0, noise))
        strange = index >= 21 and dice.random() < 1 / 20
        cost = usual * (dice.uniform(1.6, 4) if strange else 1.0)
        if holes:
            seen = cost_world.with_holes(day, cost, holes, other)
            amount = usual_costs.filled(seen)
            usual_costs.learn(seen)
            found = seen.is_whole and days.add(day, amount.usd, amount.low_usd) is not None
        else:
            found = days.add(day, cost) is not None
        flagged, true, anomalies = flagged + found, true + (found and strange), anomalies + strange
    return Found(flagged, true, anomalies)


def alerts(usd: Sequence[float], since: int = 0) -> int:
    """How many cost alerts open from day `since` on, fed with these days."""
    service = SpendingAlerts("svc")
    opened = 0
    for index, one in enumerate(usd):
        events = service.closed(DayCost(cost_world.FIRST + index * cost_world.DAY, SLICES_A_DAY, one))
        opened += sum(event.change is AlertChange.OPENED for event in events if index >= since)
    return opened


@dataclass(frozen=True, slots=True)
class Forecast:
    """Whether the forecast was told above a budget of `1 + margin` times the truth, and how far it was off."""

    told: bool
    errors: Sequence[float]


def forecast(month: cost_world.Month, margin: float) -> Forecast:
    """Errors (ratios) at the ends of the days 5, 10, 15 and 20."""
    budget = MonthlyBudget("svc", month.truth_usd * (1 + margin))
    told, errors = False, []
    for index, usd in enumerate(month.usd):
        day = month.first + index * cost_world.DAY
        part = {"svc": DayCost(day, SLICES_A_DAY, usd)}
        events = list(budget.closed(day, part))
        if day >= month.begins:
            told = told or any("forecast" in e.alert.id and e.change is AlertChange.OPENED for e in events)
        if day >= month.begins and day.day in (5, 10, 15, 20):
            next_day = day + cost_world.DAY
            nothing = {"svc": DayCost(next_day, 0, 0.0)}
            list(budget.so_far(next_day, nothing, end_of(day)))
            end_usd = budget.forecast_usd()
            errors += [] if end_usd is None else [abs(end_usd / month.truth_usd - 1)]
    return Forecast(told, errors)


def rising_days(usd: Sequence[float]) -> int:
    """On how many days of the year after 60 days the cost is said to rise."""
    days = [(cost_world.FIRST + index * cost_world.DAY, one) for index, one in enumerate(usd)]
    return sum(bool(cost_change(days[end - 60 : end], days[end][0])) for end in range(60, len(days)))


def days_until_rising(rise: float, seed: int) -> int | None:
    """Days after a rise of 1 + `rise` with 3 % noise until it is said; None: not within a fortnight."""
    usd = cost_world.noisy(cost_world.risen(cost_world.weekly(100, 0.4, 120), 70 + seed % 7, 1 + rise), 0.03, seed)
    days = [(cost_world.FIRST + index * cost_world.DAY, one) for index, one in enumerate(usd)]
    at = 70 + seed % 7
    return next((n for n in range(1, 15) if cost_change(days[: at + n], days[at + n][0])), None)


def told(name: str, said: str) -> None:
    sys.stdout.write(f"{name:46} {said}\n")


def print_rhythm(seeds: range) -> None:
    for kind, expected in EXPECTED.items():
        states = Counter(rhythm_of(week(kind, seed)).state for seed in seeds)
        told(f"rhythm {kind}: {expected}", f"{states[expected] / len(seeds):.3f}")


def print_anomalies(seeds: range) -> None:
    for name, holes in (("cost anomalies", 0.0), ("the same, 10 % of points missing", 0.1)):
        found = [quarter(seed, holes) for seed in seeds]
        flagged, true, of = (sum(getattr(f, n) for f in found) for n in ("flagged", "true", "anomalies"))
        told(name, f"precision {true / flagged:.3f}  recall {true / of:.3f}  of {of}")
    told("one rise, constant afterwards: alerts each", f"{[alerts(usd) for usd in cost_world.rises().values()]}")
    told("quiet spells: alerts", f"{ {name: alerts(usd) for name, usd in cost_world.quiet_spells().items()} }")
    told("charges of the month, 8 months", f"{ {name: alerts(usd) for name, usd in cost_world.charges().items()} }")
    rises = [alerts(cost_world.noisy_rise(seed), 60) for seed in seeds]
    told(
        "noisy rise", f"more than once {sum(n > 1 for n in rises)}, never {sum(n == 0 for n in rises)} of {len(seeds)}"
    )
    spells = [alerts(cost_world.noisy_spell(seed), 70) for seed in seeds]
    told("noisy quiet spell: told", f"{sum(n > 0 for n in spells)} of {len(seeds)}")


def print_forecasts(seeds: range) -> None:
    below = [forecast(cost_world.month(seed), 0.10) for seed in seeds]
    above = [forecast(cost_world.month(seed), -0.10) for seed in seeds]
    errors = sorted(error for one in below for error in one.errors)
    told("forecast, a tenth in hand: wrong alert", f"{sum(one.told for one in below)} of {len(seeds)}")
    told("forecast, a tenth too little: told", f"{sum(one.told for one in above)} of {len(seeds)}")
    told("error, median / P90", f"{errors[len(errors) // 2]:.3f} / {errors[len(errors) * 9 // 10]:.3f}")


def print_rising(seeds: range) -> None:
    for noise in (0.0, 0.03, 0.08, 0.15):
        days = [rising_days(cost_world.year(seed, noise)) for seed in seeds]
        told(f"rising in a steady year, noise {noise:.0%}: days", f"mean {fmean(days):.2f}, most {max(days)}")
    days = [rising_days(cost_world.year(seed, 0.03, holiday_week=True)) for seed in seeds]
    told("with a week off, noise 3%", f"mean {fmean(days):.2f}, most {max(days)}")
    for rise in (0.15, 0.30):
        after = [days_until_rising(rise, seed) for seed in seeds]
        seen = sorted(n for n in after if n is not None)
        told(
            f"a rise of {rise:.0%}",
            f"seen in {len(seen)} of {len(after)}, after {seen[len(seen) // 2]} to {seen[-1]} days",
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=cost_world.FRESH)
    asked = parser.parse_args()
    seeds = range(asked.first, asked.first + asked.seeds)
    print_rhythm(seeds)
    print_anomalies(seeds)
    print_forecasts(seeds)
    print_rising(seeds[:20])


if __name__ == "__main__":
    main()
