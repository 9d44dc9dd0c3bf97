"""What is broken for one service, project or cache, through a look, a turn and a cache's rounds: the others go on."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ParamSpec, TypeVar, cast

import pytest
from pydantic import SecretStr

pytest.importorskip("scipy", reason="needs the extra numerics")

from bot.config import WithoutSlack
from bot.service_settings import ServiceSettings, Watched
from bot.store import StateStore
from bot.wiring.assembly import _Assembly
from bot.wiring.caches import close_caches, open_caches
from bot.wiring.parts import Lumen
from lumen.adapters.cache import client as of_cache
from lumen.adapters.google.clients import open_google
from lumen.adapters.google.error_log import CloudLogging
from lumen.adapters.store import epoch
from lumen.adapters.store.connection import open_store
from lumen.model.messages import NotPrepared, SomeFailed, Unreachable
from lumen.model.service import ServiceId
from lumen.model.snapshot import Snapshot
from lumen.model.turn import Turn
from lumen.ports.clock import no_fault
from lumen.use_cases import watch as watching
from sandbox.ion.config import IonConfig
from sandbox.ion.fleet import place_fleet
from tests.contract.use_cases.measured_world import Inline
from tests.manual_clock import ManualClock
from tests.unit.sandbox.google_side import PROJECT, START, GoogleSide, google_side

P = ParamSpec("P")
T = TypeVar("T")
COUNT = 50
STRANGE = "shop-prod"


def of(number: int, project: str = PROJECT) -> ServiceId:
    return ServiceId(project, "us-central1", f"svc-{number:03d}")


#: One of each that is broken, two where what is broken is shared.
DELETED, UNPREPARED, PLANTED = of(2), of(3), of(4)
DEAD, HUNG, DENIED = (of(5), of(6)), (of(7), of(8), of(9)), (of(10, STRANGE), of(11, STRANGE))
#: The first one of all is well.
SERVICES = tuple(of(number, STRANGE if 10 <= number <= 11 else PROJECT) for number in range(1, COUNT + 1))
WELL = frozenset(SERVICES) - {DELETED, UNPREPARED, PLANTED, *DEAD, *HUNG, *DENIED}


class Planted(Inline):
    """Numerics in which the arithmetic of one service goes wrong."""

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if any(isinstance(one, Snapshot) and one.service == PLANTED for one in args):
            raise ZeroDivisionError
        return await super().run(function, *args, **kwargs)


@dataclass
class Silent:
    """A server that accepts, and never answers."""

    port: int = 0
    asked: int = 0
    _open: list[asyncio.StreamWriter] = field(default_factory=list)

    async def take(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        self._open.append(writer)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Silent"]:
        server = await asyncio.start_server(self.take, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            for writer in self._open:
                writer.close()
            server.close()

    def waits(self) -> int:
        """For how many answers somebody has waited since this was last asked."""
        asked, self.asked = self.asked, 0
        return asked


@dataclass
class House:
    """Lumen as it is wired, over Google's side of two projects, three caches, and a store."""

    lumen: Lumen
    side: GoogleSide
    clock: ManualClock
    silent: Silent

    async def look(self) -> tuple[set[ServiceId], Mapping[str, Exception]]:
        """Who was looked at five minutes later, and what failed."""
        self.clock.move(timedelta(minutes=5))
        self.side.clock.at += 300
        looked: set[ServiceId] = set()
        with pytest.raises(SomeFailed) as failed:
            await self.lumen.rounds.watch.due(SERVICES, looked.add, SERVICES)
        return looked, failed.value.failures


def settings_of(caches: Mapping[ServiceId, str], usual: str, state_url: str) -> WithoutSlack:
    settings = WithoutSlack(
        project_id=PROJECT,
        service_name=tuple(one.name for one in SERVICES),
        cache_redis_url=SecretStr(usual),
        state_redis_url=SecretStr(state_url),
        slack_channel="C0IONALERT",
        predict="all",
        publish_metrics=True,
    )
    own = ServiceSettings.model_validate({name: getattr(settings, name) for name in ServiceSettings.model_fields})
    others = {url: own.model_copy(update={"cache_redis_url": SecretStr(url)}) for url in set(caches.values())}
    watched = {one: others[caches[one]] if one in caches else own for one in SERVICES}
    settings._watched = Watched(watched, {one: {} for one in SERVICES}, ())
    return settings


