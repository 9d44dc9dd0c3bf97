"""The services that may have work: whatever looks round for it asks these alone, so the others cost nothing
(docs/adr/0024-only-services-with-work.md).

It is a hint: claims, slots and leases decide as if there were none, and one that is lost is filled again.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from lumen.model.messages import StoreUnavailable
from lumen.model.service import ServiceId
from lumen.policies.reminders import LONGEST
from lumen.ports.clock import Clock
from lumen.ports.store import Hint, Hinted

#: On the wall: every service is looked at so often, whatever the hint says.
REFILL_EVERY_SECONDS = 3600.0


@dataclass(slots=True)
class Active:
    """One for a process. Raises StoreUnavailable."""

    hint: Hint
    services: Sequence[ServiceId]
    clock: Clock
    #: How often all was looked at anew: at the start, and when the store had been away, or was emptied or restored.
    beginnings: int = field(default=0, init=False)
    _since: float | None = field(default=None, init=False)
    _filled_at: float = field(default=float("-inf"), init=False)

    async def now(self) -> Sequence[ServiceId]:
        """Those that were changed last come first. All of them at a beginning, and once an hour."""
        found = await self._found()
        begins = self._since is None or found.since != self._since
        if begins or time.monotonic() - self._filled_at > REFILL_EVERY_SECONDS:
            self._since = await self.hint.refill(self.services)
            self._filled_at = time.monotonic()
            self.beginnings += begins
            return self.services
        own = self._own(found)
        return sorted(own, key=own.__getitem__, reverse=True)

    async def rest(self) -> None:
        """Let go of those that have nothing to do. Safe to call as often as one likes, by every replica."""
        seen = self._own(await self._found())
        if seen:
            # What ends between two fillings is waited for, with the reminder before it.
            soon = self.clock.now() + LONGEST + timedelta(seconds=2 * REFILL_EVERY_SECONDS) * self.clock.scale
            await self.hint.rest(seen, soon)

    async def _found(self) -> Hinted:
        try:
            return await self.hint.active()
        except StoreUnavailable:
            self._since = None
            raise

    def _own(self, found: Hinted) -> Mapping[ServiceId, float]:
        return {one: found.services[one.key] for one in self.services if one.key in found.services}
