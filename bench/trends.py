"""False and missed trends of a week: `python -m bench.trends [--seeds 300]`.

The weeks are invented: 168 hours of a level with a daily wave of 40 %, noise of 5 % of which each hour resembles the
one before by rho, 5 % of the hours missing; the trend, where there is one, is a fifth of the noise a day. Beside the
plain ones there are weeks with a weekend 10 % lower that begin on any day, weeks whose days differ by as much as their
hours do, and weeks with 3 % of freak hours, ten noises off.
"""

import argparse
import math
import random

from lumen.effects.trend import trend

KINDS = ("plain", "weekend", "days", "freaks")
HOURS = 168
WAVE = 0.4
NOISE = 0.05
SLOPE = NOISE / 5
LOST = 0.05
WEEKEND = 0.1
FREAKS, FREAK = 0.03, 10 * NOISE


def week(seed: int, kind: str, rho: float, slope: float) -> list[float | None]:
    """Noise is AR(1), begun in its steady state."""
    dice = random.Random(seed)
    first, days = dice.randrange(7), [NOISE * dice.gauss(0, 1) for _ in range(7)]
    noise, values = dice.gauss(0, 1), list[float | None]()
    for hour in range(HOURS):
        noise = rho * noise + math.sqrt(1 - rho * rho) * dice.gauss(0, 1)
        level = 1 + WAVE * math.sin(2 * math.pi * hour / 24) + slope * hour / 24
        if kind == "weekend" and (first + hour // 24) % 7 >= 5:
            level -= WEEKEND
        if kind == "days":
            level += days[hour // 24]
        if kind == "freaks" and dice.random() < FREAKS:
            level += dice.choice((-FREAK, FREAK))
        values.append(None if dice.random() < LOST else level + NOISE * noise)
    return values


def shown(seeds: int, kind: str, rho: float, slope: float) -> float:
    """The share of weeks whose trend is clear."""
    found = [trend(week(seed, kind, rho, slope)) for seed in range(seeds)]
    return sum(one is not None and one.is_clear for one in found) / seeds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=300)
    seeds = parser.parse_args().seeds
    print("weeks      rho   false   found")
    for kind in KINDS:
        for rho in (0.0, 0.3, 0.6, 0.8, 0.9, 0.95):
            false, found = shown(seeds, kind, rho, 0.0), shown(seeds, kind, rho, SLOPE)
            print(f"{kind:8}  {rho:4.2f}   {false:5.3f}   {found:5.3f}", flush=True)


if __name__ == "__main__":
    main()
