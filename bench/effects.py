"""Verdicts on changes: false verdicts, power and coverage on invented fortnights, by seed.

`python -m bench.effects --seeds 100`; `--limit` prints the power that nobody could exceed. Needs the extra `numerics`.
The worlds: bench/effect_world.py.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from scipy.stats import norm

if __package__ in {None, ""}:
    sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.effect_world import KINDS, Case, least_error, world
from lumen.effects.estimate import estimate
from lumen.effects.verdict import ALPHA_BY_LOOK, LOOKS_HOURS, Effect, EffectVerdict, judge_effect

SETTLED = {EffectVerdict.KEPT, EffectVerdict.HARMFUL}


@dataclass(frozen=True, slots=True)
class Outcome:
    """`covered`: None where too much is missing for an estimate."""

    covered: bool | None
    at_24_h: bool
    at_any_look: bool


def run(case: Case) -> Outcome:
    """All three looks, as a real change would get them."""
    verdicts = [judge_effect(hours, _effect(case, hours, ALPHA_BY_LOOK[hours])).verdict for hours in LOOKS_HOURS]
    settled = [verdict in SETTLED for verdict in verdicts]
    whole = _effect(case, LOOKS_HOURS[0], 0.05)
    covered = None if whole is None else whole.low <= case.effect <= whole.high
    return Outcome(covered, settled[0], any(settled))


def _effect(case: Case, hours: int, alpha: float) -> Effect | None:
    found = estimate(world(case, hours), alpha)
    if found is None:
        return None
    return Effect("hit_rate", found.effect, found.low, found.high, True, found.beyond_placebo)


def limit(case: Case) -> float:
    """The chance of a clear interval at 24 h for who knows everything but the effect."""
    away = abs(np.log1p(case.effect)) / least_error(case, LOOKS_HOURS[0])
    return float(norm.sf(norm.isf(ALPHA_BY_LOOK[LOOKS_HOURS[0]] / 2) - away))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    parser.add_argument("--control", action="store_true", help="only changes with a control")
    parser.add_argument("--limit", action="store_true", help="the power at 24 h that nobody could exceed")
    asked = parser.parse_args()
    seeds = range(asked.first, asked.first + asked.seeds)
    with get_context("spawn").Pool(2) as pool:
        for kind in asked.kinds:
            for control in (True,) if asked.control else (True, False):
                for effect in (0.10,) if asked.limit else (0.0, 0.10):
                    cases = [Case(seed, kind, effect, control) for seed in seeds]
                    said = _mean(pool.map(limit, cases)) if asked.limit else _said(pool.map(run, cases))
                    name = f"{kind:10} {'control' if control else 'no control':10} effect {effect:4.0%}"
                    sys.stdout.write(f"{name}  {said}\n")
                    sys.stdout.flush()


def _said(found: Sequence[Outcome]) -> str:
    return (
        f"verdict at 24 h {_mean([o.at_24_h for o in found])}  "
        f"at any look {_mean([o.at_any_look for o in found])}  "
        f"95 % interval covers {_mean([o.covered for o in found if o.covered is not None])}"
    )


def _mean(values: Sequence[float]) -> str:
    return f"{sum(values) / len(values):.3f}"


if __name__ == "__main__":
    main()
