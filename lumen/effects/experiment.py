"""A change whose effect is measured: what of it can be, when it is looked at, and what a look finds.

Needs no numerics itself: `judge` brings them in where it runs, which is the numerics worker.

The verdict on the one change that is being measured: Lumen's own estimates, at its own looks.

The same live and in a verification. Needs the extra `numerics`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lumen.effects.design import MetricHistory
from lumen.effects.estimate import LEAST_KNOWN, estimate
from lumen.effects.hours import HOUR, Hour, Hours
from lumen.effects.verdict import ALPHA_BY_LOOK, LOOKS_HOURS, Effect, EffectVerdict, Judgement, judge_effect
from lumen.model.proposal import Change, Knob, Origin, Proposal, State

#: So much of the time before the change is compared with.
BEFORE = timedelta(days=14)
#: A change that got no verdict within this, because Lumen was away, gets none any more: its data is gone.
FORGOTTEN_AFTER = timedelta(days=7)
#: Where the traffic goes is judged by its errors, not by the cache.
MEASURED_KNOBS = frozenset(Knob) - {Knob.TRAFFIC}


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

    def overdue(self, now: datetime, done: int) -> int | None:
        """The newest look whose time has come, unless it is `done` (in hours, 0 for none)."""
        come = [hours for hours in LOOKS_HOURS if hours * HOUR <= now - self.started_at]
        return come[-1] if come and come[-1] > done else None

    def end_of(self, look: int, now: datetime) -> datetime:
        """Up to which whole hour a look takes what was measured, however late it comes."""
        started = self.started_at.replace(minute=0, second=0, microsecond=0)
        return min(now.replace(minute=0, second=0, microsecond=0), started + (look + 1) * HOUR)


@dataclass(frozen=True, slots=True)
class LookFinding:
    """What a look comes to; `effects` on every metric that could be estimated, what the change is for first."""

    judgement: Judgement
    effects: tuple[Effect, ...] = ()


def experiment_of(proposal: Proposal, now: datetime) -> Experiment | None:
    """Of a change that was applied and has no verdict yet; taking one back is no experiment."""
    draft, applied_at = proposal.draft, proposal.finished_at
    if proposal.state is not State.APPLIED or applied_at is None or now - applied_at > FORGOTTEN_AFTER:
        return None
    if draft.origin is Origin.UNDO or draft.change.knob not in MEASURED_KNOBS:
        return None
    return Experiment(draft.change, applied_at)


def measuring(proposals: Sequence[Proposal], now: datetime) -> bool:
    """Whether a change is being measured: no other is begun meanwhile."""
    return any(experiment_of(proposal, now) is not None for proposal in proposals)


def judge(experiment: Experiment, look: int, hours: Hours, end: datetime) -> LookFinding:
    """What is said of it at this look, on the hours before `end`. Raises ImportError without the extra `numerics`."""

    return judged(experiment, look, hours, end)


@dataclass(frozen=True, slots=True)
class Metric:
    """`value` of an hour, None where it is not known; the name is shown."""

    name: str
    good_is_up: bool
    value: Callable[[Hour], float | None]


HIT_RATE = Metric("hit_rate", True, lambda hour: hour.hit_rate)
COST = Metric("cost_per_request_usd", False, lambda hour: hour.cost_per_request_usd)
P95 = Metric("p95_ms", False, lambda hour: hour.p95_ms)


def judged(experiment: Experiment, look: int, hours: Hours, now: datetime) -> LookFinding:
    """What is said of it at this look. An objective that is harmed on its own makes the change harmful too."""
    main, *others = _aims(experiment.change)
    effects = {metric.name: _effect(metric, experiment, hours, now, ALPHA_BY_LOOK[look]) for metric in (main, *others)}
    found = tuple(one for one in effects.values() if one is not None)
    beside = [one for metric in others if (one := effects[metric.name]) is not None]
    for one in beside:
        alone = judge_effect(look, one)
        if alone.verdict is EffectVerdict.HARMFUL:
            return LookFinding(alone, found)
    judgement = judge_effect(look, effects[main.name], beside, _costs_more(experiment.change, effects.get(COST.name)))
    return LookFinding(judgement, found)


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
    if found is None:
        return None
    return Effect(metric.name, found.effect, found.low, found.high, metric.good_is_up, found.beyond_placebo)


def _demand(seen: Sequence[Hour]) -> Sequence[float | None] | None:
    """Moves with the same world, and not with what the cache is told: lookups, or requests where those are unknown."""
    lookups = [hour.demand for hour in seen]
    if sum(count is not None for count in lookups) >= LEAST_KNOWN * len(seen):
        return lookups
    requests = [hour.traffic for hour in seen]
    return requests if any(count is not None for count in requests) else None
