"""`/lumen budget`: the month's money, and what may still go wrong in thirty days."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from handlers.catalogue import Catalogue
from handlers.views.card import Shown
from handlers.views.frame import closed, opened
from handlers.views.judged import budget_lines
from handlers.views.spent import beside
from handlers.views.words import iso
from lumen.model.message import Message, message
from lumen.model.nodata import NoData
from lumen.model.readout import TurnReadout
from lumen.model.snapshot import Spend
from lumen.model.turn import Turn

#: Shares of the budget from which it is a warning, and from which it is spent (the mission's alerts at 80, 90, 100 %).
WARN_FROM, SPENT_FROM = 0.8, 1.0
#: From a whole day on a month has a pace.
LEAST_PAST = timedelta(days=1)


def budget_card(words: Catalogue, readout: TurnReadout, turn: Turn) -> Shown:
    """Money first, then the error budgets."""
    spend, budgets = turn.snapshot.spend, turn.assessment.slo.budgets
    share = turn.assessment.rhythm.budget_share
    card = opened(words, _title(readout, spend, share), readout, turn)
    card.titled(message("explain.budget_title"), (words.say(line) for line in money(turn)))
    card.titled(message("budget.title"), budget_lines(words, words.say, budgets))
    spent = spend if isinstance(spend, NoData) else spend.month_to_date_usd
    not_billed = None if isinstance(spend, NoData) else spend.not_billed
    unknown = [spent, not_billed, *(budget.remaining for budget in budgets)]
    notes = [message("explain.budget_rule")]
    if not isinstance(spend, NoData) and spend.is_estimate:
        notes.insert(0, message("explain.cost_estimate"))
    return closed(card, words, [lack for lack in unknown if isinstance(lack, NoData)], *notes)


def _title(readout: TurnReadout, spend: Spend | NoData, share: float | None) -> Message:
    """The budget is the project's: where several services spend it, it is spoken of by the project's name."""
    several = not isinstance(spend, NoData) and len(spend.parts) > 1
    service = readout.service.project if several else readout.service.name
    if share is None:
        return message("explain.budget_header_none", sign="⚪", service=service)
    sign = "❌" if share >= SPENT_FROM else "⚠️" if share >= WARN_FROM else "✅"
    return message("explain.budget_header", sign=sign, service=service, share=share)


def money(turn: Turn) -> Iterator[Message]:
    """Spent and left, by whom, the pace, and where the month ends; where the sum is not known, what is known of it."""
    spend, rhythm = turn.snapshot.spend, turn.assessment.rhythm
    if isinstance(spend, NoData):
        return
    spent_usd = spend.month_to_date_usd
    if isinstance(spent_usd, NoData) or rhythm.budget_share is None:
        yield from beside(spend)
        return
    yield _spent(spend, spent_usd)
    yield from beside(spend)
    past = _past(spend.as_of)
    if past is not None:
        yield message("explain.budget_pace", past=past, pace=rhythm.budget_share / past)
    forecast = rhythm.forecast_usd
    if forecast is None:
        yield message("explain.budget_no_forecast")
        return
    code = "explain.budget_under" if forecast <= spend.budget_usd else "explain.budget_beyond"
    yield Message(code, {"forecast_usd": forecast, "difference_usd": abs(forecast - spend.budget_usd)})


def _spent(spend: Spend, spent_usd: float) -> Message:
    left = spend.budget_usd - spent_usd
    at = iso(spend.as_of)
    if left < 0:
        return message(
            "explain.budget_over", spent_usd=spent_usd, budget_usd=spend.budget_usd, as_of_at=at, over_usd=-left
        )
    return message("explain.budget_money", spent_usd=spent_usd, budget_usd=spend.budget_usd, as_of_at=at, left_usd=left)


def _past(as_of: datetime) -> float | None:
    """The share of the month that is over."""
    begin = as_of.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = (begin + timedelta(days=32)).replace(day=1)
    return (as_of - begin) / (end - begin) if as_of - begin >= LEAST_PAST else None
