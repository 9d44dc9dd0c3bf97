"""The TTL policy: what the cache TTL should become, and why (mission 4)."""

from dataclasses import dataclass
from statistics import fmean

from lumen.model.assessment import Assessment
from lumen.model.message import Message, message
from lumen.model.nodata import NoData
from lumen.model.proposal import Change, Knob, Priority
from lumen.model.snapshot import CacheStats, HourlyHistory, Snapshot, TtlSetting
from lumen.model.turn import Recommendation
from lumen.policies.ttl_rules import STEP_SECONDS, Strategy, TtlFigures, TtlRule, rule_for

#: A hit rate from fewer lookups moves nothing.
LEAST_LOOKUPS = 20
#: From this TTL on no step more than doubles it.
DOUBLING_FROM_SECONDS = 300
LEAST_HOURS_FOR_COST = 18


@dataclass(frozen=True, slots=True)
class TtlLimits:
    """`strategy` None is "auto": each rule brings its own. `override_seconds` is the pinned value, if any."""

    min_seconds: int = 60
    max_seconds: int = 3600
    strategy: Strategy | None = None
    override_seconds: int | None = None


def recommend_ttl(snapshot: Snapshot, assessment: Assessment, limits: TtlLimits) -> Recommendation | NoData:
    """A step up or down, or hold with the reason; NoData when a figure that it rests on is missing."""
    del assessment  # Every policy is asked alike; this one decides on the figures themselves.
    if isinstance(snapshot.ttl, NoData):
        return snapshot.ttl
    if limits.override_seconds is not None:
        return _pinned(snapshot.ttl.value_seconds, limits.override_seconds)
    figures = ttl_figures(snapshot.ttl, snapshot.cache, snapshot.history)
    return figures if isinstance(figures, NoData) else advise_ttl(figures, limits)


def ttl_figures(ttl: TtlSetting, cache: CacheStats | NoData, history: HourlyHistory | NoData) -> TtlFigures | NoData:
    """The figures of the rules, or what is missing. The trend of cost alone may be unknown."""
    if isinstance(cache, NoData):
        return cache
    if isinstance(cache.max_mb, NoData):
        return cache.max_mb
    hit_rate, memory = cache.hit_rate, cache.memory_ratio
    asked = cache.hits + cache.misses
    if hit_rate is None or asked < LEAST_LOOKUPS or cache.seconds <= 0:
        return NoData(
            message("policy.too_few_lookups", lookups=asked, least=LEAST_LOOKUPS),
            message("policy.too_few_lookups_remedy"),
        )
    if memory is None:
        return NoData(message("assess.cache_no_limit"), message("assess.cache_no_limit_remedy"))
    return TtlFigures(ttl.value_seconds, hit_rate, memory, cache.evictions_per_hour, cost_change(history))


def cost_change(history: HourlyHistory | NoData) -> float | None:
    """Hourly cost of the last 24 hours against the 24 before, over the hours of the day that both know."""
    if isinstance(history, NoData) or len(history.cost_usd) < 48:
        return None
    pairs = zip(history.cost_usd[-48:-24], history.cost_usd[-24:], strict=True)
    known = [(before, now) for before, now in pairs if before is not None and now is not None]
    if len(known) < LEAST_HOURS_FOR_COST:
        return None
    before = fmean(b for b, _ in known)
    return fmean(n for _, n in known) / before - 1 if before > 0 else None


def advise_ttl(figures: TtlFigures, limits: TtlLimits) -> Recommendation:
    """The pure rule on plain figures, as `lumen ttl --current-ttl --hit-rate --memory` asks it."""
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


def _pinned(current: int, pinned: int) -> Recommendation:
    reason = message("policy.ttl_pinned", ttl_seconds=pinned)
    change = None if current == pinned else Change(Knob.TTL, current, pinned, "s")
    return Recommendation(change, Strategy.OVERRIDE, (reason,), Priority.MEDIUM)
