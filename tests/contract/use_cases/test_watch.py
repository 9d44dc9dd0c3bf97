"""The five-minute watch over a real store: once, after restarts, across replicas, and without data."""

from dataclasses import replace
from datetime import timedelta

import pytest

from lumen.model.alert import AlertKind, Severity
from lumen.model.messages import message
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE
from lumen.use_cases import watch as room
from tests.contract.store.builders import SERVICE
from tests.contract.use_cases.conftest import SLOT, Tower

QUIET_DAYS = timedelta(days=3)


@pytest.fixture(autouse=True)
def short_past(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fortnight of slices takes half a second a replica; three days are enough here."""
    monkeypatch.setattr(room, "REPLAY", QUIET_DAYS)


async def open_kinds(tower: Tower) -> list[tuple[AlertKind, Severity]]:
    return [(s.alert.kind, s.alert.severity) for s in await tower.alerts.open(SERVICE)]


async def messages(tower: Tower) -> list[str]:
    return [d.surface.key for d in await tower.store.outbox.dirty(SERVICE) if d.surface.kind == "alert"]


async def test_a_fresh_installation_learns_the_past_and_tells_nothing_of_it(tower: Tower) -> None:
    now = tower.store.clock.time
    tower.cloud.fails(now - timedelta(hours=20), 0.1)
    tower.cloud.fails(now - timedelta(hours=19), 0.0)
    await tower.look(tower.replica())
    assert len(await tower.alerts.observations(SERVICE, None)) == QUIET_DAYS / SLICE
    assert await messages(tower) == []


async def test_a_page_opens_once_and_closes_in_the_same_message(tower: Tower) -> None:
    replica = tower.replica()
    await tower.look(replica)
    tower.cloud.fails(tower.store.clock.time, 0.1)
    await tower.look(replica, 4)
    assert await open_kinds(tower) == [(AlertKind.AVAILABILITY, Severity.PAGE)]
    key = (await tower.incident()).id
    tower.cloud.fails(tower.store.clock.time, 0.0)
    await tower.look(replica, 12)
    assert await open_kinds(tower) == []
    over = await tower.alerts.incident(SERVICE, key)
    assert over is not None
    assert over.alerts[0].alert.closed_at is not None
    assert await messages(tower) == [key]


async def test_an_open_page_says_of_which_look_its_figures_are_and_that_the_last_found_none(tower: Tower) -> None:
    replica = tower.replica()
    await tower.look(replica)
    tower.cloud.fails(tower.store.clock.time, 0.1)
    await tower.look(replica, 4)
    seen = (await tower.alerts.open(SERVICE))[0].alert
    assert (seen.looked_at, seen.clear_at) == (tower.store.clock.time - SLOT, None)
    tower.cloud.fails(tower.store.clock.time, 0.0)
    await tower.look(replica, 3)
    later = (await tower.alerts.open(SERVICE))[0].alert
    assert later.clear_at == tower.store.clock.time - SLOT
    assert later.looked_at is not None
    assert seen.looked_at is not None
    assert seen.looked_at <= later.looked_at < later.clear_at
    assert later.waits is not None
    assert later.waits.code == "alert.waits_clear"
    tower.cloud.is_silent = True
    await tower.look(replica)
    unknown = (await tower.alerts.open(SERVICE))[0].alert
    assert (unknown.clear_at, unknown.waits) == (later.clear_at, message("alert.waits_unknown"))


async def test_a_slot_is_looked_at_once_by_all_replicas(tower: Tower) -> None:
    one, other = tower.replica(), tower.replica()
    await tower.look(one)
    asked = len(tower.cloud.asked)
    looked: list[ServiceId] = []
    await other.watch.due((SERVICE,), looked.append)
    await one.watch.due((SERVICE,), looked.append)
    assert not looked
    assert len(tower.cloud.asked) == asked


async def test_replicas_that_take_turns_tell_the_same_incident(tower: Tower) -> None:
    one, other = tower.replica(), tower.replica()
    await tower.look(one)
    await tower.look(other)
    tower.cloud.fails(tower.store.clock.time, 0.1)
    for replica in (one, other, one, other, one, other):
        await tower.look(replica)
    assert len(await tower.alerts.open(SERVICE)) == 1
    assert len(await messages(tower)) == 1


async def test_a_restart_finds_the_same_alert_open_and_a_gap_is_caught_up(tower: Tower) -> None:
    replica = tower.replica()
    await tower.look(replica)
    tower.cloud.fails(tower.store.clock.time, 0.1)
    await tower.look(replica, 4)
    (before,) = await tower.alerts.open(SERVICE)
    tower.store.clock.time += 6 * SLOT  # nobody looks for half an hour
    await tower.look(tower.replica())
    (after,) = await tower.alerts.open(SERVICE)
    assert after.alert.looked_at == tower.store.clock.time - SLOT
    as_it_was = replace(after.alert, reason=before.alert.reason, looked_at=before.alert.looked_at)
    assert replace(after, alert=as_it_was) == before
    seen = await tower.alerts.observations(SERVICE, None)
    starts = [one.start for one in seen]
    assert starts == [starts[0] + i * SLICE for i in range(len(starts))]
    assert all(one.requests is not None for one in seen)


async def test_an_incident_that_began_and_ended_while_nobody_looked_is_told_as_over(tower: Tower) -> None:
    await tower.look(tower.replica())
    at = tower.store.clock.time
    tower.cloud.fails(at, 0.1)
    tower.cloud.fails(at + timedelta(minutes=30), 0.0)
    tower.store.clock.time += timedelta(hours=6)
    await tower.look(tower.replica())
    (key,) = await messages(tower)
    found = await tower.alerts.incident(SERVICE, key)
    assert found is not None
    assert [s.alert.kind for s in found.alerts] == [AlertKind.AVAILABILITY]
    assert found.alerts[0].alert.closed_at is not None
    assert await open_kinds(tower) == []


async def test_silence_is_a_state_of_its_own_and_triggers_nothing(tower: Tower) -> None:
    replica = tower.replica()
    await tower.look(replica)
    tower.cloud.is_silent = True
    await tower.look(replica, 2)
    assert await open_kinds(tower) == []
    await tower.look(replica, 4)
    assert set(await open_kinds(tower)) == {(AlertKind.NO_DATA, Severity.NOTICE)}
    assert await tower.traffic_proposals() == []
    tower.cloud.is_silent = False
    await tower.look(replica)
    assert await open_kinds(tower) == []


async def test_a_page_stays_open_while_there_is_no_data(tower: Tower) -> None:
    replica = tower.replica()
    await tower.look(replica)
    tower.cloud.fails(tower.store.clock.time, 0.1)
    await tower.look(replica, 4)
    tower.cloud.is_silent = True
    await tower.look(replica, 12)
    assert (AlertKind.AVAILABILITY, Severity.PAGE) in await open_kinds(tower)


async def test_a_fresh_installation_waits_for_its_past(tower: Tower) -> None:
    tower.cloud.is_silent = True
    await tower.look(tower.replica(), 3)
    assert await tower.alerts.newest(SERVICE) is None
    tower.cloud.is_silent = False
    await tower.look(tower.replica())
    assert len(await tower.alerts.observations(SERVICE, None)) == QUIET_DAYS / SLICE


async def test_an_alert_that_is_not_known_any_more_is_closed_on_its_message(tower: Tower) -> None:
    replica = tower.replica()
    await tower.look(replica)
    tower.cloud.fails(tower.store.clock.time, 0.1)
    await tower.look(replica, 4)
    key = (await tower.incident()).id
    await tower.store.redis.delete(f"lumen:{{{SERVICE.key}}}:observations")
    tower.cloud.fails(tower.store.clock.time - 3 * SLOT, 0.0)
    await tower.look(tower.replica())  # its machine is built on what is left
    found = await tower.alerts.incident(SERVICE, key)
    assert found is not None
    assert found.alerts[0].alert.closed_at is not None
    assert await tower.alerts.open(SERVICE) == []
