"""A change from the command line: proposed, decided and carried out by the very steps that a click takes.

The operator's Google account stands for the person, and what people have set against automation holds it back.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

from lumen.model.errors import LeaseLost, NotPossible, OutcomeUnknown
from lumen.model.message import Message, message
from lumen.model.proposal import FINAL, Choice, Decision, Knob, Proposal, Value
from lumen.model.service import Approvers, Person, ServiceId
from lumen.policies.guard import Automation, Situation, held_by_people
from lumen.ports.clock import Clock
from lumen.ports.state import Audit, Proposals
from lumen.ports.watching import Standings
from lumen.use_cases.approvals import Approvals
from lumen.use_cases.execution import FOLLOW_WITHIN_SECONDS, Execution

T = TypeVar("T")

#: Of service time: as long as the service may take to follow, and a little for another replica to be done with it.
GIVE_UP_SECONDS = FOLLOW_WITHIN_SECONDS + 60.0
LOOK_SECONDS = 2.0
#: A lost answer is asked for again: both steps know their own id, so they happen once.
TRIES = 3


@dataclass(frozen=True, slots=True)
class Locks:
    """OVERRIDE_TTL (None: not pinned) and LOCK_CACHE_SIZE."""

    ttl_seconds: int | None = None
    size: bool = False


class Applying:
    """`approvers.accounts` may use it, and nobody else."""

    def __init__(
        self,
        approvals: Approvals,
        execution: Execution,
        proposals: Proposals,
        standings: Standings,
        audit: Audit,
        clock: Clock,
        approvers: Approvers,
        automation: Automation,
        locks: Locks,
    ) -> None:
        self._approvals = approvals
        self._execution = execution
        self._proposals = proposals
        self._standings = standings
        self._audit = audit
        self._clock = clock
        self._approvers = approvers
        # While a new installation only watches, what a person asks for is done (mission 2).
        self._automation = replace(automation, observe_until=None)
        self._locks = locks

    async def apply(
        self,
        service: ServiceId,
        knob: Knob,
        wanted: Value,
        person: Person,
        request_id: str,
        why: Sequence[Message] = (),
    ) -> Proposal:
        """The proposal as it stands in the end: APPLIED, FAILED, ABANDONED; or still PENDING, where more than one
        person must approve; or still being applied, where that takes longer than it should.

        Raises NotPossible (no right, held back, out of range, already so, another change of it under way),
        SourceUnavailable, StoreUnavailable. A refusal for want of right or by a lock is audited.
        """
        refused = self._no_right(person) or await self._held(service, knob, wanted)
        if refused is not None:
            await self._audit.add(service, "refused", person.user_id, f"apply {knob} {wanted}: {refused.reason.code}")
            raise refused
        made = await self._surely(lambda: self._approvals.propose(service, knob, wanted, person, request_id, why=why))
        if made.draft.approvals_needed > 1:
            # Nobody can tell whether this account and a Slack user are the same person, so it is no vote.
            return made
        decision = Decision(Choice.APPROVE, person, f"click:{request_id}")
        decided = await self._surely(lambda: self._proposals.decide(service, made.id, decision))
        return await self._carried_out(decided.proposal)

    def _no_right(self, person: Person) -> NotPossible | None:
        account = person.name
        if account in self._approvers.accounts:
            return None
        return NotPossible(
            message("apply.no_right", account=account), message("apply.no_right_remedy", account=account)
        )

    async def _held(self, service: ServiceId, knob: Knob, wanted: Value) -> NotPossible | None:
        pause, now = (await self._standings.read(service)).pause, self._clock.now()
        situation = Situation(paused=pause is not None, paused_until=pause.until if pause else None)
        for reason in held_by_people(self._automation, situation, now):
            return NotPossible(reason, message("apply.held_remedy"))
        pinned = self._locks.ttl_seconds
        if knob is Knob.TTL and pinned is not None and wanted != pinned:
            return NotPossible(message("policy.ttl_is_pinned", pinned_seconds=pinned), message("apply.pinned_remedy"))
        if knob is Knob.CACHE_SIZE and self._locks.size:
            return NotPossible(message("policy.size_locked"), message("apply.locked_remedy"))
        return None

    async def _carried_out(self, proposal: Proposal) -> Proposal:
        """This process takes part in the work as any replica does; whoever holds the lease does it."""
        service, found, waited_seconds = proposal.draft.service, proposal, 0.0
        while found.state not in FINAL and waited_seconds < GIVE_UP_SECONDS:
            with suppress(LeaseLost):
                await self._execution.settle(service)
            found = await self._proposals.get(service, proposal.id) or found
            if found.state not in FINAL:
                await self._clock.sleep(LOOK_SECONDS)
                waited_seconds += LOOK_SECONDS
        return found

    async def _surely(self, step: Callable[[], Awaitable[T]]) -> T:
        for _ in range(TRIES - 1):
            with suppress(OutcomeUnknown):
                return await step()
            await self._clock.sleep(LOOK_SECONDS)
        return await step()
