"""What the cache did over the day before a turn: from what the turns of that day measured, or from slices."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from lumen.model.nodata import NoData
from lumen.model.observation import Observation
from lumen.model.snapshot import SLICE, CacheDay, CacheStats, Snapshot

DAY = timedelta(days=1)
#: With less of it known a day is not known.
LEAST_SLICES_SHARE = 0.75


def cache_day(observations: Iterable[Observation], end: datetime) -> CacheDay | None:
    """The day up to `end`, or None where too little of it is known."""
    known = [
        (one.hits, one.misses, one.evictions, one.memory_mb)
        for one in observations
        if end - DAY <= one.start < end
        and one.hits is not None
        and one.misses is not None
        and one.evictions is not None
        and one.memory_mb is not None
    ]
    if len(known) < LEAST_SLICES_SHARE * (DAY / SLICE):
        return None
    return CacheDay(
        seconds=len(known) * SLICE.total_seconds(),
        hits=sum(hits for hits, _, _, _ in known),
        misses=sum(misses for _, misses, _, _ in known),
        evictions=sum(evictions for _, _, evictions, _ in known),
        highest_mb=max(memory for _, _, _, memory in known),
    )


def cache_day_of(snapshots: Iterable[Snapshot]) -> CacheDay | None:
    """The same of the day up to the newest snapshot's end. Of windows that overlap the newest counts."""
    newest_first = sorted(snapshots, key=lambda one: one.window.end, reverse=True)
    if not newest_first:
        return None
    since = newest_first[0].window.end
    earliest = since - DAY
    known: list[CacheStats] = []
    for one in newest_first:
        if earliest <= one.window.start and one.window.end <= since and not isinstance(one.cache, NoData):
            known.append(one.cache)
            since = one.window.start
    seconds = sum(one.seconds for one in known)
    if seconds < LEAST_SLICES_SHARE * DAY.total_seconds():
        return None
    return CacheDay(
        seconds=seconds,
        hits=sum(one.hits for one in known),
        misses=sum(one.misses for one in known),
        evictions=sum(one.evictions for one in known),
        highest_mb=max(one.used_mb for one in known),
    )
