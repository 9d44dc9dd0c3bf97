"""The true figures of a stretch of the world, and the counterfactual of a change: a day with it and a day without.

Figures are of every request, not of what was measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import numpy as np

from lumen.effects.verdict import EffectVerdict
from lumen.model.history import SLICES_A_DAY
from lumen.model.proposal import Change, Knob, Proposal, Value
from lumen.model.snapshot import SLICE_SECONDS
from lumen.verification.accesses import HeldKeys
from lumen.verification.traffic import SECONDS_A_MONTH
from lumen.verification.world import World, WorldSlice


@dataclass(frozen=True, slots=True)
class Figures:
    """Ratios 0-1, latency in ms, money in USD for 30 days at this pace. None where nobody asked for anything."""

    hit_rate: float | None
    p95_ms: float | None
    cost_month_usd: float
    error_rate: float | None
    evictions_per_hour: float
    #: What outdated answers cost beside the bill.
    stale_month_usd: float = 0.0


def figures_of(slices: Sequence[WorldSlice]) -> Figures:
    """The figures over all of `slices`, at least one."""
    requests = sum(one.requests for one in slices)
    lookups = sum(one.lookups for one in slices)
    seconds = len(slices) * SLICE_SECONDS
    return Figures(
        hit_rate=sum(one.hits for one in slices) / lookups if lookups else None,
        p95_ms=float(np.percentile(np.concatenate([one.latencies_ms for one in slices]), 95)) if requests else None,
        cost_month_usd=sum(one.cost_usd for one in slices) * SECONDS_A_MONTH / seconds,
        error_rate=sum(one.errors_5xx for one in slices) / requests if requests else None,
        evictions_per_hour=sum(one.evictions for one in slices) * 3600 / seconds,
        stale_month_usd=sum(one.stale_usd for one in slices) * SECONDS_A_MONTH / seconds,
    )


#: Better or worse by less than this is no difference: of the hit rate in points, of cost and P95 as a ratio.
BETTER_HIT_RATE, BETTER_COST, BETTER_P95 = 0.005, 0.005, 0.02
#: Worse by more than this is harm, whatever else got better (docs/verify.md, How it is judged).
WORSE_HIT_RATE, WORSE_COST, WORSE_P95 = 0.01, 0.02, 0.02


class Outcome(StrEnum):
    """HELPED: something got better and nothing worse. NO_DIFFERENCE: nothing moved. HARMED: something got worse."""

    HELPED = "helped"
    NO_DIFFERENCE = "no_difference"
    HARMED = "harmed"


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """The same 24 hours with and without a change, and the outcome."""

    outcome: Outcome
    with_it: Figures
    without_it: Figures


def judge(before: World, change: Change) -> Counterfactual:
    """Run a day with and without the change from `before`, the world just before it, which stays as it is."""
    changed, unchanged = before.fork(), before.fork()
    turn(changed, change)
    with_it = figures_of([changed.step() for _ in range(SLICES_A_DAY)])
    without_it = figures_of([unchanged.step() for _ in range(SLICES_A_DAY)])
    return Counterfactual(outcome_of(with_it, without_it), with_it, without_it)


def turn(world: World, change: Change, hold_back: HeldKeys | None = None) -> None:
    """Set the knob in the world; another TTL ends the hold-back of the one before."""
    assert isinstance(change.new, int)
    if change.knob is Knob.TTL:
        world.setting = replace(world.setting, ttl_seconds=change.new, hold_back=hold_back)
    elif change.knob is Knob.CACHE_SIZE:
        world.setting = replace(world.setting, cache_mb=change.new)
    else:
        raise ValueError(f"the simulated world has no {change.knob}")


def is_at(world: World, knob: Knob, value: Value) -> bool:
    """Whether the knob still stands at `value` in the world."""
    return value == (world.setting.ttl_seconds if knob is Knob.TTL else world.setting.cache_mb)


def outcome_of(with_it: Figures, without_it: Figures) -> Outcome:
    """Harm first: what got worse is not made good by what got better."""
    hits = (with_it.hit_rate or 0.0) - (without_it.hit_rate or 0.0)
    cost = _grown(in_all(with_it), in_all(without_it))
    p95 = _grown(with_it.p95_ms, without_it.p95_ms)
    if hits < -WORSE_HIT_RATE or cost > WORSE_COST or p95 > WORSE_P95:
        return Outcome.HARMED
    if hits > BETTER_HIT_RATE or cost < -BETTER_COST or p95 < -BETTER_P95:
        return Outcome.HELPED
    return Outcome.NO_DIFFERENCE


def in_all(one: Figures) -> float:
    """The bill, and what outdated answers cost beside it."""
    return one.cost_month_usd + one.stale_month_usd


def _grown(now: float | None, before: float | None) -> float:
    """Growth as a ratio; 0 where one side is missing."""
    return now / before - 1 if now is not None and before else 0.0


@dataclass(slots=True)
class Adjustment:
    """A change that Lumen proposed and somebody approved. `before`: the world just before it.

    `judgement` is the world's own answer, `verdict` that of Lumen.
    """

    change: Change
    proposal: Proposal
    at: datetime
    before: World
    verdict: EffectVerdict | None = None
    verdict_at: datetime | None = None
    #: The verdict wants it undone.
    asked_back: bool = False
    undone_at: datetime | None = None
    judgement: Counterfactual | None = None
