"""Carry out approved changes: effectively once, on premises read afresh, and resumed after a crash anywhere.

APPROVED -> APPLYING -> APPLIED     the value is set, read back, and the service follows
                     -> FAILED      refused, or set but not followed: a person goes on from the message, which says
                                    what stands all the same
         -> ABANDONED               the premises had moved: nothing was done, a fresh proposal is posted

A new TTL may be given to cached keys too, in paced batches. Each expiry moves in one direction only, so a sweep that
was cut short is simply done again.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from lumen.model.messages import ActuatorFailed, LumenError, Message, SourceUnavailable, ValueMoved, message
from lumen.model.proposal import APPROVED, OPEN, Change, Draft, Origin, Proposal, State
from lumen.model.service import ServiceId
from lumen.ports.actuators import Actuator, Reading, Swept
from lumen.ports.clock import FaultPoint
from lumen.ports.store import Lease, Proposals
from lumen.use_cases.acting import Acting, Held, Leave
from lumen.use_cases.approvals import EXPIRES_IN
from lumen.use_cases.knobs import Knobs, find
from lumen.use_cases.leases import Claims
from lumen.use_cases.taken_back import mark_taken_back

#: The contract lets the service take 30 s to read the setting (docs/ion-contract.md); four times that is "does not".
FOLLOW_WITHIN_SECONDS = 120.0
FOLLOW_POLL_SECONDS = 2.0
#: An approval that nobody has begun to carry out for so long is one of another time: it is asked again. On the wall at
#: least a minute, whatever the clock's scale: a busy process is not one that was away.
HOLDS_FOR = timedelta(minutes=30)
HOLDS_AT_LEAST = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Execution:
    """`knobs`: every place that holds a value, as configured; the first one's value is the premise.

    `acting` changes the world, or says why not; in a dry run what would be done is said.
    """

    proposals: Proposals
    claims: Claims
    knobs: Mapping[ServiceId, Knobs]
    acting: Acting
    fault: FaultPoint

    async def settle(self, service: ServiceId) -> None:
        """Expire what is overdue and carry out what is approved, also what a crashed process left half done."""
        # At most one per knob, so they do not meet; a new revision that takes minutes holds up no setting.
        await self.expire(service)
        results = await asyncio.gather(*(self.carry_out(p) for p in await self.due(service)), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def expire(self, service: ServiceId) -> None:
        """What nobody has decided in time."""
        await self.proposals.expire_due(service)

    async def due(self, service: ServiceId) -> Sequence[Proposal]:
        """Proposals that are approved or half done, at most one per knob; in one round trip."""
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
                await self._begin(proposal, lease)
            else:
                await self._finish(proposal, lease)
        except SourceUnavailable as error:
            # Nothing is known of the real value, so nothing is claimed: the next round reads it and goes on.
            if proposal.note != error.reason and not _is_setting_back(proposal):
                await self.proposals.advance(service, proposal.id, lease, proposal.state, error.reason)

    async def _begin(self, proposal: Proposal, lease: Lease) -> None:
        """Unless something is against it by now. Nothing is touched before every place has been asked."""
        service = proposal.draft.service
        if self._is_late(proposal):
            await self._let_go(proposal, lease)
            return
        leave = await self.acting.to_begin(proposal)
        if isinstance(leave, Held) and not leave.is_dry:
            await self.proposals.advance(service, proposal.id, lease, State.ABANDONED, leave.reasons[0])
            return
        if not await self._premises_hold(proposal, lease):
            return
        if isinstance(leave, Held):
            await self._rehearse(proposal, lease)
            return
        refused = await self._refusal(proposal.draft)
        if refused is not None:
            await self.proposals.advance(service, proposal.id, lease, State.FAILED, refused)
            return
        note = message("execution.applying")
        proposal = await self.proposals.advance(service, proposal.id, lease, State.APPLYING, note)
        self.fault("execute.applying")
        await self._apply(proposal, lease, leave)

    async def _finish(self, proposal: Proposal, lease: Lease) -> None:
        leave = self.acting.to_finish(proposal)
        if isinstance(leave, Held):
            await self._fail(proposal, lease, leave.reasons[0])
        elif _is_setting_back(proposal):
            await self._set_back(proposal, lease, leave)
        else:
            await self._apply(proposal, lease, leave)

    def _is_late(self, proposal: Proposal) -> bool:
        decided_at, clock = proposal.decided_at, self.claims.clock
        since = timedelta(0) if decided_at is None else clock.now() - decided_at
        return since > HOLDS_FOR and since / clock.scale > HOLDS_AT_LEAST

    async def _let_go(self, proposal: Proposal, lease: Lease) -> None:
        """What somebody wanted is asked again, and so is the taking back of harm. What a countdown of the policy or of
        an incident was about is judged afresh by the next turn or look, which begins another one where it is due."""
        draft = proposal.draft
        note = message("execution.judged_long_ago", decided_at=(proposal.decided_at or proposal.created_at).isoformat())
        by_itself = proposal.state is State.APPROVED_BY_TIMER and draft.origin is Origin.POLICY
        with suppress(SourceUnavailable):
            present = await self._places(draft)[0].read(draft.service)
            if not by_itself and present.value != draft.change.new:
                await self.proposals.replace(proposal.id, lease, note, _afresh(proposal, present), EXPIRES_IN)
                return
        await self.proposals.advance(draft.service, proposal.id, lease, State.ABANDONED, note)

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
        code = "execution.written_since" if present.value == draft.change.old else "execution.premises_moved"
        moved = Message(code, {"old": draft.change.old, "present": present.value, "unit": draft.change.unit})
        if present.value == draft.change.new:
            await self.proposals.advance(draft.service, proposal.id, lease, State.ABANDONED, moved)
        else:
            await self.proposals.replace(proposal.id, lease, moved, _afresh(proposal, present), EXPIRES_IN)
        self.fault("execute.abandoned")

    async def _rehearse(self, proposal: Proposal, lease: Lease) -> None:
        """Said as a dry run, whatever it comes to."""
        draft = proposal.draft
        try:
            said = [
                await place.rehearse(draft.service, *await self._step(draft, place)) for place in self._places(draft)
            ]
            would = said[0]
            if draft.existing and draft.service in self.acting.keys:
                change, seen = draft.change, await self.acting.count_retimed(draft.service, draft.change)
                would = message("execution.would_retime", old=change.old, new=change.new, unit=change.unit, seen=seen)
        except (ActuatorFailed, ValueMoved) as error:
            would = error.reason
        note = message("execution.dry_run", would=would)
        await self.proposals.advance(draft.service, proposal.id, lease, State.ABANDONED, note)

    def _places(self, draft: Draft) -> tuple[Actuator, ...]:
        return find(self.knobs, draft.service, draft.change.knob).places

    async def _refusal(self, draft: Draft) -> Message | None:
        """The reason why one of several places would not take the value, before the first is touched."""
        places = self._places(draft)
        if len(places) > 1:
            for place in places:
                try:
                    await place.rehearse(draft.service, *await self._step(draft, place))
                except ActuatorFailed as error:
                    if not await self._stands_already(draft, place):
                        return error.reason
        return None

    async def _stands_already(self, draft: Draft, place: Actuator) -> bool:
        """Whether a place that only follows has the value by itself, so that there is nothing to ask of it."""
        is_first = place is self._places(draft)[0]
        return not is_first and (await place.read(draft.service)).value == draft.change.new

    async def _apply(self, proposal: Proposal, lease: Lease, leave: Leave) -> None:
        draft = proposal.draft
        wanted: list[tuple[Actuator, Reading]] = []
        for place in self._places(draft):
            try:
                change, expected = await self._step(draft, place)
                # A worker that slept beyond its lease must find out before it sets anything, not after.
                await self.claims.renew(draft.service, lease)
                wanted.append((place, await self.acting.set(leave, place, change, expected)))
            except (ActuatorFailed, ValueMoved) as error:
                if not await self._passes_over(draft, place, error):
                    await self._refused(proposal, lease, leave, error, place if wanted else None)
                    return
            self.fault(f"execute.set.{place.name}")
        await self._confirm(proposal, lease, leave, wanted)

    async def _passes_over(self, draft: Draft, place: Actuator, error: LumenError) -> bool:
        """A place that follows, has the value and would not be touched for it: nothing is missing there."""
        if not isinstance(error, ActuatorFailed) or not await self._stands_already(draft, place):
            return False
        try:
            await place.rehearse(draft.service, *await self._step(draft, place))
        except ActuatorFailed as refusal:
            return refusal.reason == error.reason
        return False

    async def _step(self, draft: Draft, place: Actuator) -> tuple[Change, Reading]:
        """The premise for the first place; the others only follow it, so there the present value will do."""
        if place is self._places(draft)[0]:
            return draft.change, Reading(draft.change.old, draft.premise_version)
        present = await place.read(draft.service)
        return replace(draft.change, old=present.value), present

    async def _refused(
        self, proposal: Proposal, lease: Lease, leave: Leave, error: LumenError, late: Actuator | None
    ) -> None:
        """`late`: the place that refused after others had taken the value; those are set back."""
        draft = proposal.draft
        if late is not None:
            note = message("execution.setting_back", place=late.name, reason=_refused(error))
            proposal = await self.proposals.advance(draft.service, proposal.id, lease, State.APPLYING, note)
            self.fault("execute.setting_back")
            await self._set_back(proposal, lease, leave)
        elif isinstance(error, ValueMoved):
            await self._abandon(proposal, lease, await self._places(draft)[0].read(draft.service))
        else:
            await self._fail(proposal, lease, _refused(error))

    async def _set_back(self, proposal: Proposal, lease: Lease, leave: Leave) -> None:
        """Every place that has the value; a crash in the middle is resumed, for the note says so."""
        draft = proposal.draft
        back = Change(draft.change.knob, draft.change.new, draft.change.old, draft.change.unit)
        for place in self._places(draft):
            present = await place.read(draft.service)
            if present.value == draft.change.new:
                await self.claims.renew(draft.service, lease)
                with suppress(ActuatorFailed, ValueMoved):  # what stays is told
                    await self.acting.set(leave, place, back, present, f"{leave.mark}:back")
        await self._fail(proposal, lease, proposal.note)

    async def _fail(self, proposal: Proposal, lease: Lease, reason: Message | None) -> None:
        """FAILED, with what stands all the same, as it is read now: that can be undone."""
        draft = proposal.draft
        places = self._places(draft)
        left = [one.name for one in places if (await one.read(draft.service)).value == draft.change.new]
        params = {} if reason is None else reason.params
        if reason is not None and left:
            why = params["reason"] if reason.code == "execution.setting_back" else reason
            reason = message("execution.partly_applied", places=", ".join(left), reason=why)
        elif reason is not None and reason.code == "execution.setting_back":
            reason = Message("execution.set_back", params)
        await self.proposals.advance(draft.service, proposal.id, lease, State.FAILED, reason)

    async def _confirm(
        self, proposal: Proposal, lease: Lease, leave: Leave, wanted: Sequence[tuple[Actuator, Reading]]
    ) -> None:
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
        if proposal.draft.existing and proposal.draft.service in self.acting.keys:
            note = await self._retime(proposal, lease, leave, places)
        if proposal.draft.undo_of is not None:
            await mark_taken_back(self.proposals, proposal, lease)
            self.fault("execute.undone")
        await self.proposals.advance(service, proposal.id, lease, State.APPLIED, note)
        self.fault("execute.applied")

    async def _retime(self, proposal: Proposal, lease: Lease, leave: Leave, places: str) -> Message:
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
            swept = await self.acting.retime(leave, proposal.draft.change, tell)
        except ActuatorFailed as error:
            return message("execution.not_retimed", places=places, reason=error.reason)
        self.fault("execute.retimed")
        return message("execution.retimed", places=places, seen=swept.seen, changed=swept.changed)


def _is_setting_back(proposal: Proposal) -> bool:
    return proposal.note is not None and proposal.note.code == "execution.setting_back"


def _afresh(proposal: Proposal, present: Reading) -> Draft:
    """The same wish, built on the value that really stands; its request id makes a resumed abandon post it once."""
    draft = proposal.draft
    return replace(
        draft,
        change=replace(draft.change, old=present.value),
        steps_to=0,
        step_of="",
        premise_version=present.version,
        reasons=(*draft.reasons, message("execution.proposed_afresh", proposal_id=proposal.id)),
        request_id=f"afresh:{proposal.id}",
    )


def _refused(error: LumenError) -> Message:
    """The reason why it failed; where a permission is missing, with the command that grants it."""
    if error.reason.code != "source.permission_denied":
        return error.reason
    return message("execution.not_permitted", reason=error.reason, remedy=error.remedy)
