"""A service that does not report: what its cache's server announces of misses, kept and predicted from."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

pytest.importorskip("scipy", reason="needs the extra numerics")

from lumen.adapters.cache.announced import RedisAnnouncedMisses
from lumen.adapters.store.accesses import RedisAccessDays
from lumen.adapters.store.alerts import RedisAlerts
from lumen.adapters.store.scripts import misses_key
from lumen.model.alert import Observation
from lumen.model.forecast import Forecast, Method, Prices
from lumen.model.messages import NoData
from lumen.model.observed import Progress
from lumen.model.proposal import Change, Expectation, Knob
from lumen.model.snapshot import SLICE
from lumen.ports.incidents import Look
from lumen.use_cases.forecasting import Forecasts
from lumen.use_cases.hearing import Hearing
from lumen.use_cases.miss_forecasts import MissForecasts
from lumen.wording.catalogue import LOCALES, Catalogue
from tests.contract.store.builders import LONG, SERVICE, Store
from tests.contract.use_cases.measured_world import Inline
from tests.contract.use_cases.test_kept_days import before, keep, seen
from tests.unit.prediction.test_kept import DAY, pieces, requests

PREFIX, TTL = "ion:cache:", 300
START = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
A_DAY, EVERY, KEYS = timedelta(days=1), timedelta(seconds=45), 60
PRICES = Prices(0.00003, 0.00001)


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await true():  # noqa: ASYNC110 - the server is polled, not a flag
            await asyncio.sleep(0)


async def heard(count: int, *by: RedisAnnouncedMisses) -> None:
    """Until each of them has heard so many."""

    async def all_have() -> bool:
        return min(map(len, by)) >= count

    await until(all_have)


async def listening(cache: Redis, listeners: int) -> None:
    """Until so many listen."""

    async def they_do() -> bool:
        return sum(count for _, count in await cache.pubsub_numsub("__keyevent@0__:keymiss")) == listeners

    await until(they_do)


@dataclass
class Scene:
    """A service of version 1 over a cache whose server announces misses, and the bot that listens to it."""

    store: Store
    cache: Redis
    announced: RedisAnnouncedMisses
    asked: list[tuple[datetime, int]] = field(default_factory=list)
    until: dict[int, datetime] = field(default_factory=dict)

    @property
    def misses(self) -> RedisAccessDays:
        return RedisAccessDays(self.store.redis, misses_key)

    @property
    def reported(self) -> RedisAccessDays:
        return RedisAccessDays(self.store.redis)

    @property
    def alerts(self) -> RedisAlerts:
        return RedisAlerts(self.store.redis, self.store.clock)

    @property
    def hearing(self) -> Hearing:
        return Hearing({SERVICE: self.announced}, self.misses, self.reported, self.store.claims)

    async def forecast(self) -> Forecast | NoData:
        heard = MissForecasts(self.misses, self.alerts, Inline(), {SERVICE: PRICES})
        forecasts = Forecasts(self.reported, Inline(), {SERVICE: PRICES}, misses=heard)
        return await forecasts.of(seen(self.store.clock.time), before())

    async def serve(self, end: datetime) -> None:
        """Each request as the service makes it; time stands while the server announces what missed."""
        dice, now, before_them = random.Random(5), self.store.clock.time, len(self.announced)
        while now < end:
            self.store.clock.time = now
            key = int(KEYS * dice.random() ** 2)
            name = f"{PREFIX}{key}"
            if self.until.get(key, now) <= now:
                await self.cache.delete(name)
            self.asked.append((now, key))
            if await self.cache.get(name) is None:
                await self.cache.set(name, "answer")
                self.until[key] = now + timedelta(seconds=TTL)
                before_them += 1
                await heard(before_them, self.announced)
            now += EVERY
            if now.minute == 0 and now.hour % 6 == 0:
                await self.hearing.due()
                before_them = len(self.announced)
        self.store.clock.time = end
        await self.hearing.due()

    def met(self, ttl: int) -> list[tuple[datetime, bool]]:
        """Whether each request hits in a cache of a few lines."""
        until: dict[int, datetime] = {}
        found = []
        for at, key in self.asked:
            found.append((at, key in until and until[key] > at))
            if not found[-1][1]:
                until[key] = at + timedelta(seconds=ttl)
        return found

    async def count(self) -> None:
        """The slices of the watch, by the server's counts."""
        met, end = self.met(TTL), self.store.clock.time
        slices = []
        for nth in range(round((end - START) / SLICE)):
            start = START + nth * SLICE
            hits = [hit for at, hit in met if start <= at < start + SLICE]
            slices.append(Observation(start, hits=sum(hits), misses=len(hits) - sum(hits)))
        lease = await self.store.leases.acquire(SERVICE, "slot/watch", LONG)
        assert lease is not None
        assert await self.alerts.look(SERVICE, lease, Look(None, slices, ()))
        await self.store.leases.release(SERVICE, lease)


