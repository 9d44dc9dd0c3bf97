"""Carry out approved changes: effectively once, on premises read afresh, and resumed after a crash anywhere.

APPROVED -> APPLYING -> APPLIED     the value is set, read back, and the service follows
                     -> FAILED      refused, or set but not followed: a person goes on from the message
         -> ABANDONED               the premises had moved: nothing was done, a fresh proposal is posted

A new TTL may be given to cached keys too, in paced batches. Each expiry moves in one direction only, so a sweep that
was cut short is simply done again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from lumen.model.messages import (
    ActuatorFailed,
    LumenError,
    Message,
    NotPossible,
    SourceUnavailable,
    ValueMoved,
    message,
)
from lumen.model.proposal import APPROVED, OPEN, Change, Draft, Origin, Proposal, State, number
from lumen.model.service import ServiceId
from lumen.ports.actuators import Actuator, CacheKeys, Reading, Swept
from lumen.ports.clock import FaultPoint
from lumen.ports.store import Lease, Proposals
from lumen.use_cases.approvals import EXPIRES_IN
from lumen.use_cases.knobs import Knobs, find
from lumen.use_cases.leases import Claims
from lumen.use_cases.restrictions import Restraints

#: On the wall: often enough for whoever watches the card, seldom enough for Slack.
TELL_EVERY_SECONDS = 5.0


async def retime(keys: CacheKeys, change: Change, tell: Callable[[Swept], Awaitable[None]]) -> Swept:
    """Sweep once; `tell` hears every few seconds how far it is.

    Raises ActuatorFailed (refused), SourceUnavailable (the server went away: do it again), and what `tell` raises;
    the sweep then ends between two batches.
    """
    so_far = Swept(0, 0)

    def heard(swept: Swept) -> None:
        nonlocal so_far
        so_far = swept

    sweeping = asyncio.ensure_future(keys.retime(number(change.old), number(change.new), heard, dry_run=False))
    try:
        while not (await asyncio.wait({sweeping}, timeout=TELL_EVERY_SECONDS))[0]:
            await tell(so_far)
        return sweeping.result()
    finally:
        sweeping.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await sweeping


async def countable(keys: CacheKeys, change: Change) -> int:
    """The number of keys that a sweep would go through. Raises as `retime` does."""
    return (await keys.retime(number(change.old), number(change.new), _quiet, dry_run=True)).seen


def _quiet(_swept: Swept) -> None:
    """Counting is quick."""


#: The contract lets the service take 30 s to read the setting (docs/ion-contract.md); four times that is "does not".
FOLLOW_WITHIN_SECONDS = 120.0
FOLLOW_POLL_SECONDS = 2.0
#: So long after its countdown a change that nobody asked for may still be begun.
TIMER_HOLDS = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Execution:
    """`knobs`: every place that holds a value, as configured; the first one's value is the premise.

    `dry_run`: everything is checked as if, what would be done is said, and nothing is changed.
    `keys`: the cached keys, for changes of the TTL that are meant for them too.
    `restraints`: what people have set against changes since somebody approved.
    """

    proposals: Proposals
    claims: Claims
    knobs: Knobs
    restraints: Restraints
    fault: FaultPoint
    dry_run: bool
    keys: CacheKeys | None = None

    async def settle(self, service: ServiceId) -> None:
        """Expire what is overdue and carry out what is approved, also what a crashed process left half done."""
        # At most one per knob, so they do not meet; a new revision that takes minutes holds up no setting.
        results = await asyncio.gather(*(self.carry_out(p) for p in await self.due(service)), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def due(self, service: ServiceId) -> Sequence[Proposal]:
        """Proposals that are approved or half done, at most one per knob; expires what is overdue first."""
        await self.proposals.expire_due(service)
        return [p for p in await self.proposals.unfinished(service) if p.state in OPEN - {State.PENDING}]

    async def carry_out(self, proposal: Proposal) -> None:
        """As far as it goes now; safe to call again, also by another replica, which then finds nothing to do.

        Raises LeaseLost, StoreUnavailable, OutcomeUnknown: the next call goes on from what is stored.
        """
        service = proposal.draft.service
        work = partial(self._carry_out_alone, proposal.id, service)
        await self.claims.alone(service, f"execute:{proposal.draft.change.knob}", work)

    async def _carry_out_alone(self, proposal_id: str, service: ServiceId, lease: Lease) -> None:
        self.fault("execute.claimed")
        proposal = await self.proposals.get(service, proposal_id)  # as it is now that the lease is ours
        if proposal is None or proposal.state not in OPEN - {State.PENDING}:
            return
        try:
            if proposal.state in APPROVED:
                if await self._is_held(proposal, lease) or not await self._premises_hold(proposal, lease):
                    return
                if self.dry_run:
                    await self._rehearse(proposal, lease)
                    return
                proposal = await self.proposals.advance(
                    service, proposal.id, lease, State.APPLYING, message("execution.applying")
                )
                self.fault("execute.applying")
            await self._apply(proposal, lease)
        except SourceUnavailable as error:
            # Nothing is known of the real value, so nothing is claimed: the next round reads it and goes on.
            if proposal.note != error.reason:
                await self.proposals.advance(service, proposal.id, lease, proposal.state, error.reason)

    async def _is_held(self, proposal: Proposal, lease: Lease) -> bool:
        """A freeze that began, an override or a lock that was set after the approval, or a timer's decision that a
        pause or a crash has overtaken: nothing is done, and that is said. What has begun is finished."""
        draft, by_person = proposal.draft, proposal.state is State.APPROVED
        restraint = await self.restraints.now(draft.service)
        against = restraint.against(draft.change.knob, draft.change.new, emergency=draft.emergency and by_person)
        reason = None if against is None else against.reason
        if reason is None and not by_person:
            reason = next(iter(restraint.against_automation(observing=False)), None) or self._judged_long_ago(proposal)
        if reason is None:
            return False
        await self.proposals.advance(draft.service, proposal.id, lease, State.ABANDONED, reason)
        return True

    def _judged_long_ago(self, proposal: Proposal) -> Message | None:
        """A change of the policy that nobody asked for rests on what was measured when its countdown ended; it will
        be wanted again. A rollback and the taking back of harm will not, so they are only late."""
        draft, decided_at = proposal.draft, proposal.decided_at
        if draft.origin is not Origin.POLICY or draft.emergency or decided_at is None:
            return None
        if self.claims.clock.now() - decided_at <= TIMER_HOLDS:
            return None
        return message("execution.judged_long_ago", decided_at=decided_at.isoformat())

    async def _premises_hold(self, proposal: Proposal, lease: Lease) -> bool:
        draft = proposal.draft
        present = await self._places(draft)[0].read(draft.service)
        if (present.value, present.version) == (draft.change.old, draft.premise_version):
            return True
        await self._abandon(proposal, lease, present)
        return False

    async def _abandon(self, proposal: Proposal, lease: Lease, present: Reading) -> None:
        """Nothing was done. Unless the wish has come true by itself, it is proposed afresh in the same step."""
        draft = proposal.draft
        moved = message("execution.premises_moved", old=draft.change.old, present=present.value, unit=draft.change.unit)
        if present.value == draft.change.new:
            await self.proposals.advance(draft.service, proposal.id, lease, State.ABANDONED, moved)
        else:
            await self.proposals.replace(proposal.id, lease, moved, _afresh(proposal, present), EXPIRES_IN)
        self.fault("execute.abandoned")

    async def _rehearse(self, proposal: Proposal, lease: Lease) -> None:
        draft = proposal.draft
        place = self._places(draft)[0]
        try:
            would = await place.rehearse(draft.service, draft.change, await self._expected(draft, place))
            if draft.existing and self.keys is not None:
                change, seen = draft.change, await countable(self.keys, draft.change)
                would = message("execution.would_retime", old=change.old, new=change.new, unit=change.unit, seen=seen)
        except (ActuatorFailed, ValueMoved) as error:
            would = error.reason
        await self.proposals.advance(draft.service, proposal.id, lease, State.ABANDONED, would)

    def _places(self, draft: Draft) -> tuple[Actuator, ...]:
        return find(self.knobs, draft.change.knob).places

    async def _apply(self, proposal: Proposal, lease: Lease) -> None:
        draft = proposal.draft
        wanted: list[tuple[Actuator, Reading]] = []
        for actuator in self._places(draft):
            try:
                expected = await self._expected(draft, actuator)
                # A worker that slept beyond its lease must find out before it sets anything, not after.
                await self.claims.renew(draft.service, lease)
                wanted.append((actuator, await actuator.set(draft.service, draft.change, expected, proposal.id)))
            except (ActuatorFailed, ValueMoved) as error:
                if not wanted and isinstance(error, ValueMoved):
                    await self._abandon(proposal, lease, await actuator.read(draft.service))
                    return
                await self._fail(proposal, lease, error, already=[a.name for a, _ in wanted])
                return
            self.fault(f"execute.set.{actuator.name}")
        await self._confirm(proposal, lease, wanted)

    async def _expected(self, draft: Draft, actuator: Actuator) -> Reading:
        """The premise for the first place; the others only follow it, so there the present value will do."""
        if actuator is self._places(draft)[0]:
            return Reading(draft.change.old, draft.premise_version)
        return await actuator.read(draft.service)

    async def _confirm(self, proposal: Proposal, lease: Lease, wanted: Sequence[tuple[Actuator, Reading]]) -> None:
        """APPLIED only when the running service follows in every place."""
        service = proposal.draft.service
        await self.proposals.advance(service, proposal.id, lease, State.APPLYING, message("execution.set_waiting"))
        self.fault("execute.waiting")
        waited_seconds = 0.0
        while not all([await actuator.followed(service, reading) for actuator, reading in wanted]):
            if waited_seconds >= FOLLOW_WITHIN_SECONDS:
                change = proposal.draft.change
                note = message(
                    "execution.not_followed", new=change.new, unit=change.unit, waited_seconds=waited_seconds
                )
                await self.proposals.advance(service, proposal.id, lease, State.FAILED, note)
                return
            await self.claims.clock.sleep(FOLLOW_POLL_SECONDS)
            waited_seconds += FOLLOW_POLL_SECONDS
        places = ", ".join(actuator.name for actuator, _ in wanted)
        note = message("execution.applied", places=places)
        if proposal.draft.existing and self.keys is not None:
            note = await self._retime(self.keys, proposal, lease, places)
        if proposal.draft.undo_of is not None:
            taken_back = message("execution.undone_by", proposal_id=proposal.id)
            with suppress(NotPossible):  # so old that only the audit remembers it
                await self.proposals.advance(service, proposal.draft.undo_of, lease, State.UNDONE, taken_back)
            self.fault("execute.undone")
        await self.proposals.advance(service, proposal.id, lease, State.APPLIED, note)
        self.fault("execute.applied")

    async def _retime(self, keys: CacheKeys, proposal: Proposal, lease: Lease, places: str) -> Message:
        """Give the cached keys the new TTL, and say what came of it.

        While it lasts the proposal is being applied: after a crash the sweep is done again, and changes nothing twice.
        A refusal leaves the setting in force, and is said.
        """
        service = proposal.draft.service

        async def tell(so_far: Swept) -> None:
            note = message("execution.retiming", seen=so_far.seen, changed=so_far.changed)
            await self.proposals.advance(service, proposal.id, lease, State.APPLYING, note)
            self.fault("execute.retiming")

        await tell(Swept(0, 0))
        try:
            swept = await retime(keys, proposal.draft.change, tell)
        except ActuatorFailed as error:
            return message("execution.not_retimed", places=places, reason=error.reason.code)
        self.fault("execute.retimed")
        return message("execution.retimed", places=places, seen=swept.seen, changed=swept.changed)

    async def _fail(self, proposal: Proposal, lease: Lease, error: LumenError, already: Sequence[str]) -> None:
        note = error.reason
        if already:
            note = message("execution.partly_set", places=", ".join(already), reason=error.reason.code)
        await self.proposals.advance(proposal.draft.service, proposal.id, lease, State.FAILED, note)


def _afresh(proposal: Proposal, present: Reading) -> Draft:
    """The same wish, built on the value that really stands; its request id makes a resumed abandon post it once."""
    draft = proposal.draft
    return replace(
        draft,
        change=Change(draft.change.knob, present.value, draft.change.new, draft.change.unit),
        premise_version=present.version,
        reasons=(*draft.reasons, message("execution.proposed_afresh", proposal_id=proposal.id)),
        request_id=f"afresh:{proposal.id}",
    )
