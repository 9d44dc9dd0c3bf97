"""The services that may have work: whatever looks round for it asks these alone, so the others cost nothing
(docs/adr/0024-only-services-with-work.md).

It is a hint: claims, slots and leases decide as if there were none, and one that is lost is filled again.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from lumen.model.messages import StoreUnavailable
from lumen.model.service import ServiceId
from lumen.policies.reminders import LONGEST, remind_at
from lumen.ports.clock import Clock
from lumen.ports.hint import Hint, Hinted, Waiting

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
    _waiting: dict[ServiceId, "_Waits"] = field(default_factory=dict, init=False)

    async def now(self) -> Sequence[ServiceId]:
        """Those with something to do now: of which more stands than proposals that wait for people. Else as
        `standing`."""
        own = await self._own()
        return (
            self.services if own is None else _newest({one: own[one] for one in own if not self._waits(one, own[one])})
        )

    async def standing(self) -> Sequence[ServiceId]:
        """Those that were changed last come first. All of them at a beginning, and once an hour."""
        own = await self._own()
        return self.services if own is None else _newest(own)

    async def rest(self) -> None:
        """Let go of those that have nothing to do. Safe to call as often as one likes, by every replica."""
        own = self._of_ours(await self._found())
        seen = {one: score for one, score in own.items() if not self._waits(one, score)}
        if seen:
            # What ends between two fillings is waited for, with the reminder before it.
            soon = self.clock.now() + LONGEST + timedelta(seconds=2 * REFILL_EVERY_SECONDS) * self.clock.scale
            for one, waiting in (await self.hint.rest(seen, soon)).items():
                self._waiting[one] = _Waits.of(seen[one], waiting)

    def _waits(self, service: ServiceId, score: float) -> bool:
        known = self._waiting.get(service)
        if known is None or known.still(score, self.clock.now()):
            return known is not None
        del self._waiting[service]
        return False

    async def _own(self) -> Mapping[ServiceId, float] | None:
        """By what their hints stand at; None: all are looked at anew."""
        found = await self._found()
        begins = self._since is None or found.since != self._since
        if begins or time.monotonic() - self._filled_at > REFILL_EVERY_SECONDS:
            self._since = await self.hint.refill(self.services)
            self._filled_at = time.monotonic()
            self._waiting.clear()
            self.beginnings += begins
            return None
        return self._of_ours(found)

    async def _found(self) -> Hinted:
        try:
            return await self.hint.active()
        except StoreUnavailable:
            self._since = None
            raise

    def _of_ours(self, found: Hinted) -> Mapping[ServiceId, float]:
        return {one: found.services[one.key] for one in self.services if one.key in found.services}


def _newest(own: Mapping[ServiceId, float]) -> Sequence[ServiceId]:
    return sorted(own, key=own.__getitem__, reverse=True)


@dataclass(frozen=True, slots=True)
class _Waits:
    """Nothing but proposals that wait stood when the hint stood at `score`: until it is raised, one is to be reminded
    of (service time), or one expires (monotonic)."""

    score: float
    reminds_at: datetime | None
    expires_at_seconds: float

    @classmethod
    def of(cls, score: float, waiting: Sequence[Waiting]) -> Self:
        reminders = [remind_at(one.created_at, one.expires_at) for one in waiting if not one.is_reminded]
        ends = min(one.expires_in.total_seconds() for one in waiting)
        return cls(score, min((at for at in reminders if at is not None), default=None), time.monotonic() + ends)

    def still(self, score: float, now: datetime) -> bool:
        is_to_come = self.reminds_at is None or now < self.reminds_at
        return score == self.score and is_to_come and time.monotonic() < self.expires_at_seconds
