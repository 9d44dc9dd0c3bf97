"""The modal behind Details: a proposal with its premise and everything that happened to it so far."""

from collections.abc import Sequence

from handlers.blocks.card import Card, Json, modal
from handlers.blocks.proposal import expected_lines, fate, held_back, line, small_print
from lumen.model.audit import AuditEntry
from lumen.model.messages import LumenError, Message, message, with_remedy
from lumen.model.proposal import Proposal, State
from lumen.wording.audit_lines import history_line
from lumen.wording.catalogue import Catalogue

TITLE = message("views.details_title")
CLOSE = message("views.details_close")


def loading(words: Catalogue) -> Json:
    """Shown at once: a trigger lives for three seconds."""
    return _said(words, message("views.details_loading"))


def gone(words: Catalogue) -> Json:
    """The proposal is not stored any more."""
    return _said(words, message("views.details_gone"))


def other(words: Catalogue, proposal_id: str) -> Json:
    """The card is of another proposal than the one that has its id now, or does not tell."""
    return _said(words, *with_remedy("state.other_proposal", proposal_id=proposal_id))


def failed(words: Catalogue, error: LumenError) -> Json:
    """The store does not tell."""
    return _said(words, message("slack.failed", reason=words.plain(error.reason)), error.remedy)


def broken(words: Catalogue, error: Exception) -> Json:
    """A fault of Lumen's own."""
    return _said(words, message("slack.bug", kind=type(error).__name__))


def details(words: Catalogue, proposal: Proposal, history: Sequence[AuditEntry]) -> Json:
    """`history` newest first, of any proposal."""
    draft = proposal.draft
    card = Card(words)
    card.lines([line(words, proposal)])
    card.titled(message("views.proposal_expected"), expected_lines(words, draft.expected))
    card.lines(held_back(words, draft.change))
    if proposal.state is State.PENDING and draft.steps_to:
        card.lines([words.say(message("plan.offered_at_length", most=draft.steps_to))])
    card.titled(message("views.proposal_reasons"), (f"• {words.say(reason)}" for reason in draft.reasons))
    card.lines(fate(words, proposal))
    own = [entry for entry in reversed(history) if entry.proposal_id == proposal.id]
    card.titled(message("views.details_history"), (history_line(words, entry) for entry in own))
    params = {"old": draft.change.old, "unit": draft.change.unit, "version": draft.premise_version}
    card.context([small_print(words, proposal)])
    card.context([words.say(Message("views.details_premise", {**params, "proposal_id": proposal.id}))])
    return modal(words, TITLE, CLOSE, card)


def _said(words: Catalogue, *told: Message) -> Json:
    card = Card(words)
    card.section(*told)
    return modal(words, TITLE, CLOSE, card)
