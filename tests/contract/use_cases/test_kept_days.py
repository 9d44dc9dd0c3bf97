"""Forecasts from the whole days that are kept in a store: each replayed once, whatever comes late."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import ParamSpec, TypeVar

import pytest

pytest.importorskip("scipy", reason="needs the extra numerics")

from lumen.adapters.store.accesses import RedisAccessDays
from lumen.model.forecast import Forecast, Method, Prices
from lumen.model.messages import NoData
from lumen.model.observed import Piece, Progress
from lumen.model.proposal import Change, Knob, Priority
from lumen.model.snapshot import Snapshot
from lumen.model.turn import Recommendation, Turn
from lumen.policies.predicted import predicted
from lumen.policies.size import SizeLimits
from lumen.policies.ttl import TtlLimits
from lumen.prediction import memory
from lumen.use_cases.forecasting import Forecasts, whole_day
from tests.contract.store.builders import LONG, SERVICE, Store
from tests.contract.use_cases.measured_world import Inline
from tests.snapshots import GONE, cache, snapshot, ttl
from tests.unit.handlers.test_hourly import turn_at
from tests.unit.prediction.test_bounded import pieces as full_pieces
from tests.unit.prediction.test_kept import DAY, pieces, requests

P = ParamSpec("P")
T = TypeVar("T")
A_DAY = timedelta(days=1)
#: The morning after the two days.
NOW = datetime(2026, 3, 3, 0, 30, tzinfo=UTC)
ROOM = cache(memory_ratio=0.05, evictions_per_hour=0)


class Counting(Inline):
    """How often a day was replayed."""

    def __init__(self) -> None:
        self.replays = 0

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        self.replays += function is whole_day
        return await super().run(function, *args, **kwargs)


async def keep(store: Store, days: Sequence[Piece], listed: tuple[date, ...]) -> None:
    lease = await store.leases.acquire(SERVICE, "accesses", LONG)
    assert lease is not None
    await RedisAccessDays(store.redis).put(SERVICE, lease, 23, days, Progress("1-0", days=listed))
    await store.leases.release(SERVICE, lease)


def seen(now: datetime = NOW, seconds: int = 300) -> Snapshot:
    return snapshot(service=SERVICE, taken_at=now, ttl=ttl(seconds), cache=ROOM)


def before(seconds: int = 300) -> Sequence[Turn]:
    """A turn of two days ago: since then the TTL has stood."""
    earlier = turn_at(NOW - 2 * A_DAY)
    return [replace(earlier, snapshot=replace(earlier.snapshot, ttl=ttl(seconds)))]


async def test_each_whole_day_is_replayed_once_and_again_where_something_came_late(store: Store) -> None:
    numerics, days = Counting(), pieces(requests())
    forecasts = Forecasts(RedisAccessDays(store.redis), numerics, {SERVICE: Prices(0.00003)})
    await keep(store, days, (DAY, DAY + A_DAY))
    found = await forecasts.of(seen(), before())
    assert isinstance(found, Forecast), found
    assert (found.days, numerics.replays) == (2, 2)
    assert await forecasts.of(seen(), before()) == found
    assert numerics.replays == 2
    late = replace(days[1], packed=days[1].packed[:8], kinds=b"\1", sizes=b"\0", tally=replace(days[1].tally, misses=0))
    await keep(store, [late], (DAY, DAY + A_DAY))
    assert isinstance(await forecasts.of(seen(), before()), Forecast)
    assert numerics.replays == 3
    another = await forecasts.of(seen(seconds=420), before())
    assert isinstance(another, NoData)  # it stands since now, so nothing was seen at it
    assert another.reason.code == "forecast.unchecked"


async def test_a_day_whose_beginning_is_missing_is_none(store: Store) -> None:
    days = pieces([one for one in requests() if one[0] >= 30 * 3_600_000])
    forecasts = Forecasts(RedisAccessDays(store.redis), Counting(), {SERVICE: Prices(0.00003)})
    await keep(store, days[1:], (DAY + A_DAY,))
    found = await forecasts.of(seen(), before())
    assert isinstance(found, NoData)
    assert (found.reason.code, found.reason.params) == ("forecast.short", {"hours": 6})


async def test_whom_predict_leaves_out_and_what_is_not_read_have_no_forecast(store: Store) -> None:
    forecasts = Forecasts(RedisAccessDays(store.redis), Inline(), {})
    found = await forecasts.of(seen(), ())
    assert isinstance(found, NoData)
    assert found.reason.code == "forecast.off"
    watched = replace(forecasts, prices={SERVICE: Prices(0.00003)})
    assert await watched.of(replace(seen(), ttl=GONE), ()) == GONE
    nothing = await watched.of(seen(), ())
    assert isinstance(nothing, NoData)
    assert nothing.reason.code == "forecast.not_reported"


DAYS, HOUR_MS = 6, 3_600_000
#: The rules' step up, of a low hit rate.
UP = Recommendation(Change(Knob.TTL, 300, 420, "s"), "MODERATE", (), Priority.MEDIUM)


def bursts() -> list[tuple[int, int]]:
    """Each key is asked for four times within 40 s, and not again for an hour or more."""
    begin = sorted(
        nth * 75_000 + dice * 4 for nth, dice in enumerate(random.Random(3).choices(range(2000), k=DAYS * 1152))
    )
    return sorted((at + step * 12_000, nth % 97 + 1) for nth, at in enumerate(begin) for step in range(4))


def polling() -> list[tuple[int, int]]:
    """Each key is asked for at random, in the mean each 20 minutes."""
    dice = random.Random(4)
    return sorted((dice.randrange(0, DAYS * 24 * HOUR_MS, 4), dice.randrange(1, 60)) for _ in range(DAYS * 24 * 180))


@pytest.mark.parametrize(
    ("world", "stale_usd", "change"),
    [
        (bursts, 0.0, Change(Knob.TTL, 300, 60, "s")),
        (polling, 0.0, Change(Knob.TTL, 300, 600, "s")),
        (polling, 0.0004, None),
        (polling, 0.02, Change(Knob.TTL, 300, 60, "s")),
    ],
)
async def test_from_kept_days_to_the_step_that_is_wanted(
    store: Store, world: Callable[[], list[tuple[int, int]]], stale_usd: float, change: Change | None
) -> None:
    """Shorter where that costs nothing; longer where it saves, and not where older answers cost more than that."""
    days, now = pieces(world(), days=DAYS), datetime(DAY.year, DAY.month, DAY.day, 0, 10, tzinfo=UTC) + DAYS * A_DAY
    await keep(store, days, tuple(day.day for day in days))
    forecasts = Forecasts(RedisAccessDays(store.redis), Inline(), {SERVICE: Prices(0.00003, stale_usd)})
    early = turn_at(now - 2 * A_DAY)
    since = [replace(early, snapshot=replace(early.snapshot, ttl=ttl(300)))]
    found = await forecasts.of(seen(now), since)
    assert isinstance(found, Forecast), found
    wanted = predicted(UP, ttl(300), found, TtlLimits())
    assert isinstance(wanted, Recommendation)
    assert wanted.change == change
    if change is None:
        assert wanted.reasons[-1].code == "policy.ttl_ages_cost_more"


async def test_a_full_cache_has_its_own_forecast_and_that_of_other_sizes(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a day, from the sizes that the service reported."""
    monkeypatch.setattr(memory, "LEAST_ENTRIES", 1)  # it holds some dozens
    asked = requests(keys=900, count=40_000)
    await keep(store, full_pieces(asked, 4), (DAY, DAY + A_DAY))
    forecasts = Forecasts(
        RedisAccessDays(store.redis), Inline(), {SERVICE: Prices(0.00003)}, limits={SERVICE: SizeLimits(min_mb=1)}
    )
    full = replace(cache(memory_ratio=1.0, evictions_per_hour=200, max_mb=4), eviction_policy="allkeys-lru")
    found = await forecasts.of(replace(seen(), cache=full), before())
    assert isinstance(found, Forecast), found
    assert found.method is Method.REPLAY_LRU
    assert not isinstance(found.sizes, NoData)
    assert [step.size_mb for step in found.sizes] == [2, 3, 4, 6, 8]
    uplifts = [step.uplift for step in found.sizes]
    assert uplifts == sorted(uplifts)
    assert uplifts[0] < 0 < uplifts[-1]
    lfu = await forecasts.of(replace(seen(), cache=replace(full, eviction_policy="allkeys-lfu")), before())
    assert isinstance(lfu, NoData)
    assert lfu.reason.code == "forecast.evictions"
