"""Pure: what the store says of a decision -> what the person who clicked is told."""

from collections.abc import Sequence
from dataclasses import dataclass

from handlers.catalogue import Catalogue
from handlers.clicks import Click
from handlers.views.proposal import APPROVE, CHOICES, REJECT, SNOOZE, UNDO
from handlers.views.words import iso
from lumen.model.message import Message, message
from lumen.model.proposal import Choice, Decided, Proposal, State


@dataclass(frozen=True, slots=True)
class Answer:
    """Sentences for the person who clicked. `about` gives the state's word, which is of the reader's language.

    `owed`: the store keeps in mind that the person is to be told (lumen/ports/owed.py).
    """

    sentences: Sequence[Message]
    about: Proposal | None = None
    owed: bool = False

    def said(self, words: Catalogue) -> tuple[Message, ...]:
        """The sentences with the state's word filled in."""
        if self.about is None:
            return tuple(self.sentences)
        state = words.plain(Message(f"word.state_{self.about.state}", {}))
        return tuple(Message(s.code, {**s.params, "state": state}) for s in self.sentences)


_DONE = {
    APPROVE: message("slack.click_approved"),
    REJECT: message("slack.click_rejected"),
    UNDO: message("slack.click_undone"),
}


def answer_to(click: Click, decided: Decided) -> Answer:
    """Done, or already decided by whom and when, or overtaken."""
    if click.action_id == SNOOZE and decided.proposal.state is State.PENDING and decided.proposal.acts_at is not None:
        code = "slack.click_snoozed" if decided.snoozed else "slack.click_snoozed_already"
        return Answer((Message(code, {"acts_at": iso(decided.proposal.acts_at)}),))
    if decided.won:
        return Answer((_DONE[click.action_id],))
    if decided.voted:
        draft, votes = decided.proposal.draft, len(decided.proposal.votes)
        return Answer((message("slack.click_voted", votes=votes, needed=draft.approvals_needed),))
    return _too_late(click, decided.proposal)


def _too_late(click: Click, proposal: Proposal) -> Answer:
    decision, at = proposal.decision, proposal.decided_at
    if decision is None or at is None:
        raise ValueError(f"{proposal.id} lost a race that nobody won: it is {proposal.state}")
    overtaken = {
        Choice.EXPIRE: "slack.click_expired",
        Choice.SUPERSEDE: "slack.click_superseded",
        Choice.WITHDRAW: "slack.click_withdrawn",
    }.get(decision.choice)
    if overtaken is not None:
        return Answer((Message(overtaken, {"decided_at": iso(at)}),))
    if decision.person is None:
        return Answer((message("slack.click_too_late_elsewhere", decided_at=iso(at), state=""),), proposal)
    if decision.person.user_id == click.person.user_id and decision.choice is CHOICES.get(click.action_id):
        return Answer((message("slack.click_again", decided_at=iso(at)),))
    who = decision.person.user_id
    return Answer((message("slack.click_too_late", who_mention=who, decided_at=iso(at), state=""),), proposal)
