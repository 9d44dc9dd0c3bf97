"""The cost rhythm and cost anomalies on invented weeks and months: `python -m bench.costs --seeds 200`.

Weeks: demand with a daily wave (0.3-1.2 in log), weekends at 50-100 %, noise of 2-12 % on demand and cost; growing:
20-80 % over the week; shifted: 3-12 h either way; flat: 2 %; random: 60 % regardless of demand.
Months: daily cost $20-200, weekends at 50-100 %, noise of 3-8 %, growth of up to 30 % over 90 days, one lasting
change of up to 20 %; anomalies: one in 20 days, times 1.6-4.
"""

import argparse
import math
import random
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

if __package__ in {None, ""}:
    sys.path.insert(0, str(Path(__file__).parents[1]))

from lumen.alerts.spending import DailyCosts
from lumen.exporters.cost_rhythm import rhythm_of
from lumen.model.assessment import RhythmState
from lumen.model.snapshot import HourlyHistory

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


def quarter(seed: int) -> Found:
    """90 days; those of the first three weeks are only learnt from."""
    dice = random.Random(seed)
    level, weekend, noise = dice.uniform(20, 200), dice.uniform(0.5, 1.0), dice.uniform(0.03, 0.08)
    growth, change_at, change = dice.uniform(0, 0.3), dice.randrange(90), dice.uniform(-0.2, 0.2)
    days, flagged, true, anomalies = DailyCosts(), 0, 0, 0
    for index in range(90):
        day = date(2026, 1, 5) + timedelta(days=index)
        usual = level * (weekend if index % 7 >= 5 else 1.0) * (1 + growth * index / 90)
        usual *= (1 + change if index >= change_at else 1.0) * math.exp(dice.gauss(0, noise))
        strange = index >= 21 and dice.random() < 1 / 20
        found = days.add(day, usual * (dice.uniform(1.6, 4) if strange else 1.0)) is not None
        flagged, true, anomalies = flagged + found, true + (found and strange), anomalies + strange
    return Found(flagged, true, anomalies)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    asked = parser.parse_args()
    for kind, expected in EXPECTED.items():
        states = Counter(rhythm_of(week(kind, seed)).state for seed in range(asked.seeds))
        sys.stdout.write(f"rhythm {kind:8} {expected:9} {states[expected] / asked.seeds:.3f}\n")
    found = [quarter(seed) for seed in range(asked.seeds)]
    flagged, true, anomalies = (sum(getattr(f, n) for f in found) for n in ("flagged", "true", "anomalies"))
    sys.stdout.write(f"cost anomalies  precision {true / flagged:.3f}  recall {true / anomalies:.3f}  of {anomalies}\n")


if __name__ == "__main__":
    main()
