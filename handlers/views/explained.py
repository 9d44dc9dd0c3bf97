"""`/lumen why [score]`, and each score's own command: the view that explains it, or that there is nothing yet."""

from collections.abc import Callable

from handlers.asked import Subject
from handlers.catalogue import Catalogue
from handlers.views.card import Shown
from handlers.views.explain.budget import budget_card
from handlers.views.explain.cache import cache_card
from handlers.views.explain.cost import cost_card
from handlers.views.explain.maturity import maturity_card
from handlers.views.explain.roi import roi_card
from handlers.views.explain.slo import slo_card
from handlers.views.frame import nothing_yet
from handlers.views.why import gate_card, why_card
from lumen.model.readout import TurnReadout
from lumen.model.turn import Turn

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
