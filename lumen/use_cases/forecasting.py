"""Each hour the forecast of a service: its kept days, replayed in the numerics worker, where numpy is imported."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from lumen.model.forecast import Bounded, Forecast, Prices, Replayed
from lumen.model.history import midnight
from lumen.model.messages import NoData, with_remedy
from lumen.model.observed import Piece
from lumen.model.past_turn import PastTurn
from lumen.model.service import ServiceId
from lumen.model.snapshot import CacheStats, Snapshot
from lumen.model.turn import Turn
from lumen.policies.back_tests import back_tests
from lumen.policies.size import Memory, SizeLimits
from lumen.ports.clock import Numerics
from lumen.ports.store import AccessDays
from lumen.use_cases.miss_forecasts import NEARLY, MissForecasts
from lumen.use_cases.standing import standing

A_DAY = timedelta(days=1)
#: A day that follows none counts as whole where it begins so early.
EARLY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Forecasts:
    """Only reads. Raises StoreUnavailable. `prices`: of the services that PREDICT names."""

    days: AccessDays
    numerics: Numerics
    prices: Mapping[ServiceId, Prices]
    #: Of each service and TTL the days that are over, each with how many accesses it had then.
    _known: dict[tuple[ServiceId, int], dict[date, tuple[int, Replayed | None]]] = field(default_factory=dict)
    #: For services that do not report; None: those have none.
    misses: MissForecasts | None = None
    #: Of the cache's size, for services that no other one shares the cache with.
    limits: Mapping[ServiceId, SizeLimits] = field(default_factory=dict)
    #: Of each service the last 24 hours in the cache's own memory: of one day, TTL and size.
    _in_memory: dict[ServiceId, tuple[tuple[date, int, float], Bounded | None]] = field(default_factory=dict)

    async def of(self, snapshot: Snapshot, turns: Sequence[Turn | PastTurn]) -> Forecast | NoData:
        """For the 24 hours after `snapshot`; `turns` before it, the newest first, say for how long the TTL stands."""
        if snapshot.service not in self.prices:
            return NoData(*with_remedy("forecast.off"))
        if isinstance(snapshot.ttl, NoData):
            return snapshot.ttl
        service, now, ttl = snapshot.service, snapshot.taken_at, snapshot.ttl.value_seconds
        listed = (await self.days.progress(service)).days
        if not listed and self.misses is not None:
            return await self.misses.of(snapshot, turns, ttl)
        newest = [await self.days.day(service, day) for day in (now.date() - A_DAY, now.date())]
        replays = await self._whole_days(service, ttl, [day for day in listed if day < now.date()], newest[0])
        since, memory = max(standing(turns, ttl, now), now - A_DAY), await self._memory(snapshot, newest, ttl)
        asked = Asked(now, ttl, since, snapshot.cache, self.prices[service], memory)
        found = await self.numerics.run(forecast, newest, replays, asked)
        return found if isinstance(found, NoData) else replace(found, back_tests=back_tests(turns, replays, ttl))

    async def _memory(self, snapshot: Snapshot, newest: Sequence[Piece], ttl: int) -> Memory:
        """Once a day, for it takes some seconds."""
        service, cache, limits = snapshot.service, snapshot.cache, self.limits.get(snapshot.service)
        if limits is None or isinstance(cache, NoData):
            return Memory(limits=limits)
        if isinstance(cache.max_mb, NoData) or isinstance(cache.used_mb, NoData):
            return Memory(limits=limits)
        key = snapshot.taken_at.date(), ttl, cache.max_mb
        known = self._in_memory.get(service)
        if known is None or known[0] != key or known[1] is None:
            setting = ttl, cache.max_mb, cache.used_mb
            found = await self.numerics.run(in_memory, newest, snapshot.taken_at, setting, limits)
            known = self._in_memory[service] = key, found
        return Memory(known[1], limits)

    async def _whole_days(
        self, service: ServiceId, ttl: int, over: Sequence[date], yesterday: Piece
    ) -> Sequence[Replayed]:
        """Days that are over and whole; each is replayed once, and yesterday again where something came late."""
        before = self._known.get((service, ttl), {})
        known: dict[date, tuple[int, Replayed | None]] = {}
        last: Piece | None = None
        for day in over:
            if day in before and (day != yesterday.day or before[day][0] == len(yesterday)):
                known[day] = before[day]
                continue
            pieces = []
            if (eve := day - A_DAY) in over:
                pieces.append(last if last and last.day == eve else await self.days.day(service, eve))
            last = yesterday if day == yesterday.day else await self.days.day(service, day)
            known[day] = len(last), await self.numerics.run(whole_day, [*pieces, last], ttl)
        for key in [key for key in self._known if key[0] == service]:
            del self._known[key]
        self._known[service, ttl] = known
        return [one for _, one in known.values() if one is not None]


@dataclass(frozen=True, slots=True)
class Asked:
    """A forecast is asked for at `now`, of a TTL that has stood since `since`."""

    now: datetime
    ttl: int
    since: datetime
    cache: CacheStats | NoData
    prices: Prices
    memory: Memory


def in_memory(
    newest: Sequence[Piece], now: datetime, setting: tuple[int, float, float], limits: SizeLimits
) -> Bounded | None:
    """The 24 hours before `now`, in the cache's own memory; None where they are not whole. In the worker."""
    from lumen.policies.forecasting import few_ttls_for
    from lumen.policies.in_memory import sizes_for
    from lumen.prediction.bounded import bounded
    from lumen.prediction.kept import first_access

    first, (ttl, size_mb, _) = first_access(newest[0]), setting
    if first is None or first > now - A_DAY + NEARLY:
        return None
    return bounded(newest, now - A_DAY, now, setting, few_ttls_for(ttl), sizes_for(round(size_mb), limits))


def whole_day(pieces: Sequence[Piece], ttl: int) -> Replayed | None:
    """The last of the pieces, replayed; None where its beginning is missing. In the worker."""
    from lumen.policies.forecasting import ttls_for
    from lumen.prediction.kept import first_access, replayed

    day, start = pieces[-1], midnight(pieces[-1].day)
    first = first_access(day)
    if first is None or (len(pieces) == 1 and first - start >= EARLY):
        return None
    return replayed(pieces, start, start + A_DAY, ttl, ttls_for(ttl))


def forecast(newest: Sequence[Piece], replays: Sequence[Replayed], asked: Asked) -> Forecast | NoData:
    """By the whole days up to yesterday, else by the last 24 hours. `newest`: yesterday and today. In the worker."""
    from lumen.policies.forecasting import Evidence, forecast_of, ttls_for
    from lumen.prediction.kept import compared, first_access, replayed

    now, ttl, first = asked.now, asked.ttl, first_access(newest[0])
    if not replays or replays[-1].on != newest[0].day:
        is_covered = first is not None and first <= now - A_DAY + NEARLY
        last = replayed(newest, now - A_DAY, now, ttl, ttls_for(ttl)) if is_covered else None
        replays = [] if last is None else [last]
    honesty = compared(newest, asked.since, now, ttl)
    first = first or first_access(newest[1])
    return forecast_of(Evidence(now, ttl, first, replays, honesty, asked.cache, asked.prices, memory=asked.memory))
