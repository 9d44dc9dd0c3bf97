"""Many services together, from what is stored: how each is, and the day of all of them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lumen.model.answers import WORST_FIRST, Glance, TurnReadout
from lumen.model.digest import DAY, HOUR, PastIncident, severest_first
from lumen.model.fleet import FleetDay, FleetDigest, Seen, service_of
from lumen.model.incident import Incident, pause_in_force
from lumen.model.messages import LumenError, NoData
from lumen.model.proposal import WAS_IN_FORCE, Proposal, State
from lumen.model.service import ServiceId
from lumen.ports.clock import Clock
from lumen.ports.fleet import FleetStore, StoredLately, StoredNow
from lumen.use_cases.leases import hour_of

#: Of a day, so many of each are more than a line tells.
CHANGES_BACK = 10
INCIDENTS_BACK = 5


@dataclass(frozen=True, slots=True)
class Fleet:
    """A few round trips for a hundred services. A service whose memory cannot be read says why, and hides no other."""

    store: FleetStore
    clock: Clock

    async def glances(self, services: Sequence[ServiceId]) -> list[Seen]:
        """Of each, in their order. Never raises LumenError."""
        try:
            found = await self.store.now(services)
        except LumenError:
            return await asyncio.gather(*(self._alone(service) for service in services))
        return [self._glance(service, found[service]) for service in services]

    async def _alone(self, service: ServiceId) -> Seen:
        try:
            return self._glance(service, (await self.store.now([service]))[service])
        except LumenError as error:
            return service, NoData(error.reason, error.remedy)

    def _glance(self, service: ServiceId, found: StoredNow) -> Glance:
        now = self.clock.now()
        return Glance(
            last=TurnReadout(service, found.turn, now, hour_of(now) + HOUR, found.alerts),
            waiting=sum(proposal.state is State.PENDING for proposal in found.unfinished),
            alerts=found.alerts,
            pause=pause_in_force(found.pause, now),
            pinned=found.pinned,
            unfinished=found.unfinished,
        )

    async def digest(self, services: Sequence[ServiceId], at: datetime) -> FleetDigest:
        """The 24 hours before `at`, the worst first. Raises StoreUnavailable."""
        lately = await self.store.lately(services, CHANGES_BACK, INCIDENTS_BACK)
        days = [_day(seen, lately[service_of(seen)], at) for seen in await self.glances(services)]
        days.sort(key=lambda one: (WORST_FIRST.index(one.level), one.service.key))
        return FleetDigest(tuple(days), at, self.clock.now())

    async def state(self, services: Sequence[ServiceId]) -> str:
        """Another one whenever what `glances` shows is another, but for the time. Raises StoreUnavailable."""
        return await self.store.state(services)


def _day(now: Seen, lately: StoredLately, at: datetime) -> FleetDay:
    made = [one for one in lately.proposals if one.state in WAS_IN_FORCE]
    past = [_past(incident, made) for incident in lately.incidents if not incident.is_kept_back]
    of_day = [one for one in past if one.closed_at is None or one.closed_at > at - DAY]
    ended = {change.id for one in of_day for change in one.changes}
    changes = [one for one in made if one.finished_at is not None and one.finished_at > at - DAY]
    return FleetDay(now, severest_first(of_day, at), tuple(one for one in changes if one.id not in ended))


def _past(incident: Incident, made: Sequence[Proposal]) -> PastIncident:
    ids = {one.alert.id for one in incident.alerts}
    return PastIncident(incident, tuple(one for one in reversed(made) if one.draft.incident in ids))
