"""The TTL policy (docs/methods.md, TTL): which way, and how far, by the first of a table of rules that holds.

Beside it: what a person should know of a TTL that they ask for.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from statistics import median

from lumen.model.messages import Message, NoData, message
from lumen.model.proposal import Change, Knob, Priority
from lumen.model.snapshot import CacheStats, Snapshot, TtlSetting
from lumen.model.turn import Recommendation
from lumen.policies.size import hit_rate_of

#: From here on the memory binds: entries leave by eviction, so living longer cannot help them.
MANY_EVICTIONS_PER_HOUR = 100
#: Spending that has risen by more than this share speaks for a longer TTL.
RISING_COST = 0.02


class Strategy(StrEnum):
    """The size of a step, or the reason for none."""

    AGGRESSIVE = "AGGRESSIVE"
    MODERATE = "MODERATE"
    CONSERVATIVE = "CONSERVATIVE"
    HOLD = "HOLD"
    OVERRIDE = "OVERRIDE"
    PREDICTED = "PREDICTED"


STEP_SECONDS = {Strategy.AGGRESSIVE: 300, Strategy.MODERATE: 120, Strategy.CONSERVATIVE: 60}


@dataclass(frozen=True, slots=True)
class TtlFigures:
    """Inputs of the rules. `cost_change` is a ratio, by which cost has clearly risen; None when it is not known."""

    ttl_seconds: int
    hit_rate: float
    memory_ratio: float
    evictions_per_hour: float
    cost_change: float | None

    @property
    def cost_rises(self) -> bool:
        return self.cost_change is not None and self.cost_change > RISING_COST


@dataclass(frozen=True, slots=True)
class TtlRule:
    """`direction` is +1, 0 or -1; `code` names the reason, which may show every figure."""

    code: str
    holds: Callable[[TtlFigures], bool]
    direction: int
    strategy: Strategy
    priority: Priority

    def reason(self, figures: TtlFigures) -> Message:
        return message(
            f"policy.{self.code}",
            hit_rate=figures.hit_rate,
            memory_ratio=figures.memory_ratio,
            evictions_per_hour=figures.evictions_per_hour,
            cost_change=figures.cost_change or 0.0,
        )


def _memory_binds(f: TtlFigures) -> bool:
    return f.evictions_per_hour >= MANY_EVICTIONS_PER_HOUR


RULES = (
    TtlRule(
        "ttl_evictions_size_first",
        lambda f: f.hit_rate < 0.80 and _memory_binds(f),
        0, Strategy.HOLD, Priority.MEDIUM,
    ),
    TtlRule(
        "ttl_hit_rate_very_low",
        lambda f: f.hit_rate < 0.60 and f.memory_ratio <= 0.70,
        +1, Strategy.AGGRESSIVE, Priority.HIGH,
    ),
    TtlRule(
        "ttl_hit_rate_low",
        lambda f: f.hit_rate < 0.80 and f.memory_ratio <= 0.85,
        +1, Strategy.MODERATE, Priority.MEDIUM,
    ),
    TtlRule(
        "ttl_memory_full_size_first",
        lambda f: f.hit_rate < 0.80,
        0, Strategy.HOLD, Priority.MEDIUM,
    ),
    TtlRule(
        "ttl_memory_pressure",
        lambda f: f.memory_ratio > 0.85,
        -1, Strategy.CONSERVATIVE, Priority.MEDIUM,
    ),
    TtlRule(
        "ttl_many_hits_evictions",
        lambda f: f.hit_rate > 0.90 and _memory_binds(f),
        -1, Strategy.CONSERVATIVE, Priority.LOW,
    ),
    TtlRule(
        "ttl_evictions_hold",
        _memory_binds,
        0, Strategy.HOLD, Priority.LOW,
    ),
    TtlRule(
        "ttl_cost_rises",
        lambda f: f.cost_rises and f.hit_rate <= 0.90 and f.memory_ratio <= 0.85,
        +1, Strategy.MODERATE, Priority.LOW,
    ),
    TtlRule(
        "ttl_best_state",
        lambda _: True,
        0, Strategy.HOLD, Priority.LOW,
    ),
)  # fmt: skip


def rule_for(figures: TtlFigures) -> TtlRule:
    """The first rule that holds; the last one always does."""
    return next(rule for rule in RULES if rule.holds(figures))


#: A hit rate from fewer lookups moves nothing.
LEAST_LOOKUPS = 20
#: From this TTL on no step more than doubles it.
DOUBLING_FROM_SECONDS = 300
#: The last week rises when its days are above the dearer of the same weekdays of the two weeks before: their median by
#: more than this, and all but one of them at all.
RISEN_BY = 0.05
WEEK_DAYS = 7
LEAST_DAYS_UP = 6


@dataclass(frozen=True, slots=True)
class TtlLimits:
    """`strategy` None is "auto": each rule brings its own. `override_seconds` is the pinned value, if any."""

    min_seconds: int = 60
    max_seconds: int = 3600
    strategy: Strategy | None = None
    override_seconds: int | None = None


def recommend_ttl(snapshot: Snapshot, limits: TtlLimits) -> Recommendation | NoData:
    """A step up or down, or hold with the reason; NoData when a figure that it rests on is missing."""
    if isinstance(snapshot.ttl, NoData):
        return snapshot.ttl
    if limits.override_seconds is not None:
        return pinned_ttl(snapshot.ttl.value_seconds, limits.override_seconds)
    figures = ttl_figures(snapshot.ttl, snapshot.cache, snapshot.cost_change)
    return figures if isinstance(figures, NoData) else advise_ttl(figures, limits)


def ttl_figures(ttl: TtlSetting, cache: CacheStats | NoData, change: float | None) -> TtlFigures | NoData:
    """The figures of the rules, or what is missing. The trend of cost alone may be unknown."""
    if isinstance(cache, NoData):
        return cache
    memory, hit_rate = cache.memory_ratio, hit_rate_of(cache, LEAST_LOOKUPS)
    if isinstance(memory, NoData):
        return memory
    if isinstance(hit_rate, NoData):
        return hit_rate
    if isinstance(cache.evictions_per_hour, NoData):
        return cache.evictions_per_hour
    return TtlFigures(ttl.value_seconds, hit_rate, memory, cache.evictions_per_hour, change)


def cost_change(days: Iterable[tuple[date, float]], today: date) -> float | None:
    """How far the cost of the last seven days has risen, as a ratio; 0 where no rise is clear.

    `days`: days that are over, with their cost. A weekend or a day off is no rise, nor are they and what comes after
    them. None under 21 days of history, or where fewer than six of the seven can be compared with both weeks before.
    """
    known = dict(days)
    if min(known, default=today) > today - timedelta(days=3 * WEEK_DAYS):
        return None
    changes = [
        now / before - 1
        for back in range(1, WEEK_DAYS + 1)
        if (now := known.get(today - timedelta(days=back))) is not None
        and (before := _dearer(known, today - timedelta(days=back))) > 0
    ]
    if len(changes) < LEAST_DAYS_UP:
        return None
    change = median(changes)
    return change if change > RISEN_BY and sum(one > 0 for one in changes) >= LEAST_DAYS_UP else 0.0


def _dearer(known: Mapping[date, float], day: date) -> float:
    """Of the same weekday in the two weeks before; 0 where one of them is not known."""
    both = [known.get(day - timedelta(days=WEEK_DAYS * weeks), 0.0) for weeks in (1, 2)]
    return max(both) if all(both) else 0.0


def advise_ttl(figures: TtlFigures, limits: TtlLimits) -> Recommendation:
    """The advice on plain figures, as `lumen ttl --current-ttl --hit-rate --memory` asks for it."""
    if limits.override_seconds is not None:
        return pinned_ttl(figures.ttl_seconds, limits.override_seconds)
    rule = rule_for(figures)
    reasons = (rule.reason(figures), *_cost_reason(rule, figures))
    if rule.direction == 0:
        return Recommendation(None, Strategy.HOLD, reasons, rule.priority)
    strategy = limits.strategy or rule.strategy
    step = rule.direction * STEP_SECONDS[strategy]
    wanted = figures.ttl_seconds + step
    new = bounded(figures.ttl_seconds, wanted, limits)
    if (new - figures.ttl_seconds) * rule.direction <= 0:
        code = "policy.ttl_at_max" if rule.direction > 0 else "policy.ttl_at_min"
        held = message(code, ttl_seconds=figures.ttl_seconds)
        return Recommendation(None, Strategy.HOLD, (*reasons, held), Priority.LOW)
    reasons = (*reasons, _step_reason(strategy, new - figures.ttl_seconds))
    return Recommendation(Change(Knob.TTL, figures.ttl_seconds, new, "s"), strategy, reasons, rule.priority)


def bounded(old_seconds: int, wanted_seconds: int, limits: TtlLimits) -> int:
    """Within the limits, and from 300 s up never more than doubled."""
    most = limits.max_seconds
    if old_seconds >= DOUBLING_FROM_SECONDS:
        most = min(most, 2 * old_seconds)
    return max(limits.min_seconds, min(most, wanted_seconds))


def _step_reason(strategy: Strategy, step_seconds: int) -> Message:
    code = "policy.ttl_step_up" if step_seconds > 0 else "policy.ttl_step_down"
    return message(code, strategy=strategy.value, step_seconds=abs(step_seconds))


def _cost_reason(rule: TtlRule, figures: TtlFigures) -> tuple[Message, ...]:
    """Rising cost speaks for a longer TTL; a reason beside the rule's own."""
    if rule.direction > 0 and figures.cost_rises and rule.code != "ttl_cost_rises":
        return (message("policy.cost_rises_too", cost_change=figures.cost_change or 0.0),)
    return ()


