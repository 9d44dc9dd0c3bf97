"""A stored proposal as a `Proposal`. The order of the fields is that of FIELDS in common.lua."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from lumen.model.message import Message
from lumen.model.proposal import Decision, Draft, Proposal, State
from lumen.model.service import Person
from lumen.model.verdict import Measured
from lumen.state.codec import decode

Row = Sequence[str | None]


def proposal_from(proposal_id: str, row: Row) -> Proposal:
    """Raises ValueError for a row that is no proposal."""
    draft, state, created_at, expires_at, acts_at, decision, decided_at, note, finished_at, version, *later = row
    votes, measured = later
    if draft is None or state is None or created_at is None or expires_at is None:
        raise ValueError(f"{proposal_id} is not stored whole")
    return Proposal(
        id=proposal_id,
        draft=decode(Draft, draft),
        state=State(state),
        created_at=datetime.fromisoformat(created_at),
        expires_at=datetime.fromisoformat(expires_at),
        decision=decode(Decision, decision) if decision else None,
        decided_at=datetime.fromisoformat(decided_at) if decided_at else None,
        note=decode(Message, note) if note else None,
        finished_at=datetime.fromisoformat(finished_at) if finished_at else None,
        version=int(version or 0),
        acts_at=datetime.fromisoformat(acts_at) if acts_at else None,
        votes=tuple(decode(Person, line) for line in (votes or "").split("\n") if line),
        measured=decode(Measured, measured) if measured else None,
    )


def proposals_from(listed: Sequence[str | Row]) -> Iterator[Proposal]:
    """From id, row, id, row …"""
    for at in range(0, len(listed), 2):
        yield proposal_from(str(listed[at]), listed[at + 1])
