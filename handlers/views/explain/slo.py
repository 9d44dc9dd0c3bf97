"""`/lumen slo`: each objective against its target, what it gives, and what is left of its budget."""

from collections.abc import Iterator

from handlers.catalogue import Catalogue
from handlers.views.card import Shown
from handlers.views.frame import closed, gives, missing_parts, named, opened
from handlers.views.judged import budget_lines, move_line, move_of, score_message
from handlers.views.report import VERDICT_SIGNS, objective_sign
from lumen.model.assessment import Objective, Score
from lumen.model.message import Message, message
from lumen.model.nodata import NoData
from lumen.model.readout import TurnReadout
from lumen.model.turn import Turn


def slo_card(words: Catalogue, readout: TurnReadout, turn: Turn) -> Shown:
    """Objectives, compliance, budgets."""
    slo = turn.assessment.slo
    title = message(
        "explain.slo_header",
        sign=VERDICT_SIGNS[slo.verdict],
        service=readout.service.name,
        score=words.plain(score_message(slo.compliance)),
        verdict=words.plain(Message(f"word.verdict_{slo.verdict}", {})),
    )
    card = opened(words, title, readout, turn)
    card.section(Message(f"explain.slo_{slo.verdict}", {}))
    for objective in slo.objectives:
        card.lines([_line(words, objective, slo.compliance)])
    card.titled(message("why.slo"), _compliance(words, turn))
    card.titled(message("budget.title"), budget_lines(words, words.say, slo.budgets))
    return closed(card, words, missing_parts(slo.compliance), message("explain.slo_rule"))


def _line(words: Catalogue, objective: Objective, compliance: Score) -> str:
    part = next(part for part in compliance.parts if part.name == objective.name)
    sign, name, shown = objective_sign(objective), named(words, objective.name), words.plain(objective.shown)
    burn, points, most = objective.burn, compliance.contribution(part), 100 * part.weight
    if isinstance(burn, NoData) or points is None:
        return words.say(message("explain.objective_missing", sign=sign, name=name, most=most, reason=shown))
    state = "alert" if objective.alert else "met" if objective.met else "missed"
    return words.say(
        message(
            "explain.objective",
            sign=sign,
            name=name,
            state=words.plain(Message(f"explain.state_{state}", {})),
            shown=shown,
            burn=burn or 0.0,
            points=points,
            most=most,
        )
    )


def _compliance(words: Catalogue, turn: Turn) -> Iterator[str]:
    yield words.say(score_message(turn.assessment.slo.compliance))
    move = move_of(turn, "slo")
    moved = move_line(words, words.say, move) if move is not None else None
    if moved is not None:
        yield moved
    yield words.say(gives(turn, "slo_compliance"))
