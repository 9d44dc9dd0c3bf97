"""What a turn proposes, and what holds it back, over a real store: of all knobs one, one change at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

pytest.importorskip("scipy", reason="needs the extra numerics")

from lumen.adapters.store.alerts import RedisDays
from lumen.adapters.store.turns import RedisTurns
from lumen.exporters.assess import AssessmentSettings
from lumen.model.forecast import Forecast
from lumen.model.incident import SizeLock, TtlOverride
from lumen.model.messages import NoData, message
from lumen.model.proposal import Choice, Knob, Proposal, State
from lumen.model.service import Permit, ServiceId
from lumen.model.snapshot import Deployment, Snapshot, Spend, Window
from lumen.model.turn import Missing, Occasion, Turn
from lumen.policies.auto_apply import AutoApplySettings
from lumen.policies.guard import Automation, Locks
from lumen.policies.size import SizeLimits
from lumen.policies.ttl import TtlLimits
from lumen.ports.clock import no_fault
from lumen.use_cases.acting import Acting
from lumen.use_cases.auto_apply import AutoApplyRules
from lumen.use_cases.collect import window_before
from lumen.use_cases.drift import Drift
from lumen.use_cases.evaluate import Evaluator, Policies
from lumen.use_cases.restrictions import Restraints
from lumen.use_cases.turn import TurnRunner
from lumen.use_cases.turn_history import TurnHistory
from tests.alike import Alike
from tests.contract.store.builders import KIM, SERVICE, Store
from tests.contract.use_cases.measured_world import HOUR, START, House, Inline
from tests.snapshots import cache, deployment, history, snapshot, traffic, ttl

LACKING = Missing("effects", NoData(message("effect.no_numerics"), message("effect.no_numerics_remedy")))


def deployed(at: datetime) -> Deployment:
    """One image, which has served since then."""
    told = deployment(1)
    return replace(told, revisions=(replace(told.revisions[0], created_at=at),))


class Seen:
    """What is measured at the next turn; stands where the Collector does."""

    def __init__(self, house: House) -> None:
        self._house = house
        #: How late the newest figures are.
        self.lags = timedelta(0)
        self.now: Snapshot = snapshot(deployment=deployed(START - timedelta(days=30)))

    async def snapshots(self, services: Sequence[ServiceId]) -> dict[ServiceId, Snapshot]:
        return {service: await self.snapshot(service) for service in services}

    def collection(self, _: Sequence[ServiceId]) -> "Seen":
        return self

    async def is_cut_off(self, _: ServiceId) -> bool:
        return False

    async def snapshot(self, _: ServiceId) -> Snapshot:
        now = self._house.now
        window: Window = window_before(now - self.lags, HOUR)
        place = self._house.places[Knob.TTL]
        return replace(self.now, service=SERVICE, window=window, taken_at=now, ttl=ttl(place.value))


@dataclass
class Foretold:
    """What is forecast at each turn."""

    now: Forecast | NoData

    async def of(self, *_: object) -> Forecast | NoData:
        return self.now


class Room:
    """A TurnRunner with all that stands around it."""

    def __init__(self, house: House) -> None:
        self.house, self.seen, self.setting = house, Seen(house), AutoApplySettings()
        self.foretold: Foretold | None = None
        self.turns = RedisTurns(house.store.redis)

    def restraints(self, automation: Automation) -> Restraints:
        return Restraints(self.house.controls, self.house.store.clock, automation, Alike(Locks()))

    def rules(self, automation: Automation) -> AutoApplyRules:
        store = self.house.store
        return AutoApplyRules(
            self.setting, self.restraints(automation), store.proposals, self.house.alerts, store.clock
        )

    def evaluator(self, automation: Automation) -> Evaluator:
        store, alerts = self.house.store, self.house.alerts
        return Evaluator(
            TurnHistory(alerts, RedisDays(store.redis), self.turns, Inline()),
            Alike(AssessmentSettings()),
            Policies(Alike(self.house.knobs), Alike(TtlLimits()), Alike(SizeLimits())),
            self.restraints(automation),
            store.proposals,
            alerts,
            self.foretold,  # type: ignore[arg-type]  # stands where the Forecasts do
        )

    def tick(self, automation: Automation | None = None) -> TurnRunner:
        store, automation = self.house.store, automation or Automation()
        drift = Drift(
            store.proposals,
            store.claims,
            Acting(self.restraints(automation)),
            self.turns,
            store.audit,
            Alike(self.house.knobs),
            no_fault,
        )
        return TurnRunner(
            self.seen,  # type: ignore[arg-type]  # stands where the Collector does
            drift,
            self.evaluator(automation),
            self.rules(automation),
            self.house.approvals,
            store.claims,
            self.turns,
            (LACKING,),
        )

    async def turn(self, automation: Automation | None = None) -> Turn:
        (made,) = await self.tick(automation).extra_turns((SERVICE,))
        return made

    async def proposed(self, turn: Turn) -> Proposal:
        (proposal_id,) = turn.proposed
        found = await self.house.store.proposals.get(SERVICE, proposal_id)
        assert found is not None
        return found

    async def evicts(self) -> None:
        """The memory binds, and has done so for a day."""
        self.seen.now = replace(self.seen.now, cache=cache(0.70, 0.94, 2400))
        for _ in range(20):
            await self.turn(Automation(disabled=True))
            self.house.store.clock.time += HOUR


@pytest.fixture
def room(store: Store) -> Room:
    return Room(House(store))


def held(turn: Turn) -> list[str]:
    assert turn.proposed == ()
    return [reason.code for reason in turn.held_back]


async def test_memory_comes_first_where_it_binds(room: Room) -> None:
    await room.evicts()
    made = await room.proposed(turn := await room.turn())
    assert (made.draft.change.knob, made.draft.change.old, made.draft.change.new) == (Knob.CACHE_SIZE, 256, 384)
    assert turn.first == turn.wanted
    assert not isinstance(turn.ttl, NoData)
    assert turn.ttl.change is None  # told beside it: a longer TTL could not help
    assert LACKING in turn.missing


async def test_an_hour_alone_says_too_little_for_more_memory(room: Room) -> None:
    room.seen.now = replace(room.seen.now, cache=cache(0.70, 0.94, 2400))
    turn = await room.turn()
    assert (turn.proposed, turn.held_back, turn.snapshot.cache_day) == ((), (), None)


async def test_a_locked_size_is_not_proposed(room: Room) -> None:
    room.seen.now = replace(room.seen.now, cache=cache(0.70, 0.94, 10))
    await room.house.controls.lock_size(SERVICE, SizeLock(KIM, START, None))
    turn = await room.turn()
    assert (turn.proposed, turn.held_back) == ((), ())
    assert not isinstance(turn.first, NoData)
    assert turn.first.change is None


async def test_a_pinned_value_is_what_is_proposed(room: Room) -> None:
    room.seen.now = replace(room.seen.now, cache=cache(0.70, 0.70, 10))
    await room.house.controls.override(SERVICE, TtlOverride(900, KIM, START))
    made = await room.proposed(await room.turn())
    assert (made.draft.change.knob, made.draft.change.new) == (Knob.TTL, 900)
    assert [reason.code for reason in made.draft.reasons] == ["policy.ttl_pinned"]


async def test_in_a_freeze_nothing_is_proposed(room: Room) -> None:
    await room.evicts()
    now = room.house.store.clock.now()
    frozen = Automation(freezes=(Window(now - timedelta(hours=1), now + timedelta(hours=1)),))
    assert held(await room.turn(frozen)) == ["policy.held_frozen"]


async def test_instances_when_the_cache_is_content(room: Room) -> None:
    cold = replace(traffic(), cold_starts=3000)
    cheap = Spend(5.0, True, 200.0, START)
    past = history(cost_usd=(0.01,) * 168)
    room.seen.now = replace(room.seen.now, cache=cache(0.85, 0.75, 10), traffic=cold, spend=cheap, history=past)
    made = await room.proposed(await room.turn())
    assert (made.draft.change.knob, made.draft.change.new) == (Knob.MIN_INSTANCES, 1)


async def test_one_change_at_a_time_whatever_the_knob(room: Room) -> None:
    """Open, then cooling down, then without a verdict, then free: and the next one tells what became of the first."""
    house = room.house
    house.gain = 0.12
    first = await house.applied(384, knob=Knob.CACHE_SIZE)
    assert held(await room.turn()) == ["policy.held_cooldown"]
    await house.live(25)
    assert held(await room.turn()) == ["policy.held_measuring"]
    await house.effects().due((SERVICE,))
    assert (await house.found(first)).state is State.INCONCLUSIVE  # a size has no control
    second = await room.proposed(await room.turn())
    assert (second.draft.change.knob, second.draft.change.new) == (Knob.TTL, 420)
    assert held(await room.turn()) == ["policy.held_open_proposal"]


async def test_harm_is_not_tried_again_soon(room: Room) -> None:
    house = room.house
    made = await house.applied(420)
    house.store.clock.time += HOUR
    await house.did_harm(made)
    house.store.clock.time += 24 * HOUR
    (undo,) = [p for p in await house.store.proposals.unfinished(SERVICE) if p.draft.undo_of]
    assert held(await room.turn()) == ["policy.held_open_proposal", "policy.held_harmed"]
    await house.approve(undo)
    house.store.clock.time += 25 * HOUR
    assert held(await room.turn()) == ["policy.held_taken_back"]


async def test_who_says_no_is_not_asked_again_for_a_week(room: Room) -> None:
    refused = await room.proposed(await room.turn())
    await room.house.approvals.decide(SERVICE, refused.id, Choice.REJECT, Permit(KIM), "no")
    assert held(await room.turn()) == ["policy.held_rejected"]
    room.house.store.clock.time += 6 * 24 * HOUR
    assert held(await room.turn()) == ["policy.held_rejected"]
    room.house.store.clock.time += 24 * HOUR
    assert (await room.proposed(await room.turn())).draft.change == refused.draft.change


async def test_nothing_within_a_day_of_a_deployment(room: Room) -> None:
    room.seen.now = replace(room.seen.now, deployment=deployed(room.house.now - 23 * HOUR))
    careful = Automation(after_deployment=timedelta(hours=24))
    assert held(await room.turn(careful)) == ["policy.held_deployed"]
    room.house.store.clock.time += HOUR
    assert len((await room.turn(careful)).proposed) == 1


async def occasions(runner: TurnRunner, *, only_missed: bool = False) -> list[Occasion]:
    made: list[Turn] = []
    await runner.due((SERVICE,), made.append, only_missed=only_missed)
    return [turn.occasion for turn in made]


async def test_with_a_scheduler_outside_only_missed_hours_are_made(room: Room) -> None:
    clock, runner = room.house.store.clock, room.tick()
    clock.time = START.replace(minute=0) + HOUR
    for minute, made in ((0, []), (10, []), (11, [Occasion.CATCH_UP]), (30, [])):
        clock.time = clock.time.replace(minute=minute)
        assert await occasions(runner, only_missed=True) == made
    clock.time += HOUR
    clock.time = clock.time.replace(minute=0)
    assert await occasions(runner) == [Occasion.SLOT]  # somebody outside has called
    clock.time = clock.time.replace(minute=30)
    assert not await occasions(runner, only_missed=True)
