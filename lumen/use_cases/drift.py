"""What was applied, and stands no more: set again once where a server lost it, respected where somebody set another.

Each turn compares the real value with the newest applied proposal of its knob. A flush, a restart or a failover loses
a setting without anybody wanting it; what a person approved is then set again, once for each proposal, and said.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from lumen.model.errors import ActuatorFailed, LeaseLost, NotPossible, SourceUnavailable, ValueMoved
from lumen.model.message import Message, message
from lumen.model.proposal import Change, Knob, Proposal, State
from lumen.model.service import ServiceId
from lumen.policies.guard import Automation, Situation, held_by_people
from lumen.ports.actuators import Reading
from lumen.ports.clock import Clock
from lumen.ports.faults import FaultPoint
from lumen.ports.state import Audit, Leases, Proposals, Slots, Turns
from lumen.ports.watching import Standings
from lumen.use_cases.applying import Locks
from lumen.use_cases.holding import LEASE, while_holding
from lumen.use_cases.knobs import Knobs, Turnable

#: What can be lost: the other knobs live in the service's own configuration, which Google keeps.
KNOBS = (Knob.TTL, Knob.CACHE_SIZE)
#: So far back the newest applied proposal of a knob is looked for.
LOOK_BACK = 100

_IN_FORCE = frozenset({State.APPLIED, State.KEPT, State.INCONCLUSIVE, State.HARMFUL})
#: Being carried out, or it may have been set: what stands is not for this room to judge.
_UNCLEAR = frozenset({State.APPROVED, State.APPROVED_BY_TIMER, State.APPLYING, State.FAILED})


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


class Drift:
    """Looks once a turn. `dry_run`: says what it would do, and does nothing."""

    def __init__(
        self,
        proposals: Proposals,
        leases: Leases,
        slots: Slots,
        standings: Standings,
        turns: Turns,
        audit: Audit,
        knobs: Knobs,
        clock: Clock,
        fault: FaultPoint,
        automation: Automation,
        locks: Locks,
        dry_run: bool,
    ) -> None:
        self._proposals = proposals
        self._leases = leases
        self._slots = slots
        self._standings = standings
        self._turns = turns
        self._audit = audit
        self._knobs = knobs
        self._clock = clock
        self._fault = fault
        # A person approved the value, so a new installation that only watches keeps it too (mission 2).
        self._automation = replace(automation, observe_until=None)
        self._locks = locks
        self._dry_run = dry_run

    async def look(self, service: ServiceId) -> tuple[Message, ...]:
        """What people must know of it, for the report. A value that cannot be read is not judged."""
        said: list[Message] = []
        for knob in KNOBS:
            found = await self._drifted(service, knob)
            if found is not None:
                told = await self._treat(service, found)
                await self._write_down(service, found, told)
                said += told
        return tuple(said)

    async def _drifted(self, service: ServiceId, knob: Knob) -> _Drifted | None:
        turnable = self._knobs.get(knob)
        if turnable is None:
            return None
        of_knob = [p for p in await self._proposals.recent(service, LOOK_BACK) if p.draft.change.knob is knob]
        settled = next((p for p in of_knob if p.state in _IN_FORCE | _UNCLEAR), None)
        if settled is None or settled.state in _UNCLEAR:
            return None
        try:
            present = await turnable.places[0].read(service)
        except SourceUnavailable:
            return None
        if present.value == settled.draft.change.new:
            return None
        earlier = frozenset(p.draft.change.old for p in of_knob if p.state in _IN_FORCE | {State.UNDONE})
        return _Drifted(settled, turnable, present, earlier)

    async def _treat(self, service: ServiceId, found: _Drifted) -> Sequence[Message]:
        try:
            lost = await self._lost(service, found)
        except SourceUnavailable:
            return ()
        if not lost:
            return (found.said("drift.set_by_others"),)
        held = await self._held(service, found)
        if held:
            return (found.said("drift.lost_held"), *held)
        if self._dry_run:
            return (found.said("drift.lost_dry_run"),)
        done = await self._slots.last_done(service, _schedule(found.knob))
        if done is not None and done >= _slot(found.proposal):
            return (found.said("drift.lost_again"),)
        return await self._set_again(service, found)

    async def _lost(self, service: ServiceId, found: _Drifted) -> bool:
        """Whether the place itself says so; somebody's own value is never taken for a loss."""
        place, proposal = found.turnable.forgets, found.proposal
        if place is None or (found.knob is Knob.CACHE_SIZE and found.present.value not in found.earlier):
            return False
        applied_at = proposal.finished_at or proposal.created_at
        return await place.lost(service, proposal.id, (self._clock.now() - applied_at) / self._clock.scale)

    async def _held(self, service: ServiceId, found: _Drifted) -> tuple[Message, ...]:
        pause = (await self._standings.read(service)).pause
        situation = Situation(paused=pause is not None, paused_until=pause.until if pause else None)
        held = held_by_people(self._automation, situation, self._clock.now())
        pinned = self._locks.ttl_seconds
        if found.knob is Knob.TTL and pinned is not None and found.proposal.draft.change.new != pinned:
            return (*held, message("policy.ttl_is_pinned", pinned_seconds=pinned))
        if found.knob is Knob.CACHE_SIZE and self._locks.size:
            return (*held, message("policy.size_locked"))
        return held

    async def _set_again(self, service: ServiceId, found: _Drifted) -> Sequence[Message]:
        """Alone with whoever carries out a proposal of this knob. Nothing is said where another replica is at it."""
        lease = await self._leases.acquire(service, f"execute:{found.knob}", LEASE)
        if lease is None:
            return ()
        self._fault("drift.claimed")
        try:
            return await while_holding(
                self._leases, service, lease, lambda _: self._set_alone(service, found.knob, found.proposal.id), LEASE
            )
        except (SourceUnavailable, ValueMoved, LeaseLost):
            return ()  # the next turn reads what really stands

    async def _set_alone(self, service: ServiceId, knob: Knob, proposal_id: str) -> Sequence[Message]:
        found = await self._drifted(service, knob)  # as it is now that the lease is ours
        if found is None or found.proposal.id != proposal_id or not await self._lost(service, found):
            return ()
        slot, schedule = _slot(found.proposal), _schedule(knob)
        once = await self._slots.claim(service, schedule, slot, LEASE)
        if once is None:
            return ()
        try:
            await self._set(service, found)
            said: Sequence[Message] = (found.said("drift.set_again"),)
        except (ActuatorFailed, NotPossible) as error:
            said = (found.said("drift.refused"), error.reason)
        self._fault("drift.set")
        await self._slots.done(service, schedule, slot, once)
        return said

    async def _set(self, service: ServiceId, found: _Drifted) -> None:
        change = found.proposal.draft.change
        again = Change(found.knob, found.present.value, change.new, change.unit)
        # Before anything changes: a crash in between leaves no unexplained value.
        await self._note(service, found, found.said("drift.setting_again"))
        await found.turnable.places[0].set(service, again, found.present, found.proposal.id)

    async def _write_down(self, service: ServiceId, found: _Drifted, told: Sequence[Message]) -> None:
        """In the audit once, not with every turn in which it still stands."""
        last = await self._turns.latest(service, 1)
        known = last[0].drift if last else ()
        for each in told:
            if each not in known:
                await self._note(service, found, each)

    async def _note(self, service: ServiceId, found: _Drifted, told: Message) -> None:
        change = found.proposal.draft.change
        data = json.dumps({"code": told.code, "params": dict(told.params)})
        detail = f"{found.knob} {change.new} -> {found.present.value}"
        await self._audit.add(service, "drift", "lumen", detail, found.proposal.id, data)


def _schedule(knob: Knob) -> str:
    return f"drift:{knob}"


def _slot(proposal: Proposal) -> datetime:
    """Each proposal has one: what it set is set again once. In milliseconds, as the store keeps it."""
    at = proposal.created_at
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
