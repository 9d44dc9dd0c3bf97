"""Are the verdicts on changes right? False verdicts, power and coverage on invented fortnights, by seed.

`python -m bench.effects --seeds 100`. Needs the extra `numerics`. The world: a metric of 14 days and the hours after a
change, in logs: a daily wave of 10-50 % shared with its control, shocks of 8 % that both feel (16 h memory), noise of
its own of 2-5 % (AR 0.2-0.6), a control with 70 % of that; `drift` adds a random walk of 0.8 % an hour to the metric
alone, `trend` a line of up to 20 % over the fortnight.
"""

import argparse
import sys
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

if __package__ in {None, ""}:
    sys.path.insert(0, str(Path(__file__).parents[1]))

from lumen.effects.estimate import Estimate, MetricHistory, estimate
from lumen.effects.verdict import ALPHA_BY_LOOK, LOOKS_HOURS, Effect, EffectVerdict, judge_effect

BEFORE = 336
SETTLED = {EffectVerdict.KEPT, EffectVerdict.HARMFUL}


@dataclass(frozen=True, slots=True)
class Case:
    """`effect` is a ratio; `kind` is steady, drift or trend."""

    seed: int
    kind: str
    effect: float
    control: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    covered: bool
    at_24_h: bool
    at_any_look: bool


def world(case: Case, hours: int) -> MetricHistory:
    dice = np.random.default_rng([case.seed, len(case.kind)])
    count = BEFORE + LOOKS_HOURS[-1]
    t = np.arange(count)
    wave = dice.uniform(0.1, 0.5) * np.cos(2 * np.pi * (t - dice.uniform(0, 24)) / 24)
    weekend = (t // 24) % 7 >= 5
    shared = wave + _noise(dice, count, 0.94, 0.08)
    rho, size = dice.uniform(0.2, 0.6), dice.uniform(0.02, 0.05)
    y = shared + 0.1 * dice.normal() * weekend + _noise(dice, count, rho, size)
    control = shared + _noise(dice, count, rho, 0.7 * size)
    if case.kind == "drift":
        y += np.cumsum(dice.normal(0, 0.008, count))
    if case.kind == "trend":
        y += dice.uniform(-0.2, 0.2) * t / BEFORE
    y[BEFORE:] += np.log1p(case.effect)
    end = BEFORE + hours
    beside = np.exp(control[:end]).tolist() if case.control else None
    return MetricHistory(np.exp(y[:end]).tolist(), beside, weekend[:end].tolist(), BEFORE)


def _noise(
    dice: np.random.Generator, count: int, rho: float, size: float
) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    values, value = np.empty(count), dice.normal(0, size)
    for i, shock in enumerate(dice.normal(0, size * np.sqrt(1 - rho**2), count)):
        value = rho * value + shock
        values[i] = value
    return values


def run(case: Case) -> Outcome:
    """All three looks, as a real change would get them."""
    verdicts = []
    for hours in LOOKS_HOURS:
        found = estimate(world(case, hours), ALPHA_BY_LOOK[hours])
        assert isinstance(found, Estimate)
        effect = Effect("hit rate", found.effect, found.low, found.high, True, found.beyond_placebo)
        verdicts.append(judge_effect(hours, effect).verdict)
    whole = estimate(world(case, LOOKS_HOURS[0]), 0.05)
    assert isinstance(whole, Estimate)
    settled = [verdict in SETTLED for verdict in verdicts]
    return Outcome(whole.low <= case.effect <= whole.high, settled[0], any(settled))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    asked = parser.parse_args()
    seeds = range(asked.first, asked.first + asked.seeds)
    with get_context("spawn").Pool(2) as pool:
        for kind in ("steady", "drift", "trend"):
            for control in (True, False):
                for effect in (0.0, 0.10):
                    found = pool.map(run, [Case(seed, kind, effect, control) for seed in seeds])
                    sys.stdout.write(
                        f"{kind:7} {'control' if control else 'no control':10} effect {effect:4.0%}  "
                        f"verdict at 24 h {_share([o.at_24_h for o in found])}  "
                        f"at any look {_share([o.at_any_look for o in found])}  "
                        f"95 % interval covers {_share([o.covered for o in found])}\n"
                    )
                    sys.stdout.flush()


def _share(values: list[bool]) -> str:
    return f"{sum(values) / len(values):.3f}"


if __name__ == "__main__":
    main()
