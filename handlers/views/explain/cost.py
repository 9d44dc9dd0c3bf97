"""`/lumen cost`: whether spending follows demand, by what, and where the month is heading."""

from collections.abc import Iterator

from handlers.catalogue import Catalogue
from handlers.views.card import Shown
from handlers.views.frame import closed, opened
from handlers.views.judged import since_before, trend_lines
from handlers.views.spent import own_part
from handlers.views.words import figure
from lumen.model.assessment import RhythmAssessment, RhythmState
from lumen.model.message import Message, message
from lumen.model.nodata import NoData
from lumen.model.readout import TurnReadout
from lumen.model.snapshot import Spend
from lumen.model.turn import Turn

SIGNS = {
    RhythmState.RESONANT: "✅",
    RhythmState.DISSONANT: "⚠️",
    RhythmState.CHAOTIC: "❌",
    RhythmState.UNKNOWN: "⚪",
}
#: A phase of 1 is half a day.
PHASE_HOURS = 12
#: Less is shown as nothing.
LEAST_PHASE = 0.005
_USD = "explain.cost_usd"


def cost_card(words: Catalogue, readout: TurnReadout, turn: Turn) -> Shown:
    """The rhythm with its three figures, the money, the trend."""
    rhythm, spend = turn.assessment.rhythm, turn.snapshot.spend
    state = words.plain(Message(f"word.rhythm_{rhythm.state}", {}))
    title = message("explain.cost_header", sign=SIGNS[rhythm.state], service=readout.service.name, state=state)
    card = opened(words, title, readout, turn)
    reasons = (rhythm.reason, Message(f"explain.cost_{rhythm.state}", {}))
    card.section(*reasons, *since_before(words, turn, "rhythm"))
    if rhythm.state is RhythmState.UNKNOWN:
        card.section(message("explain.cost_unknown_remedy"))
    else:
        card.fields(list(_rhythm(words, rhythm)))
    own = own_part(spend, readout.service.name)
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
    found = (turn.snapshot.history, _spent(spend), _a_request(turn))
    missing = [lack for lack in found if isinstance(lack, NoData)]
    notes = () if isinstance(spend, NoData) or not spend.is_estimate else (message("explain.cost_estimate"),)
    return closed(card, words, missing, *notes)


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


def _a_request(turn: Turn) -> float | NoData:
    """As maturity sees it: over the last day."""
    parts = turn.assessment.maturity.score.parts
    return next(part.value for part in parts if part.name == "cost_per_request_usd")
