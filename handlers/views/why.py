"""Why a score is what it is: what was measured, what it scored, what it weighs, what it gives, and what moved it."""

from collections.abc import Iterator

from handlers.catalogue import Catalogue
from handlers.views.card import Shown
from handlers.views.frame import closed, missing_parts, opened
from handlers.views.judged import Say, budget_lines, move_line, move_of, score_message, since_before, trend_lines
from handlers.views.report import HEALTH_SIGNS, headline
from lumen.model.assessment import Part, Score
from lumen.model.message import Message, message
from lumen.model.nodata import NoData
from lumen.model.readout import TurnReadout
from lumen.model.turn import Turn


def why_card(words: Catalogue, readout: TurnReadout, turn: Turn) -> Shown:
    """`/lumen why`: gate, SLO compliance, maturity and ROI of a turn, with budgets and trends."""
    gate = turn.assessment.gate
    shown = words.plain(score_message(gate.score))
    title = message("why.title", sign=HEALTH_SIGNS[gate.health], service=readout.service.name, score=shown)
    card = opened(words, title, readout, turn)
    card.lines([words.say(gate.health_reason)])
    for name, score in scores_of(turn):
        card.titled(Message(f"why.{name}", {}), score_lines(words, words.say, turn, name, score))
    card.titled(message("assess.name_roi"), [words.say(turn.assessment.roi.shown)])
    card.titled(message("budget.title"), budget_lines(words, words.say, turn.assessment.slo.budgets))
    card.titled(message("trend.title"), trend_lines(words, words.say, turn.trends))
    missing = [lack for _, score in scores_of(turn) for lack in missing_parts(score)]
    return closed(card, words, missing, message("why.rule"))


def gate_card(words: Catalogue, readout: TurnReadout, turn: Turn) -> Shown:
    """`/lumen why gate`: its parts, what moved it, and what holds the health down."""
    gate = turn.assessment.gate
    card = opened(words, headline(words, turn, gate), readout, turn)
    card.section(gate.health_reason, *since_before(words, turn, "health"))
    card.titled(message("why.gate"), score_lines(words, words.say, turn, "gate", gate.score))
    whole = [gate.score.value] if isinstance(gate.score.value, NoData) else []
    missing = [*whole, *missing_parts(gate.score)]
    return closed(card, words, missing, message("explain.gate_rule"), message("why.rule"))


def scores_of(turn: Turn) -> tuple[tuple[str, Score], ...]:
    """By the names under which their moves are kept."""
    found = turn.assessment
    return ("gate", found.gate.score), ("slo", found.slo.compliance), ("maturity", found.maturity.score)


def score_lines(words: Catalogue, say: Say, turn: Turn, name: str, score: Score) -> Iterator[str]:
    """The score, its parts, and what moved it since the turn before."""
    yield say(score_message(score))
    for part in score.parts:
        yield f"• {_part_line(words, say, score, part)}"
    move = move_of(turn, name)
    moved = move_line(words, say, move) if move is not None else None
    if moved is not None:
        yield moved


def _part_line(words: Catalogue, say: Say, score: Score, part: Part) -> str:
    named = words.plain(Message(f"assess.name_{part.name}", {}))
    if isinstance(part.score, NoData):
        code = "why.part_absent" if part.weight == 0 else "why.part_missing"
        return say(Message(code, {"name": named, "weight": part.weight, "reason": words.plain(part.score.reason)}))
    what = named
    if not isinstance(part.value, NoData):
        what = words.plain(Message(f"assess.part_{part.name}", {"value": part.value}))
    points = score.contribution(part)
    if points is None:
        return say(message("why.part_only", what=what, score=part.score, weight=part.weight))
    return say(message("why.part", what=what, score=part.score, weight=part.weight, points=points))
