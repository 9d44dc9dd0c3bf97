"""Builders of proposals for tests."""

from datetime import datetime, timedelta

from lumen.model.messages import NoData, message
from lumen.model.proposal import Change, Draft, Origin, Priority, Proposal, State
from tests.snapshots import NOW, SERVICE

UNPREDICTED = NoData(message("approval.not_predictable"), message("approval.not_predictable_remedy"))


def applied(
    proposal_id: str,
    change: Change,
    *,
    at: datetime = NOW,
    state: State = State.APPLIED,
    origin: Origin = Origin.POLICY,
    undo_of: str | None = None,
) -> Proposal:
    """One that ended at `at`."""
    draft = Draft(SERVICE, change, "1", origin, None, (), UNPREDICTED, Priority.MEDIUM, undo_of, proposal_id)
    begun = at - timedelta(minutes=5)
    return Proposal(proposal_id, draft, state, begun, begun + timedelta(days=1), None, None, None, at, 1)
