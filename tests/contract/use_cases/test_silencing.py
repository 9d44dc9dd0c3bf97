"""Silences are about noise alone: recorded, shown, ended; countdowns run on."""

from datetime import timedelta

import pytest

from lumen.model.alert import AlertKind, Severity
from lumen.model.messages import NotPossible
from lumen.model.override import LONGEST
from lumen.model.service import Permit
from lumen.use_cases import watch as room
from lumen.use_cases.on_call import DEFAULT, Silencing, meant_by
from tests.contract.store.builders import KIM, LEE, SERVICE
from tests.contract.use_cases.conftest import SLOT, Tower
from tests.contract.use_cases.incidents import events


@pytest.fixture(autouse=True)
def short_past(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "REPLAY", timedelta(days=3))


def silencing(tower: Tower) -> Silencing:
    return Silencing(tower.silences, tower.alerts, tower.store.outbox, tower.store.clock)


@pytest.mark.parametrize(
    ("typed", "kind", "signal"),
    [
        ("cache", AlertKind.CACHE, ""),
        ("Cache_HitRate_Low", AlertKind.CACHE, ""),
        ("ROI_Degradation", AlertKind.ROI, ""),
        ("no_data", AlertKind.NO_DATA, ""),
        ("ion-api:budget:forecast:2026-11", AlertKind.BUDGET, ""),
        ("no_data/traffic", AlertKind.NO_DATA, "traffic"),
        ("ion-api:availability:2026-03-01T12:00:00+00:00", AlertKind.AVAILABILITY, ""),
        ("ion-api:no_data:cache:2026-03-01T12:00:00+00:00", AlertKind.NO_DATA, "cache"),
    ],
)
def test_what_people_type(typed: str, kind: AlertKind, signal: str) -> None:
    assert meant_by(SERVICE, typed) == [(kind, signal)]


def test_everything_and_nothing() -> None:
    assert {kind for kind, _ in meant_by(SERVICE, "all")} == set(AlertKind)
    for typed in ("cash", "no_data/foo", "cache/redis", ""):
        with pytest.raises(NotPossible):
            meant_by(SERVICE, typed)


async def test_a_silence_is_kept_with_who_and_until_and_runs_out_by_itself(tower: Tower) -> None:
    desk, clock = silencing(tower), tower.store.clock
    (made,) = await desk.silence(SERVICE, "cache", Permit(KIM), None, "deploy")
    assert (made.by, made.until - made.at, made.why) == (KIM, DEFAULT, "deploy")
    await desk.silence(SERVICE, "latency", Permit(KIM), timedelta(hours=3))
    assert [one.name for one in await desk.now(SERVICE)] == ["cache", "latency"]
    clock.time += DEFAULT
    assert [one.name for one in await desk.now(SERVICE)] == ["latency"]
    await desk.end(SERVICE, "all", Permit(LEE))
    assert await desk.now(SERVICE) == []
    with pytest.raises(NotPossible):
        await desk.end(SERVICE, "latency", Permit(LEE))
    with pytest.raises(NotPossible):
        await desk.silence(SERVICE, "cache", Permit(KIM), LONGEST + timedelta(minutes=1))
    found = await events(tower.store, "silenced", "silence-ended")
    assert [(event, actor) for event, actor, _ in found] == [
        ("silenced", KIM.user_id),
        ("silenced", KIM.user_id),
        ("silence-ended", LEE.user_id),
    ]


async def test_a_silenced_ticket_is_recorded_without_a_message_until_the_silence_ends(tower: Tower) -> None:
    replica, desk = tower.replica(), silencing(tower)
    await tower.look(replica)
    await desk.silence(SERVICE, "no_data", Permit(KIM), timedelta(hours=1))
    tower.cloud.is_silent = True
    await tower.look(replica, 4)
    incident = await tower.incident()
    assert incident.alerts[0].silenced
    assert incident.is_kept_back
    tower.store.clock.time += timedelta(hours=1)
    await tower.look(tower.replica())  # also one that was not there when it was silenced
    incident = await tower.incident()
    assert not incident.is_kept_back
    assert ("silence-ended", "lumen", "no_data") in await events(tower.store, "silence-ended")


async def test_a_silenced_page_gets_its_message_and_its_countdown_and_calls_nobody(tower: Tower) -> None:
    replica, desk = tower.replica(), silencing(tower)
    await tower.look(replica, 2)
    await desk.silence(SERVICE, "availability", Permit(KIM), timedelta(hours=1))
    tower.cloud.deploy(tower.store.clock.time, "ion-api-00043-bad", 0.1)
    await tower.look(replica, 5)
    incident = await tower.incident()
    assert incident.alerts[0].alert.severity is Severity.PAGE
    assert not incident.is_kept_back
    assert incident.alerts[0].silenced
    assert not incident.alerts[0].called
    assert (await tower.traffic_proposals())[0].acts_at is not None


async def test_what_opened_before_stays_and_its_message_says_so_at_once(tower: Tower) -> None:
    replica, desk = tower.replica(), silencing(tower)
    await tower.look(replica)
    tower.cloud.fails(tower.store.clock.time, 0.1)
    await tower.look(replica, 4)
    (dirty,) = [one for one in await tower.store.outbox.dirty(SERVICE) if one.surface.kind == "alert"]
    await tower.store.outbox.shown(dirty, "C1", "1.2")
    await desk.silence(SERVICE, "availability", Permit(KIM), 2 * SLOT)
    assert [one.surface.kind for one in await tower.store.outbox.dirty(SERVICE)] == ["alert", "control"]
    assert not (await tower.incident()).alerts[0].silenced
