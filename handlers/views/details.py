"""The modal behind Details: the proposal with its premise and everything that happened to it so far."""

from collections.abc import Sequence

from handlers.catalogue import Catalogue
from handlers.views.card import Card, Json, modal
from handlers.views.history import history_line
from handlers.views.proposal import expected_lines, fate, line
from lumen.model.message import message
from lumen.model.proposal import Proposal
from lumen.ports.state import AuditEntry

TITLE = message("views.details_title")
CLOSE = message("views.details_close")


def loading(words: Catalogue) -> Json:
    """Shown at once: a trigger lives for three seconds."""
    return modal(words, TITLE, CLOSE, _said(words, words.say(message("views.details_loading"))))


def gone(words: Catalogue) -> Json:
    """The proposal is not stored any more."""
    return modal(words, TITLE, CLOSE, _said(words, words.say(message("views.details_gone"))))


def details(words: Catalogue, proposal: Proposal, history: Sequence[AuditEntry]) -> Json:
    """`history` newest first, of any proposal."""
    draft = proposal.draft
    card = Card(words)
    card.lines([line(words, proposal)])
    card.titled(message("views.proposal_expected"), expected_lines(words, draft.expected))
    card.titled(message("views.proposal_reasons"), (f"• {words.say(reason)}" for reason in draft.reasons))
    card.lines(fate(words, proposal))
    own = [entry for entry in reversed(history) if entry.proposal_id == proposal.id]
    card.titled(message("views.details_history"), (history_line(words, entry) for entry in own))
    card.context(
        [
            words.say(
                message(
                    "views.details_premise",
                    old=draft.change.old,
                    unit=draft.change.unit,
                    version=draft.premise_version,
                    proposal_id=proposal.id,
                )
            )
        ]
    )
    return modal(words, TITLE, CLOSE, card)


def _said(words: Catalogue, said: str) -> Card:
    card = Card(words)
    card.lines([said])
    return card
