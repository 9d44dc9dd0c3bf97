"""Every label value of every metric that Lumen reads, gone, late or jumping: nothing acts, closes or rises for it."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

import pytest

from lumen.adapters.google import monitoring_query as run
from lumen.adapters.store.alerts import RedisAlerts, RedisDays
from lumen.adapters.store.controls import RedisControls
from lumen.model.alert import AlertKind
from lumen.model.history import folded
from lumen.model.messages import NoData
from lumen.model.proposal import State
from lumen.model.snapshot import Window
from lumen.use_cases import watch as room
from tests.contract.store.builders import SERVICE, Store
from tests.contract.use_cases.cloud import well_since
from tests.contract.use_cases.conftest import Tower
from tests.contract.use_cases.labelled import CLASS, REVISION, Fault, LabelledCloud

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
KNOWN = timedelta(hours=26)
BOTH = (run.REQUESTS, run.LATENCIES)
WITNESSES = {"counts": (run.REQUESTS,), "latencies": (run.LATENCIES,), "both": BOTH}
VALUES = ((CLASS, "2xx"), (CLASS, "4xx"), (CLASS, "5xx"), (REVISION, "r3"))
KINDS = ("gone", "late", "jumps")


@dataclass(frozen=True)
class Hole:
    witness: str
    label: str
    value: str
    kind: str

    def fault(self, tower: Tower, lasts: timedelta) -> Fault:
        now = tower.store.clock.time
        late = 15 * MINUTE if self.kind == "late" else None
        return Fault(
            WITNESSES[self.witness], self.label, self.value, now, now + lasts, late, 10 if self.kind == "jumps" else 0
        )

    def __str__(self) -> str:
        return f"{self.witness}-{self.value}-{self.kind}"


HOLES = [Hole(w, label, value, kind) for w in WITNESSES for label, value in VALUES for kind in KINDS]
#: In every run; the whole table takes some minutes.
SOME_GOOD = {"both-2xx-late"}
SOME_BAD = {("counts-5xx-gone", 0.08)}


def _row(*values: object, always: bool) -> object:
    return pytest.param(*values, id="-".join(map(str, values)), marks=() if always else pytest.mark.prove)


#: Failures of which both tell ten times as many are failures, as far as anybody can tell.
GOOD = [_row(hole, always=str(hole) in SOME_GOOD) for hole in HOLES if str(hole) != "both-5xx-jumps"]
BAD = [_row(hole, share, always=(str(hole), share) in SOME_BAD) for hole in HOLES for share in (0.006, 0.02, 0.08, 0.3)]


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "REPLAY", KNOWN)


@pytest.fixture
def tower(store: Store) -> Tower:
    redis, clock = store.redis, store.clock
    well = well_since(clock.time)
    cloud = LabelledCloud(well.shares, well.names, clock.time, 360, knows_since=KNOWN)
    return Tower(store, cloud, RedisAlerts(redis, clock), RedisControls(redis, clock))


def break_(tower: Tower, hole: Hole, lasts: timedelta = 10 * HOUR) -> None:
    assert isinstance(tower.cloud, LabelledCloud)
    tower.cloud.faults.append(hole.fault(tower, lasts))


async def pages(tower: Tower) -> list[str]:
    """What is open, but for the notices that data is missing."""
    return [str(one.alert.kind) for one in await tower.alerts.open(SERVICE) if one.alert.kind is not AlertKind.NO_DATA]


@pytest.mark.parametrize("hole", GOOD)
async def test_a_good_release_is_left_alone(tower: Tower, hole: Hole) -> None:
    replica = tower.replica()
    await tower.look(replica)
    tower.cloud.deploy(tower.store.clock.time, "r3", 0.0)
    await tower.look(replica, 4)
    break_(tower, hole)
    for _ in range(24):
        await tower.look(replica)
        assert await pages(tower) == []
        assert await tower.traffic_proposals() == []


@pytest.mark.parametrize(("hole", "share"), BAD)
async def test_a_bad_release_is_not_believed_to_be_well(tower: Tower, hole: Hole, share: float) -> None:
    replica = tower.replica()
    await tower.look(replica)
    tower.cloud.deploy(tower.store.clock.time, "r3", share)
    for _ in range(24):
        await tower.look(replica)
        if await tower.traffic_proposals():
            break
    (made,) = await tower.traffic_proposals()
    assert made.acts_at is not None
    break_(tower, hole)
    for _ in range(10):
        await tower.look(replica)
        assert "availability" in await pages(tower)
    await tower.countdown_over()
    await replica.rollback.settle(SERVICE)
    assert (await tower.traffic_proposals())[0].state in (State.PENDING, State.APPROVED_BY_TIMER)


async def test_points_that_come_late_correct_slices_days_and_alerts(tower: Tower) -> None:
    cloud, replica, days = tower.cloud, tower.replica(), RedisDays(tower.store.redis)
    assert isinstance(cloud, LabelledCloud)
    await tower.look(replica)
    cloud.deploy(tower.store.clock.time, "r3", 0.08)
    break_(tower, Hole("both", CLASS, "5xx", "late"), 40 * MINUTE)
    cloud.faults[0] = replace(cloud.faults[0], late=40 * MINUTE)
    await tower.look(replica, 6)
    assert await pages(tower) == []
    await tower.look(replica, 4)
    (told,) = await tower.alerts.open(SERVICE)
    assert told.alert.kind is AlertKind.AVAILABILITY
    stored = await tower.alerts.observations(SERVICE, None)
    cloud.faults.clear()
    true = (await cloud.slices((SERVICE,), Window(stored[0].start, stored[-1].end)))[SERVICE]
    assert not isinstance(true, NoData)
    assert [(one.requests, one.errors_5xx, one.doubt) for one in stored] == [
        (one.requests, one.errors_5xx, None) for one in true
    ]
    sums = await days.days(SERVICE, date.min)
    assert [(day.requests, day.errors_5xx, day.timed) for day in sums] == [
        (day.requests, day.errors_5xx, day.timed) for day in folded(true)
    ]
    # Whoever folds the corrected slices anew knows the same alert, though by them it had begun at another time.
    await tower.look(tower.replica())
    (still,) = await tower.alerts.open(SERVICE)
    assert (still.alert.id, still.alert.opened_at) == (told.alert.id, told.alert.opened_at)
