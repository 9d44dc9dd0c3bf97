"""A hole in one label value right after a change: no page comes of it, so nothing is taken back as a precaution."""

import pytest

pytest.importorskip("scipy", reason="needs the extra numerics")

from lumen.adapters.store.alerts import RedisAlerts
from lumen.adapters.store.controls import RedisControls
from lumen.model.proposal import State
from lumen.use_cases import watch as room
from tests.contract.store.builders import SERVICE, Store
from tests.contract.use_cases.conftest import Tower
from tests.contract.use_cases.labelled import CLASS, LabelledCloud
from tests.contract.use_cases.measured_world import House
from tests.contract.use_cases.test_holes import KINDS, KNOWN, WITNESSES, Hole, break_

SOME = {"counts-2xx-gone"}
HOLES = [
    pytest.param(hole, id=str(hole), marks=() if str(hole) in SOME else pytest.mark.prove)
    for witness in WITNESSES
    for value in ("2xx", "4xx", "5xx")
    for kind in KINDS
    # Of which both tell ten times as many, there were ten times as many, as far as anybody can tell.
    if str(hole := Hole(witness, CLASS, value, kind)) != "both-5xx-jumps"
]


@pytest.fixture
def house(store: Store) -> House:
    return House(store)


@pytest.fixture
def cloud(house: House) -> LabelledCloud:
    """One revision, that has served well for thirty days."""
    now, (deployed,) = house.now, house.deployed
    return LabelledCloud([(deployed, "r0", 0.0)], ["r0"], now, 360, knows_since=KNOWN)


@pytest.fixture
def tower(house: House, cloud: LabelledCloud, monkeypatch: pytest.MonkeyPatch) -> Tower:
    monkeypatch.setattr(room, "REPLAY", KNOWN)
    redis, clock = house.store.redis, house.store.clock
    return Tower(house.store, cloud, RedisAlerts(redis, clock), RedisControls(redis, clock))


@pytest.mark.parametrize("hole", HOLES)
async def test_no_change_is_taken_back_for_a_hole(house: House, tower: Tower, hole: Hole) -> None:
    effects, replica = house.effects(by_itself=True), tower.replica()
    await tower.look(replica)
    made = await house.applied()
    break_(tower, hole)
    for _ in range(12):
        await tower.look(replica)
        await effects.guard(SERVICE)
        await house.undo_harmful(by_itself=True).settle(SERVICE)
    now = await house.found(made)
    assert (now.state, now.measured, await house.undos(made)) == (State.APPLIED, None, [])


async def test_failures_right_after_it_are(house: House, tower: Tower, cloud: LabelledCloud) -> None:
    """The same world without a hole: what the others are compared with."""
    effects, replica = house.effects(), tower.replica()
    await tower.look(replica)
    made = await house.applied()
    cloud.shares = [*cloud.shares, (house.now, "r0", 0.08)]
    for _ in range(4):
        await tower.look(replica)
        await effects.guard(SERVICE)
    measured = (await house.found(made)).measured
    assert measured is not None
    assert measured.is_precaution
    assert len(await house.undos(made)) == 1
