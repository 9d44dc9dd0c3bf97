"""App Home: what waits for a decision first, then how the service is; of several services all of them."""

from collections.abc import Sequence

from handlers.catalogue import Catalogue
from handlers.views.card import VIEW_MAX_BLOCKS, Card, Json
from handlers.views.proposal import add_buttons, line
from handlers.views.report import report
from handlers.views.services import all_card
from lumen.model.message import message
from lumen.model.proposal import Proposal, State
from lumen.model.readout import Glance, StatusReadout


def home(words: Catalogue, statuses: Sequence[StatusReadout], glances: Sequence[Glance] = ()) -> Json:
    """A view of type home, as Slack's JSON. `glances`: of all services, where there are several."""
    card = Card(words)
    found = [proposal for status in statuses for proposal in status.open_proposals]
    waiting = [proposal for proposal in found if proposal.state is State.PENDING]
    under_way = [proposal for proposal in found if proposal.state is not State.PENDING]
    several = len(statuses) > 1
    card.header(message("views.home_open", count=len(waiting)))
    if not waiting:
        card.section(message("views.home_none"))
    for proposal in waiting:
        card.lines([_line(words, proposal, several)])
        add_buttons(card, proposal, f"{proposal.draft.service.name}:" if several else "")
    card.lines([_line(words, proposal, several) for proposal in under_way])
    card.divider()
    rest = all_card(words, glances) if several else report(words, statuses[0])
    return {"type": "home", "blocks": [*card.blocks(), *rest.blocks][:VIEW_MAX_BLOCKS]}


def _line(words: Catalogue, proposal: Proposal, several: bool) -> str:
    """Of which service it is, where it could be of another one."""
    told = line(words, proposal)
    if not several:
        return told
    return words.say(message("service.of", service=proposal.draft.service.name)) + told
