"""The objectives over a whole day, from its slices and the latencies of its turns, and figures of spans of time."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from lumen.effects.hours import Hour
from lumen.exporters.slo import SloTargets, assess_slo
from lumen.model.alert import Observation
from lumen.model.assessment import Objective
from lumen.model.digest import DAY, HOUR, Period
from lumen.model.history import LEAST_SLICES_SHARE, SLICES_A_DAY, Day, day_of
from lumen.model.messages import NoData, with_remedy
from lumen.model.snapshot import (
    SLICE,
    CacheStats,
    LatencyDistribution,
    RequestSlice,
    Traffic,
    Window,
    together,
)
from lumen.model.turn import Occasion, Turn

UNKNOWN = NoData(*with_remedy("assess.day_too_little"))


def periods(seen: Sequence[Observation], start: datetime, step: timedelta, count: int) -> tuple[Period, ...]:
    """The figures of `count` spans of time from `start` on."""
    sums = [Hour() for _ in range(count)]
    for one in seen:
        span = (one.start - start) // step
        if 0 <= span < count:
            sums[span].add(one)
    return tuple(_period(start + step * nth, step, of) for nth, of in enumerate(sums))


def _period(start: datetime, step: timedelta, of: Hour) -> Period:
    least = LEAST_SLICES_SHARE * (step / SLICE)
    return Period(
        start,
        start + step,
        of.errors_5xx / of.error_requests if of.error_slices >= least and of.error_requests else None,
        of.hits / of.lookups if of.cache_slices >= least and of.lookups else None,
        of.weighted_p95_ms / of.latency_requests if of.latency_slices >= least and of.latency_requests else None,
        of.cost_usd * (step / SLICE) / of.cost_slices if of.cost_slices >= least else None,
    )


def objectives_of(
    seen: Sequence[Observation], turns: Sequence[Turn], end: datetime, targets: SloTargets
) -> tuple[Objective, ...]:
    """The objectives over the 24 hours before `end`; nothing before the first turn. `turns` newest first.

    A day of which less than three quarters is known has no verdict.
    """
    if not turns:
        return ()
    start = end - DAY
    today = [one for one in seen if start <= one.start < end]
    latencies = [
        found.latency
        for turn in turns
        if turn.occasion is not Occasion.ASKED
        and start < turn.snapshot.window.end <= end + HOUR
        and not isinstance(found := turn.snapshot.traffic, NoData)
    ]
    snapshot = replace(
        turns[0].snapshot,
        window=Window(start, end),
        traffic=Traffic(_requests(today), _latency(latencies), UNKNOWN, UNKNOWN),
        cache=_cache(today),
    )
    whole = Day(day_of(start), slices=SLICES_A_DAY, known_slices=SLICES_A_DAY)
    return assess_slo(snapshot, targets, [whole]).objectives


def _requests(seen: Sequence[Observation]) -> tuple[RequestSlice, ...]:
    found = []
    for one in seen:
        if one.requests is not None and one.errors_5xx is not None:
            refused = one.errors_4xx or 0
            good = one.requests - one.errors_5xx - refused
            found.append(RequestSlice(one.start, good, refused, one.errors_5xx, one.doubt))
    return tuple(found)


def _latency(known: Sequence[LatencyDistribution | NoData]) -> LatencyDistribution | NoData:
    found = [one for one in known if not isinstance(one, NoData)]
    return together(found) if len(found) >= LEAST_SLICES_SHARE * (DAY / HOUR) else UNKNOWN


def _cache(seen: Sequence[Observation]) -> CacheStats | NoData:
    known = [(one.hits, one.misses) for one in seen if one.hits is not None and one.misses is not None]
    if len(known) < LEAST_SLICES_SHARE * SLICES_A_DAY:
        return UNKNOWN
    hits, misses = sum(hits for hits, _ in known), sum(misses for _, misses in known)
    seconds = len(known) * SLICE.total_seconds()
    return CacheStats(seconds, hits, misses, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, "")
