"""How often a week without a trend shows one, and a week with one does: `python -m bench.trends [--seeds 300]`.

The weeks are invented: 168 hours of a level with a daily wave (none, or 40 %), noise of 5 % of which each hour
resembles the one before by rho, 5 % of the hours missing; the trend, where there is one, is a fifth of the noise a day.
"""

import argparse
import math
import random

from lumen.effects.trend import trend

HOURS = 168
NOISE = 0.05
SLOPE = NOISE / 5
LOST = 0.05


def week(seed: int, rho: float, wave: float, slope: float) -> list[float | None]:
    """Noise is AR(1), begun in its steady state."""
    dice = random.Random(seed)
    noise, values = dice.gauss(0, 1), list[float | None]()
    for hour in range(HOURS):
        noise = rho * noise + math.sqrt(1 - rho * rho) * dice.gauss(0, 1)
        level = 1 + wave * math.sin(2 * math.pi * hour / 24) + slope * hour / 24
        values.append(None if dice.random() < LOST else level + NOISE * noise)
    return values


def shown(seeds: int, rho: float, wave: float, slope: float) -> float:
    """The share of weeks whose trend is clear."""
    found = [trend(week(seed, rho, wave, slope)) for seed in range(seeds)]
    return sum(one is not None and one.is_clear for one in found) / seeds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=300)
    seeds = parser.parse_args().seeds
    print("rho    wave   false   found")
    for rho in (0.0, 0.3, 0.6, 0.8, 0.9, 0.95):
        for wave in (0.0, 0.4):
            false, found = shown(seeds, rho, wave, 0.0), shown(seeds, rho, wave, SLOPE)
            print(f"{rho:4.2f}   {wave:4.2f}   {false:5.3f}   {found:5.3f}")


if __name__ == "__main__":
    main()
