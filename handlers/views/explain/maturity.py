"""`/lumen maturity`: level and score, each part, and what would help most."""

from collections.abc import Iterator

from handlers.catalogue import Catalogue
from handlers.views.card import Shown
from handlers.views.frame import closed, gives, missing_parts, named, opened
from handlers.views.judged import score_message
from handlers.views.report import VERDICT_SIGNS
from handlers.views.why import score_lines
from lumen.model.assessment import MATURITY_PASS, MATURITY_WARN, MaturityAssessment, Part
from lumen.model.message import Message, message
from lumen.model.nodata import NoData
from lumen.model.readout import TurnReadout
from lumen.model.turn import Turn

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
    whole = [found.score.value] if isinstance(found.score.value, NoData) else []
    return closed(card, words, [*whole, *missing_parts(found.score)], rule)


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
