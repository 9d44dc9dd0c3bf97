"""Restrictions that people have set against changes, read afresh by everything that proposes or carries out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from lumen.model.service import ServiceId
from lumen.policies.guard import Automation, Locks, Restraint, frozen
from lumen.ports.clock import Clock
from lumen.ports.incidents import Controls
from lumen.ports.store import Outbox, Surface, Turns

NO_LOCKS = Locks()


@dataclass(frozen=True, slots=True)
class Restraints:
    """`automation` and `locks` (of each service) are the settings; what people store comes from `controls`."""

    controls: Controls
    clock: Clock
    automation: Automation
    locks: Mapping[ServiceId, Locks]
    #: Until then a service is only observed; one that nobody tells of goes by `automation`.
    observe_until: Mapping[ServiceId, datetime] = field(default_factory=dict)

    async def now(self, service: ServiceId) -> Restraint:
        """As it is at this moment. Raises StoreUnavailable."""
        controls = await self.controls.read(service)
        until = self.observe_until.get(service, self.automation.observe_until)
        automation = replace(self.automation, observe_until=until)
        return Restraint(automation, self.locks.get(service, NO_LOCKS), controls, self.clock.now())

    @property
    def is_frozen(self) -> bool:
        """Whether it is a change freeze; asks nobody, so that a click outside of one waits for nothing."""
        return frozen(self.automation, self.clock.now()) is not None


@dataclass(frozen=True, slots=True)
class ReportMarker:
    """The report in the channel names the restrictions: when they change, it is marked, and the outbox renews it."""

    turns: Turns
    outbox: Outbox

    async def mark_report(self, service: ServiceId) -> None:
        """Nothing before the first report. Raises StoreUnavailable, OutcomeUnknown."""
        shown_on = await self.turns.report_surface(service)
        if shown_on is not None:
            await self.outbox.mark(Surface(service, "report", shown_on))
