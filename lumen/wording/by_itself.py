"""What happens by itself about an incident, and when, in one statement; or why nothing does, and what a person can do.

What is stored about a proposal may be older than the proposal itself, of which the newest word is told then.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from lumen.model.alert import AlertKind
from lumen.model.answers import IncidentReadout
from lumen.model.messages import Message, Param, message
from lumen.model.proposal import LATEST, Proposal, State
from lumen.policies.protection import told
from lumen.wording.catalogue import iso

#: Notes that say of a proposal what stands above them already, from the proposal itself.
_SAID_BY_PROPOSAL = frozenset(f"rollback.note_{name}" for name in ("countdown", "ask", "acted", "decided"))
#: Notes that say that nothing happens by itself, or nothing more.
_NOTHING = frozenset(f"rollback.note_{name}" for name in ("none", "held", "rejected", "done", "failed", "undone"))


def short(revision: str, service: str) -> str:
    """The name of a revision without that of its service, as people speak of it: 00042-dvt."""
    return revision.removeprefix(f"{service}-")


def target_of(proposal: Proposal) -> Param:
    """Where the traffic would go."""
    new, service = str(proposal.draft.change.new), proposal.draft.service.name
    return message("incident.newest_revision") if new == LATEST else short(new, service)


def what_happens(readout: IncidentReadout) -> list[Message]:
    """The statement first or after its reasons, then what can be done by hand; of one that is over, only what is still
    open."""
    proposal, is_over = readout.open_proposal, readout.incident.is_over
    if is_over:
        return [] if proposal is None else [_when_over(proposal)]
    if proposal is not None:
        return [_open(proposal, readout.now), *notes(readout)]
    said = notes(readout)
    if not any(note.code in _NOTHING for note in said):
        said.append(message("incident.nothing_now" if _is_judged(readout) else "incident.nothing_by_itself"))
    return [*said, message("incident.by_hand")] if readout.incident.is_open_page else said


def notes(readout: IncidentReadout) -> list[Message]:
    """Why nothing happens by itself, or what became of it; when it is over, its end says the latter."""
    known: dict[Param, Proposal] = {one.id: one for one in readout.proposals}
    is_over = readout.incident.is_over
    stored: tuple[Message, ...] = readout.incident.notes
    own = next((one for one in readout.proposals if one.draft.incident), None)
    if own is not None and (not stored or any(_is_stale(note, known) for note in stored)):
        stored = told(own)
    return [
        note
        for note in stored
        if not (is_over or note.code in _SAID_BY_PROPOSAL) or note.params.get("proposal_id") not in known
    ]


def _is_stale(note: Message, known: Mapping[Param, Proposal]) -> bool:
    """Whether the proposal that it speaks of has gone on since."""
    proposal = known.get(note.params.get("proposal_id", ""))
    return proposal is not None and note.code not in [one.code for one in told(proposal)[:1]]


def _is_judged(readout: IncidentReadout) -> bool:
    """Whether its page is about failing requests, so that each look judges the release."""
    return any(page.kind is AlertKind.AVAILABILITY for page in readout.incident.open_pages)


def _open(proposal: Proposal, now: datetime) -> Message:
    """Of the proposal that waits, or is being carried out."""
    params: dict[str, Param] = {"target": target_of(proposal), "proposal_id": proposal.id}
    if proposal.state is not State.PENDING:
        return Message("incident.going", params)
    if proposal.acts_at is None:
        return Message("incident.asks", params)
    left = proposal.acts_at - now
    if left < timedelta(seconds=30):
        return Message("incident.acts_now", params)
    minutes = max(1, round(left / timedelta(minutes=1)))
    return Message("incident.acts", {**params, "acts_at": iso(proposal.acts_at), "minutes": minutes})


def _when_over(proposal: Proposal) -> Message:
    """A countdown finds nothing to end any more, and is withdrawn at the next look."""
    params: dict[str, Param] = {"target": target_of(proposal), "proposal_id": proposal.id}
    if proposal.state is not State.PENDING:
        return Message("incident.going", params)
    return Message("incident.asks" if proposal.acts_at is None else "incident.acts_no_more", params)
