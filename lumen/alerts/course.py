"""The course of a failing service out of its stored slices: when it began, how it stands, whether it gets better."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from lumen.alerts.burn_rate import CLEAR_BURN
from lumen.model.alert import Alert, AlertKind, Observation
from lumen.model.course import Course, Failing, Trend
from lumen.model.incident import Incident

#: Two shares are told apart when they lie so many standard errors from each other.
SPREADS = 2.0


def failing_of(incident: Incident) -> Alert | None:
    """Its alert on failing requests that is open; once all of it is over, one from the first of them to the last."""
    still = [alert for alert in incident.open_alerts if alert.kind is AlertKind.AVAILABILITY]
    own = [one.alert for one in incident.alerts if one.alert.kind is AlertKind.AVAILABILITY]
    if still or not own or not incident.is_over:
        return still[0] if still else None
    return replace(own[0], closed_at=max(one.closed_at for one in own if one.closed_at is not None))


def course_of(alert: Alert, stored: Sequence[Observation], now: datetime) -> Course | None:
    """Of an availability alert, from the slices around it, ascending; None for another kind, or without its burn."""
    burn, share = alert.reason.params.get("burn"), alert.reason.params.get("share")
    if alert.kind is not AlertKind.AVAILABILITY or not isinstance(burn, float) or not isinstance(share, float):
        return None
    limit = CLEAR_BURN * share / burn if burn else 0.0
    until = alert.closed_at or now
    began = _began(stored, alert.opened_at, limit)
    own = [one for one in stored if began <= one.start and one.end <= until]
    ill = [one for one in own if (seen := _figures(one)) is not None and seen.share > limit]
    ended = ill[-1].end if ill else alert.opened_at
    own = [one for one in own if one.end <= ended] if alert.closed_at is not None else own
    known = [seen for one in own if (seen := _figures(one)) is not None]
    is_well = bool(known) and known[-1].share <= limit
    costs = [one.cost_usd for one in own if one.cost_usd is not None]
    return Course(
        began=began,
        ended=ended,
        slices=len(own),
        unknown_slices=sum(one.requests is None and not one.is_unreachable for one in own),
        requests=sum(seen.requests for seen in known),
        errors_5xx=sum(seen.errors_5xx for seen in known),
        newest=known[-1] if known else None,
        trend=_trend(known[-2], known[-1]) if len(known) > 1 else None,
        well_since=ended if is_well else None,
        cost_usd=sum(costs) if own and len(costs) == len(own) else None,
    )


def _began(stored: Sequence[Observation], opened_at: datetime, limit: float) -> datetime:
    """The start of the first of the slices that failed one after the other until it was noticed."""
    began = opened_at
    for one in reversed([each for each in stored if each.end <= opened_at]):
        seen = _figures(one)
        if one.end != began or seen is None or seen.share <= limit:
            break
        began = one.start
    return min(began, opened_at)


def newest_figures(stored: Sequence[Observation]) -> Failing | None:
    """Of the newest slice of which they are known; `stored` ascending."""
    return next((seen for one in reversed(stored) if (seen := _figures(one)) is not None), None)


def _figures(one: Observation) -> Failing | None:
    """None for a slice without requests, or whose requests are not known well enough."""
    if one.doubt is not None and one.is_unreachable:
        return Failing(one.end, one.doubt.most_requests, one.doubt.least_errors)
    if not one.requests or one.errors_5xx is None or not one.is_counted:
        return None
    return Failing(one.end, one.requests, one.errors_5xx)


def _trend(before: Failing, now: Failing) -> Trend:
    both = (before.errors_5xx + now.errors_5xx) / (before.requests + now.requests)
    spread = math.sqrt(both * (1 - both) * (1 / before.requests + 1 / now.requests))
    if abs(now.share - before.share) <= SPREADS * spread:
        return Trend.SAME
    return Trend.WORSE if now.share > before.share else Trend.BETTER
