"""Each hour the forecast of a service: its kept days, replayed in the numerics worker."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from lumen.model.forecast import Forecast
from lumen.model.messages import NoData, with_remedy
from lumen.model.observed import Piece
from lumen.model.service import ServiceId
from lumen.model.snapshot import Snapshot
from lumen.model.turn import Turn
from lumen.policies.forecasting import A_DAY, Evidence, forecast_of, ttls_for
from lumen.ports.clock import Numerics
from lumen.ports.store import AccessDays
from lumen.prediction.honesty import Honesty
from lumen.prediction.kept import Replayed, compared, first_access, replayed

#: The first day that is kept counts as whole where it begins so early.
EARLY = timedelta(hours=1)
#: An answer may be noted a little after the 24 hours began.
NEARLY = timedelta(minutes=15)
NOTHING = Honesty(0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Forecasts:
    """Only reads. Raises StoreUnavailable.

    `services`: those that PREDICT names. `call_usd`: what a miss costs.
    """

    days: AccessDays
    numerics: Numerics
    services: Sequence[ServiceId]
    call_usd: float
    #: Of each service and TTL the days that are over, each with how many accesses it had then.
    _known: dict[tuple[ServiceId, int], dict[date, tuple[int, Replayed | None]]] = field(default_factory=dict)

    async def of(self, snapshot: Snapshot, turns: Sequence[Turn]) -> Forecast | NoData:
        """For the 24 hours after `snapshot`; `turns` before it, the newest first, say for how long the TTL stands."""
        if snapshot.service not in self.services:
            return NoData(*with_remedy("forecast.off"))
        if isinstance(snapshot.ttl, NoData):
            return snapshot.ttl
        service, now, ttl = snapshot.service, snapshot.taken_at, snapshot.ttl.value_seconds
        yesterday = now.date() - A_DAY
        listed = (await self.days.progress(service)).days
        newest = [await self.days.day(service, day) for day in (yesterday, now.date())]
        replays = await self._whole_days(service, ttl, [day for day in listed if day < now.date()], newest[0])
        if not replays or replays[-1].on != yesterday:
            replays = await self._last_hours(newest, now, ttl)
        since = max(_standing(turns, ttl, now), now - A_DAY)
        honesty = await self.numerics.run(compared, newest, since, now, ttl) if since < now else NOTHING
        first = first_access(newest[0]) or first_access(newest[1])
        return forecast_of(Evidence(now, ttl, first, replays, honesty, snapshot.cache, self.call_usd))

    async def _whole_days(
        self, service: ServiceId, ttl: int, over: Sequence[date], yesterday: Piece
    ) -> Sequence[Replayed]:
        """Days that are over and whole; each is replayed once, and yesterday again where something came late."""
        before = self._known.get((service, ttl), {})
        known: dict[date, tuple[int, Replayed | None]] = {}
        for day in over:
            if day in before and (day != yesterday.day or before[day][0] == len(yesterday)):
                known[day] = before[day]
                continue
            piece = yesterday if day == yesterday.day else await self.days.day(service, day)
            known[day] = len(piece), await self._replayed(service, ttl, piece, follows=day - A_DAY in over)
        for key in [key for key in self._known if key[0] == service]:
            del self._known[key]
        self._known[service, ttl] = known
        return [one for _, one in known.values() if one is not None]

    async def _replayed(self, service: ServiceId, ttl: int, piece: Piece, *, follows: bool) -> Replayed | None:
        start = datetime.combine(piece.day, datetime.min.time(), tzinfo=UTC)
        first = first_access(piece)
        if first is None or not (follows or first - start < EARLY):
            return None
        pieces = [await self.days.day(service, piece.day - A_DAY), piece] if follows else [piece]
        return await self.numerics.run(replayed, pieces, start, start + A_DAY, ttl, ttls_for(ttl))

    async def _last_hours(self, newest: Sequence[Piece], now: datetime, ttl: int) -> Sequence[Replayed]:
        """The last 24 hours instead of days; nothing where accesses are not kept for so long."""
        first = first_access(newest[0])
        if first is None or first > now - A_DAY + NEARLY:
            return ()
        found = await self.numerics.run(replayed, newest, now - A_DAY, now, ttl, ttls_for(ttl))
        return () if found is None else (found,)


def _standing(turns: Sequence[Turn], ttl: int, now: datetime) -> datetime:
    """From when on all that is cached has this TTL, as far as turns tell."""
    since = now
    for turn in turns:
        found = turn.snapshot.ttl
        if isinstance(found, NoData):
            break
        if found.value_seconds != ttl:
            return since + timedelta(seconds=found.value_seconds)
        since = turn.started_at
    return since
