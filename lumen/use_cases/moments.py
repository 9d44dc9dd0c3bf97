"""Moments at which the message of an incident says something else although nobody did anything: it is edited then.

Five, two and one minute before a countdown ends, when the newest figures are too old to be of now, and when a silence
over it has run out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lumen.alerts.course import newest_figures
from lumen.model.alert import AlertKind
from lumen.model.course import OF_NOW
from lumen.model.proposal import State
from lumen.model.service import ServiceId
from lumen.ports.clock import Clock
from lumen.ports.incidents import Alerts, Silences
from lumen.ports.store import Proposals

BEFORE_ITS_END = tuple(timedelta(minutes=minutes) for minutes in (5, 2, 1))
#: Slices of so long are looked through for the newest figures.
LOOK_BACK = timedelta(hours=1)


@dataclass(slots=True)
class Moments:
    """Of the incidents that are open. The store marks each message once for each moment, whichever replica notices."""

    alerts: Alerts
    proposals: Proposals
    silences: Silences
    clock: Clock
    _told: dict[tuple[ServiceId, str], Sequence[datetime]] = field(default_factory=dict, init=False)

    async def due(self, service: ServiceId) -> None:
        """Mark the messages whose moment has come. Safe to call as often as one likes, by every replica."""
        kinds: dict[str, set[AlertKind]] = {}
        for stored in await self.alerts.open(service):
            kinds.setdefault(stored.incident, set()).add(stored.alert.kind)
        if not kinds:
            return
        now, ages = self.clock.now(), await self._ages(service)
        pending = [one for one in await self.proposals.unfinished(service) if one.state is State.PENDING]
        silences = await self.silences.all(service)
        for incident, own in kinds.items():
            ends = [one.acts_at for one in pending if one.acts_at is not None and one.shown_in == incident]
            heard = [one.until for one in silences if one.kind in own]
            moments = [*(end - before for end in ends for before in BEFORE_ITS_END), *ages, *heard]
            passed = tuple(sorted(moment for moment in moments if moment <= now))
            if self._told.get((service, incident), ()) != passed:
                await self.alerts.passed(service, incident, passed)
                self._told[service, incident] = passed

    async def _ages(self, service: ServiceId) -> Sequence[datetime]:
        newest = await self.alerts.newest(service)
        if newest is None:
            return ()
        figures = newest_figures(await self.alerts.observations(service, newest - LOOK_BACK))
        return () if figures is None else (figures.at + OF_NOW + timedelta(seconds=1),)
