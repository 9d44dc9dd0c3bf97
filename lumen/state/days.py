"""The sums of the days: a hash of "2026-11-22/requests" and the like, added to in the step that stores the slices.

How many requests took how long is "2026-11-22/latency_ms/155.5/217.7" for each bucket that holds any.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache

from redis.asyncio import Redis

from lumen.model.day import Day, day_of
from lumen.model.service import ServiceId
from lumen.model.snapshot import Bucket
from lumen.state.calls import Calls
from lumen.state.keys import position

#: Eight weeks to know what a weekday usually costs, thirty days of error budgets, and some.
KEEP_DAYS = 100
#: Whole numbers alone, so that no sum depends on the order in which it was made: money in billionths of a dollar.
NANO = 1_000_000_000

#: Names as they are stored. The first one is of every day.
SUMS = (
    "slices",
    "known_slices",
    "good_slices",
    "bad_slices",
    "requests",
    "errors_5xx",
    "errors_4xx",
    "lookup_slices",
    "hits",
    "misses",
    "cost_slices",
    "cost_nano_usd",
    "timed_slices",
)
LATENCY = "latency_ms"


class RedisDays:
    """`lumen.ports.days.Days`."""

    def __init__(self, redis: Redis) -> None:
        self._calls = Calls(redis)

    async def days(self, service: ServiceId, since: date) -> list[Day]:
        reply = await self._calls.read("read", service, "HGETALL", position("days"))
        sums: dict[str, dict[str, int]] = {}
        for field, value in _pairs(reply.values[0]):
            of, _, name = field.partition("/")
            sums.setdefault(of, {})[name] = int(value)
        return [_day(date.fromisoformat(of), sums[of]) for of in sorted(sums) if of >= since.isoformat()]


def buckets_of(days: Sequence[Day]) -> list[Bucket]:
    """Every bucket that holds a request of any of these days, ascending."""
    return sorted({bucket for day in days for bucket in day.latencies})


def names_of(buckets: Sequence[Bucket]) -> str:
    """Of all sums, in the order in which watch_look.lua is given them."""
    return ",".join((*SUMS, *(f"{LATENCY}/{low!r}/{high!r}" for low, high in buckets)))


def arguments_of(days: Sequence[Day], buckets: Sequence[Bucket]) -> Iterator[str | int]:
    """Date and sums of each, as watch_look.lua takes them."""
    for day in days:
        yield day.date.isoformat()
        for name in SUMS:
            yield round(day.cost_usd * NANO) if name == "cost_nano_usd" else int(getattr(day, name))
        for bucket in buckets:
            yield day.latencies.get(bucket, 0)


def oldest_kept(now: datetime, keep_days: int) -> str:
    """The first day that is not dropped when a new one begins."""
    return (day_of(now) - timedelta(days=keep_days)).isoformat()


def _day(of: date, sums: Mapping[str, int]) -> Day:
    """A sum that an older Lumen did not make yet is 0, over 0 slices."""
    counts = {name: sums.get(name, 0) for name in SUMS if name != "cost_nano_usd"}
    latencies = {_bucket(name): count for name, count in sums.items() if name.startswith(LATENCY) and count}
    return Day(of, **counts, cost_usd=sums.get("cost_nano_usd", 0) / NANO, latencies=latencies)


@lru_cache
def _bucket(name: str) -> Bucket:
    """Of "latency_ms/155.5/217.7": the same few of every day."""
    _, low, high = name.split("/")
    return float(low), float(high)


def _pairs(listed: Sequence[str]) -> Iterator[tuple[str, str]]:
    """HGETALL answers a script with field, value, field, value …"""
    return zip(listed[::2], listed[1::2], strict=True)
