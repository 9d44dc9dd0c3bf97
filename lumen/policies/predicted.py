"""The TTL policy's step up by the forecast, where that can be trusted; which way to go is the rules' alone.

A longer TTL always has more hits, so the forecast by itself would never stop: it says how far, and when not at all.
"""

from dataclasses import replace

from lumen.model.forecast import HIGH, Forecast, confidence_of
from lumen.model.messages import Message, NoData, message
from lumen.model.proposal import Change, Knob, Priority
from lumen.model.turn import Recommendation
from lumen.policies.ttl import STEP_SECONDS, Strategy, TtlLimits, bounded


def by_forecast(wanted: Recommendation, forecast: Forecast | NoData | None, limits: TtlLimits) -> Recommendation:
    """The step of the largest expected saving that is above 0 in all of its interval, within the longest step; a hold
    where there is none. `wanted` as it is for a step down, a strategy that people chose, or no trusted forecast."""
    change = wanted.change
    if change is None or not isinstance(change.old, int) or (change.step or 0) <= 0:
        return wanted
    if not isinstance(forecast, Forecast) or forecast.ttl_seconds != change.old or limits.strategy is not None:
        return wanted
    farthest = bounded(change.old, change.old + STEP_SECONDS[Strategy.AGGRESSIVE], limits)
    near = [step for step in forecast.steps if change.old < step.ttl_seconds <= farthest]
    trusted = [step for step in near if confidence_of(step.uplift, step.half) >= HIGH]
    reasons = tuple(reason for reason in wanted.reasons if reason.code != "policy.ttl_step_up")
    if not near and forecast.full_from is not None:
        return _held(reasons, message("policy.ttl_would_fill", ttl_seconds=forecast.full_from))
    if not trusted:
        return wanted
    sure = [step for step in trusted if step.uplift - step.half > 0]
    if not sure:
        return _held(reasons, message("policy.ttl_saves_nothing", ttl_seconds=farthest))
    best = max(sure, key=lambda step: step.uplift)
    low, middle, _ = forecast.bounds(best)
    told = message(
        "policy.ttl_step_predicted",
        step_seconds=best.ttl_seconds - change.old,
        saved_usd=-forecast.usd_a_month(middle),
        least_usd=-forecast.usd_a_month(low),
    )
    new = Change(Knob.TTL, change.old, best.ttl_seconds, change.unit)
    return replace(wanted, change=new, strategy=Strategy.PREDICTED, reasons=(*reasons, told))


def _held(reasons: tuple[Message, ...], why: Message) -> Recommendation:
    return Recommendation(None, Strategy.HOLD, (*reasons, why), Priority.LOW)
