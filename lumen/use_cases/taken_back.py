"""Other changes after an applied undo: what it took back is UNDONE, and an undo that is undone gives way.

Then what that undo had taken back stands again, if its value is the one that is in force now.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress

from lumen.model.messages import Message, NotPossible, message
from lumen.model.proposal import Proposal, State
from lumen.ports.actuators import Reading
from lumen.ports.store import Lease, Proposals


async def mark_taken_back(proposals: Proposals, undo: Proposal, lease: Lease) -> None:
    """Safe to do again. Raises LeaseLost. What is so old that only the audit remembers it is passed over."""
    service = undo.draft.service
    for taken in _targets(undo):
        found = await proposals.get(service, taken)
        if found is None:
            continue
        await _move(proposals, found, lease, State.UNDONE, message("execution.undone_by", proposal_id=undo.id))
        for earlier in _targets(found):
            again = await proposals.get(service, earlier)
            if again is not None and again.draft.change.new == undo.draft.change.new:
                note = message("execution.stands_again", proposal_id=undo.id)
                await _move(proposals, again, lease, _stood(again), note)
                await mark_taken_back(proposals, again, lease)


def _targets(undo: Proposal) -> Iterator[str]:
    """The changes that an undo took back, and what stood above that; nothing for another change."""
    if undo.draft.undo_of is not None:
        yield from (undo.draft.undo_of, *undo.draft.replaces)


def _stood(proposal: Proposal) -> State:
    """As it was before: a verdict that was found holds."""
    measured = proposal.measured
    verdict = measured.verdict if measured is not None else None
    return State.APPLIED if verdict is None else State(verdict.value)


async def _move(proposals: Proposals, found: Proposal, lease: Lease, state: State, note: Message) -> None:
    with suppress(NotPossible):  # it is so already, or was never in force
        await proposals.advance(found.draft.service, found.id, lease, state, note)


def goes_over(made: Proposal, later: Sequence[Proposal], present: Reading) -> list[Message]:
    """Say what is in force instead of the change that is taken back, and whose it is; nothing where it is that."""
    newest = next(iter(later), made)
    change = newest.draft.change
    params = {"value": present.value, "unit": change.unit}
    if present.value != change.new:
        return [message("approval.undo_over_foreign", proposal_id=newest.id, wanted=change.new, **params)]
    if newest is made:
        return []
    decided = newest.decision.person if newest.decision is not None else None
    who = newest.draft.asked_by or decided
    by = "lumen" if who is None else who.user_id
    at = (newest.finished_at or newest.created_at).isoformat()
    return [message("approval.undo_over_change", proposal_id=newest.id, who_mention=by, applied_at=at, **params)]
