"""A change from the command line: proposed, decided and carried out by the very steps that a click takes.

The operator's Google account stands for the person; only the accounts of APPROVERS may change anything. What people
have set against automation holds these changes back too.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

from lumen.model.answers import TtlReadout
from lumen.model.messages import LeaseLost, Message, NoData, NotPermitted, NotPossible, OutcomeUnknown, message
from lumen.model.override import Terms
from lumen.model.proposal import OPEN, Choice, Decision, Knob, Priority, Proposal, Value
from lumen.model.service import Approvers, Permit, Person, ServiceId
from lumen.model.turn import Recommendation
from lumen.policies.ttl import Strategy, TtlLimits
from lumen.ports.clock import Clock
from lumen.ports.store import Audit, Proposals
from lumen.use_cases.advice import Advisor, SizeReadout
from lumen.use_cases.approvals import Approvals, audited, permit_or_refuse
from lumen.use_cases.execution import FOLLOW_WITHIN_SECONDS, Execution
from lumen.use_cases.overrides import Overrides
from lumen.use_cases.restrictions import Restraints

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Operators:
    """Permits the Google accounts of APPROVERS on the command line."""

    approvers: Approvers
    audit: Audit

    async def permit(self, service: ServiceId, person: Person, what: str) -> Permit:
        """`what` is for the audit: `apply ttl 420`. Raises NotPermitted for an account that is not listed; audited."""
        account, refusal = person.name, None
        if account not in self.approvers.accounts:
            reason = message("apply.no_right", account=account)
            refusal = NotPermitted(reason, message("apply.no_right_remedy", account=account))
        return await permit_or_refuse(self.audit, service, person, what, refusal)


#: Of service time: as long as the service may take to follow, and a little for another replica to be done with it.
GIVE_UP_SECONDS = FOLLOW_WITHIN_SECONDS + 60.0
LOOK_SECONDS = 2.0
#: A lost answer is asked for again: both steps know their own id, so they happen once.
TRIES = 3


@dataclass(frozen=True, slots=True)
class Applying:
    """`operators` tells who may use it."""

    approvals: Approvals
    execution: Execution
    proposals: Proposals
    restraints: Restraints
    audit: Audit
    clock: Clock
    operators: Operators

    async def apply(
        self,
        service: ServiceId,
        knob: Knob,
        wanted: Value,
        person: Person,
        request_id: str,
        why: Sequence[Message] = (),
        *,
        emergency: bool = False,
    ) -> Proposal:
        """The proposal as it stands in the end: APPLIED, FAILED, ABANDONED; or still PENDING, where more than one
        person must approve; or still being applied, where that takes longer than it should.

        Raises NotPossible (no right, held back, out of range, already so, another change of it under way),
        SourceUnavailable, StoreUnavailable. A refusal for want of right or by a lock is audited.
        """
        what = f"apply {knob} {wanted}"
        await self.operators.permit(service, person, what)
        refused = await self._held(service, knob, wanted, emergency=emergency)
        if refused is not None:
            raise await audited(self.audit, service, person, what, refused)
        made = await self._surely(
            lambda: self.approvals.propose(service, knob, wanted, person, request_id, why=why, emergency=emergency)
        )
        if made.draft.approvals_needed > 1:
            # Nobody can tell whether this account and a Slack user are the same person, so it is no vote.
            return made
        decision = Decision(Choice.APPROVE, person, f"click:{request_id}")
        decided = await self._surely(lambda: self.proposals.decide(service, made.id, decision))
        return await self._carried_out(decided.proposal)

    async def _held(self, service: ServiceId, knob: Knob, wanted: Value, *, emergency: bool) -> NotPossible | None:
        """Nobody looks over the shoulder of a command line, so it is held back by all that holds automation back,
        but for the first week, in which what a person asks for is done, and for an emergency."""
        restraint = await self.restraints.now(service)
        against = restraint.against(knob, wanted, emergency=emergency)
        if against is not None or emergency:
            return against
        for reason in restraint.against_automation(observing=False):
            return NotPossible(reason, message("apply.held_remedy"))
        return None

    async def _carried_out(self, proposal: Proposal) -> Proposal:
        """This process takes part in the work as any replica does; whoever holds the lease does it."""
        service, found, waited_seconds = proposal.draft.service, proposal, 0.0
        while found.state in OPEN and waited_seconds < GIVE_UP_SECONDS:
            with suppress(LeaseLost):
                await self.execution.settle(service)
            found = await self.proposals.get(service, proposal.id) or found
            if found.state in OPEN:
                await self.clock.sleep(LOOK_SECONDS)
                waited_seconds += LOOK_SECONDS
        return found

    async def _surely(self, step: Callable[[], Awaitable[T]]) -> T:
        for _ in range(TRIES - 1):
            with suppress(OutcomeUnknown):
                return await step()
            await self.clock.sleep(LOOK_SECONDS)
        return await step()


@dataclass(frozen=True, slots=True)
class AskedTtl:
    """A question of `lumen ttl`: about a TTL that a person wants, or about what the policy thinks.

    `limits` instead of those of the settings; `pinned_seconds`: judge as if pinned to that, and pin it when applied.
    """

    wanted_seconds: int | None = None
    limits: TtlLimits | None = None
    pinned_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class AppliedAdvice:
    """Judges what the command line asks about, and applies it where that may be."""

    advisor: Advisor
    approvals: Approvals
    overrides: Overrides
    applying: Applying
    operators: Operators

    async def ttl(self, service: ServiceId, asked: AskedTtl) -> TtlReadout:
        """Changes nothing. Raises NotPossible (out of range, pinned to another value), SourceUnavailable."""
        found = await self.advisor.ttl(service, asked.limits, asked.pinned_seconds)
        if asked.wanted_seconds is None or isinstance(found.setting, NoData):
            return found
        # Whoever only asks what a value would mean is not held back by a freeze.
        wish = await self.approvals.judge_wish(service, Knob.TTL, asked.wanted_seconds, in_freeze=True)
        if wish.is_so:
            meant = Recommendation(None, Strategy.HOLD, (wish.already,), Priority.LOW)
        else:
            meant = Recommendation(wish.change, "ASKED", (), Priority.MEDIUM)
        return replace(found, recommendation=meant, notes=wish.notes, is_stale=False)

    async def apply_ttl(
        self, service: ServiceId, asked: AskedTtl, person: Person, request_id: str
    ) -> tuple[TtlReadout, Proposal | None]:
        """The answer, and what became of it; None where there is nothing to change. Raises as `Applying.apply` does."""
        if asked.pinned_seconds is not None:
            permit = await self.operators.permit(service, person, f"override ttl {asked.pinned_seconds}")
            await self.overrides.only_pin_ttl(service, permit, asked.pinned_seconds, Terms(), request_id)
        found = await self.ttl(service, asked)
        if found.wanted_seconds is None or isinstance(found.recommendation, NoData):
            return found, None
        _check_fresh(found)
        why = found.recommendation.reasons
        applied = await self.applying.apply(service, Knob.TTL, found.wanted_seconds, person, request_id, why)
        return found, applied

    async def apply_size(
        self, service: ServiceId, person: Person, request_id: str, *, lock: bool = False
    ) -> tuple[SizeReadout, Proposal | None]:
        """Judge and apply the size as for the TTL; `lock`: lock the size first, so that nothing is to be changed."""
        if lock:
            permit = await self.operators.permit(service, person, "lock size")
            await self.overrides.lock_size(service, permit, Terms(), request_id)
        found = await self.advisor.size(service)
        if found.wanted_mb is None or isinstance(found.recommendation, NoData):
            return found, None
        _check_fresh(found)
        why = found.recommendation.reasons
        return found, await self.applying.apply(service, Knob.CACHE_SIZE, found.wanted_mb, person, request_id, why)


def _check_fresh(found: TtlReadout | SizeReadout) -> None:
    """Nothing is changed by what was measured long ago. Raises NotPossible."""
    if found.is_stale and found.measured_at is not None:
        at = found.measured_at.isoformat()
        raise NotPossible(message("apply.stale", measured_at=at), message("apply.stale_remedy"))
