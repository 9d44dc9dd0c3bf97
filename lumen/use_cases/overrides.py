"""People pin the TTL and lock the size of the cache, for a while: 30 days, unless they say how long.

Stored beside the settings OVERRIDE_TTL and LOCK_CACHE_SIZE, with who, since when, until when and why, and audited.
What that holds back is told by lumen/policies/guard.py.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from lumen.model.control import UNLESS_TOLD
from lumen.model.incident import SizeLock, TtlOverride
from lumen.model.messages import (
    LumenError,
    Message,
    NotPossible,
    OutcomeUnknown,
    StoreUnavailable,
    message,
    with_remedy,
)
from lumen.model.override import PinnedTtl, Terms
from lumen.model.proposal import Choice, Decision, Knob, Proposal, State
from lumen.model.service import Permit, Person, ServiceId
from lumen.ports.clock import Clock
from lumen.ports.incidents import Controls
from lumen.ports.store import Proposals
from lumen.use_cases.approvals import Approvals
from lumen.use_cases.knobs import Knobs, find
from lumen.use_cases.restrictions import ReportMarker, Restraints

#: What a request begins with that a pin has made of its own.
OWN = "override:"


@dataclass(frozen=True, slots=True)
class Overrides:
    """Sets and lifts them for people who hold a permit."""

    controls: Controls
    restraints: Restraints
    approvals: Approvals
    proposals: Proposals
    knobs: Mapping[ServiceId, Knobs]
    report: ReportMarker
    clock: Clock

    async def pin_ttl(
        self, service: ServiceId, permit: Permit, ttl_seconds: int, terms: Terms, request_id: str
    ) -> PinnedTtl:
        """Pin it, and propose that value where it is another one now. Raises NotPossible (out of range)."""
        override = await self.only_pin_ttl(service, permit, ttl_seconds, terms, request_id)
        try:
            own = f"{OWN}{request_id}"
            made = await self.approvals.propose(service, Knob.TTL, ttl_seconds, permit.person, own)
        except LumenError as error:  # pinned it is: what cannot be proposed now, the next turn proposes
            return PinnedTtl(override, not_proposed=error.reason)
        return PinnedTtl(override, made)

    async def only_pin_ttl(
        self, service: ServiceId, permit: Permit, ttl_seconds: int, terms: Terms, request_id: str
    ) -> TtlOverride:
        """Pin it and propose nothing; what waits for another value is withdrawn. Raises NotPossible (out of range)."""
        find(self.knobs, service, Knob.TTL).check_range(Knob.TTL, ttl_seconds)
        now = self.clock.now()
        override = TtlOverride(ttl_seconds, permit.person, now, now + (terms.lasts or UNLESS_TOLD), terms.why)
        await self.controls.override(service, override)
        await self._follow_up(service, Knob.TTL, permit.person, request_id)
        return override

    async def lift_ttl(self, service: ServiceId, permit: Permit, line: str = "") -> TtlOverride | None:
        """Lift the pin; the answer: the setting that pins it still. Raises NotPossible where nothing stored did.

        `line`: the pin that is meant, "" for any.

        What it had proposed and waits still is withdrawn, unless the setting wants the same.
        """
        before = (await self.restraints.now(service)).override
        lifted = await self.controls.lift_override(service, permit.person, line)
        await self.report.mark_report(service)
        if before is None:
            raise NotPossible(*with_remedy("override.none"))
        if not lifted or before.by is None:
            raise NotPossible(message("override.only_setting"), message("apply.pinned_remedy"))
        with suppress(StoreUnavailable, OutcomeUnknown):
            await self._withdraw_own(service, permit.person, message("override.lifted"))
        return (await self.restraints.now(service)).override

    async def settle(self, service: ServiceId) -> bool:
        """Withdraw what only a pin has asked for that ran out, or whose setting is gone; whether there was any.

        Safe to call as often as one likes. Raises StoreUnavailable, OutcomeUnknown.
        """
        return await self._withdraw_own(service, None, message("override.ran_out"))

    async def lock_size(self, service: ServiceId, permit: Permit, terms: Terms, request_id: str) -> SizeLock:
        """Lock it as it is; what waits to change it is withdrawn."""
        now = self.clock.now()
        lock = SizeLock(permit.person, now, now + (terms.lasts or UNLESS_TOLD), terms.why)
        await self.controls.lock_size(service, lock)
        await self._follow_up(service, Knob.CACHE_SIZE, permit.person, request_id)
        return lock

    async def unlock_size(self, service: ServiceId, permit: Permit, line: str = "") -> SizeLock | None:
        """Lift the lock; the answer: the setting that locks it still. Raises NotPossible where nothing stored did.

        `line`: the lock that is meant, "" for any.
        """
        before = (await self.restraints.now(service)).size_lock
        unlocked = await self.controls.unlock_size(service, permit.person, line)
        await self.report.mark_report(service)
        if before is None:
            raise NotPossible(*with_remedy("override.no_lock"))
        if not unlocked or before.by is None:
            raise NotPossible(message("override.only_lock_setting"), message("apply.locked_remedy"))
        return (await self.restraints.now(service)).size_lock

    async def _follow_up(self, service: ServiceId, knob: Knob, person: Person, request_id: str) -> None:
        """It is set by now, and the answer must say so: should the store go away here, the execution refuses what
        was not withdrawn, and the next report shows what holds."""
        with suppress(StoreUnavailable, OutcomeUnknown):
            await self._withdraw(service, knob, person, request_id)
            await self.report.mark_report(service)

    async def _withdraw_own(self, service: ServiceId, person: Person | None, why: Message) -> bool:
        """Cards that only a pin has asked for, by itself or in a turn, and none that is in force still asks for."""
        own = [one for one in await self.proposals.unfinished(service) if _is_of_pin(one)]
        pin = (await self.restraints.now(service)).override if own else None
        over = [one for one in own if pin is None or pin.ttl_seconds != one.draft.change.new]
        for waiting in over:
            await self.proposals.decide(
                service, waiting.id, Decision(Choice.WITHDRAW, person, f"lifted:{waiting.id}", why)
            )
        return bool(over)

    async def _withdraw(self, service: ServiceId, knob: Knob, person: Person, request_id: str) -> None:
        """A card whose approval would come to nothing is not left lying about."""
        restraint = await self.restraints.now(service)
        for waiting in await self.proposals.unfinished(service):
            change = waiting.draft.change
            if waiting.state is not State.PENDING or change.knob is not knob:
                continue
            against = restraint.against(knob, change.new, emergency=True)
            if against is not None:
                decision = Decision(Choice.WITHDRAW, person, f"withdraw:{waiting.id}:{request_id}", against.reason)
                await self.proposals.decide(service, waiting.id, decision)


def _is_of_pin(waiting: Proposal) -> bool:
    draft = waiting.draft
    is_own = draft.request_id.startswith(OWN) or any(one.code == "policy.ttl_pinned" for one in draft.reasons)
    return waiting.state is State.PENDING and draft.change.knob is Knob.TTL and is_own
