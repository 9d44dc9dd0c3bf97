"""The week before an instant, for a picture: put together from what is stored."""

import asyncio
from datetime import datetime
from zoneinfo import ZoneInfo

from lumen.effects.hours import HOUR, Hours
from lumen.effects.trends import WEEK
from lumen.effects.week import week_before
from lumen.model.service import ServiceId
from lumen.model.week import Week
from lumen.ports.state import Proposals, Turns
from lumen.ports.watching import Alerts

#: A week of hourly turns, and those that people asked for.
TURNS_BACK = 200
CHANGES_BACK = 50
TURN_OF_SLICES = 200


class Weeks:
    """Only reads. `zone`: the readers'."""

    def __init__(self, alerts: Alerts, turns: Turns, proposals: Proposals, zone: ZoneInfo) -> None:
        self._alerts = alerts
        self._turns = turns
        self._proposals = proposals
        self._zone = zone

    async def before(self, service: ServiceId, end: datetime) -> Week:
        """The seven days before `end`, aligned down to the hour. Raises StoreUnavailable."""
        hours = Hours()
        for count, seen in enumerate(await self._alerts.observations(service, end - WEEK - HOUR)):
            if count % TURN_OF_SLICES == 0:
                await asyncio.sleep(0)  # clicks get their turn
            hours.add(seen)
        turns = await self._turns.latest(service, TURNS_BACK)
        return week_before(end, self._zone, hours, turns, await self._proposals.recent(service, CHANGES_BACK))
