"""`/lumen cost`: whether spending follows demand, by what, and where the month is heading.

`/lumen budget`: the month's money, and what may still go wrong in thirty days.
"""

from collections.abc import Iterator

from handlers.blocks.card import Shown, closed, opened
from lumen.model.answers import TurnReadout
from lumen.model.assessment import RhythmAssessment, RhythmState
from lumen.model.messages import Message, NoData, message
from lumen.model.snapshot import Spend
from lumen.model.turn import Turn
from lumen.wording.catalogue import Catalogue, figure
from lumen.wording.money import money, own_part
from lumen.wording.report import RHYTHM_SIGNS
from lumen.wording.scores import budget_lines, since_before, trend_lines

#: A phase of 1 is half a day.
PHASE_HOURS = 12
#: Less is shown as nothing.
LEAST_PHASE = 0.005
_USD = "explain.cost_usd"


def cost_card(words: Catalogue, readout: TurnReadout, turn: Turn) -> Shown:
    """The rhythm with its three figures, the money, the trend."""
    rhythm, spend = turn.assessment.rhythm, turn.snapshot.spend
    state = words.plain(Message(f"word.rhythm_{rhythm.state}", {}))
    title = message("explain.cost_header", sign=RHYTHM_SIGNS[rhythm.state], service=readout.service.name, state=state)
    card = opened(words, title, readout, turn)
    reasons = (rhythm.reason, Message(f"explain.cost_{rhythm.state}", {}))
    card.section(*reasons, *since_before(words, turn, "rhythm"))
    if rhythm.state is RhythmState.UNKNOWN:
        card.section(message("explain.cost_unknown_remedy"))
    else:
        card.fields(list(_rhythm(words, rhythm)))
    own = own_part(spend, readout.service)
    card.fields(
        [
            (message("explain.cost_request"), figure(words, _a_request(turn), "explain.cost_request_value")),
            *([] if own is None else [(message("explain.cost_own"), figure(words, own.month_to_date_usd, _USD))]),
            (message("explain.cost_spent" if own is None else "explain.cost_all"), figure(words, _spent(spend), _USD)),
            (message("explain.cost_forecast"), figure(words, rhythm.forecast_usd, _USD)),
        ]
    )
    trends = turn.trends if isinstance(turn.trends, NoData) else [t for t in turn.trends if t.name.startswith("cost")]
    if trends:
        card.titled(message("trend.title"), trend_lines(words, words.say, trends))
    assumed = () if rhythm.assumed is None else (rhythm.assumed,)
    return closed(card, words, (turn.snapshot.history, _spent(spend), _a_request(turn)), *_estimated(spend), *assumed)


def _rhythm(words: Catalogue, rhythm: RhythmAssessment) -> Iterator[tuple[Message, str]]:
    phase = rhythm.phase
    yield message("explain.cost_coherence"), figure(words, rhythm.coherence, "explain.cost_coherence_value")
    if phase is not None:
        yield message("explain.cost_phase"), words.say(_phase(phase))
    yield message("explain.cost_entropy"), figure(words, rhythm.entropy, "explain.cost_entropy_value")


def _phase(phase: float) -> Message:
    if abs(phase) < LEAST_PHASE:
        return message("explain.cost_phase_with", value=0.0)
    code = "explain.cost_phase_behind" if phase < 0 else "explain.cost_phase_ahead"
    return Message(code, {"value": phase, "hours": abs(phase) * PHASE_HOURS})


def _spent(spend: Spend | NoData) -> float | NoData:
    return spend if isinstance(spend, NoData) else spend.month_to_date_usd


def _estimated(spend: Spend | NoData) -> tuple[Message, ...]:
    return () if isinstance(spend, NoData) or not spend.is_estimate else (message("explain.cost_estimate"),)


def _a_request(turn: Turn) -> float | NoData:
    """As maturity sees it: over the last day."""
    parts = turn.assessment.maturity.score.parts
    return next(part.value for part in parts if part.name == "cost_per_request_usd")


#: Shares of the budget from which it is a warning, and from which it is spent (alerts come at 80, 90 and 100 %).
WARN_FROM, SPENT_FROM = 0.8, 1.0


def budget_card(words: Catalogue, readout: TurnReadout, turn: Turn) -> Shown:
    """Money first, then the error budgets."""
    spend, budgets = turn.snapshot.spend, turn.assessment.slo.budgets
    share = turn.assessment.rhythm.budget_share
    card = opened(words, _title(readout, spend, share), readout, turn)
    card.titled(message("explain.budget_title"), (words.say(line) for line in money(turn)))
    card.titled(message("budget.title"), budget_lines(words, words.say, budgets))
    not_billed = None if isinstance(spend, NoData) else spend.not_billed
    found = [_spent(spend), not_billed, *(budget.remaining for budget in budgets)]
    return closed(card, words, found, *_estimated(spend), message("explain.budget_rule"))


def _title(readout: TurnReadout, spend: Spend | NoData, share: float | None) -> Message:
    """The budget is the project's: where several services spend it, it is spoken of by the project's name."""
    several = not isinstance(spend, NoData) and len(spend.parts) > 1
    service = readout.service.project if several else readout.service.name
    if share is None:
        return message("explain.budget_header_none", sign="⚪", service=service)
    sign = "❌" if share >= SPENT_FROM else "⚠️" if share >= WARN_FROM else "✅"
    return message("explain.budget_header", sign=sign, service=service, share=share)
