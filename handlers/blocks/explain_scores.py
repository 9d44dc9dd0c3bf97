"""`/lumen why`, `why gate`, `maturity` and `slo`: what was measured, what it gives to the score, and what moved it.

`explained` finds the view of every score, also those of explain_cache.py and explain_cost.py.
"""

from collections.abc import Callable, Iterator

from handlers.blocks.card import Shown, closed, nothing_yet, opened
from handlers.blocks.explain_cache import cache_card, roi_card
from handlers.blocks.explain_cost import budget_card, cost_card
from handlers.command_types import Subject
from lumen.model.answers import TurnReadout
from lumen.model.assessment import MATURITY_PASS, MATURITY_WARN, MaturityAssessment, Objective, Part, Score
from lumen.model.messages import Message, NoData, message
from lumen.model.turn import Turn
from lumen.wording.catalogue import Catalogue
from lumen.wording.scores import (
    HEALTH_SIGNS,
    VERDICT_SIGNS,
    budget_lines,
    gives,
    headline,
    missing_parts,
    move_lines,
    named,
    score_lines,
    score_message,
    scores_of,
    since_before,
    trend_lines,
)

POINTS_A_LEVEL = 20
HIGHEST_LEVEL = 5
GAINS_SHOWN = 3


def maturity_card(words: Catalogue, readout: TurnReadout, turn: Turn) -> Shown:
    """The parts as `/lumen why` shows them, then the next level."""
    found = turn.assessment.maturity
    card = opened(words, _title(words, readout, found), readout, turn)
    card.titled(message("why.maturity"), score_lines(words, words.say, turn, "maturity", found.score))
    card.lines(list(_next(words, found)))
    card.section(gives(turn, "maturity"))
    rule = message("explain.maturity_rule", pass_from=MATURITY_PASS, warn_from=MATURITY_WARN)
    return closed(card, words, [found.score.value, *missing_parts(found.score)], rule)


def _title(words: Catalogue, readout: TurnReadout, found: MaturityAssessment) -> Message:
    sign, service = VERDICT_SIGNS[found.verdict], readout.service.name
    if found.level is None:
        return message("explain.maturity_header_none", sign=sign, service=service)
    return message(
        "explain.maturity_header",
        sign=sign,
        service=service,
        level=found.level,
        score=words.plain(score_message(found.score)),
        verdict=words.plain(Message(f"word.verdict_{found.verdict}", {})),
    )


def _next(words: Catalogue, found: MaturityAssessment) -> Iterator[str]:
    value, level = found.score.value, found.level
    if level is not None and level < HIGHEST_LEVEL and not isinstance(value, NoData):
        points = level * POINTS_A_LEVEL - value
        yield words.say(message("explain.maturity_next", points=points, level=level + 1))
    gains = sorted((part for part in found.score.parts if _gain(part) >= 0.05), key=lambda part: -_gain(part))
    if gains:
        parts = [
            words.plain(message("explain.maturity_gain_part", name=named(words, part.name), points=_gain(part)))
            for part in gains[:GAINS_SHOWN]
        ]
        yield words.say(message("explain.maturity_gain", parts=" · ".join(parts)))


def _gain(part: Part) -> float:
    """The points that a part leaves lying; one without data is mended, not improved."""
    return 0.0 if isinstance(part.score, NoData) else (100 - part.score) * part.weight


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
    sign, name, shown = VERDICT_SIGNS[objective.verdict], named(words, objective.name), words.plain(objective.shown)
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
    yield from move_lines(words, words.say, turn, "slo")
    yield words.say(gives(turn, "slo_compliance"))


def why_card(words: Catalogue, readout: TurnReadout, turn: Turn) -> Shown:
    """`/lumen why`: gate, SLO compliance, maturity and ROI of a turn, with budgets and trends."""
    gate = turn.assessment.gate
    shown = words.plain(score_message(gate.score))
    title = message("why.title", sign=HEALTH_SIGNS[gate.health], service=readout.service.name, score=shown)
    card = opened(words, title, readout, turn)
    card.lines([words.say(gate.health_reason)])
    for name, score in scores_of(turn):
        card.titled(Message(f"why.{name}", {}), score_lines(words, words.say, turn, name, score))
    roi = turn.assessment.roi
    card.titled(message("assess.name_roi"), [words.say(one) for one in (roi.shown, roi.assumed) if one])
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
    missing = [gate.score.value, *missing_parts(gate.score)]
    return closed(card, words, missing, message("explain.gate_rule"), message("why.rule"))


_VIEWS: dict[Subject | None, Callable[[Catalogue, TurnReadout, Turn], Shown]] = {
    None: why_card,
    Subject.GATE: gate_card,
    Subject.CACHE: cache_card,
    Subject.SLO: slo_card,
    Subject.ROI: roi_card,
    Subject.MATURITY: maturity_card,
    Subject.COST: cost_card,
    Subject.BUDGET: budget_card,
}


def explained(words: Catalogue, subject: Subject | None, readout: TurnReadout) -> Shown:
    """None: all the scores."""
    if readout.turn is None:
        return nothing_yet(words, readout)
    return _VIEWS[subject](words, readout, readout.turn)
