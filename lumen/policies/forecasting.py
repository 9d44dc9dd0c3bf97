"""Forecasts of other TTLs: where the replay is right and rests on enough, or why not.

`prediction.kept` has replayed the days; how they are carried to the day to come is `prediction.tomorrow`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, hypot, inf, sqrt

from lumen.model.forecast import Bounded, Forecast, Method, Outcome, Prices, Replayed, SizeStep, Step
from lumen.model.messages import NoData, message, with_remedy
from lumen.model.snapshot import CacheStats
from lumen.policies.in_memory import size_steps, step_of, trusted
from lumen.policies.size import UNKNOWN_MEMORY, Memory
from lumen.prediction.honesty import Honesty, Trust
from lumen.prediction.tomorrow import SATURDAY, Day, half_of, point

#: The contract's range, closer where a step of people or of a strategy ends.
REPLAYED = (60, 90, 120, 150, 180, 240, 300, 360, 420, 480, 540, 600, 720, 900, 1200, 1500, 1800, 2400, 3000, 3600)
#: Those of which the intervals were measured: back-tests are pooled over these.
TESTED = (60, 120, 300, 420, 600, 900, 1800, 3600)
A_DAY = timedelta(days=1)
#: A day with fewer lookups says little, and so does a check on fewer.
LEAST_LOOKUPS, LEAST_COMPARED = 1_000, 300
#: From this share of the writes on, entries leave by eviction.
MANY_EVICTIONS = 0.01


@dataclass(frozen=True, slots=True)
class Evidence:
    """`days`: whole ones up to yesterday, oldest first, or the last 24 hours. `first`: the earliest access that is
    kept; None for none. `honesty`: of the time for which `ttl_seconds` has stood. `cache`: of the last hour."""

    now: datetime
    ttl_seconds: int
    first: datetime | None
    days: Sequence[Replayed]
    honesty: Honesty
    cache: CacheStats | NoData
    prices: Prices
    method: Method = Method.REPLAY
    memory: Memory = UNKNOWN_MEMORY

    @property
    def in_memory(self) -> Bounded | NoData:
        """The replay in the cache's own memory, where it may be trusted."""
        return trusted(self.cache, self.memory.limits, self.memory.replayed)

    @property
    def evictions_per_hour(self) -> float | None:
        """None unless they are so many that the TTL alone does not decide what hits."""
        if isinstance(self.cache, NoData) or isinstance(self.cache.evictions_per_hour, NoData):
            return None
        many = self.cache.evictions_per_hour * 24 > MANY_EVICTIONS * self.days[-1].writes
        return self.cache.evictions_per_hour if many else None


def ttls_for(ttl_seconds: int) -> tuple[int, ...]:
    """The TTLs to replay against this one."""
    steps = (ttl_seconds + by for by in (-300, -120, -60, 60, 120, 300, ttl_seconds))
    return tuple(sorted({*REPLAYED, *(one for one in steps if REPLAYED[0] <= one <= REPLAYED[-1])} - {ttl_seconds}))


def few_ttls_for(ttl_seconds: int) -> tuple[int, ...]:
    """Fewer of them, where each takes long: those that were measured, and the ends of steps."""
    return tuple(one for one in ttls_for(ttl_seconds) if one in TESTED or abs(one - ttl_seconds) in (60, 120, 300))


def forecast_of(evidence: Evidence) -> Forecast | NoData:
    """The forecast for the 24 hours to come."""
    refused = _too_little(evidence) or _not_right(evidence)
    if refused is not None:
        return refused
    newest, full_from, memory = evidence.days[-1], _full_from(evidence), evidence.in_memory
    is_known = full_from is not None and not isinstance(memory, NoData)
    return Forecast(
        ttl_seconds=evidence.ttl_seconds,
        hit_rate=newest.hit_rate,
        lookups_a_day=newest.lookups,
        call_usd=evidence.prices.call_usd,
        days=len(evidence.days),
        accesses=sum(day.accesses for day in evidence.days),
        steps=tuple(_steps(evidence, full_from)),
        full_from=None if is_known else full_from,
        staleness=newest.staleness,
        stale_usd=evidence.prices.stale_usd,
        method=Method.REPLAY_LRU if is_known else evidence.method,
        sizes=_sizes(evidence),
        keys=newest.keys,
    )


