"""App Home: what waits for a decision first, then how the service is."""

from handlers.catalogue import Catalogue
from handlers.views.card import VIEW_MAX_BLOCKS, Card, Json
from handlers.views.proposal import add_buttons, line
from handlers.views.report import report
from lumen.model.message import message
from lumen.model.proposal import State
from lumen.model.readout import StatusReadout


def home(words: Catalogue, status: StatusReadout) -> Json:
    """A view of type home, as Slack's JSON."""
    card = Card(words)
    waiting = [proposal for proposal in status.open_proposals if proposal.state is State.PENDING]
    under_way = [proposal for proposal in status.open_proposals if proposal.state is not State.PENDING]
    card.header(message("views.home_open", count=len(waiting)))
    if not waiting:
        card.section(message("views.home_none"))
    for proposal in waiting:
        card.lines([line(words, proposal)])
        add_buttons(card, proposal)
    card.lines([line(words, proposal) for proposal in under_way])
    card.divider()
    blocks = [*card.blocks(), *report(words, status).blocks]
    return {"type": "home", "blocks": blocks[:VIEW_MAX_BLOCKS]}
