"""What the cache did over the day before a turn, from the slices that the watch has stored."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from lumen.model.observation import Observation
from lumen.model.snapshot import SLICE, CacheDay

DAY = timedelta(days=1)
#: With fewer of its slices known a day is not known.
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
