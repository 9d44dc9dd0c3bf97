"""The daily digest: one message a day and service, at an hour of the readers' own zone."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from lumen.model.service import ServiceId
from lumen.ports.clock import Clock
from lumen.ports.store import Outbox, Slots, Surface
from lumen.use_cases.leases import LEASE

DIGEST_SCHEDULE = "digest"
DIGEST_KIND = "digest"
DIGEST_AT = time(9, 0)


def digest_slot(now: datetime, zone: ZoneInfo) -> datetime:
    """The newest 09:00 of the readers' zone that is not after `now`, in UTC; right across changes of summer time."""
    local = now.astimezone(zone)
    today = datetime.combine(local.date(), DIGEST_AT, zone)
    if today.astimezone(UTC) > now:
        today = datetime.combine(local.date() - timedelta(days=1), DIGEST_AT, zone)
    return today.astimezone(UTC)


class Digest:
    """Claims the day's slot and marks the surface; the outbox renders it from what is stored when it posts."""

    def __init__(self, slots: Slots, outbox: Outbox, clock: Clock, zone: ZoneInfo) -> None:
        self._slots = slots
        self._outbox = outbox
        self._clock = clock
        self._zone = zone

    def now(self) -> datetime:
        """In the readers' zone."""
        return self._clock.now().astimezone(self._zone)

    def at(self, day: date) -> datetime:
        """When the digest of `day`, as the readers count their days, is due."""
        return datetime.combine(day, DIGEST_AT, self._zone)

    async def due(self, services: Sequence[ServiceId]) -> None:
        """Once a day and service. A fresh installation starts with the next 09:00, not with yesterday's."""
        slot = digest_slot(self._clock.now(), self._zone)
        for service in services:
            is_first_ever = await self._slots.last_done(service, DIGEST_SCHEDULE) is None
            await self._take(service, slot, announce=not is_first_ever)

    async def _take(self, service: ServiceId, slot: datetime, announce: bool) -> None:
        lease = await self._slots.claim(service, DIGEST_SCHEDULE, slot, LEASE)
        if lease is None:
            return
        if announce:
            await self._outbox.mark(Surface(service, DIGEST_KIND, slot.astimezone(self._zone).date().isoformat()))
        await self._slots.done(service, DIGEST_SCHEDULE, slot, lease)
