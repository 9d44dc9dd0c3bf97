"""The daily digest: one message a day and service, at an hour of the readers' own zone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from lumen.model.service import ServiceId
from lumen.ports.store import Outbox, Surface
from lumen.use_cases.leases import Claims

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


@dataclass(frozen=True, slots=True)
class Digest:
    """Claims the day's slot and marks the surface; the outbox renders it from what is stored when it posts."""

    claims: Claims
    outbox: Outbox
    zone: ZoneInfo

    def now(self) -> datetime:
        """In the readers' zone."""
        return self.claims.clock.now().astimezone(self.zone)

    def at(self, day: date) -> datetime:
        """When the digest of `day`, as the readers count their days, is due."""
        return datetime.combine(day, DIGEST_AT, self.zone)

    async def due(self, services: Sequence[ServiceId]) -> None:
        """Once a day and service. A fresh installation starts with the next 09:00, not with yesterday's."""
        slot = digest_slot(self.claims.clock.now(), self.zone)
        async with self.claims.claimed(services, DIGEST_SCHEDULE, slot) as claimed:
            for service, lease in claimed.items():
                if await self.claims.slots.last_done(service, DIGEST_SCHEDULE) is not None:
                    day = slot.astimezone(self.zone).date().isoformat()
                    await self.outbox.mark(Surface(service, DIGEST_KIND, day))
                await self.claims.slots.done(service, DIGEST_SCHEDULE, slot, lease)