def place(side: GoogleSide) -> None:
    """Fifty services of two projects: one of them is deleted, and in the other Lumen may read nothing."""
    cloud = side.cloud
    place_fleet(replace(IonConfig(), project=PROJECT), cloud, START, COUNT, days=0.03)
    cloud.cloud_run.services.pop(DELETED.path)
    cloud.metrics.others.add(STRANGE)
    cloud.faults.denied_in[STRANGE] = {"*"}


@pytest.fixture
async def house(state_url: str, cache_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setattr(of_cache, "ANSWER_SECONDS", 0.2)
    for name in ("REPLAY", "REMEMBERED"):
        monkeypatch.setattr(watching, name, timedelta(minutes=30))
    clock, redis = ManualClock(datetime.fromtimestamp(START, UTC)), open_store(state_url, answer_seconds=20.0)
    async with google_side() as side, Silent().serving() as silent:
        place(side)
        broken = dict.fromkeys(DEAD, "redis://127.0.0.1:1/0") | dict.fromkeys(
            HUNG, f"redis://127.0.0.1:{silent.port}/0"
        )
        settings = settings_of(broken, cache_url, state_url)
        await epoch.init(redis, [one for one in SERVICES if one != UNPREPARED], clock)
        google, caches = await open_google(side.target), open_caches(settings.watched)
        lines, store = CloudLogging(side.target), StateStore(redis, cast(Any, clock), no_fault)
        made = _Assembly(settings, store, caches, google, cast(Any, Planted()), {}, lines)
        yield House(made.lumen(), side, clock, silent)
        await lines.close()
        await google.close()
        await close_caches(caches)
    await redis.aclose()


def keys(*services: ServiceId) -> set[str]:
    return {service.key for service in services}


async def a_look(house: House) -> None:
    looked, failures = await house.look()
    assert failures.keys() == keys(UNPREPARED) and isinstance(failures[UNPREPARED.key], NotPrepared)
    assert looked == set(SERVICES) - {UNPREPARED}
    assert house.silent.waits() == 1
    alerts = house.lumen.store.alerts
    newest = {one: (await alerts.observations(one, house.clock.now() - timedelta(hours=1)))[-1:] for one in looked}
    known = {one for one, slices in newest.items() if slices and slices[0].requests}
    assert known >= WELL and not known & set(DENIED)
    await house.lumen.rounds.revisions.look([one for one in SERVICES if one != UNPREPARED])


async def a_turn(house: House) -> None:
    made: dict[ServiceId, Turn] = {}
    with pytest.raises(SomeFailed) as failed:
        await house.lumen.rounds.turn_runner.due(SERVICES, lambda turn: made.update({turn.snapshot.service: turn}))
    assert failed.value.failures.keys() == keys(UNPREPARED, PLANTED)
    assert made.keys() == set(SERVICES) - {UNPREPARED, PLANTED}
    assert house.silent.waits() == 1
    told = {one: {lack.what: lack.why for lack in turn.missing} for one, turn in made.items()}
    assert all(not told[one].keys() & {"traffic", "ttl", "deployment"} for one in WELL), told[SERVICES[0]]
    for service, address in (*dict.fromkeys(DEAD, ":1").items(), *dict.fromkeys(HUNG, f":{house.silent.port}").items()):
        assert all(address in str(told[service][what].reason.params) for what in ("cache", "ttl"))
        assert not told[service].keys() & {"traffic", "deployment"}
    assert DELETED.name in str(told[DELETED]["deployment"].reason.params)
    for service in DENIED:
        assert all(STRANGE in str(told[service][what].reason.params) for what in ("traffic", "deployment"))


async def the_other_rounds_of_a_cache(house: House) -> None:
    rounds = house.lumen.rounds
    with pytest.raises(SomeFailed) as failed:
        await rounds.beside.observer.due()
    assert failed.value.failures.keys() == keys(UNPREPARED, *DEAD, *HUNG)
    assert house.silent.waits() == 1
    silent = [failed.value.failures[one] for one in keys(*DEAD, *HUNG)]
    assert all(isinstance(error, Unreachable) for error in silent)
    assert rounds.publish is not None
    with pytest.raises(SomeFailed) as failed:
        await rounds.publish.due(SERVICES)
    assert keys(UNPREPARED) <= failed.value.failures.keys() <= keys(UNPREPARED, *SERVICES)
    assert house.silent.waits() == 1


@pytest.mark.prove
async def test_of_fifty_those_that_are_broken_are_named_and_the_others_go_on(house: House) -> None:
    """One house for all rounds, which takes longer to build than each."""
    await a_look(house)
    await a_turn(house)
    await the_other_rounds_of_a_cache(house)
