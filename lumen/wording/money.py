"""The month's money where it is more than one figure: billed or estimated, of several services, at least so much."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from lumen.model.day_cost import Amount
from lumen.model.messages import Message, NoData, Param, message
from lumen.model.service import ServiceId, named
from lumen.model.snapshot import ServiceSpend, Spend
from lumen.model.turn import Turn
from lumen.wording.catalogue import iso
from lumen.wording.figures import difference

#: From a whole day on a month has a pace.
LEAST_PAST = timedelta(days=1)


def money(turn: Turn) -> Iterator[Message]:
    """Spent and left, by whom, the pace, and where the month ends; where the sum is not known, what is known of it."""
    spend = turn.snapshot.spend
    if isinstance(spend, NoData):
        return
    if isinstance(spend.month_to_date_usd, NoData):
        yield from beside(turn)
        return
    left_usd = difference(spend.budget_usd, spend.month_to_date_usd)
    params: dict[str, Param] = {
        "spent_usd": spend.month_to_date_usd,
        "budget_usd": spend.budget_usd,
        "as_of_at": iso(spend.as_of),
    }
    if left_usd < 0:
        yield Message("explain.budget_over", {**params, "over_usd": -left_usd})
    else:
        yield Message("explain.budget_money", {**params, "left_usd": left_usd})
    yield from around(turn)


def spent(turn: Turn) -> Message:
    """What is spent of the month's budget, in one line."""
    spend, share = turn.snapshot.spend, turn.assessment.rhythm.budget_share
    if isinstance(spend, NoData) or isinstance(spend.month_to_date_usd, NoData) or share is None:
        return at_least(spend) or message("word.no_data")
    if spend.is_estimate and spend.filled is not None:
        code, hours = "views.value_spend_filled", spend.filled.estimated
    else:
        code, hours = "views.value_spend_estimate" if spend.is_estimate else "views.value_spend", 0
    params = {"hours": hours, "spent_usd": spend.month_to_date_usd, "budget_usd": spend.budget_usd, "share": share}
    return Message(code, {**params, "as_of_at": iso(spend.as_of)})


def around(turn: Turn) -> Iterator[Message]:
    """What stands beside the month's sum, then its pace and its end where it has them."""
    spend, rhythm = turn.snapshot.spend, turn.assessment.rhythm
    yield from beside(turn)
    if isinstance(spend, NoData) or rhythm.budget_share is None:
        return
    past = _past(spend.as_of)
    if past is not None:
        yield message("explain.budget_pace", past=past, pace=rhythm.budget_share / past)
    if rhythm.forecast_usd is None:
        yield message("explain.budget_no_forecast")
        return
    over_usd = difference(rhythm.forecast_usd, spend.budget_usd)
    if spend.forecast_usd is None:
        code = "explain.budget_under" if over_usd <= 0 else "explain.budget_beyond"
    else:
        code = "explain.budget_usual_under" if over_usd <= 0 else "explain.budget_usual_beyond"
    yield Message(code, {"forecast_usd": rhythm.forecast_usd, "difference_usd": abs(over_usd)})


def _past(as_of: datetime) -> float | None:
    """The share of the month that is over."""
    begin = as_of.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = (begin + timedelta(days=32)).replace(day=1)
    return (as_of - begin) / (end - begin) if as_of - begin >= LEAST_PAST else None


def beside(turn: Turn) -> Iterator[Message]:
    """What stands beside the month's sum: what is known where there is none, who says it, the prices that nobody has
    set, and each service's part."""
    spend, assumed = turn.snapshot.spend, turn.assessment.rhythm.assumed
    if isinstance(spend, NoData):
        return
    least = at_least(spend)
    if least is not None:
        yield least
    at, estimate = iso(spend.as_of), spend.estimate_usd
    if isinstance(estimate, NoData):
        yield message("explain.budget_billed_alone", as_of_at=at)
    elif estimate is not None:
        yield message("explain.budget_billed", as_of_at=at, estimate_usd=estimate)
    if assumed is not None and ((spend.is_estimate and spend.known_usd) or isinstance(estimate, float)):
        yield assumed
    if spend.filled is not None:
        yield filled(spend.filled)
    for part in spend.parts if len(spend.parts) > 1 else ():
        usd = part.month_to_date_usd
        if isinstance(usd, NoData):
            yield message("explain.budget_part_unknown", service=part.service)
        else:
            yield message("explain.budget_part", service=part.service, spent_usd=usd)


def filled(estimate: Amount) -> Message:
    """How much of the month's estimate is not measured."""
    return message(
        "explain.budget_filled",
        spent_usd=estimate.usd,
        hours=estimate.estimated,
        low_usd=estimate.low_usd,
        high_usd=estimate.high_usd,
    )


def at_least(spend: Spend | NoData) -> Message | None:
    """What is known of a month whose sum is not."""
    if isinstance(spend, NoData) or not isinstance(spend.month_to_date_usd, NoData) or not spend.known_usd:
        return None
    at = iso(spend.as_of)
    return message("explain.budget_at_least", spent_usd=spend.known_usd, budget_usd=spend.budget_usd, as_of_at=at)


def own_part(spend: Spend | NoData, service: ServiceId) -> ServiceSpend | None:
    """The service's own part, where others have parts too."""
    if isinstance(spend, NoData) or len(spend.parts) < 2:
        return None
    return next((part for part in spend.parts if named((service,), part.service)), None)
