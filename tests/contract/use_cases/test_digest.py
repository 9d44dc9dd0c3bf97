"""A digest of what the store holds: the night's incidents with how they ended, and on Mondays the week."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from handlers.blocks.digest import digest
from lumen.exporters.slo import PRESETS
from lumen.model.alert import AlertKind, Severity
from lumen.model.digest import DAY, MONDAY, DigestReadout
from lumen.model.proposal import Choice, State
from lumen.policies.auto_apply import AutoApplySettings
from lumen.policies.size import SizeLimits
from lumen.policies.ttl import TtlLimits
from lumen.use_cases import watch as room
from lumen.use_cases.advice import Advisor
from lumen.use_cases.auto_apply import AutoApplyRules
from lumen.use_cases.digest import DigestReader
from lumen.use_cases.queries import Readouts
from lumen.wording.catalogue import Catalogue
from tests.alike import Alike
from tests.contract.store.builders import KIM, SERVICE
from tests.contract.use_cases.conftest import Tower

SEOUL = ZoneInfo("Asia/Seoul")
WORDS = Catalogue("en", SEOUL)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "REPLAY", timedelta(days=3))


def reader(tower: Tower) -> DigestReader:
    store, clock = tower.store, tower.store.clock
    restraints = store.restraints
    advisor = Advisor(store.proposals, store.turns, restraints, Alike(TtlLimits()), Alike(SizeLimits()), tower.cloud)
    rules = AutoApplyRules(AutoApplySettings(), restraints, store.proposals, tower.alerts, clock)
    readouts = Readouts(
        store.proposals, store.turns, store.audit, tower.alerts, tower.silences, restraints, advisor, rules
    )
    return DigestReader(readouts, store.turns, tower.alerts, store.proposals, Alike(PRESETS["default"]))


async def read(tower: Tower) -> DigestReadout:
    return await reader(tower).of(SERVICE, tower.store.clock.time.astimezone(SEOUL))


async def an_outage(tower: Tower) -> None:
    """A bad release that somebody rolls back, until its page is over."""
    replica = tower.replica()
    await tower.look(replica)
    tower.cloud.deploy(tower.store.clock.time, "r3", 0.1)
    await tower.look(replica, 4)
    (made,) = await tower.traffic_proposals()
    await tower.decide(made, Choice.APPROVE)
    await replica.execution.settle(SERVICE)
    for _ in range(24):
        await tower.look(replica)
        if not await tower.alerts.open(SERVICE):
            return
    raise AssertionError("the page stays open")


async def test_an_incident_that_is_over_is_told_for_a_day_with_what_ended_it(tower: Tower) -> None:
    await an_outage(tower)
    found = await read(tower)
    (past,) = found.incidents
    assert (past.severity, past.kinds) == (Severity.PAGE, (AlertKind.AVAILABILITY,))
    (made,) = past.changes
    assert (made.state, made.draft.change.new) == (State.APPLIED, "r2")
    assert found.worst.incident == past
    text = digest(WORDS, found).text
    assert text.startswith("🔴 ion-api: digest of ")
    assert f"→ r2 by <@{KIM.user_id}>" in text
    rates = [one.error_rate for one in found.periods]
    assert len(rates) == 12
    assert max(rate for rate in rates if rate is not None) > 0.01
    assert (found.week, found.days) == ((), ())
    tower.store.clock.time += DAY
    assert (await read(tower)).incidents == ()


async def test_on_mondays_it_has_the_week(tower: Tower) -> None:
    await an_outage(tower)
    monday = tower.store.clock.time.astimezone(SEOUL)
    while monday.weekday() != MONDAY:
        monday += DAY
    found = await reader(tower).of(SERVICE, monday)
    assert (len(found.week), len(found.days)) == (14, 7)
    assert sum(found.incidents_by_day) == 1
    assert found.days[-1].end - found.days[0].start == 7 * DAY
