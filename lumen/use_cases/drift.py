"""Applied settings that no longer stand: set again where a server lost one, respected where somebody set another.

Each turn compares the real value with the newest applied proposal of its knob. A flush, a restart or a failover loses
a setting without anybody wanting it; the approved value is then set again, once for each proposal, and people are told.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from lumen.model.messages import ActuatorFailed, LeaseLost, Message, NotPossible, SourceUnavailable, ValueMoved
from lumen.model.proposal import IN_FORCE, OPEN, WAS_IN_FORCE, Change, Knob, Proposal, State
from lumen.model.service import ServiceId
from lumen.ports.actuators import Reading
from lumen.ports.clock import FaultPoint
from lumen.ports.store import Audit, Lease, Proposals, Turns
from lumen.use_cases.acting import Acting, Held, Leave
from lumen.use_cases.knobs import Knobs, Turnable, looked_up
from lumen.use_cases.leases import LEASE, Claims

#: What can be lost: the other knobs live in the service's own configuration, which Google keeps.
KNOBS = (Knob.TTL, Knob.CACHE_SIZE)
#: So far back the newest applied proposal of a knob is looked for.
LOOK_BACK = 100
#: How often a server that does not answer is asked, and after how long again (service time).
TRIES = 3
TRY_AGAIN_SECONDS = 2.0

#: Being carried out, or it may have been set: what stands is not for this room to judge.
_UNCLEAR = (OPEN - {State.PENDING}) | {State.FAILED}


@dataclass(frozen=True, slots=True)
class _Drifted:
    """The proposal that ought to be in force, the place where it is not, and what stands there instead."""

    proposal: Proposal
    turnable: Turnable
    present: Reading
    #: What the knob stood at before its proposals: where a restarted server goes back to.
    earlier: frozenset[int | str]

    @property
    def knob(self) -> Knob:
        return self.proposal.draft.change.knob

    def said(self, code: str) -> Message:
        change = self.proposal.draft.change
        return Message(
            code,
            {
                "knob": change.knob.value,
                "present": self.present.value,
                "approved": change.new,
                "unit": change.unit,
                "proposal_id": self.proposal.id,
            },
        )


@dataclass(frozen=True, slots=True)
class Drift:
    """Looks once a turn. In a dry run it says what it would do, and does nothing."""

    proposals: Proposals
    claims: Claims
    acting: Acting
    turns: Turns
    audit: Audit
    knobs: Mapping[ServiceId, Knobs]
    fault: FaultPoint

    async def look(self, service: ServiceId) -> tuple[Message, ...]:
        """The sentences for the report. A value that cannot be read is not judged."""
        said: list[Message] = []
        for knob in KNOBS:
            found = await self._drifted(service, knob)
            if found is not None:
                told = await self._treat(service, found)
                await self._write_down(service, found, told)
                said += told
        return tuple(said)

    async def _drifted(self, service: ServiceId, knob: Knob) -> _Drifted | None:
        turnable = looked_up(self.knobs, service, knob)
        if turnable is None:
            return None
        of_knob = [p for p in await self.proposals.recent(service, LOOK_BACK) if p.draft.change.knob is knob]
        settled = next((p for p in of_knob if p.state in IN_FORCE | _UNCLEAR), None)
        if settled is None or settled.state in _UNCLEAR:
            return None
        try:
            present = await turnable.places[0].read(service)
        except SourceUnavailable:
            return None
        if present.value == settled.draft.change.new:
            return None
        earlier = frozenset(p.draft.change.old for p in of_knob if p.state in WAS_IN_FORCE)
        return _Drifted(settled, turnable, present, earlier)

    async def _treat(self, service: ServiceId, found: _Drifted) -> Sequence[Message]:
        try:
            lost = await self._lost(service, found)
        except SourceUnavailable:
            return ()
        if not lost:
            return (found.said("drift.set_by_others"),)
        leave = await self.acting.to_set_again(found.proposal)
        if isinstance(leave, Held):
            return _held_back(found, leave)
        done = await self.claims.slots.last_done(service, _schedule(found.knob))
        if done is not None and done >= _slot(found.proposal):
            return (found.said("drift.lost_again"),)
        return await self._set_again(service, found)

    async def _lost(self, service: ServiceId, found: _Drifted) -> bool:
        """Whether the place itself says so; somebody's own value is never taken for a loss."""
        place, proposal = found.turnable.forgets, found.proposal
        if place is None or (found.knob is Knob.CACHE_SIZE and found.present.value not in found.earlier):
            return False
        applied_at = proposal.finished_at or proposal.created_at
        return await place.lost(service, proposal.id, (self.claims.clock.now() - applied_at) / self.claims.clock.scale)

    async def _set_again(self, service: ServiceId, found: _Drifted) -> Sequence[Message]:
        """Alone with whoever carries out a proposal of this knob. Nothing is said where another replica is at it."""
        work = partial(self._set_alone, service, found.knob, found.proposal.id)
        try:
            return await self.claims.alone(service, f"execute:{found.knob}", work) or ()
        except (SourceUnavailable, ValueMoved, LeaseLost):
            return ()  # the next turn reads what really stands

    async def _set_alone(self, service: ServiceId, knob: Knob, proposal_id: str, _: Lease) -> Sequence[Message]:
        self.fault("drift.claimed")
        found = await self._drifted(service, knob)  # as it is now that the lease is ours
        if found is None or found.proposal.id != proposal_id or not await self._lost(service, found):
            return ()
        leave = await self.acting.to_set_again(found.proposal)
        if isinstance(leave, Held):  # since just now
            return _held_back(found, leave)
        slot, schedule = _slot(found.proposal), _schedule(knob)
        once = await self.claims.slots.claim(service, schedule, slot, LEASE)
        if once is None:
            return ()
        # Before anything changes: a crash in between leaves no unexplained value ...
        await self._note(service, found, found.said("drift.setting_again"))
        # ... and costs this proposal its one time rather than giving it a second one; people are told then.
        await self.claims.slots.done(service, schedule, slot, once)
        self.fault("drift.noted")
        try:
            await self._set(found, leave)
        except (ActuatorFailed, NotPossible, SourceUnavailable) as error:
            return (found.said("drift.refused"), error.reason)
        self.fault("drift.set")
        return (found.said("drift.set_again"),)

    async def _set(self, found: _Drifted, leave: Leave) -> None:
        """A server that is just coming back gets a few moments; each try finds what an earlier one has set."""
        change = found.proposal.draft.change
        again = Change(found.knob, found.present.value, change.new, change.unit)
        for _ in range(TRIES - 1):
            with suppress(SourceUnavailable):
                await self.acting.set(leave, found.turnable.places[0], again, found.present)
                return
            await self.claims.clock.sleep(TRY_AGAIN_SECONDS)
        await self.acting.set(leave, found.turnable.places[0], again, found.present)

    async def _write_down(self, service: ServiceId, found: _Drifted, told: Sequence[Message]) -> None:
        """In the audit once, not with every turn in which it still stands."""
        last = await self.turns.latest(service, 1)
        known = last[0].drift if last else ()
        for each in told:
            if each not in known:
                await self._note(service, found, each)

    async def _note(self, service: ServiceId, found: _Drifted, told: Message) -> None:
        change = found.proposal.draft.change
        data = json.dumps(told.as_data())
        detail = f"{found.knob} {change.new} -> {found.present.value}"
        await self.audit.add(service, "drift", "lumen", detail, found.proposal.id, data)


def _held_back(found: _Drifted, held: Held) -> Sequence[Message]:
    if held.is_dry:
        return (found.said("drift.lost_dry_run"),)
    return (found.said("drift.lost_held"), *held.reasons)


def _schedule(knob: Knob) -> str:
    return f"drift:{knob}"


def _slot(proposal: Proposal) -> datetime:
    """Each proposal has one: what it set is set again once. In milliseconds, as the store keeps it."""
    at = proposal.created_at
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
