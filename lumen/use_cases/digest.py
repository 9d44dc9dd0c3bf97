"""The daily digest: one message a day and service, at an hour of the readers' own zone, and what it tells of."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from lumen.effects.trends import WEEK
from lumen.exporters.day import objectives_of, periods
from lumen.exporters.slo import SloTargets
from lumen.model.alert import Observation
from lumen.model.digest import DAY, MONDAY, DigestReadout, PastIncident, severest_first
from lumen.model.proposal import WAS_IN_FORCE
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE
from lumen.ports.incidents import Alerts
from lumen.ports.store import Lease, Outbox, Proposals, Surface, Turns
from lumen.use_cases.leases import Claims
from lumen.use_cases.on_call import newest_incidents
from lumen.use_cases.queries import Readouts

DIGEST_SCHEDULE = "digest"
DIGEST_KIND = "digest"
DIGEST_AT = time(9, 0)
#: A week of hourly turns is more than a digest needs; of changes and incidents a week has fewer.
TURNS_BACK = 100
CHANGES_BACK = 50
INCIDENTS_BACK = 100


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
        """The time of the digest of `day`, as the readers count their days."""
        return datetime.combine(day, DIGEST_AT, self.zone)

    async def due(self, services: Sequence[ServiceId]) -> None:
        """Once a day and service. A fresh installation starts with the next 09:00, not with yesterday's."""
        slot = digest_slot(self.claims.clock.now(), self.zone)
        day = slot.astimezone(self.zone).date().isoformat()

        async def mark(service: ServiceId, _: Lease) -> None:
            if await self.claims.slots.last_done(service, DIGEST_SCHEDULE) is not None:
                await self.outbox.mark(Surface(service, DIGEST_KIND, day))

        await self.claims.share(services, DIGEST_SCHEDULE, slot, lambda batch: batch.each(mark))


@dataclass(frozen=True, slots=True)
class DigestReader:
    """All that a digest says, from what is stored at this moment. `targets`: of each service's objectives."""

    readouts: Readouts
    turns: Turns
    alerts: Alerts
    proposals: Proposals
    targets: Mapping[ServiceId, SloTargets]

    async def of(self, service: ServiceId, at: datetime) -> DigestReadout:
        """The 24 hours before `at`, which is in the zone of the readers; on Mondays the week too.

        Raises StoreUnavailable.
        """
        end = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        is_monday = at.weekday() == MONDAY
        since = end - (WEEK if is_monday else DAY)
        seen = await self._seen(service, since)
        turns = tuple(await self.turns.latest(service, TURNS_BACK))
        incidents = await self._incidents(service, since)
        readout = DigestReadout(
            status=await self.readouts.status(service),
            at=at,
            turns=turns,
            incidents=severest_first([one for one in incidents if _is_of(one, at - DAY)], at),
            objectives=objectives_of(seen, turns, end, self.targets[service]),
            periods=periods(seen, end - DAY, timedelta(hours=2), 12),
        )
        return _with_week(readout, seen, end, incidents) if is_monday else readout

    async def _seen(self, service: ServiceId, since: datetime) -> Sequence[Observation]:
        found = await self.alerts.observations(service, since - SLICE)
        await asyncio.sleep(0)  # clicks get their turn
        return [one for one in found if one.start >= since]

    async def _incidents(self, service: ServiceId, since: datetime) -> Sequence[PastIncident]:
        """Those that were open after `since` and have a message, with the changes that were made to end them."""
        made = await self.proposals.recent(service, CHANGES_BACK)
        found = []
        for incident in await newest_incidents(self.alerts, service, INCIDENTS_BACK):
            if incident.is_kept_back:
                continue
            ids = {one.alert.id for one in incident.alerts}
            ended = [one for one in made if one.draft.incident in ids and one.state in WAS_IN_FORCE]
            past = PastIncident(incident, tuple(sorted(ended, key=lambda one: one.created_at)))
            if _is_of(past, since):
                found.append(past)
        return found


def _is_of(past: PastIncident, since: datetime) -> bool:
    return past.closed_at is None or past.closed_at > since


def _with_week(
    readout: DigestReadout, seen: Sequence[Observation], end: datetime, incidents: Sequence[PastIncident]
) -> DigestReadout:
    days = periods(seen, end - WEEK, DAY, 7)
    return replace(
        readout,
        week=periods(seen, end - WEEK, timedelta(hours=12), 14),
        days=days,
        incidents_by_day=tuple(sum(day.start <= one.opened_at < day.end for one in incidents) for day in days),
    )
