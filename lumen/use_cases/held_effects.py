"""The effect of changes by the keys that kept the old TTL: kept accesses, judged in the numerics worker."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from lumen.effects.experiment import Experiment, judge_held
from lumen.effects.hold_back import LASTING_HOURS, lasts
from lumen.effects.verdict import LookFinding
from lumen.model.hold_back import Lasting
from lumen.model.messages import Message, NoData, message
from lumen.model.observed import Piece
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE
from lumen.model.turn import Occasion, Turn
from lumen.ports.clock import Numerics
from lumen.ports.incidents import Alerts
from lumen.ports.store import AccessDays, Turns

#: Where less of the time than this is known to turns, nobody knows of evictions.
LEAST_KNOWN = 0.75
#: Enough hourly turns to reach back to the change.
TURNS_BACK = 100
#: A reader comes once a minute, a service reports each few seconds: what is missing for longer is late.
ACCESSES_LATE = 2 * SLICE
LASTS_AFTER = timedelta(hours=LASTING_HOURS)


@dataclass(frozen=True, slots=True)
class HeldEffects:
    """Only reads. Raises StoreUnavailable."""

    days: AccessDays
    alerts: Alerts
    turns: Turns
    numerics: Numerics

    async def look(
        self, service: ServiceId, experiment: Experiment, look: int, since: datetime | None = None
    ) -> LookFinding:
        """The finding `look` hours after the change; `since`: of what came after this alone."""
        hold_back, end = experiment.hold_back(since), experiment.end_of(look, experiment.started_at)
        start, until = hold_back.window(end)
        share = evicted_share(await self.turns.latest(service, TURNS_BACK), start, until)
        pieces = await self._pieces(service, hold_back.days(end))
        return await self.numerics.run(judge_held, experiment, look, pieces, share, since)

    async def is_late(self, service: ServiceId, experiment: Experiment, found: LookFinding, end: datetime) -> bool:
        """Whether lookups went on after the newest access that it knows of."""
        newest = found.newest or experiment.started_at
        later = await self.alerts.observations(service, newest)
        return any(one.lookups and newest + ACCESSES_LATE < one.start < end for one in later)

    async def lasting(self, service: ServiceId, experiment: Experiment) -> Message:
        """Tell what a replay says of it a week after the change, without a control."""
        hold_back, end = experiment.hold_back(), experiment.started_at + LASTS_AFTER
        found = await self.numerics.run(lasts, await self._pieces(service, hold_back.days_to_last(end)), hold_back, end)
        if not isinstance(found, Lasting):
            return message("effect.lasting_unknown", reason=found.reason)
        code = "effect.lasting_less" if found.is_fading else "effect.lasting"
        return message(code, points=100 * found.effect, at_first=100 * found.at_first)

    async def _pieces(self, service: ServiceId, days: Sequence[date]) -> Sequence[Piece]:
        return [await self.days.day(service, day) for day in days]


def evicted_share(turns: Sequence[Turn], start: datetime, until: datetime) -> float | None:
    """Evictions to misses, by the hours of the turns; None where too much of the time has none that knows both."""
    evictions, misses, known = 0, 0, timedelta(0)
    for turn in turns:
        window, cache = turn.snapshot.window, turn.snapshot.cache
        within = min(window.end, until) - max(window.start, start)
        if turn.occasion is Occasion.ASKED or within <= timedelta(0) or isinstance(cache, NoData):
            continue
        if isinstance(cache.evictions, int) and isinstance(cache.misses, int):
            evictions, misses, known = evictions + cache.evictions, misses + cache.misses, known + within
    return evictions / max(misses, 1) if known >= LEAST_KNOWN * (until - start) else None
