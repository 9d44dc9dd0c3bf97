"""The feedback graph of a service, from what is stored at that moment: so it is as new as the last verdict and turn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lumen.effects.graph import DAYS_BACK, Evidence, feedback, level_of, usual_changes
from lumen.effects.hours import BEFORE, Hour, Hours
from lumen.model.answers import forecast_now
from lumen.model.feedback import Feedback
from lumen.model.history import day_of
from lumen.model.messages import Message, message
from lumen.model.proposal import Change
from lumen.model.service import ServiceId
from lumen.model.turn import Turn
from lumen.ports.clock import Clock, Numerics
from lumen.ports.incidents import Alerts
from lumen.ports.store import Days, Proposals, Turns
from lumen.wording.feedback import follows

#: Of the newest so many proposals.
REMEMBERED = 300


@dataclass(frozen=True, slots=True)
class FeedbackGraphs:
    """Only reads. `calls_usd`: what a call of each service costs that misses the cache. Raises StoreUnavailable."""

    proposals: Proposals
    turns: Turns
    days: Days
    alerts: Alerts
    numerics: Numerics
    clock: Clock
    calls_usd: Mapping[ServiceId, float]

    async def of(self, service: ServiceId) -> Feedback:
        """All of it, for a usual step of each knob whose value is known."""
        turns = await self.turns.latest(service, 1)
        evidence = await self._evidence(service, turns)
        changes = usual_changes(turns[0].snapshot if turns else None, evidence.proposals)
        return feedback(evidence, changes, await self._together(service))

    async def follows(self, service: ServiceId, change: Change) -> tuple[Message, ...]:
        """A line on what usually follows such a change; none where nobody knows. Nothing slow: a card waits for it."""
        evidence = await self._evidence(service, await self.turns.latest(service, 1))
        return follows(feedback(evidence, {change.knob: change}).usual())

    async def _evidence(self, service: ServiceId, turns: Sequence[Turn]) -> Evidence:
        now = self.clock.now()
        days = await self.days.days(service, day_of(now - DAYS_BACK))
        level = level_of(days, day_of(now), self.calls_usd[service])
        return Evidence(await self.proposals.recent(service, REMEMBERED), forecast_now(turns, now), level)

    async def _together(self, service: ServiceId) -> Feedback:
        end = self.clock.now().replace(minute=0, second=0, microsecond=0)
        hours = Hours()
        for seen in await self.alerts.observations(service, end - BEFORE):
            hours.add(seen)
        try:
            return await self.numerics.run(dashed, hours.between(end - BEFORE, end), end)
        except ImportError:
            return Feedback((), (message("trend.no_numerics"),))


def dashed(hours: Sequence[Hour], end: datetime) -> Feedback:
    """Find what goes together. In the worker. Raises ImportError without the extra `numerics`."""
    from lumen.effects.together import together

    return together(hours, end)
