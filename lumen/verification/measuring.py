"""The verdict on the one change that is being measured: Lumen's own estimates, at its own looks (methods 3)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lumen.effects.estimate import MetricHistory, TooLittle, estimate
from lumen.effects.verdict import ALPHA_BY_LOOK, LOOKS_HOURS, Effect, EffectVerdict, Judgement, judge_effect
from lumen.model.proposal import Change, Knob
from lumen.verification.hours import HOUR, Hour, Hours

BEFORE = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Metric:
    """`value` of an hour; the name is shown."""

    name: str
    good_is_up: bool
    value: Callable[[Hour], float]


HIT_RATE = Metric("hit_rate", True, lambda hour: hour.hits / hour.lookups)
COST = Metric("cost_per_request_usd", False, lambda hour: hour.cost_usd / hour.requests)
P95 = Metric("p95_ms", False, lambda hour: hour.weighted_p95_ms / hour.requests)


@dataclass(frozen=True, slots=True)
class Experiment:
    """A change whose effect is still open."""

    change: Change
    started_at: datetime

    def due(self, now: datetime) -> int | None:
        """The look (in hours) that falls into this hour."""
        return next(
            (hours for hours in LOOKS_HOURS if hours * HOUR <= now - self.started_at < (hours + 1) * HOUR), None
        )


def judged(experiment: Experiment, look: int, hours: Hours, now: datetime) -> Judgement:
    """What is said of it at this look. An objective that is harmed on its own makes the change harmful too."""
    main, *others = _aims(experiment.change)
    effects = {metric.name: _effect(metric, experiment, hours, now, ALPHA_BY_LOOK[look]) for metric in (main, *others)}
    beside = [one for metric in others if (one := effects[metric.name]) is not None]
    for one in beside:
        alone = judge_effect(look, one)
        if alone.verdict is EffectVerdict.HARMFUL:
            return alone
    cost = effects[COST.name]
    return judge_effect(look, effects[main.name], beside, None if cost is None else cost.effect > 0)


def _aims(change: Change) -> Sequence[Metric]:
    """What the change is for comes first."""
    if change.knob is Knob.CACHE_SIZE and (change.step or 0) < 0:
        return (COST, HIT_RATE, P95)
    return (HIT_RATE, COST, P95)


def _effect(metric: Metric, experiment: Experiment, hours: Hours, now: datetime, alpha: float) -> Effect | None:
    changed = experiment.started_at.replace(minute=0, second=0, microsecond=0)
    # The hour in which it was changed is neither before nor after.
    seen = [*hours.between(changed - BEFORE, changed), *hours.between(changed + HOUR, now)]
    found = estimate(
        MetricHistory(
            values=[None if hour is None else metric.value(hour) for hour in seen],
            # Demand moves with the same world, and not with what the cache is told.
            control=[None if hour is None else float(hour.lookups) for hour in seen],
            weekend=[(changed - BEFORE + index * HOUR).weekday() >= 5 for index in range(len(seen))],
            changed_at=round(BEFORE / HOUR),
        ),
        alpha,
    )
    if isinstance(found, TooLittle):
        return None
    return Effect(metric.name, found.effect, found.low, found.high, metric.good_is_up, found.beyond_placebo)
