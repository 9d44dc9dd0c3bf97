"""The verdict on the one change that is being measured: Lumen's own estimates, at its own looks (methods 3).

The same live and in a verification. Needs the extra `numerics`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from lumen.effects.design import MetricHistory
from lumen.effects.estimate import LEAST_KNOWN, TooLittle, estimate
from lumen.effects.experiment import BEFORE, Experiment, Finding
from lumen.effects.hours import HOUR, Hour, Hours
from lumen.effects.verdict import ALPHA_BY_LOOK, Effect, EffectVerdict, judge_effect
from lumen.model.proposal import Change, Knob


@dataclass(frozen=True, slots=True)
class Metric:
    """`value` of an hour, None where it is not known; the name is shown."""

    name: str
    good_is_up: bool
    value: Callable[[Hour], float | None]


HIT_RATE = Metric("hit_rate", True, lambda hour: hour.hit_rate)
COST = Metric("cost_per_request_usd", False, lambda hour: hour.cost_per_request_usd)
P95 = Metric("p95_ms", False, lambda hour: hour.p95_ms)


def judged(experiment: Experiment, look: int, hours: Hours, now: datetime) -> Finding:
    """What is said of it at this look. An objective that is harmed on its own makes the change harmful too."""
    main, *others = _aims(experiment.change)
    effects = {metric.name: _effect(metric, experiment, hours, now, ALPHA_BY_LOOK[look]) for metric in (main, *others)}
    found = tuple(one for one in effects.values() if one is not None)
    beside = [one for metric in others if (one := effects[metric.name]) is not None]
    for one in beside:
        alone = judge_effect(look, one)
        if alone.verdict is EffectVerdict.HARMFUL:
            return Finding(alone, found)
    judgement = judge_effect(look, effects[main.name], beside, _costs_more(experiment.change, effects.get(COST.name)))
    return Finding(judgement, found)


def _aims(change: Change) -> Sequence[Metric]:
    """What the change is for comes first.

    The process cache takes hits away from the shared one, so its hit rate says nothing; what instances cost before is
    estimated by today's shape and number of them, so that says nothing of a change of these.
    """
    down = (change.step or 0) < 0
    return {
        Knob.CACHE_SIZE: (COST, HIT_RATE, P95) if down else (HIT_RATE, COST, P95),
        Knob.L1_ENTRIES: (COST, P95) if down else (P95, COST),
        Knob.MIN_INSTANCES: (P95,),
        Knob.MEMORY: (P95,),
    }.get(change.knob, (HIT_RATE, COST, P95))


def _costs_more(change: Change, cost: Effect | None) -> bool | None:
    """By its price where it has one, else as it was measured; None where nobody knows."""
    if change.knob in (Knob.MIN_INSTANCES, Knob.MEMORY):
        return (change.step or 0) > 0
    return None if cost is None else cost.effect > 0


def _effect(metric: Metric, experiment: Experiment, hours: Hours, now: datetime, alpha: float) -> Effect | None:
    changed = experiment.started_at.replace(minute=0, second=0, microsecond=0)
    seen = hours.between(changed - BEFORE, now)
    changed_at = round(BEFORE / HOUR)
    control = _demand(seen)
    if control is None:
        return None
    # The hour in which it was changed is neither before nor after.
    values = [None if index == changed_at else metric.value(hour) for index, hour in enumerate(seen)]
    weekend = [(changed - BEFORE + index * HOUR).weekday() >= 5 for index in range(len(seen))]
    found = estimate(MetricHistory(values, control, weekend, changed_at), alpha)
    if isinstance(found, TooLittle):
        return None
    return Effect(metric.name, found.effect, found.low, found.high, metric.good_is_up, found.beyond_placebo)


def _demand(seen: Sequence[Hour]) -> Sequence[float | None] | None:
    """Moves with the same world, and not with what the cache is told: lookups, or requests where those are unknown."""
    lookups = [hour.demand for hour in seen]
    if sum(count is not None for count in lookups) >= LEAST_KNOWN * len(seen):
        return lookups
    requests = [hour.traffic for hour in seen]
    return requests if any(count is not None for count in requests) else None