def pinned_ttl(current_seconds: int, pinned_seconds: int) -> Recommendation:
    """To set what people pinned, whatever was measured; hold where it is set."""
    reason = message("policy.ttl_pinned", ttl_seconds=pinned_seconds)
    change = None if current_seconds == pinned_seconds else Change(Knob.TTL, current_seconds, pinned_seconds, "s")
    return Recommendation(change, Strategy.OVERRIDE, (reason,), Priority.MEDIUM)


#: What is usually good; outside of it the cache table grades a TTL as bad.
SHORTEST_FAIR_SECONDS = 120
LONGEST_FAIR_SECONDS = 1800


def notes_on_ttl(current_seconds: int, wanted_seconds: int) -> tuple[Message, ...]:
    """Notes on a TTL that a person asks for: what the step does, and what the policy would not do."""
    step = wanted_seconds - current_seconds
    code = "policy.ttl_note_longer" if step > 0 else "policy.ttl_note_shorter"
    notes = [message(code, step_seconds=abs(step), current_seconds=current_seconds, wanted_seconds=wanted_seconds)]
    if current_seconds > 0 and wanted_seconds > 2 * current_seconds:
        notes.append(message("policy.ttl_note_more_than_doubled", factor=wanted_seconds / current_seconds))
    if not SHORTEST_FAIR_SECONDS <= wanted_seconds <= LONGEST_FAIR_SECONDS:
        notes.append(message("policy.ttl_note_outside_good", wanted_seconds=wanted_seconds))
    return tuple(notes)
