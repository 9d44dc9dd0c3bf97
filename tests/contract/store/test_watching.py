"""The watch's memory over a real store: slices and alerts in one step, pins, pauses, revisions."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lumen.adapters.store import alerts as room
from lumen.adapters.store.alerts import RedisAlerts
from lumen.adapters.store.controls import RedisControls, RedisSilences
from lumen.adapters.store.scripts import all_keys, position
from lumen.model.alert import Alert, AlertKind, Observation, Severity
from lumen.model.incident import IncidentLabel, Pause, Pinned, RevisionRecord, Silence, StoredAlert
from lumen.model.messages import LeaseLost, StoreUnavailable, message
from lumen.model.snapshot import SLICE
from lumen.ports.incidents import Look, Standing
from lumen.ports.store import Lease
from tests.contract.store.builders import KIM, LEE, OTHER, SERVICE, SOON, Store

START = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


def slices(first: int, count: int) -> list[Observation]:
    return [Observation(START + (first + i) * SLICE, 1000, i % 3, 4, p95_ms=80.5, hits=7) for i in range(count)]


def alert(name: str, opened: int = 0, severity: Severity = Severity.TICKET) -> Alert:
    at = START + opened * SLICE
    return Alert(name, "ion-api", AlertKind.AVAILABILITY, "", severity, at, message("alert.data_back"))


@pytest.fixture
def alerts(store: Store) -> RedisAlerts:
    return RedisAlerts(store.redis, store.clock)


@pytest.fixture
def controls(store: Store) -> RedisControls:
    return RedisControls(store.redis, store.clock)


@pytest.fixture
async def lease(store: Store) -> AsyncIterator[Lease]:
    yield await store.lease("slot/watch")


async def behind(store: Store) -> list[str]:
    return [f"{d.surface.kind}/{d.surface.key} {d.version}" for d in await store.outbox.dirty(SERVICE)]


async def events(store: Store) -> list[tuple[str, str, str]]:
    return [(e.event, e.actor, e.detail) for e in reversed(await store.audit.entries(SERVICE, 100))]


async def test_what_is_stored_is_what_is_read(alerts: RedisAlerts, lease: Lease) -> None:
    assert await alerts.newest(SERVICE) is None
    assert await alerts.observations(SERVICE, None) == []
    given = [*slices(0, 3), Observation(START + 3 * SLICE)]
    assert await alerts.look(SERVICE, lease, Look(None, given, ()))
    assert await alerts.newest(SERVICE) == given[-1].start
    assert await alerts.observations(SERVICE, None) == given
    assert await alerts.observations(SERVICE, given[1].start) == given[2:]
    assert await alerts.observations(SERVICE, given[3].start) == []


async def test_a_fortnight_comes_in_pieces_and_the_oldest_give_way(
    store: Store, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "BATCH", 4)
    alerts = RedisAlerts(store.redis, store.clock, keep_slices=6)
    given = slices(0, 11)
    assert await alerts.look(SERVICE, lease, Look(None, given, ()))
    assert await alerts.observations(SERVICE, None) == given[-6:]


async def test_who_comes_second_stores_nothing(alerts: RedisAlerts, lease: Lease) -> None:
    first, second = slices(0, 2), slices(0, 2)
    told = (StoredAlert(alert("a"), "a"),)
    assert await alerts.look(SERVICE, lease, Look(None, first, ()))
    assert not await alerts.look(SERVICE, lease, Look(None, second, told))
    assert await alerts.observations(SERVICE, None) == first
    assert await alerts.open(SERVICE) == []
    assert await alerts.look(SERVICE, lease, Look(first[-1].start, slices(2, 1), told))


async def test_a_lost_claim_stores_nothing(store: Store, alerts: RedisAlerts) -> None:
    lost = await store.lease("slot/watch", SOON)
    await store.pass_time(SOON)
    with pytest.raises(LeaseLost):
        await alerts.look(SERVICE, lost, Look(None, slices(0, 1), (StoredAlert(alert("a"), "a"),)))
    assert await alerts.newest(SERVICE) is None
    assert await behind(store) == []


async def test_one_message_an_incident_whatever_changes(store: Store, alerts: RedisAlerts, lease: Lease) -> None:
    opened, beside = alert("a"), alert("b", 1)
    await alerts.look(SERVICE, lease, Look(None, (), (StoredAlert(opened, "a"), StoredAlert(beside, "a"))))
    raised = replace(opened, severity=Severity.PAGE)
    await alerts.look(SERVICE, lease, Look(None, (), (StoredAlert(raised, "a"),)))
    assert [s.alert for s in await alerts.open(SERVICE)] == [raised, beside]
    closed = replace(raised, closed_at=START + 9 * SLICE, close_reason=message("alert.data_back"))
    await alerts.look(SERVICE, lease, Look(None, (), (StoredAlert(closed, "a"),)))
    assert [s.alert for s in await alerts.open(SERVICE)] == [beside]
    incident = await alerts.incident(SERVICE, "a")
    assert incident is not None
    assert [s.alert for s in incident.alerts] == [closed, beside]
    assert await behind(store) == ["alert/a 4"]
    assert [e for e, _, _ in await events(store)] == ["alert-open", "alert-open", "page-open", "page-closed"]
    assert await alerts.incident(SERVICE, "b") is None


async def test_a_note_is_shown_once_however_often_it_is_said(store: Store, alerts: RedisAlerts, lease: Lease) -> None:
    await alerts.look(SERVICE, lease, Look(None, (), (StoredAlert(alert("a"), "a"),)))
    notes = (message("rollback.note_none"), message("policy.rollback_no_data"))
    for _ in range(3):
        await alerts.note(SERVICE, "a", notes)
    assert await behind(store) == ["alert/a 2"]
    incident = await alerts.incident(SERVICE, "a")
    assert incident is not None
    assert incident.notes == notes


async def test_the_oldest_closed_alerts_give_way_and_open_ones_stay(store: Store, lease: Lease) -> None:
    alerts = RedisAlerts(store.redis, store.clock, keep_alerts=2)
    still_open = StoredAlert(alert("open"), "open")
    await alerts.look(SERVICE, lease, Look(None, (), (still_open,)))
    for count in range(1, 5):
        over = replace(alert(f"over-{count}", count), closed_at=START + timedelta(days=1))
        await alerts.look(SERVICE, lease, Look(None, (), (StoredAlert(over, over.id),)))
    assert await alerts.open(SERVICE) == [still_open]
    assert await alerts.incident(SERVICE, "over-1") is None
    assert await alerts.incident(SERVICE, "over-4") is not None


async def test_a_pin_is_audited_when_it_becomes_another(store: Store, controls: RedisControls) -> None:
    assert (await controls.read(SERVICE)).pinned is None
    pinned = Pinned("ion-api-00041", START)
    await controls.pinned(SERVICE, pinned)
    told = replace(pinned, differences=(message("rollback.recovered"),))
    await controls.pinned(SERVICE, told)
    assert (await controls.read(SERVICE)).pinned == told
    await controls.pinned(SERVICE, None)
    await controls.pinned(SERVICE, None)
    assert (await controls.read(SERVICE)).pinned is None
    assert await events(store) == [("pinned", "lumen", "ion-api-00041"), ("unpinned", "lumen", "ion-api-00041")]


async def test_a_pause_is_kept_with_who_and_until_when(store: Store, controls: RedisControls) -> None:
    assert not await controls.resume(SERVICE, KIM)
    pause = Pause(LEE, START, START + timedelta(hours=2))
    await controls.pause(SERVICE, pause)
    assert (await controls.read(SERVICE)).pause == pause
    assert await controls.resume(SERVICE, KIM)
    assert (await controls.read(SERVICE)).pause is None
    assert await events(store) == [("paused", "U2", "2026-03-01T12:00:00+00:00"), ("resumed", "U1", "")]


async def test_revisions_are_remembered_whole(controls: RedisControls) -> None:
    assert (await controls.read(SERVICE)).revisions is None
    records = {"a": RevisionRecord(START), "b": RevisionRecord(None, START)}
    await controls.revisions(SERVICE, records)
    await controls.revisions(SERVICE, records)
    assert (await controls.read(SERVICE)).revisions == records


async def test_what_stands_of_several_services_is_what_each_has_alone(
    store: Store, alerts: RedisAlerts, lease: Lease
) -> None:
    told = StoredAlert(alert("a"), "a")
    await alerts.look(SERVICE, lease, Look(None, slices(0, 3), [told]))
    silences = RedisSilences(store.redis, store.clock)
    await silences.put(SERVICE, Silence(AlertKind.NO_DATA, START + SLICE, LEE, START, "cache"))
    await alerts.label(SERVICE, IncidentLabel("a", ("availability",), True, KIM, START))
    await store.redis.script_flush()  # a server that has begun anew knows no script
    found = await alerts.standings([OTHER, SERVICE])
    assert list(found) == [OTHER, SERVICE]
    assert found[OTHER] == Standing(None, 0, [], [], [])
    labels = await alerts.labels(SERVICE)
    silenced = await silences.all(SERVICE)
    assert found[SERVICE] == Standing(START + 2 * SLICE, 0, await alerts.open(SERVICE), labels, silenced)
    assert len(labels) == len(found[SERVICE].open) == len(silenced) == 1


async def test_one_service_that_is_not_prepared_fails_the_batch_and_spoils_no_connection(
    store: Store, alerts: RedisAlerts
) -> None:
    unknown = replace(SERVICE, name="unknown")
    with pytest.raises(StoreUnavailable):
        await alerts.standings([SERVICE, unknown, OTHER])
    await store.redis.set(all_keys(OTHER)[position("standing") - 1], "no hash")
    with pytest.raises(StoreUnavailable):
        await alerts.standings([OTHER, SERVICE])
    for _ in range(3):  # none of these gets another's answer
        assert (await alerts.standings([SERVICE]))[SERVICE] == Standing(None, 0, [], [], [])
