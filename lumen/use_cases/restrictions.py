"""What people have set against changes, read afresh; asked by everything that proposes or carries out."""

from lumen.model.service import ServiceId
from lumen.policies.guard import Automation, Locks, Restraint, frozen
from lumen.ports.clock import Clock
from lumen.ports.incidents import Controls


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
