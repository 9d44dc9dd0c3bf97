"""Cost alerts of the running watch: fed with the days of the store, told once, the same after a restart."""

from datetime import date, timedelta

import pytest

from lumen.adapters.store.alerts import NANO
from lumen.adapters.store.scripts import key
from lumen.model.alert import AlertKind
from lumen.model.incident import StoredAlert
from lumen.use_cases import watch as room
from tests.contract.store.builders import OTHER, SERVICE
from tests.contract.use_cases.conftest import Tower

SLICES_A_DAY = 288


@pytest.fixture(autouse=True)
def short_past(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "REPLAY", timedelta(hours=12))


async def past_days(tower: Tower, usd: float, count: int = 40) -> None:
    """Days before the clock's, as the store keeps them when their slices are gone."""
    today = tower.store.clock.time.date()
    sums: dict[str, int] = {}
    for back in range(1, count + 1):
        of = (today - timedelta(days=back)).isoformat()
        sums |= {f"{of}/{name}": SLICES_A_DAY for name in ("slices", "cost_slices")}
        sums[f"{of}/cost_nano_usd"] = round(usd * NANO)
    await tower.store.redis.hset(key(SERVICE, "days"), mapping=sums)  # type: ignore[arg-type]


async def of_money(tower: Tower) -> list[StoredAlert]:
    found = await tower.alerts.open(SERVICE)
    return [one for one in found if one.alert.kind in (AlertKind.COST, AlertKind.BUDGET)]


async def messages(tower: Tower) -> list[str]:
    return [d.surface.key for d in await tower.store.outbox.dirty(SERVICE) if d.surface.kind == "alert"]


async def test_a_dear_day_is_told_when_it_is_over_and_the_same_after_a_restart(tower: Tower) -> None:
    await past_days(tower, 2.0)
    tower.cloud.slice_usd = 2.0 / SLICES_A_DAY
    replica = tower.replica()
    await tower.look(replica)
    tower.cloud.slice_usd = 30.0 / SLICES_A_DAY
    tower.store.clock.time += timedelta(hours=12)
    await tower.look(replica)
    (found,) = await of_money(tower)
    day = date(2026, 3, 1)
    assert (found.alert.kind, found.alert.reason.params["day"]) == (AlertKind.COST, day.isoformat())
    assert found.alert.opened_at.date() == day + timedelta(days=1)
    tower.cloud.slice_usd = 2.0 / SLICES_A_DAY
    await tower.look(tower.replica())
    assert [one.alert.id for one in await of_money(tower)] == [found.alert.id]
    for _ in range(3):
        tower.store.clock.time += timedelta(hours=11)
        await tower.look(tower.replica())  # also by a process that was not there when it opened
    assert await of_money(tower) == []
    assert await messages(tower) == [found.incident]


async def test_the_budget_is_told_within_the_day_and_once_a_threshold(tower: Tower) -> None:
    tower.cloud.slice_usd = 0.0
    await tower.look(tower.replica())
    tower.cloud.slice_usd = 10.0
    await tower.look(tower.replica(), 17)  # 170 of 200
    (found,) = await of_money(tower)
    assert found.alert.id == "ion-api:budget:2026-03:80"
    for _ in range(2):
        tower.cloud.slice_usd = 0.0
        await tower.look(tower.replica())
        assert [one.alert.id for one in await of_money(tower)] == [found.alert.id]
    tower.cloud.slice_usd = 10.0
    await tower.look(tower.replica(), 2)
    assert [one.alert.id for one in await of_money(tower)] == ["ion-api:budget:2026-03:90"]


async def test_the_budget_of_all_services_is_told_once(tower: Tower) -> None:
    """Each alone stays below; the first speaks for both, whatever another replica has looked at."""
    both = (SERVICE, OTHER)
    tower.cloud.slice_usd = 0.0
    await tower.look(tower.replica(), services=both)
    tower.cloud.slice_usd = 10.0
    await tower.look(tower.replica(), 8, services=both)  # 2 x 80 of 200
    (found,) = await of_money(tower)
    assert found.alert.id == "ion-api:budget:2026-03:80"
    assert found.alert.reason.params["parts"] == "ion-api $80.00, ion-api-canary $80.00"
    assert await tower.alerts.open(OTHER) == []
    tower.cloud.slice_usd = 0.0
    await tower.look(tower.replica(), services=both)
    assert [one.alert.id for one in await of_money(tower)] == [found.alert.id]


async def test_a_service_that_is_not_known_leaves_at_least_the_rest_and_no_forecast(tower: Tower) -> None:
    tower.store.clock.time += timedelta(days=12)
    await past_days(tower, 13.0, 12)  # 156 of 200, and at this rate 403
    both = (SERVICE, OTHER)
    tower.cloud.unpriced = {OTHER}
    tower.cloud.slice_usd = 0.0
    await tower.look(tower.replica(), services=both)
    assert await of_money(tower) == []
    tower.cloud.slice_usd = 10.0
    await tower.look(tower.replica(), services=both)
    (found,) = await of_money(tower)
    assert (found.alert.reason.code, found.alert.reason.params["services"]) == (
        "alert.budget_at_least",
        "ion-api-canary",
    )


async def test_without_costs_nothing_is_told_of_money(tower: Tower) -> None:
    await past_days(tower, 2.0)
    replica = tower.replica()
    await tower.look(replica)
    tower.store.clock.time += timedelta(days=2)
    await tower.look(replica)
    assert await of_money(tower) == []


class Allowed:
    """A budget that Google tells, whatever BUDGET_USD is."""

    def __init__(self, usd: float) -> None:
        self.now_usd = usd

    async def usd(self, project: str) -> float:
        return self.now_usd


async def test_the_alert_goes_by_the_budget_that_reports_go_by(tower: Tower) -> None:
    allowed = tower.budget = Allowed(500.0)
    tower.cloud.slice_usd = 0.0
    await tower.look(tower.replica())
    tower.cloud.slice_usd = 10.0
    await tower.look(tower.replica(), 21)  # 210, of 500
    assert await of_money(tower) == []
    allowed.now_usd = 210.0
    tower.cloud.slice_usd = 0.0
    await tower.look(tower.replica())
    (found,) = await of_money(tower)
    assert found.alert.reason.params["budget_usd"] == 210.0


async def test_an_open_budget_alert_tells_the_figures_of_the_last_look(tower: Tower) -> None:
    tower.cloud.slice_usd = 0.0
    await tower.look(tower.replica())
    tower.cloud.slice_usd = 10.0
    await tower.look(tower.replica(), 20)
    (crossed,) = await of_money(tower)
    assert crossed.alert.reason.params["spent_usd"] == pytest.approx(200)
    assert crossed.alert.looked_at is None
    audited = len(await tower.store.audit.entries(SERVICE, 50))
    await tower.look(tower.replica(), 5)
    (later,) = await of_money(tower)
    assert later.alert.reason.params["spent_usd"] == pytest.approx(250)
    assert later.alert.looked_at == tower.store.clock.time - timedelta(minutes=5)  # the end of the slice
    assert (later.alert.id, later.alert.opened_at) == (crossed.alert.id, crossed.alert.opened_at)
    assert len(await tower.store.audit.entries(SERVICE, 50)) == audited
