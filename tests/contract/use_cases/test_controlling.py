"""What ends by itself: reminded once before, ended once, by whichever replica; nothing is set without an end."""

from dataclasses import replace
from datetime import timedelta

import pytest

from lumen.model.control import UNLESS_TOLD, ControlEnd, ControlKind
from lumen.model.incident import SizeLock
from lumen.model.messages import NotPossible
from lumen.model.override import Terms
from lumen.model.proposal import Change, Knob, State
from lumen.model.service import Permit
from lumen.use_cases.approvals import EXPIRES_IN
from lumen.use_cases.controlling import Ending, Reminding
from lumen.use_cases.restrictions import ReportMarker
from tests.contract.slack.side import Rooms
from tests.contract.store.builders import KIM, LEE, OTHER, SERVICE, Store, draft, patient
from tests.contract.use_cases.test_overrides import House

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def house(store: Store) -> House:
    return House(store)


def reminding(house: House) -> Reminding:
    store = house.store
    report = ReportMarker(store.turns, store.outbox)
    return Reminding(house.controls, store.proposals, store.outbox, report, store.clock)


async def marked(house: House) -> list[str]:
    """Kinds and last words of the surfaces that are behind, which are shown by this."""
    found = await house.store.outbox.dirty(SERVICE)
    for dirty in found:
        await house.store.outbox.shown(dirty, "C1", "1.0")
    return sorted(f"{one.surface.kind} {one.surface.key.rpartition('#')[2]}" for one in found)


async def at(house: House, later: timedelta) -> list[str]:
    """Two replicas look, so much later."""
    house.store.clock.time += later
    for _ in range(2):
        await reminding(house).due(SERVICE)
    return await marked(house)


async def test_what_nobody_gave_a_duration_lasts_thirty_days(house: House) -> None:
    override = await house.overrides.only_pin_ttl(SERVICE, Permit(KIM), 600, Terms(), house.id())
    lock = await house.overrides.lock_size(SERVICE, Permit(KIM), Terms(), house.id())
    assert override.until == lock.until == house.store.clock.now() + UNLESS_TOLD


async def test_a_control_is_reminded_of_once_and_ends_once(house: House) -> None:
    """By the line, its id as the last word of it, and by what its thread is told."""
    lock = await house.overrides.lock_size(SERVICE, Permit(KIM), Terms(10 * HOUR), house.id())
    [line] = await house.controls.lines(SERVICE)
    assert line.until == lock.until
    own = f"control {line.id}"
    assert await at(house, timedelta(0)) == [own]
    assert await at(house, 9 * HOUR - timedelta(minutes=1)) == []
    assert await at(house, timedelta(minutes=1)) == [own, "control_note ends"]
    assert await at(house, timedelta(minutes=30)) == []
    assert await at(house, timedelta(minutes=30)) == [own, "control_note ended"]
    assert await at(house, HOUR) == []
    ended = await house.controls.line(SERVICE, line.id)
    assert ended is not None
    assert ended.ended == ControlEnd(house.store.clock.now() - HOUR)
    assert (await house.controls.read(SERVICE)).size_lock is None


async def test_what_ran_out_ends_no_newer_control(house: House) -> None:
    await house.overrides.lock_size(SERVICE, Permit(KIM), Terms(HOUR), house.id())
    [old] = await house.controls.lines(SERVICE)
    house.store.clock.time += timedelta(minutes=30)
    await house.overrides.lock_size(SERVICE, Permit(LEE), Terms(HOUR), house.id())
    house.store.clock.time += timedelta(minutes=45)
    await reminding(house)._run_out(SERVICE, old)  # as a replica that read the lines before
    lock = (await house.controls.read(SERVICE)).size_lock
    assert lock is not None
    assert lock.by == LEE


async def test_a_proposal_that_waits_is_reminded_of_once_before_it_expires(house: House) -> None:
    made = await house.propose(Knob.TTL, 420)
    assert await at(house, timedelta(0)) == [f"proposal {made.id}"]
    assert await at(house, EXPIRES_IN - 3 * HOUR) == []
    assert await at(house, HOUR) == [f"reminder {made.id}"]
    assert await at(house, HOUR) == []


async def test_what_is_decided_and_what_acts_by_itself_is_not_reminded_of(house: House) -> None:
    decided = await house.propose(Knob.TTL, 420)
    await house.click(decided)
    asked = draft("unasked", new=384)
    asked = replace(asked, change=Change(Knob.CACHE_SIZE, 256, 384, "MB"))
    countdown = await house.store.proposals.propose(asked, EXPIRES_IN, EXPIRES_IN / 2)
    assert countdown.acts_at is not None
    assert (await house.now(decided)).state is State.APPROVED
    await marked(house)
    assert await at(house, EXPIRES_IN - HOUR) == []


@pytest.mark.parametrize("kind", list(ControlKind))
async def test_a_button_ends_each_kind_the_way_its_command_does(state_url: str, kind: ControlKind) -> None:
    """And of two who press it, the second is told how it ended."""
    redis = patient(state_url)
    rooms, kim, lee = await Rooms.over(redis, (SERVICE, OTHER)), Permit(KIM), Permit(LEE)
    ending = Ending(rooms.controls, rooms.emergency, rooms.overrides, rooms.silencing, rooms.choosing)
    match kind:
        case ControlKind.PAUSE | ControlKind.STOP:
            await rooms.emergency.pause(SERVICE, kim, None, "deploy", is_stop=kind is ControlKind.STOP)
        case ControlKind.OVERRIDE:
            await rooms.overrides.pin_ttl(SERVICE, kim, 600, Terms(), "r1")
        case ControlKind.SIZE_LOCK:
            await rooms.overrides.controls.lock_size(SERVICE, SizeLock(KIM, rooms.clock.now(), None))
        case ControlKind.SILENCE:
            await rooms.silencing.silence(SERVICE, "all", kim, HOUR)
        case ControlKind.SERVICE:
            await rooms.choosing.choose("C1", OTHER, kim)
    [line] = await rooms.controls.lines(SERVICE)
    assert line.kind is kind
    found, still = await ending.end(SERVICE, line.id, lee)
    assert (found, still) == (line, None)
    again, _ = await ending.end(SERVICE, line.id, kim)
    assert again.ended is not None
    assert again.ended.by == LEE
    stands = await rooms.controls.read(SERVICE)
    assert (stands.pause, stands.override, stands.size_lock) == (None, None, None)
    assert (await rooms.silencing.now(SERVICE), await rooms.choosing.of("C1")) == ([], None)
    assert await rooms.proposals.unfinished(SERVICE) == []  # what only a pin had asked for
    with pytest.raises(NotPossible) as gone:
        await ending.end(SERVICE, "pause.1.U1", lee)
    assert gone.value.reason.code == "control.gone"
    await redis.aclose()
