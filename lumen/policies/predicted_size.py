"""The worth of a size by the replay in the cache's own memory, instead of by evictions, where that can be trusted."""

from dataclasses import replace

from lumen.model.forecast import MEDIUM, Forecast, Step, confidence_of
from lumen.model.messages import NoData, message
from lumen.model.proposal import Priority, number
from lumen.model.turn import Recommendation
from lumen.policies.size import SizeAdvice, roi_of


def predicted_size(advice: SizeAdvice | NoData, forecast: Forecast | NoData | None) -> SizeAdvice | NoData:
    """The same step with its savings by the forecast; less memory is held where its calls cost more."""
    change = None if isinstance(advice, NoData) else advice.recommendation.change
    if isinstance(advice, NoData) or change is None or not isinstance(forecast, Forecast):
        return advice
    found, now = (forecast.size_step(number(size)) for size in (change.new, change.old))
    if found is None or now is None or confidence_of(found.uplift, found.half) < MEDIUM:
        return advice
    _, calls, _ = forecast.calls_a_month(Step(forecast.ttl_seconds, found.uplift, found.half))
    low, _, high = forecast.bounds(Step(forecast.ttl_seconds, found.uplift, found.half))
    spared_usd, is_up = -calls * forecast.call_usd + 0.0, (change.step or 0) > 0
    told = message(
        "policy.size_predicted", points=100 * found.uplift, low=100 * low, high=100 * high, calls=round(calls)
    )
    reasons = (*(one for one in advice.recommendation.reasons if one.code != "policy.size_day"), told)
    savings = spared_usd if is_up else spared_usd - found.added_usd
    if not is_up and savings <= 0:
        why = message("policy.size_calls_cost_more", calls=round(calls), spent_usd=-spared_usd)
        return SizeAdvice(Recommendation(None, "MAINTAIN", (*reasons, why), Priority.LOW), 0.0, 0.0, 0.0)
    recommendation = replace(advice.recommendation, reasons=reasons)
    added = found.added_usd
    return SizeAdvice(recommendation, max(savings, 0.0), added, roi_of(savings, added), by_day=True)
