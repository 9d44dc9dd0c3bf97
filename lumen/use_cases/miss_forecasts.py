"""Each hour the forecast of a service that does not report: from the misses that the cache's server announces."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from lumen.model.forecast import Forecast, Method, Prices, Replayed
from lumen.model.history import midnight
from lumen.model.messages import Message, NoData, message, with_remedy
from lumen.model.observed import Counted, Piece
from lumen.model.past_turn import PastTurn
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, CacheStats, Snapshot
from lumen.model.turn import Turn
from lumen.policies.size import Memory, SizeLimits
from lumen.ports.clock import Numerics
from lumen.ports.incidents import Alerts
from lumen.ports.store import AccessDays
from lumen.use_cases.standing import standing

A_DAY = timedelta(days=1)
#: So many misses in an hour of which none was announced: the server announces none.
UNANNOUNCED = 20
#: The first of 24 hours may begin a little after they did.
NEARLY = timedelta(minutes=15)
#: So much of a day's counts may be missing.
MOST_MISSING = 0.1


@dataclass(frozen=True, slots=True)
class MissForecasts:
    """Only reads. Raises StoreUnavailable. `prices`: of the services that are listened to."""

    days: AccessDays
    alerts: Alerts
    numerics: Numerics
    prices: Mapping[ServiceId, Prices]
    #: Of each service and TTL the days that are over.
    _known: dict[tuple[ServiceId, int], dict[date, Replayed]] = field(default_factory=dict)

    async def of(self, snapshot: Snapshot, turns: Sequence[Turn | PastTurn], ttl: int) -> Forecast | NoData:
        """For the 24 hours after `snapshot`, at longer TTLs than `ttl`, which is in force."""
        service, now = snapshot.service, snapshot.taken_at
        if service not in self.prices:
            return NoData(*with_remedy("forecast.not_reported"))
        counted = await self._counted(service, now)
        listed = (await self.days.progress(service)).days
        if not listed:
            lately = sum(one.misses for one in counted if one.start >= now - timedelta(hours=1))
            return NoData(*with_remedy("forecast.unannounced" if lately >= UNANNOUNCED else "forecast.unheard"))
        since = standing(turns, ttl, now)
        whole = await self._whole_days(
            service, ttl, [on for on in listed if since <= midnight(on) <= now - A_DAY], counted
        )
        newest = [await self.days.day(service, on) for on in ((now - A_DAY).date(), now.date())]
        asked = AskedOfMisses(now, ttl, since, snapshot.cache, self.prices[service])
        return await self.numerics.run(miss_forecast, whole, newest, _within(counted, now - A_DAY, now), asked)

    async def _counted(self, service: ServiceId, now: datetime) -> Sequence[Counted]:
        """Of the week before `now`, slices whose hits and misses are known."""
        found = await self.alerts.observations(service, now - 7 * A_DAY)
        return [
            Counted(one.start, one.start + SLICE, one.hits, one.misses)
            for one in found
            if one.hits is not None and one.misses is not None
        ]

    async def _whole_days(
        self, service: ServiceId, ttl: int, days: Sequence[date], counted: Sequence[Counted]
    ) -> Sequence[Replayed]:
        """Days that are over and known whole; each is replayed once."""
        known = self._known.get((service, ttl), {})
        for key in [key for key in self._known if key[0] == service]:
            del self._known[key]
        found = self._known[service, ttl] = {}
        for on in days:
            of_day = _within(counted, midnight(on), midnight(on) + A_DAY)
            replayed = known.get(on)
            if replayed is None and _is_whole(of_day):
                piece = await self.days.day(service, on)
                replayed = await self.numerics.run(heard_day, [piece], of_day, midnight(on), ttl)
            if replayed is not None:
                found[on] = replayed
        return list(found.values())


@dataclass(frozen=True, slots=True)
class AskedOfMisses:
    """A forecast is asked for at `now`, of a TTL that has stood since `since`."""

    now: datetime
    ttl: int
    since: datetime
    cache: CacheStats | NoData
    prices: Prices


def heard_day(pieces: Sequence[Piece], counted: Sequence[Counted], start: datetime, ttl: int) -> Replayed | None:
    """A day's misses; None where they tell nothing. In the worker."""
    from lumen.policies.forecasting import few_ttls_for
    from lumen.prediction.heard import heard

    found = heard(pieces, counted, start, ttl, few_ttls_for(ttl))
    return found if isinstance(found, Replayed) else None


def miss_forecast(
    days: Sequence[Replayed], newest: Sequence[Piece], counted: Sequence[Counted], asked: AskedOfMisses
) -> Forecast | NoData:
    """By the whole days up to yesterday, else by the last 24 hours, the time of `newest` and `counted`. In worker."""
    from lumen.policies.forecasting import Evidence, few_ttls_for, forecast_of
    from lumen.prediction.answers import Verdict
    from lumen.prediction.heard import heard
    from lumen.prediction.honesty import Honesty

    now, ttl = asked.now, asked.ttl
    if not days or days[-1].on != newest[0].day:
        start = now - A_DAY
        first = max([asked.since, *(one.start for one in counted[:1])])
        if first > start + NEARLY or not _is_whole(counted):
            hours = max(1, -((start - first) // timedelta(hours=1)))
            return NoData(*with_remedy("forecast.short", hours=hours))
        found = heard(newest, counted, start, ttl, few_ttls_for(ttl))
        if found is None:
            return NoData(*with_remedy("forecast.needs_accesses"))
        if not isinstance(found, Replayed):
            if found.verdict is Verdict.TOO_FEW_MISSES:
                return NoData(*_few(found.needed or 0))
            misses = sum(one.misses for one in counted)
            return NoData(*with_remedy("forecast.unlike", heard=found.accesses_used, counted=misses))
        days = [found]
    honesty = Honesty(round(days[-1].lookups), 1.0, 0.0)  # hits that nobody saw cannot be compared
    sizes = Memory(None, SizeLimits())  # a miss has none
    evidence = Evidence(now, ttl, now - A_DAY, days, honesty, asked.cache, asked.prices, Method.MISSES, sizes)
    return forecast_of(evidence)


def _few(needed: int) -> tuple[Message, Message]:
    return message("forecast.few_misses", misses=needed), message("forecast.few_misses_remedy")


def _within(counted: Sequence[Counted], start: datetime, end: datetime) -> Sequence[Counted]:
    return [one for one in counted if one.start >= start and one.end <= end]


def _is_whole(counted: Sequence[Counted]) -> bool:
    """Of a day, but for a tenth."""
    return sum((one.end - one.start for one in counted), timedelta()) >= (1 - MOST_MISSING) * A_DAY
