"""Restrictions that people have set against changes, read afresh by everything that proposes or carries out."""

from lumen.model.service import ServiceId
from lumen.policies.guard import Automation, Locks, Restraint, frozen
from lumen.ports.clock import Clock
from lumen.ports.incidents import Controls
from lumen.ports.store import Outbox, Surface, Turns


class Restraints:
    """`automation` and `locks` are the settings; what people store comes from `controls`."""

    def __init__(self, controls: Controls, clock: Clock, automation: Automation, locks: Locks) -> None:
        self._controls = controls
        self._clock = clock
        self._automation = automation
        self._locks = locks

    async def now(self, service: ServiceId) -> Restraint:
        """As it is at this moment. Raises StoreUnavailable."""
        controls = await self._controls.read(service)
        return Restraint(self._automation, self._locks, controls, self._clock.now())

    @property
    def is_frozen(self) -> bool:
        """Whether it is a change freeze; asks nobody, so that a click outside of one waits for nothing."""
        return frozen(self._automation, self._clock.now()) is not None


class ReportMarker:
    """The report in the channel names the restrictions: when they change, it is marked, and the outbox renews it."""

    def __init__(self, turns: Turns, outbox: Outbox) -> None:
        self._turns = turns
        self._outbox = outbox

    async def mark_report(self, service: ServiceId) -> None:
        """Nothing before the first report. Raises StoreUnavailable, OutcomeUnknown."""
        shown_on = await self._turns.report_surface(service)
        if shown_on is not None:
            await self._outbox.mark(Surface(service, "report", shown_on))