@pytest.fixture
async def scene(store: Store, redis: Redis, cache_url: str) -> AsyncIterator[Scene]:
    stood = (await redis.config_get("notify-keyspace-events"))["notify-keyspace-events"]
    await redis.config_set("notify-keyspace-events", "Em")
    store.clock.time = START
    announced = RedisAnnouncedMisses(cache_url, PREFIX, store.clock)
    made = Scene(store, redis, announced)
    await made.hearing.due()  # the secret
    await made.hearing.due()  # listens from now on
    await listening(redis, 1)
    yield made
    await announced.stop()
    await redis.config_set("notify-keyspace-events", stood or "")


def change(new: int) -> Change:
    return Change(Knob.TTL, TTL, new, "s")


async def test_misses_tell_what_a_longer_ttl_does_and_of_a_shorter_one_nothing(scene: Scene) -> None:
    """Within its interval and a point and a half of what the same requests meet there; no name is kept."""
    await scene.serve(START + A_DAY)
    await scene.count()
    found = await scene.forecast()
    assert isinstance(found, Forecast), found
    assert found.method is Method.MISSES
    now, longer = (sum(hit for _, hit in scene.met(ttl)) / len(scene.asked) for ttl in (TTL, 900))
    assert found.hit_rate == pytest.approx(now, abs=0.01)
    told = found.expectation(change(900))
    assert isinstance(told, Expectation)
    low, middle, high = told.hit_rate_change
    assert low < longer - now < high
    assert middle == pytest.approx(longer - now, abs=0.015)
    assert longer - now > 0.05
    shorter = found.expectation(change(120))
    assert isinstance(shorter, NoData)
    assert shorter.reason.code == "forecast.needs_accesses"
    for piece in [await scene.misses.day(SERVICE, (START + n * A_DAY).date()) for n in (0, 1)]:
        assert piece.kinds.strip(b"\0") == b""
    (name,) = await scene.store.redis.keys("*misses*")
    assert PREFIX not in str(await scene.store.redis.hgetall(name))


async def test_too_few_misses_say_how_many_more(scene: Scene) -> None:
    await scene.serve(START + timedelta(hours=4))
    misses = len(scene.asked) - sum(hit for _, hit in scene.met(TTL))
    scene.store.clock.time = START + A_DAY
    await scene.count()
    found = await scene.forecast()
    assert isinstance(found, NoData)
    assert (found.reason.code, found.reason.params) == ("forecast.few_misses", {"misses": 300 - misses})
    early = seen(START + timedelta(hours=9))
    heard = MissForecasts(scene.misses, scene.alerts, Inline(), {SERVICE: PRICES})
    short = await heard.of(early, before(), TTL)
    assert isinstance(short, NoData)
    assert (short.reason.code, short.reason.params) == ("forecast.short", {"hours": 15})


async def test_where_nothing_is_announced_it_says_which_setting_would(scene: Scene) -> None:
    await scene.cache.config_set("notify-keyspace-events", "")
    scene.asked = [(START + n * EVERY, n) for n in range(200)]
    scene.store.clock.time = START + timedelta(hours=2)
    quiet = await scene.forecast()
    assert isinstance(quiet, NoData)
    assert quiet.reason.code == "forecast.unheard"
    await scene.count()
    found = await scene.forecast()
    assert isinstance(found, NoData)
    assert found.reason.code == "forecast.unannounced"
    for locale in LOCALES:
        assert "notify-keyspace-events Em" in Catalogue(locale).plain(found.remedy)
    assert (await scene.cache.config_get("notify-keyspace-events"))["notify-keyspace-events"] == ""


async def test_misses_that_were_not_heard_give_no_number(scene: Scene) -> None:
    await scene.serve(START + timedelta(hours=12))
    await scene.announced.stop()
    scene.asked += [(START + timedelta(hours=12) + n * EVERY, 10_000 + n) for n in range(900)]
    scene.store.clock.time = START + A_DAY
    await scene.count()
    found = await scene.forecast()
    assert isinstance(found, NoData)
    assert found.reason.code == "forecast.unlike"


async def test_two_replicas_hear_alike_and_keep_each_miss_once(scene: Scene, cache_url: str) -> None:
    other = RedisAnnouncedMisses(cache_url, PREFIX, scene.store.clock)
    second = Hearing({SERVICE: other}, scene.misses, scene.reported, scene.store.claims)
    await second.due()
    await listening(scene.cache, 2)
    for nth, hearing in enumerate([scene.hearing, second, second, scene.hearing]):
        for key in range(5):
            scene.store.clock.time += EVERY
            await scene.cache.get(f"{PREFIX}{nth}-{key}")
            await heard(key + 1, scene.announced, other)
        for one in (hearing, second if hearing is not second else scene.hearing):
            await one.due()
    await scene.cache.get("another:prefix")
    assert len(await scene.misses.day(SERVICE, START.date())) == 20
    await other.stop()


async def test_a_service_that_reports_is_not_listened_to(scene: Scene) -> None:
    await keep(scene.store, pieces(requests(count=100)), (DAY,))
    await scene.hearing.due()
    await listening(scene.cache, 0)
    assert await scene.misses.progress(SERVICE) != Progress()
