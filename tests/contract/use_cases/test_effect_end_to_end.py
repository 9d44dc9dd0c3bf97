"""A change from its card to its verdict: ION's client on a real cache, the real actuator, reader and store.

Keys on the server end by the wall, service time goes on by hand: so a key that has outlived what its client wrote is
removed just before it is asked for.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
import redis as plain_redis
from redis.asyncio import Redis

pytest.importorskip("scipy", reason="needs the extra numerics")

from lumen.adapters.cache.access_stream import RedisAccessStream
from lumen.adapters.cache.ttl import RedisTtl, RedisTtlActuator
from lumen.adapters.store.accesses import RedisAccessDays
from lumen.model.proposal import Choice, Knob, Origin, Proposal, State
from lumen.model.service import Permit
from lumen.use_cases.effects import Effects
from lumen.use_cases.knobs import Knobs, Turnable
from lumen.use_cases.observer import Observer
from sandbox.ion.ion_cache import CONFIG, Cache
from tests.contract.store.builders import KIM, SERVICE, Store
from tests.contract.use_cases.crashes import Crash, crash_at
from tests.contract.use_cases.measured_world import HOUR, START, House, hold_backs_ended

OWN = f"{CONFIG}:{SERVICE.name}"
#: So many keys are asked for twice in each cycle, the second time so many seconds after the first.
KEYS, CYCLE, GAP = 2400, timedelta(hours=4), 360


@dataclass
class Town(House):
    """The house with a real cache, and a service of version 2 on it."""

    cache: Redis | None = None
    service: Cache | None = None
    at: float = (START - 3 * HOUR).timestamp()
    ends: dict[bytes, float] = field(default_factory=dict)

    @property
    def knobs(self) -> Knobs:
        assert self.cache is not None
        actuator = RedisTtlActuator(self.cache, RedisTtl(self.cache, 300), True, self.store.clock, [SERVICE])
        ttl = Turnable((actuator,), "s", 60, 3600, forgets=actuator, holding_back=actuator)
        return {**super().knobs, Knob.TTL: ttl}

    def ask(self, key: bytes) -> None:
        """One request: a lookup, and a write after a miss."""
        assert self.service is not None
        if self.at >= self.ends.get(key, 0.0):
            self.service.redis.delete(b"ion:cache:" + key)
        if self.service.get(key) is None:
            self.service.set(key, b"answer")
            self.ends[key] = self.at + self.service.redis.ttl(b"ion:cache:" + key)

    async def serve(self, until: datetime) -> None:
        """All requests up to then; every hour two replicas read what was reported."""
        dice, asked = random.Random(3), list[tuple[float, bytes]]()
        offsets = [dice.random() * CYCLE.total_seconds() for _ in range(KEYS)]
        first = (START - 3 * HOUR).timestamp()
        cycles = range(int((until.timestamp() - first) / CYCLE.total_seconds()) + 1)
        for cycle in cycles:
            for number, offset in enumerate(offsets):
                at = first + cycle * CYCLE.total_seconds() + offset
                asked += [(at, b"%d" % number), (at + GAP, b"%d" % number)]
        read_at = self.at + 3600
        for at, key in sorted(one for one in asked if self.at <= one[0] < until.timestamp()):
            self.at = at
            self.ask(key)
            if at >= read_at:
                read_at = at + 3600
                await self.read()
        self.at = until.timestamp()
        await self.read()

    async def read(self) -> None:
        """What two replicas of Lumen do once a minute."""
        assert self.cache is not None
        self.store.clock.time = max(self.store.clock.time, datetime.fromtimestamp(self.at, START.tzinfo))
        stream, days = RedisAccessStream(self.cache), RedisAccessDays(self.store.redis)
        await asyncio.gather(*(Observer({SERVICE: stream}, days, self.store.claims).due() for _ in range(2)))

    async def change(self, new: int) -> Proposal:
        """Proposed by a person, approved, set, followed by the service, and applied."""
        made = await self.approvals.propose(SERVICE, Knob.TTL, new, KIM, "wish")
        assert made.draft.origin is Origin.PERSON
        await self.approvals.decide(SERVICE, made.id, Choice.APPROVE, Permit(KIM), "yes")
        executing = asyncio.ensure_future(self.carry_out())
        while not executing.done():
            self.live_on()
            await asyncio.sleep(0)
        await executing
        return await self.found(made)

    def live_on(self) -> None:
        """Let the service read its setting, and acknowledge it."""
        assert self.service is not None
        self.at = max(self.at, self.store.clock.time.timestamp())
        self.service.read = float("-inf")
        for _ in range(3):
            self.service.run("PING")

    async def looked(self, *replicas: Effects) -> None:
        await self.remember()
        await asyncio.gather(*(one.due((SERVICE,)) for one in replicas))

    async def held(self) -> list[object]:
        assert self.cache is not None
        return list(await self.cache.hmget(OWN, ["permille", "until", "version"]))


@pytest.fixture
async def town(store: Store, redis: Redis, cache_url: str) -> AsyncIterator[Town]:
    with plain_redis.Redis.from_url(cache_url) as connection:
        its = Town(store, cache=redis, service=Cache(connection, SERVICE.name, b"secret"))
        its.reports = False  # the service itself does
        assert its.service is not None
        its.service.now, its.service.send_seconds = lambda: its.at, 60.0
        its.store.clock.time = START - 3 * HOUR
        its.live_on()
        await its.serve(START)
        its.store.clock.time = START
        yield its


@pytest.mark.prove
@pytest.mark.parametrize(
    ("old", "new", "state"),
    [(300, 420, State.KEPT), (420, 300, State.HARMFUL)],
)
async def test_from_the_card_to_the_verdict(town: Town, old: int, new: int, state: State) -> None:
    if old != 300:
        await town.change(old)
        assert town.cache is not None
        await town.cache.hdel(OWN, "permille", "until")
        await town.store.prepare()
        town.live_on()
        await town.serve(town.now + HOUR)
    made = await town.change(new)
    assert made.state is State.APPLIED
    assert made.draft.change.held_permille == 100
    assert (await town.held())[0] == "100"
    version = (await town.held())[2]
    assert made.finished_at is not None
    await town.serve(made.finished_at + 24 * HOUR + timedelta(minutes=6))
    with pytest.raises(Crash):  # killed with the verdict stored, and the hold-back still there
        await town.looked(town.effects(crash_at("effect.stored")))
    assert (await town.held())[0] == "100"
    await town.leases_run_out()
    await town.looked(town.effects(), town.effects())
    found = await town.found(made)
    assert (found.state, await town.looks(made)) == (state, [state.value])
    assert found.measured is not None
    (effect,) = found.measured.effects
    # Each second request, which comes after 360 s.
    assert abs(effect.effect) == pytest.approx(0.5, abs=0.02)
    assert (effect.effect > 0) == (state is State.KEPT)
    assert await town.held() == [None, None, version]
    assert hold_backs_ended(await town.store.events(made.id)) == 1
    assert len(await town.undos(made)) == (state is State.HARMFUL)
    town.live_on()
    assert town.service is not None
    assert not any(town.service.held(town.service.hash(b"%d" % number)) for number in range(KEYS))
