"""Calling the people on call: once when a page opens, and again until somebody is on it, a bounded number of times."""

from dataclasses import replace
from datetime import datetime, timedelta

from lumen.model.calling import MOST_REPEATS, Taking, in_force
from lumen.model.service import Person, ServiceId
from lumen.model.watching import Incident
from lumen.ports.calling import Pages, Silences
from lumen.ports.clock import Clock


class Calling:
    """`every`: how long after the last mention the next one comes; zero: only the first. `anybody`: somebody is on
    call, whom a mention reaches."""

    def __init__(self, pages: Pages, silences: Silences, clock: Clock, every: timedelta, *, anybody: bool) -> None:
        self._pages = pages
        self._silences = silences
        self._clock = clock
        self._every = every
        self._anybody = anybody

    async def take(self, service: ServiceId, incident_id: str, person: Person) -> Taking:
        """Somebody is on it: nobody is mentioned any more. The right to say so is settled before."""
        return await self._pages.take(service, incident_id, person)

    async def due(self, service: ServiceId) -> bool:
        """Whether anybody was mentioned now. Safe to call as often as one likes, by every replica."""
        pages = await self._pages.unsettled(service) if self._anybody else ()
        if not any(page.is_open_page and page.taken is None for page in pages):
            return False
        silences = in_force(await self._silences.all(service), self._clock.now())
        said = [await self._mention(replace(page, silences=silences)) for page in pages]
        return any(said)

    async def _mention(self, incident: Incident) -> bool:
        if not incident.is_open_page or incident.taken is not None or incident.is_hushed:
            return False
        mentions = incident.mentions
        if mentions is None:
            # The message of what was a page from the first has just called them; an edited one calls nobody.
            called = any(stored.called for stored in incident.alerts)
            await self._pages.mention(incident.service, incident.id, 0, say=not called)
            return not called
        if not self._is_due(mentions.at) or mentions.number >= MOST_REPEATS:
            return False
        await self._pages.mention(incident.service, incident.id, mentions.number + 1, say=True)
        return True

    def _is_due(self, last_at: datetime) -> bool:
        return bool(self._every) and self._clock.now() >= last_at + self._every
