"""The hourly figures that the effect of a change is estimated on, from the slices that the watch has stored."""

import asyncio
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
    """

    def __init__(self, alerts: Alerts, uncounted_call_usd: float, size: SizeLimits) -> None:
        self._alerts = alerts
        self._uncounted_call_usd = uncounted_call_usd
        self._size = size

    async def of(self, service: ServiceId, experiment: Experiment, end: datetime) -> Hours:
        """From a fortnight before the change up to `end`."""
        changed = experiment.started_at.replace(minute=0, second=0, microsecond=0)
        more_usd = self._more_usd_an_hour(experiment.change) * (SLICE / HOUR)
        hours = Hours()
        for count, seen in enumerate(await self._alerts.observations(service, changed - BEFORE - SLICE)):
            if count % TURN_OF_SLICES == 0:
                await asyncio.sleep(0)  # clicks get their turn
            if seen.start < end:
                hours.add(self._priced(seen, more_usd if seen.start > changed else 0.0))
        return hours

    def _priced(self, seen: Observation, more_usd: float) -> Observation:
        if seen.cost_usd is None or (self._uncounted_call_usd and seen.misses is None):
            return replace(seen, cost_usd=None)
        return replace(seen, cost_usd=seen.cost_usd + more_usd + (seen.misses or 0) * self._uncounted_call_usd)

    def _more_usd_an_hour(self, change: Change) -> float:
        """What the new size costs above the old one."""
        if change.knob is not Knob.CACHE_SIZE or not isinstance(change.old, int) or not isinstance(change.new, int):
            return 0.0
        return added_cost_usd(change.old, change.new, self._size) / HOURS_A_MONTH
