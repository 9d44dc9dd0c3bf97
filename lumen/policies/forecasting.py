"""What may be said of the TTLs to come: a forecast where the replay is right and rests on enough, or why not.

`prediction.kept` has replayed the days; how they are carried to the day to come is `prediction.tomorrow`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, hypot, inf, sqrt

from lumen.model.forecast import Forecast, Method, Outcome, Prices, Replayed, Step
from lumen.model.messages import NoData, message, with_remedy
from lumen.model.snapshot import CacheStats
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


def ttls_for(ttl_seconds: int) -> tuple[int, ...]:
    """The TTLs to replay against this one."""
    steps = (ttl_seconds + by for by in (-300, -120, -60, 60, 120, 300, ttl_seconds))
    return tuple(sorted({*REPLAYED, *(one for one in steps if REPLAYED[0] <= one <= REPLAYED[-1])} - {ttl_seconds}))


def forecast_of(evidence: Evidence) -> Forecast | NoData:
    """The forecast for the 24 hours to come."""
    refused = _too_little(evidence) or _not_right(evidence)
    if refused is not None:
        return refused
    newest = evidence.days[-1]
    full_from = _full_from(newest, evidence)
    steps = (_step(evidence, ttl) for ttl in sorted(newest.at) if full_from is None or ttl < full_from)
    return Forecast(
        ttl_seconds=evidence.ttl_seconds,
        hit_rate=newest.hit_rate,
        lookups_a_day=newest.lookups,
        call_usd=evidence.prices.call_usd,
        days=len(evidence.days),
        accesses=sum(day.accesses for day in evidence.days),
        steps=tuple(steps),
        full_from=full_from,
        staleness=newest.staleness,
        stale_usd=evidence.prices.stale_usd,
        method=evidence.method,
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
    """Where something but the TTL decides what misses."""
    if not isinstance(evidence.cache, NoData) and not isinstance(evidence.cache.evictions_per_hour, NoData):
        evicted, written = evidence.cache.evictions_per_hour * 24, evidence.days[-1].writes
        if evicted > MANY_EVICTIONS * written:
            return NoData(*with_remedy("forecast.evictions", evictions_per_hour=evidence.cache.evictions_per_hour))
    if evidence.honesty.trust is Trust.NONE:
        points = 100 * evidence.honesty.residual
        return NoData(*with_remedy("forecast.disagrees", points=points, ttl_seconds=evidence.ttl_seconds))
    return None


def _full_from(newest: Replayed, evidence: Evidence) -> int | None:
    """The lowest longer TTL at which the memory would not hold all; None where it would, or has no known limit."""
    ratio = evidence.cache if isinstance(evidence.cache, NoData) else evidence.cache.memory_ratio
    if isinstance(ratio, NoData):
        return None
    longer = (ttl for ttl in sorted(newest.at) if ttl > evidence.ttl_seconds)
    return next((ttl for ttl in longer if ratio * newest.at[ttl].cached > 1), None)


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