def _too_little(evidence: Evidence) -> NoData | None:
    """Until a day is known: how many hours, or how many lookups a day, are lacking."""
    if evidence.first is None:
        return NoData(*with_remedy("forecast.not_reported"))
    lookups = evidence.days[-1].accesses if evidence.days else 0
    hours = ceil((A_DAY - (evidence.now - evidence.first)) / timedelta(hours=1))
    if not evidence.days and hours > 0:
        return NoData(*with_remedy("forecast.short", hours=hours))
    if lookups < LEAST_LOOKUPS:
        return NoData(*with_remedy("forecast.few", accesses=LEAST_LOOKUPS - lookups, least=LEAST_LOOKUPS))
    lacking = LEAST_COMPARED - evidence.honesty.compared
    if lacking > 0:
        params = {"accesses": lacking, "ttl_seconds": evidence.ttl_seconds}
        return NoData(message("forecast.unchecked", **params), message("forecast.unchecked_remedy", **params))
    return None


def _not_right(evidence: Evidence) -> NoData | None:
    """The refusal where something but the TTL decides what misses."""
    if (evicted := evidence.evictions_per_hour) is not None:
        is_known = not isinstance(evidence.in_memory, NoData)
        return None if is_known else NoData(*with_remedy("forecast.evictions", evictions_per_hour=evicted))
    if evidence.honesty.trust is Trust.NONE:
        points = 100 * evidence.honesty.residual
        return NoData(*with_remedy("forecast.disagrees", points=points, ttl_seconds=evidence.ttl_seconds))
    return None


def _full_from(evidence: Evidence) -> int | None:
    """The lowest longer TTL at which the memory would not hold all, 0 where it does not now; None where it would, or
    has no known limit."""
    newest = evidence.days[-1]
    if evidence.evictions_per_hour is not None:
        return 0
    ratio = evidence.cache if isinstance(evidence.cache, NoData) else evidence.cache.memory_ratio
    if isinstance(ratio, NoData):
        return None
    longer = (ttl for ttl in sorted(newest.at) if ttl > evidence.ttl_seconds)
    return next((ttl for ttl in longer if ratio * newest.at[ttl].cached > 1), None)


def _steps(evidence: Evidence, full_from: int | None) -> Iterator[Step]:
    """By the TTL alone, and from `full_from` on in the cache's own memory, where that is known."""
    newest, memory = evidence.days[-1], evidence.in_memory
    for ttl in sorted(newest.at):
        if ttl == evidence.ttl_seconds or full_from is None or ttl < full_from:
            yield _step(evidence, ttl)
        elif not isinstance(memory, NoData) and ttl in memory.at:
            yield step_of(memory, ttl, newest.at[ttl], newest.lookups)


def _sizes(evidence: Evidence) -> tuple[SizeStep, ...] | NoData:
    memory, limits, cache = evidence.in_memory, evidence.memory.limits, evidence.cache
    if isinstance(memory, NoData):
        return memory
    assert limits is not None and not isinstance(cache, NoData) and not isinstance(cache.max_mb, NoData)
    return size_steps(memory, round(cache.max_mb), limits, evidence.days[-1].lookups)


def _step(evidence: Evidence, ttl: int) -> Step:
    """Its intervals are of the back-tests, of the sample, and of what the replay does not know of hits."""
    if ttl == evidence.ttl_seconds:
        return Step(ttl, 0.0, 0.0)
    newest = evidence.days[-1].at[ttl]
    uplift, half = _to_come(evidence, ttl, lambda outcome: outcome.uplift, evidence.days[-1].lookups)
    staleness, aged = _to_come(evidence, ttl, lambda outcome: outcome.staleness)
    half = sqrt(half**2 + newest.half**2 + evidence.honesty.widening**2)
    return Step(ttl, uplift, half, staleness, hypot(aged, newest.staleness_half), newest.cached)


def _to_come(
    evidence: Evidence, ttl: int, of: Callable[[Outcome], float], requests: float = inf
) -> tuple[float, float]:
    """A figure of the day to come at that TTL, and half of the interval that the back-tests give it; `requests` of
    which it is a share."""
    days = [Day(day.on, {one: of(outcome) for one, outcome in day.at.items()}) for day in evidence.days]
    tested = [Day(day.on, {one: day.uplifts[one] for one in TESTED if one in day.uplifts}) for day in days]
    value = point(days, ttl, (evidence.now + A_DAY / 2).weekday() >= SATURDAY)
    return value, half_of(tested, value, requests)
