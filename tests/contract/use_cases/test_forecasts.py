"""From a service's own accesses to the card: ION's client on a real Redis, kept in a store, replayed, and asked for."""

import math
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

import pytest
from redis.asyncio import Redis

pytest.importorskip("scipy", reason="needs the extra numerics")

from handlers.blocks.answers import ttl_card
from handlers.blocks.proposal import card
from lumen.adapters.cache.access_stream import RedisAccessStream
from lumen.adapters.store.accesses import RedisAccessDays
from lumen.model.answers import TtlReadout
from lumen.model.forecast import Forecast, Prices
from lumen.model.messages import NoData, message
from lumen.model.proposal import Expectation, Knob
from lumen.model.turn import Turn
from lumen.policies.guard import Automation
from lumen.use_cases.approvals import Approvals
from lumen.use_cases.evaluate import Evaluator
from lumen.use_cases.forecasting import Forecasts
from lumen.use_cases.observer import Observer
from lumen.wording.catalogue import Catalogue
from sandbox.ion.ion_cache import AsyncCache
from tests.contract.store.builders import KIM, OTHER, SERVICE, Store
from tests.contract.use_cases.measured_world import HOUR, START, House, Inline
from tests.contract.use_cases.test_turns import Room
from tests.snapshots import cache, ttl
from tests.unit.handlers.blocks import validated

CALL_USD = 0.00003
A_DAY, EVERY, KEYS = timedelta(days=1), timedelta(seconds=80), 30
WITHIN = 0.002


class Predicting(Room):
    """A room that predicts, and whose proposals say so."""

    def evaluator(self, automation: Automation) -> Evaluator:
        store = self.house.store
        forecasts = Forecasts(RedisAccessDays(store.redis), Inline(), {SERVICE: Prices(CALL_USD)})
        return replace(super().evaluator(automation), forecasts=forecasts)

    @property
    def approvals(self) -> Approvals:
        return replace(self.house.approvals, turns=self.turns)


@dataclass
class Client:
    """ION's client in service time: what a server lets expire by its own clock goes by this one."""

    cache: AsyncCache
    until: dict[bytes, datetime] = field(default_factory=dict)
    hits: list[datetime] = field(default_factory=list)

    async def ask(self, key: bytes, now: datetime) -> None:
        if key in self.until and self.until[key] <= now:
            await self.cache.redis.delete(self.cache.prefix + key)
        if await self.cache.get(key) is not None:
            self.hits.append(now)
            return
        await self.cache.set(key, b"answer")
        self.until[key] = now + timedelta(seconds=self.cache.ttl)


@dataclass
class Scene:
    """The service at 300 s, as Lumen watches it, and what the same requests meet at two other TTLs."""

    room: Predicting
    observer: Observer
    clients: dict[int, Client]

    async def serve(self, start: datetime, end: datetime) -> None:
        dice, now, clock = random.Random(7), start, self.room.house.store.clock
        while now < end:
            clock.time = now
            key = b"%d" % int(KEYS * dice.random() ** 2)
            for client in self.clients.values():
                await client.ask(key, now)
            now += EVERY
            if now.hour % 6 == 0 and now.minute == 0:
                await self.observer.due()
        clock.time = end
        for _ in range(2):
            await self.clients[300].cache.close()
        await self.observer.due()

    def hit_rate(self, seconds: int, start: datetime, end: datetime) -> float:
        return sum(start <= at < end for at in self.clients[seconds].hits) / ((end - start) / EVERY)


def _seconds(store: Store) -> float:
    return store.clock.time.timestamp()


@pytest.fixture
async def scene(store: Store, redis: Redis, cache_url: str) -> AsyncIterator[Scene]:
    room = Predicting(House(store))
    observer = Observer({SERVICE: RedisAccessStream(redis)}, RedisAccessDays(store.redis), store.claims)
    async with Redis.from_url(cache_url) as connection:
        clients = {}
        for seconds in (300, 120, 600):
            name = SERVICE.name if seconds == 300 else f"{OTHER.name}-{seconds}"
            await redis.hset(f"ion:config:cache_ttl_seconds:{name}", mapping={"value": seconds, "version": 1})
            its = AsyncCache(connection, name, b"secret", f"{name}:".encode())
            its.now = partial(_seconds, store)
            clients[seconds] = Client(its)
            await its.close()
            its.read_seconds = math.inf
            if seconds != 300:  # nobody reads their reports
                its.send_seconds = its.send_bytes = math.inf  # type: ignore[assignment]
        yield Scene(room, observer, clients)


def known(turn: Turn) -> Forecast:
    assert isinstance(turn.forecast, Forecast), turn.forecast
    return turn.forecast


async def test_what_is_expected_of_a_ttl_is_what_it_does(scene: Scene) -> None:
    """Up and down, within 0.2 points of what the real client met there; and every door says the same."""
    room, began = scene.room, START
    room.seen.now = replace(room.seen.now, cache=cache(memory_ratio=0.3, evictions_per_hour=0))
    await scene.serve(began, began + HOUR)
    early = await room.turn(Automation(disabled=True))
    assert isinstance(early.forecast, NoData)
    assert (early.forecast.reason.code, early.forecast.reason.params) == ("forecast.short", {"hours": 23})
    await scene.serve(began + HOUR, end := began + A_DAY)
    turn = await room.turn(Automation(disabled=True))
    forecast, start = known(turn), end - A_DAY
    now = scene.hit_rate(300, start, end)
    assert forecast.hit_rate == pytest.approx(now, abs=WITHIN)
    for seconds in (120, 600):
        step = forecast.at(seconds)
        assert step is not None
        assert step.uplift == pytest.approx(scene.hit_rate(seconds, start, end) - now, abs=WITHIN)
        assert abs(step.uplift) > 5 * WITHIN
    made = await room.approvals.propose(SERVICE, Knob.TTL, 600, KIM, "r1")
    expected = made.draft.expected
    assert isinstance(expected, Expectation)
    saved = -expected.hit_rate_change[1] * forecast.lookups_a_day * 30 * CALL_USD
    assert expected.monthly_cost_change_usd[1] == pytest.approx(saved)
    for locale in ("en", "ko"):
        words = Catalogue(locale)
        validated(card(words, made))
        found = ttl_card(words, TtlReadout(SERVICE, ttl(300), turn.ttl, forecast=forecast))
        validated(found)
        assert len(found.charts) == 2
        assert words.plain(message("forecast.present", ttl_seconds=300)) in str(found.blocks)
    (stored,) = await room.turns.latest(SERVICE, 1)
    assert stored.forecast == forecast
    room.house.places[Knob.TTL].value = 420
    moved = (await room.approvals.propose(SERVICE, Knob.TTL, 480, KIM, "r2")).draft.expected
    assert isinstance(moved, NoData)
    assert moved.reason.code == "forecast.moved"
    unchecked = (await room.turn(Automation(disabled=True))).forecast
    assert isinstance(unchecked, NoData)
    assert unchecked.reason.code == "forecast.unchecked"
