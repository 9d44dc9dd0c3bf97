"""The worth of more memory against what a day of evictions says: `python -m bench.sizes [FIRST] [SEEDS]`.

Each simulated service lives a day at its TTL, at 1.8 and at 3 times it. Where that day evicts 200 entries or more, the
day after is lived twice: with half as much memory again, and without. Printed: true savings over estimated ones, and
what became of the steps that Lumen would propose and of those that it would not.
"""

import statistics
import sys
from collections import Counter
from dataclasses import dataclass, replace

from lumen.model.history import SLICES_A_DAY, cache_day
from lumen.policies.choose import WORTH_FROM
from lumen.policies.size import UP_FACTOR, SizeFigures, SizeLimits, advise_size
from lumen.verification.judge import Outcome, figures_of, outcome_of
from lumen.verification.traffic import Demand, draw_profile
from lumen.verification.world import World

FACTORS = (1.0, 1.8, 3.0)
LEAST_EVICTIONS = 200


@dataclass(frozen=True, slots=True)
class Step:
    """Savings in USD a month; `is_proposed` as far as their worth goes."""

    estimated_usd: float
    true_usd: float
    is_proposed: bool
    outcome: Outcome


def main(first: int = 1001, seeds: int = 40) -> None:
    found = [step for seed in range(first, first + seeds) for step in _steps(seed)]
    ratios = [one.true_usd / one.estimated_usd for one in found if one.estimated_usd > 0]
    quarters = statistics.quantiles(ratios, n=4)
    print(f"{len(found)} steps; true over estimated savings, quartiles: {', '.join(f'{q:.2f}' for q in quarters)}")
    for is_proposed in (True, False):
        outcomes = Counter(one.outcome.value for one in found if one.is_proposed is is_proposed)
        print(f"{'proposed' if is_proposed else 'held'}: {dict(sorted(outcomes.items()))}")


def _steps(seed: int) -> list[Step]:
    profile = draw_profile(seed)
    fresh = World(profile, (), Demand(profile, (), 9))
    for _ in range(2 * SLICES_A_DAY):
        fresh.step()
    return [step for factor in FACTORS if (step := _step(fresh.fork(), factor)) is not None]


def _step(world: World, factor: float) -> Step | None:
    profile = world.profile
    world.setting = replace(world.setting, ttl_seconds=min(3600, int(profile.ttl_seconds * factor)))
    for _ in range(24):
        world.step()
    seen = [world.step().seen for _ in range(SLICES_A_DAY)]
    day = cache_day(seen, seen[-1].end)
    if day is None or day.evictions < LEAST_EVICTIONS:
        return None
    size = world.setting.cache_mb
    limits = SizeLimits(
        cost_per_mb_month_usd=profile.cache_usd_per_mb_month, api_cost_per_call_usd=profile.model_call_usd
    )
    advice = advise_size(SizeFigures(size, float(size), 0.0, 0.0), limits, day)
    larger = world.fork()
    larger.setting = replace(world.setting, cache_mb=min(limits.max_mb, int(UP_FACTOR * size)))
    if larger.setting == world.setting:
        return None
    with_it = [larger.step() for _ in range(SLICES_A_DAY)]
    without_it = [world.step() for _ in range(SLICES_A_DAY)]
    gained = sum(one.hits for one in with_it) - sum(one.hits for one in without_it)
    outcome = outcome_of(figures_of(with_it), figures_of(without_it))
    return Step(advice.savings_usd, gained * 30 * profile.model_call_usd, advice.roi >= WORTH_FROM, outcome)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
