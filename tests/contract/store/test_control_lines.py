"""Lines of controls in the store: each control marks its own in the step that sets or ends it, and no other."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from lumen.adapters.store.controls import RedisChoices, RedisControls, RedisSilences
from lumen.adapters.store.scripts import key
from lumen.model.alert import AlertKind
from lumen.model.control import ControlEnd, ControlKind, ControlLine
from lumen.model.incident import Pause, Silence, SizeLock, TtlOverride
from lumen.model.service import Chosen, Person
from lumen.ports.store import Surface
from tests.contract.store.builders import KIM, LEE, OTHER, SERVICE, Store

HOUR = timedelta(hours=1)


@dataclass
class Desk:
    """What sets and ends each kind."""

    store: Store

    def __post_init__(self) -> None:
        redis, clock = self.store.redis, self.store.clock
        self.controls, self.silences = RedisControls(redis, clock), RedisSilences(redis, clock)
        self.choices = RedisChoices(redis, clock)

    async def begin(self, kind: ControlKind, by: Person = KIM, why: str = "deploy") -> None:
        now = self.store.clock.now()
        until = now + HOUR
        match kind:
            case ControlKind.PAUSE | ControlKind.STOP:
                await self.controls.pause(SERVICE, Pause(by, now, until, why, kind is ControlKind.STOP))
            case ControlKind.OVERRIDE:
                await self.controls.override(SERVICE, TtlOverride(600, by, now, until, why))
            case ControlKind.SIZE_LOCK:
                await self.controls.lock_size(SERVICE, SizeLock(by, now, until, why))
            case ControlKind.SILENCE:
                await self.silences.put(SERVICE, Silence(AlertKind.CACHE, until, by, now, "", why))
            case ControlKind.SERVICE:
                await self.choices.put(SERVICE, "C1", Chosen(OTHER, by, now))

    async def end(self, kind: ControlKind, line: str = "") -> bool:
        match kind:
            case ControlKind.PAUSE | ControlKind.STOP:
                return await self.controls.resume(SERVICE, LEE, line)
            case ControlKind.OVERRIDE:
                return await self.controls.lift_override(SERVICE, LEE, line)
            case ControlKind.SIZE_LOCK:
                return await self.controls.unlock_size(SERVICE, LEE, line)
            case ControlKind.SILENCE:
                return await self.silences.end(SERVICE, AlertKind.CACHE, "", LEE, line)
            case ControlKind.SERVICE:
                return await self.choices.end(SERVICE, "C1", LEE, line)

    async def behind(self) -> set[str]:
        """The surfaces that are behind, which are shown by this."""
        found = await self.store.outbox.dirty(SERVICE)
        for dirty in found:
            await self.store.outbox.shown(dirty, "C1", "1.0")
        return {f"{dirty.surface.kind}/{dirty.surface.key}" for dirty in found}

    async def line(self) -> ControlLine:
        [found] = await self.controls.lines(SERVICE)
        return found


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


@pytest.mark.parametrize("kind", list(ControlKind))
async def test_a_control_is_one_line_from_when_it_is_set_until_it_has_ended(desk: Desk, kind: ControlKind) -> None:
    await desk.begin(kind)
    line, now = await desk.line(), desk.store.clock.now()
    assert (line.kind, line.by, line.at, line.ended) == (kind, KIM, now, None)
    assert line.until == (None if kind is ControlKind.SERVICE else now + HOUR)
    assert line.names == (("cache",) if kind is ControlKind.SILENCE else ())
    assert await desk.behind() == {f"control/{line.id}"}
    desk.store.clock.time += timedelta(minutes=5)
    assert await desk.end(kind, line.id)
    assert not await desk.end(kind, line.id)
    assert await desk.behind() == {f"control/{line.id}", f"control_note/{line.id}#ended"}
    ended = await desk.controls.line(SERVICE, line.id)
    assert ended is not None
    assert ended.ended == ControlEnd(desk.store.clock.now(), LEE)
    assert ended.names == line.names
    assert await desk.controls.lines(SERVICE) == []


@pytest.mark.parametrize("kind", list(ControlKind))
async def test_a_newer_control_replaces_the_line_and_the_old_button_ends_nothing(desk: Desk, kind: ControlKind) -> None:
    await desk.begin(kind)
    old = await desk.line()
    desk.store.clock.time += timedelta(minutes=5)
    await desk.begin(kind, LEE)
    assert await desk.behind() == {f"control/{old.id}", f"control/{(await desk.line()).id}"}
    replaced = await desk.controls.line(SERVICE, old.id)
    assert replaced is not None
    assert replaced.ended == ControlEnd(desk.store.clock.now(), LEE, replaced=True)
    assert not await desk.end(kind, old.id)
    assert (await desk.line()).by == LEE


async def test_a_silence_of_many_is_one_line_that_ends_with_its_last(desk: Desk) -> None:
    now = desk.store.clock.now()
    for kind in (AlertKind.CACHE, AlertKind.LATENCY):
        await desk.silences.put(SERVICE, Silence(kind, now + HOUR, KIM, now))
    line = await desk.line()
    assert line.names == ("cache", "latency")
    await desk.behind()
    await desk.silences.end(SERVICE, AlertKind.CACHE, "", None)
    assert (await desk.line()).names == ("latency",)
    assert await desk.behind() == {f"control/{line.id}"}
    await desk.silences.end(SERVICE, AlertKind.LATENCY, "", None)
    ended = await desk.controls.line(SERVICE, line.id)
    assert ended is not None
    assert (ended.names, ended.ended) == (("cache", "latency"), ControlEnd(now))


async def test_settings_have_no_line_and_what_is_unknown_is_none(desk: Desk) -> None:
    await desk.controls.revisions(SERVICE, {})
    await desk.controls.override(SERVICE, TtlOverride(600))
    assert (await desk.controls.lines(SERVICE), await desk.behind()) == ([], set())
    assert await desk.controls.line(SERVICE, "pause.1.U1") is None
    assert await desk.controls.lines(OTHER) == []


async def test_lines_that_have_ended_give_way_and_those_in_force_stay(desk: Desk) -> None:
    await desk.begin(ControlKind.OVERRIDE)
    kept = await desk.line()
    held, sizes = key(SERVICE, "standing"), []
    for _ in range(130):
        desk.store.clock.time += timedelta(minutes=1)
        await desk.begin(ControlKind.PAUSE)
        await desk.end(ControlKind.PAUSE)
        sizes.append(await desk.store.redis.hlen(held))
    assert sizes[-1] == sizes[-20]
    assert await desk.line() == kept


async def test_a_line_that_an_older_lumen_left_behind_ends_all_the_same(desk: Desk) -> None:
    await desk.begin(ControlKind.PAUSE)
    line = await desk.line()
    await desk.store.redis.hdel(key(SERVICE, "standing"), "pause")
    assert not await desk.end(ControlKind.PAUSE, line.id)
    assert await desk.controls.lines(SERVICE) == []
    assert [entry.event for entry in await desk.store.audit.entries(SERVICE, 5)] == ["paused"]


async def test_what_is_marked_once_is_not_marked_again(desk: Desk) -> None:
    outbox, surface = desk.store.outbox, Surface(SERVICE, "reminder", "P1")
    assert await outbox.mark(surface, once=True)
    assert not await outbox.mark(surface, once=True)
    assert await desk.behind() == {"reminder/P1"}
    assert not await outbox.mark(surface, once=True)
    assert await outbox.mark(surface)
    assert await desk.behind() == {"reminder/P1"}
