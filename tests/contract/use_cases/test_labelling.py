"""Ten labels of one kind change what is told next, one takes it back; over a real store."""

from dataclasses import replace
from datetime import timedelta

import pytest

from lumen.model.alert import Alert, AlertKind, Severity
from lumen.model.incident import StoredAlert
from lumen.model.messages import NotPossible, message
from lumen.model.service import Permit
from lumen.policies.labels import LEARNT_FROM
from lumen.ports.incidents import Look
from lumen.use_cases import watch as room
from lumen.use_cases.labelling import Labelling, learnt
from tests.contract.store.builders import KIM, LEE, SERVICE
from tests.contract.use_cases.conftest import Tower
from tests.contract.use_cases.incidents import events


@pytest.fixture(autouse=True)
def short_past(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "REPLAY", timedelta(days=3))


async def told(tower: Tower, kind: AlertKind, signal: str, count: int) -> list[str]:
    """So many closed incidents, a day apart, as a watch stored them."""
    now = tower.store.clock.time
    stored = []
    for nth in range(count, 0, -1):
        at = now - nth * timedelta(days=1)
        name = f"{SERVICE.name}:{kind}:{signal}:{at.isoformat()}"
        over = at + timedelta(minutes=20)
        one = Alert(name, SERVICE.name, kind, signal, Severity.TICKET, at, message("alert.data_back"), over)
        stored.append(StoredAlert(replace(one, close_reason=message("alert.data_back")), name))
    lease = await tower.store.leases.acquire(SERVICE, "look", timedelta(seconds=60))
    assert lease is not None
    newest = await tower.alerts.newest(SERVICE)
    assert await tower.alerts.look(SERVICE, lease, Look(newest, (), stored))
    await tower.store.leases.release(SERVICE, lease)
    return [one.incident for one in stored]


async def test_ten_false_alarms_of_one_kind_are_told_late_and_one_real_ends_it(tower: Tower) -> None:
    replica, desk = tower.replica(), Labelling(tower.alerts, tower.store.clock)
    await tower.look(replica)
    before = await told(tower, AlertKind.NO_DATA, "traffic", LEARNT_FROM)
    for nth, incident in enumerate(before, 1):
        found = await desk.label(SERVICE, incident, Permit(KIM), is_real=False)
        assert found.changed
        assert found.late_now == (("no_data/traffic",) if nth == LEARNT_FROM else ())
    again = await desk.label(SERVICE, before[0], Permit(LEE), is_real=False)
    assert (again.changed, len(await tower.alerts.labels(SERVICE))) == (False, LEARNT_FROM)

    tower.cloud.is_silent = True
    await tower.look(replica, 4)
    (alert,) = [one for one in await tower.alerts.open(SERVICE) if one.alert.kind is AlertKind.NO_DATA]
    assert (alert.late, alert.silenced) == (True, True)
    kept = await tower.alerts.incident(SERVICE, alert.incident)
    assert kept is not None
    assert kept.is_kept_back
    said = await learnt(tower.alerts, SERVICE, tower.store.clock.time)
    assert (said.real, said.counted, said.late) == (0, LEARNT_FROM, ("no_data/traffic",))

    await tower.look(tower.replica(), 12)  # what lasts an hour is told, by whoever looks
    (alert,) = [one for one in await tower.alerts.open(SERVICE) if one.alert.kind is AlertKind.NO_DATA]
    assert (alert.late, alert.silenced) == (True, False)

    taken_back = await desk.label(SERVICE, before[3], Permit(LEE), is_real=True)
    assert (taken_back.late_before, taken_back.late_now) == (("no_data/traffic",), ())
    assert (await learnt(tower.alerts, SERVICE, tower.store.clock.time)).late == ()
    written = await events(tower.store, "labelled")
    assert [actor for _, actor, _ in written] == [KIM.user_id] * LEARNT_FROM + [LEE.user_id]


async def test_what_was_over_before_it_was_told_is_in_the_digest(tower: Tower) -> None:
    replica, desk = tower.replica(), Labelling(tower.alerts, tower.store.clock)
    await tower.look(replica)
    for incident in await told(tower, AlertKind.NO_DATA, "traffic", LEARNT_FROM):
        await desk.label(SERVICE, incident, Permit(KIM), is_real=False)
    tower.cloud.is_silent = True
    await tower.look(replica, 4)
    tower.cloud.is_silent = False
    await tower.look(replica, 4)
    said = await learnt(tower.alerts, SERVICE, tower.store.clock.time)
    assert [(one.kind, one.signal) for one in said.untold] == [(AlertKind.NO_DATA, "traffic")]


async def test_only_what_is_over_and_known_has_a_label(tower: Tower) -> None:
    replica, desk = tower.replica(), Labelling(tower.alerts, tower.store.clock)
    await tower.look(replica)
    tower.cloud.is_silent = True
    await tower.look(replica, 4)
    for incident in ((await tower.incident()).id, "nothing"):
        with pytest.raises(NotPossible):
            await desk.label(SERVICE, incident, Permit(KIM), is_real=True)
