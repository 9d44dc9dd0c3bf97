"""`/lumen roi`: what the cache saves against what it costs, and how far that is from the target."""

from collections.abc import Iterator

from handlers.catalogue import Catalogue
from handlers.views.card import Shown
from handlers.views.frame import closed, gives, opened
from handlers.views.judged import since_before
from handlers.views.report import VERDICT_SIGNS
from handlers.views.words import figure
from lumen.model.assessment import ROI_PASS, ROI_WARN, RoiAssessment
from lumen.model.message import Message, message
from lumen.model.nodata import NoData
from lumen.model.readout import TurnReadout
from lumen.model.turn import Turn


def roi_card(words: Catalogue, readout: TurnReadout, turn: Turn) -> Shown:
    """The figures, the formula with what was measured in it, the target."""
    roi = turn.assessment.roi
    card = opened(words, _title(words, readout, roi), readout, turn)
    missing = [roi.roi] if isinstance(roi.roi, NoData) else []
    if not missing:
        card.section(roi.shown)
    card.fields(
        [
            (message("explain.roi_savings"), figure(words, roi.savings_usd, "explain.cost_usd")),
            (message("explain.roi_cost"), figure(words, roi.cost_usd, "explain.cost_usd")),
            (message("explain.roi_return"), figure(words, roi.roi, "views.value_roi")),
            (message("explain.roi_score"), _score(words, roi)),
        ]
    )
    card.lines(list(_target(words, roi)))
    card.section(*since_before(words, turn, "roi"), gives(turn, "roi"))
    return closed(card, words, missing, message("explain.roi_prices"))


def _title(words: Catalogue, readout: TurnReadout, roi: RoiAssessment) -> Message:
    sign, service = VERDICT_SIGNS[roi.verdict], readout.service.name
    if isinstance(roi.roi, NoData):
        return message("explain.roi_header_none", sign=sign, service=service)
    verdict = words.plain(Message(f"word.verdict_{roi.verdict}", {}))
    return message("explain.roi_header", sign=sign, service=service, roi=roi.roi, verdict=verdict)


def _score(words: Catalogue, roi: RoiAssessment) -> str:
    if isinstance(roi.score, NoData):
        return words.say(message("word.no_data"))
    return words.say(message("why.score", score=roi.score))


def _target(words: Catalogue, roi: RoiAssessment) -> Iterator[str]:
    yield words.say(message("explain.roi_rule", pass_from=ROI_PASS, warn_from=ROI_WARN))
    if not isinstance(roi.roi, NoData) and not isinstance(roi.savings_usd, NoData) and roi.roi <= ROI_PASS:
        needed = (1 + ROI_PASS) * roi.cost_usd
        yield words.say(message("explain.roi_needed", needed_usd=needed, savings_usd=roi.savings_usd))
