"""Minimum instances: warm where cold starts hurt and money is there, cold where the budget is nearly spent."""

from dataclasses import dataclass

from lumen.model.assessment import Assessment
from lumen.model.message import message
from lumen.model.nodata import NoData
from lumen.model.proposal import Change, Knob, Priority
from lumen.model.snapshot import Snapshot
from lumen.model.turn import Recommendation

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
        return NoData(message("policy.instances_unknown"), message("policy.instances_unknown_remedy"))
    forecast = assessment.rhythm.forecast_usd
    if forecast is not None and spend.budget_usd > 0:
        share = max(share, forecast / spend.budget_usd)
    return InstanceFigures(deployment.min_instances, traffic.cold_starts / traffic.requests, share)


def advise_min_instances(figures: InstanceFigures) -> Recommendation:
    """The pure rule; money speaks before warmth."""
    now = figures.min_instances
    if figures.budget_share > MONEY_SHORT_ABOVE and now > 0:
        return _recommended(figures, now - 1, "instances_money_short", Priority.MEDIUM)
    cold = figures.cold_share > COLD_START_SHARE
    if cold and figures.budget_share < MONEY_THERE_BELOW and now < 1:
        return _recommended(figures, now + 1, "instances_cold", Priority.MEDIUM)
    code = "instances_cold_but_no_money" if cold and now < 1 else "instances_fit"
    return _recommended(figures, now, code, Priority.LOW)


def _recommended(figures: InstanceFigures, new: int, code: str, priority: Priority) -> Recommendation:
    now = figures.min_instances
    reason = message(f"policy.{code}", cold_share=figures.cold_share, budget_share=figures.budget_share, instances=now)
    change = None if new == now else Change(Knob.MIN_INSTANCES, now, new, "")
    strategy = "HOLD" if new == now else ("SCALE_UP" if new > now else "SCALE_DOWN")
    return Recommendation(change, strategy, (reason,), priority)
