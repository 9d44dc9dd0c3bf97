"""A fresh installation knows as many days as Monitoring remembers, and each slice of them once."""

from datetime import UTC, date, datetime, timedelta

import pytest

from lumen.adapters.store.alerts import KEEP_SLICES, RedisDays
from lumen.alerts.repeating import DAYS
from lumen.alerts.watch import REPLAY
from lumen.model.alert import Observation
from lumen.model.history import Day, folded
from lumen.model.snapshot import SLICE, LatencyDistribution
from lumen.use_cases import watch as room
from lumen.use_cases.watch import REMEMBERED
from tests.contract.store.builders import OTHER, SERVICE
from tests.contract.use_cases.conftest import Tower

EVER = date(2000, 1, 1)
TIMED = LatencyDistribution((100.0, 300.0), (60, 30, 10))


async def over(tower: Tower) -> dict[date, Day]:
    """Every day that is stored but today."""
    days = await RedisDays(tower.store.redis).days(SERVICE, EVER)
    return {day.date: day for day in days if day.date < tower.store.clock.time.date()}


async def test_days_from_before_the_fortnight_are_counted_once(tower: Tower) -> None:
    cloud = tower.cloud
    began = tower.store.clock.time - timedelta(days=30)
    midnight = datetime(began.year, began.month, began.day, tzinfo=UTC)
    cloud.long_ago = [
        Observation(midnight + nth * SLICE, 100, 1, 0, hits=7, misses=3, latency=TIMED) for nth in range(20 * 288)
    ]
    cloud.is_silent = True  # no fortnight yet: what came before waits with it
    await tower.look(tower.replica())
    assert await over(tower) == {}
    cloud.is_silent = False
    await tower.look(tower.replica(), slots=3)
    found, fortnight = await over(tower), tower.store.clock.time - REPLAY
    assert len(found) == 30
    assert all(day.slices == 288 for day in found.values())
    whole = [day for day in folded(cloud.long_ago) if day.date < fortnight.date()]
    assert len(whole) == 12
    assert [found[day.date] for day in whole] == whole
    asked = [window.end - window.start for window in cloud.remembered]
    assert sum(asked, timedelta()) == REMEMBERED - REPLAY  # once
    await tower.look(tower.replica())
    assert await over(tower) == found  # a restart counts nothing again


@pytest.mark.prove
async def test_fresh_services_are_asked_for_a_few_at_a_time_and_then_all_together(
    tower: Tower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "FRESH_AT_ONCE", 1)
    replica, both = tower.replica(), (SERVICE, OTHER)
    await tower.look(replica, services=both)
    assert len(tower.cloud.asked) == len(both)
    newest = {await tower.alerts.newest(service) for service in both}
    assert len(newest) == 1
    assert newest != {None}
    await tower.look(replica, services=both)
    assert len(tower.cloud.asked) == len(both) + 1


def test_all_that_alerts_are_rebuilt_from_is_stored_and_is_more_than_they_compare_with() -> None:
    assert timedelta(days=DAYS) < REPLAY <= KEEP_SLICES * SLICE < REMEMBERED
