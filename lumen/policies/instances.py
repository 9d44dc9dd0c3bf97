"""Two knobs of the instances: how many stay warm, and how many entries each keeps in its own (L1) cache.

Warm instances where cold starts hurt and the budget has room, cold ones where it is nearly spent. An L1 spares the
round trip to the shared cache, so it grows where that is slow; it is paid with the memory of every instance, so it
shrinks where the shared cache answers at once: in steps of 1,000, within 1,000 to 10,000 entries.
"""

from dataclasses import dataclass

from lumen.model.assessment import Assessment
from lumen.model.messages import NoData, message, with_remedy
from lumen.model.proposal import Change, Knob, Priority
from lumen.model.snapshot import CacheStats, Snapshot
from lumen.model.turn import Recommendation
from lumen.policies.size import hit_rate_of

COLD_START_SHARE = 0.10
MONEY_THERE_BELOW = 0.80
MONEY_SHORT_ABOVE = 0.90
LEAST_REQUESTS = 20


@dataclass(frozen=True, slots=True)
class InstanceFigures:
    """`cold_share`: cold starts over requests; `budget_share`: of the budget, by forecast where there is one."""

    min_instances: int
    cold_share: float
    budget_share: float


def recommend_min_instances(snapshot: Snapshot, assessment: Assessment) -> Recommendation | NoData:
    """One step up or down, or hold; NoData when a figure is missing."""
    figures = instance_figures(snapshot, assessment)
    return figures if isinstance(figures, NoData) else advise_min_instances(figures)


def instance_figures(snapshot: Snapshot, assessment: Assessment) -> InstanceFigures | NoData:
    """The figures of the rule, or what is missing."""
    deployment, traffic, spend = snapshot.deployment, snapshot.traffic, snapshot.spend
    for part in (deployment, traffic, spend):
        if isinstance(part, NoData):
            return part
    assert not isinstance(deployment, NoData)
    assert not isinstance(traffic, NoData)
    assert not isinstance(spend, NoData)
    if isinstance(traffic.cold_starts, NoData):
        return traffic.cold_starts
    share = assessment.rhythm.budget_share
    if share is None or traffic.requests < LEAST_REQUESTS:
        return NoData(*with_remedy("policy.instances_unknown"))
    forecast = assessment.rhythm.forecast_usd
    if forecast is not None and spend.budget_usd > 0:
        share = max(share, forecast / spend.budget_usd)
    return InstanceFigures(deployment.min_instances, traffic.cold_starts / traffic.requests, share)


def advise_min_instances(figures: InstanceFigures) -> Recommendation:
    """The advice on plain figures: money goes before warmth."""
    now = figures.min_instances
    if figures.budget_share > MONEY_SHORT_ABOVE and now > 0:
        return _instances_step(figures, now - 1, "instances_money_short", Priority.MEDIUM)
    cold = figures.cold_share > COLD_START_SHARE
    if cold and figures.budget_share < MONEY_THERE_BELOW and now < 1:
        return _instances_step(figures, now + 1, "instances_cold", Priority.MEDIUM)
    code = "instances_cold_but_no_money" if cold and now < 1 else "instances_fit"
    return _instances_step(figures, now, code, Priority.LOW)


def _instances_step(figures: InstanceFigures, new: int, code: str, priority: Priority) -> Recommendation:
    now = figures.min_instances
    reason = message(f"policy.{code}", cold_share=figures.cold_share, budget_share=figures.budget_share, instances=now)
    change = None if new == now else Change(Knob.MIN_INSTANCES, now, new, "")
    strategy = "HOLD" if new == now else ("SCALE_UP" if new > now else "SCALE_DOWN")
    return Recommendation(change, strategy, (reason,), priority)


L1_STEP = 1000
L1_LEAST = 1000
L1_MOST = 10_000
SLOW_MS = 100.0
FAST_MS = 10.0


def advise_l1(entries: int, cache_p95_ms: float, hit_rate: float) -> Recommendation:
    """`hit_rate` (0-1) and `cache_p95_ms` are the shared cache's."""
    if cache_p95_ms >= SLOW_MS and hit_rate >= 0.5:
        return _l1_step(entries, min(L1_MOST, entries + L1_STEP), "l1_slow", cache_p95_ms)
    if cache_p95_ms < FAST_MS:
        return _l1_step(entries, max(L1_LEAST, entries - L1_STEP), "l1_fast", cache_p95_ms)
    return _l1_step(entries, entries, "l1_fits", cache_p95_ms)


def recommend_l1(entries: int | NoData, cache: CacheStats | NoData) -> Recommendation | NoData:
    """A step up or down, or hold; NoData when a figure is missing."""
    if isinstance(entries, NoData):
        return entries
    if isinstance(cache, NoData):
        return cache
    if isinstance(cache.p95_ms, NoData):
        return cache.p95_ms
    hit_rate = hit_rate_of(cache, 1)
    return hit_rate if isinstance(hit_rate, NoData) else advise_l1(entries, cache.p95_ms, hit_rate)


def _l1_step(old: int, new: int, code: str, p95_ms: float) -> Recommendation:
    change = None if new == old else Change(Knob.L1_ENTRIES, old, new, "")
    strategy = "HOLD" if change is None else ("SCALE_UP" if new > old else "SCALE_DOWN")
    return Recommendation(change, strategy, (message(f"policy.{code}", p95_ms=p95_ms, entries=old),), Priority.LOW)
