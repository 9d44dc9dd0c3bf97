"""When a countdown's time is up: one replica judges it afresh, and what it comes to is one transition in the store.

Nothing here acts: a countdown that nobody stopped becomes APPROVED_BY_TIMER, and `execution` carries it out.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from lumen.model.errors import NotPossible
from lumen.model.message import message
from lumen.model.proposal import Choice, Decision, Proposal
from lumen.model.service import ServiceId
from lumen.policies.countdown import End, Ending
from lumen.ports.state import Lease, Leases, Proposals
from lumen.use_cases.approvals import EXPIRES_IN
from lumen.use_cases.holding import LEASE, while_holding


class Countdowns:
    """Those of one kind: `is_ours` tells which, `end` judges one and concludes it; `name` is that of the lease."""

    def __init__(
        self,
        proposals: Proposals,
        leases: Leases,
        name: str,
        is_ours: Callable[[Proposal], bool],
        end: Callable[[Proposal, Lease], Awaitable[None]],
    ) -> None:
        self._proposals = proposals
        self._leases = leases
        self._name = name
        self._is_ours = is_ours
        self._end = end

    async def settle(self, service: ServiceId) -> bool:
        """Whether a countdown that was over has led to anything. Safe to call as often as one likes."""
        if not await self._due(service):
            return False
        lease = await self._leases.acquire(service, self._name, LEASE)
        if lease is None:
            return False  # another replica is at it
        await while_holding(self._leases, service, lease, lambda held: self._settle_alone(service, held), LEASE)
        return True

    async def _settle_alone(self, service: ServiceId, lease: Lease) -> None:
        for proposal in await self._due(service):  # as it is now that the lease is ours
            await self._end(proposal, lease)

    async def _due(self, service: ServiceId) -> Sequence[Proposal]:
        return [p for p in await self._proposals.countdowns_due(service) if self._is_ours(p)]


async def conclude(proposals: Proposals, proposal: Proposal, ending: Ending, lease: Lease) -> bool:
    """False: a person decided, snoozed or asked for something else in this very moment, and theirs holds."""
    draft = proposal.draft
    try:
        if ending.end is End.ASK and ending.target is not None:
            now = await proposals.get(draft.service, proposal.id)
            if now is None or now.version != proposal.version:
                return False  # what somebody did with it is not pushed aside; the next round looks again
            change = replace(draft.change, new=ending.target)
            reasons = (*draft.reasons, message("rollback.asked_because"), *ending.reasons)
            asked = replace(draft, change=change, reasons=reasons, request_id=f"ask:{proposal.id}")
            await proposals.propose(asked, EXPIRES_IN)  # the countdown is superseded in the same step
            return True
        choice = Choice.TIMER if ending.end is End.ACT else Choice.WITHDRAW
        note = ending.reasons[0] if ending.reasons else None
        await proposals.decide(
            draft.service, proposal.id, Decision(choice, None, f"{choice}:{proposal.id}", note), lease
        )
    except NotPossible:
        return False
    return True
