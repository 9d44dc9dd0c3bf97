"""The hourly figures that the effect of a change is estimated on, from the slices that the watch has stored."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from lumen.effects.experiment import BEFORE, Experiment
from lumen.effects.hours import HOUR, Hours
from lumen.model.observation import Observation
from lumen.model.proposal import Change, Knob
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE
from lumen.policies.size import HOURS_A_MONTH, SizeLimits, added_cost_usd
from lumen.ports.watching import Alerts

TURN_OF_SLICES = 500


class HourlyFigures:
    """`uncounted_call_usd`: what a call costs that misses the cache, where the slices' costs are without those (0
    where they are with them). `size`: what a MB costs, for slices are priced by a size that nobody changes in them.
    Of both a service pays its part, by requests, as in its slices; `sharing`: all services that use the one cache.
    """

    def __init__(
        self, alerts: Alerts, uncounted_call_usd: float, size: SizeLimits, sharing: Sequence[ServiceId] = ()
    ) -> None:
        self._alerts = alerts
        self._uncounted_call_usd = uncounted_call_usd
        self._size = size
        self._sharing = sharing

    async def of(self, service: ServiceId, experiment: Experiment, end: datetime) -> Hours:
        """From a fortnight before the change up to `end`."""
        changed = experiment.started_at.replace(minute=0, second=0, microsecond=0)
        more_usd = self._more_usd_an_hour(experiment.change) * (SLICE / HOUR)
        since, hours = changed - BEFORE - SLICE, Hours()
        beside = await self._requests_beside(service, since)
        for count, seen in enumerate(await self._alerts.observations(service, since)):
            if count % TURN_OF_SLICES == 0:
                await asyncio.sleep(0)  # clicks get their turn
            if seen.start < end:
                share = seen.requests / (seen.requests + beside.get(seen.start, 0)) if seen.requests else 1.0
                hours.add(self._priced(seen, more_usd if seen.start > changed else 0.0, share))
        return hours

    async def _requests_beside(self, service: ServiceId, since: datetime) -> Mapping[datetime, int]:
        """Of the other services, by slice."""
        found: dict[datetime, int] = {}
        for other in self._sharing:
            for seen in await self._alerts.observations(other, since) if other != service else ():
                found[seen.start] = found.get(seen.start, 0) + (seen.requests or 0)
        return found

    def _priced(self, seen: Observation, more_usd: float, share: float) -> Observation:
        if seen.cost_usd is None or (self._uncounted_call_usd and seen.misses is None):
            return replace(seen, cost_usd=None)
        of_cache = more_usd + (seen.misses or 0) * self._uncounted_call_usd
        return replace(seen, cost_usd=seen.cost_usd + share * of_cache)

    def _more_usd_an_hour(self, change: Change) -> float:
        """What the new size costs above the old one."""
        if change.knob is not Knob.CACHE_SIZE or not isinstance(change.old, int) or not isinstance(change.new, int):
            return 0.0
        return added_cost_usd(change.old, change.new, self._size) / HOURS_A_MONTH
