"""The one place that changes the watched world: whatever the door, a value is set and keys are touched from here alone.

Every effect takes a `Leave`, which is given here alone: to begin what was decided, to finish what was begun, to set
again what a server lost, to empty the cache. Whoever asks for one is told what holds it back: a freeze, a pin, a lock,
a missing decision; for what Lumen does by itself also a pause and its like; and DRY_RUN, which lets nothing through.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from lumen.model.alert import Severity
from lumen.model.messages import Message, NotPossible, message, with_remedy
from lumen.model.proposal import APPROVED, IN_FORCE, Change, Origin, Proposal, State, number
from lumen.model.service import Permit, ServiceId
from lumen.ports.actuators import Actuator, CacheKeys, HoldingBack, Reading, Swept
from lumen.ports.incidents import Alerts
from lumen.use_cases.restrictions import Restraints

#: On the wall: often enough for whoever watches the card, seldom enough for Slack.
TELL_EVERY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Leave:
    """To change the service's world for one thing. `mark`: what a place remembers of it, the id of its proposal."""

    service: ServiceId
    mark: str


@dataclass(frozen=True, slots=True)
class Held:
    """No leave. `is_dry`: nothing but DRY_RUN is against it, so it may be rehearsed."""

    reasons: tuple[Message, ...]
    is_dry: bool = False


@dataclass(frozen=True, slots=True)
class Acting:
    """`restraints`: what people have set, and the settings. `keys`: each service's cached keys, where it has any.
    `alerts`: what is open now; None where nobody watches."""

    restraints: Restraints
    keys: Mapping[ServiceId, CacheKeys] = field(default_factory=dict)
    alerts: Alerts | None = None

    @property
    def is_dry(self) -> bool:
        """DRY_RUN."""
        return self.restraints.automation.dry_run

    async def to_begin(self, proposal: Proposal) -> Leave | Held:
        """Leave to begin what was decided: by a person, or by a countdown, which a pause holds back too, and a page all
        but what is meant to end one."""
        draft, by_person = proposal.draft, proposal.state is State.APPROVED
        if proposal.state not in APPROVED:
            return Held(_undecided(proposal))
        restraint = await self.restraints.now(draft.service)
        against = restraint.against(draft.change.knob, draft.change.new, emergency=draft.emergency and by_person)
        held = () if by_person else restraint.against_automation(observing=False)
        if not by_person and draft.origin is Origin.POLICY and not draft.incident:
            held = (*held, *await self._page(draft.service))
        first = () if against is None else (against.reason,)
        return self._leave(proposal, (*first, *(one for one in held if one not in first)))

    async def _page(self, service: ServiceId) -> tuple[Message, ...]:
        stored = () if self.alerts is None else await self.alerts.open(service)
        pages = (one.alert for one in stored if one.alert.severity is Severity.PAGE)
        return tuple(message("policy.held_page", page=page.id) for page in pages)[:1]

    def to_finish(self, proposal: Proposal) -> Leave | Held:
        """Leave to finish what was begun: nothing that people set since leaves it half done."""
        return self._leave(proposal, () if proposal.state is State.APPLYING else _undecided(proposal))

    async def to_set_again(self, proposal: Proposal) -> Leave | Held:
        """Leave to set again what a server lost: Lumen does it by itself, but a person approved the value, so a new
        installation keeps it too."""
        if proposal.state not in IN_FORCE:
            return Held(_undecided(proposal))
        change = proposal.draft.change
        restraint = await self.restraints.now(proposal.draft.service)
        held = restraint.against_automation(observing=False)
        against = restraint.against(change.knob, change.new)
        more = () if against is None or against.reason in held else (against.reason,)
        return self._leave(proposal, (*held, *more))

    def to_end_hold_back(self, proposal: Proposal) -> Leave | Held:
        """Leave to give held keys the applied value, too: nothing that people set since leaves it half done."""
        return self._leave(proposal, () if proposal.state in IN_FORCE else _undecided(proposal))

    def to_empty(self, service: ServiceId, permit: Permit) -> Leave | Held:
        """The cached answers: a step of an emergency that a person takes, so a freeze does not hold it back."""
        del permit  # having it is the right
        return self._dry() or Leave(service, "")

    async def set(self, leave: Leave, place: Actuator, change: Change, expected: Reading, mark: str = "") -> Reading:
        """Raises as `Actuator.set` does."""
        self._check()
        return await place.set(leave.service, change, expected, mark or leave.mark)

    async def end_hold_back(self, leave: Leave, place: HoldingBack) -> bool:
        """Raises as `HoldingBack.end_hold_back` does."""
        self._check()
        return await place.end_hold_back(leave.service, leave.mark)

    async def flush(self, leave: Leave) -> Swept:
        """Remove the service's cached answers. Raises ActuatorFailed, SourceUnavailable."""
        self._check()
        return await self._cached(leave.service).flush(_quiet, dry_run=False)

    async def count_flushed(self, service: ServiceId) -> int:
        """The number of cached answers that a flush would remove. Raises as `flush` does."""
        return (await self._cached(service).flush(_quiet, dry_run=True)).seen

    async def count_retimed(self, service: ServiceId, change: Change) -> int:
        """The number of keys that `retime` would go through. Raises as it does."""
        keys, old, new = self._cached(service), number(change.old), number(change.new)
        return (await keys.retime(old, new, _quiet, dry_run=True)).seen

    async def retime(self, leave: Leave, change: Change, tell: Callable[[Swept], Awaitable[None]]) -> Swept:
        """Sweep once; `tell` hears every few seconds how far it is.

        Raises ActuatorFailed (refused), SourceUnavailable (the server went away: do it again), and what `tell` raises;
        the sweep then ends between two batches.
        """
        self._check()
        so_far = Swept(0, 0)

        def heard(swept: Swept) -> None:
            nonlocal so_far
            so_far = swept

        keys, old, new = self._cached(leave.service), number(change.old), number(change.new)
        sweeping = asyncio.ensure_future(keys.retime(old, new, heard, dry_run=False))
        try:
            while not (await asyncio.wait({sweeping}, timeout=TELL_EVERY_SECONDS))[0]:
                await tell(so_far)
            return sweeping.result()
        finally:
            sweeping.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await sweeping

    def _cached(self, service: ServiceId) -> CacheKeys:
        found = self.keys.get(service)
        if found is None:
            raise NotPossible(*with_remedy("restraint.no_keys"))
        return found

    def _leave(self, proposal: Proposal, reasons: tuple[Message, ...]) -> Leave | Held:
        if reasons:
            return Held(reasons)
        return self._dry() or Leave(proposal.draft.service, proposal.id)

    def _dry(self) -> Held | None:
        return Held((message("restraint.dry_run"),), is_dry=True) if self.is_dry else None

    def _check(self) -> None:
        """The last door: no effect in a dry run, whoever has a leave."""
        if self.is_dry:
            raise NotPossible(*with_remedy("restraint.dry_run"))


def _quiet(_swept: Swept) -> None:
    """Told when it is done."""


def _undecided(proposal: Proposal) -> tuple[Message, ...]:
    return (message("restraint.undecided", proposal_id=proposal.id, state=proposal.state.value),)
