"""After a change was applied, every door shows the same present value, and none advises to make that change again."""

from datetime import timedelta

import pytest

pytest.importorskip("scipy", reason="needs the extra numerics")

from handlers.blocks.answers import ttl_card
from handlers.blocks.app_home import home
from handlers.blocks.explain_scores import explained
from handlers.blocks.report import report
from handlers.command_types import Subject
from lumen.adapters.store.audit import RedisAudit
from lumen.adapters.store.controls import RedisSilences
from lumen.model.messages import NoData, NotPossible
from lumen.model.proposal import Knob, State, Value
from lumen.model.service import ServiceId
from lumen.model.snapshot import TtlSetting
from lumen.model.turn import Recommendation
from lumen.policies.guard import Automation
from lumen.policies.size import SizeLimits
from lumen.policies.ttl import TtlLimits
from lumen.use_cases.advice import Advisor
from lumen.use_cases.queries import Looking, Readouts
from lumen.wording.catalogue import Catalogue
from tests.alike import Alike
from tests.contract.store.builders import KIM, SERVICE, Store
from tests.contract.use_cases.measured_world import House, Place
from tests.contract.use_cases.test_turns import Room

WORDS = Catalogue("en")


class Setting:
    """The TTL as the service reads it: where the knob stands."""

    def __init__(self, place: Place) -> None:
        self._place = place

    async def ttl(self, service: ServiceId) -> TtlSetting | NoData:
        value, version = self._place.value, self._place.version + 1
        return TtlSetting(value, version, value, version)


class Doors:
    """What people ask."""

    def __init__(self, room: Room) -> None:
        store, self.room = room.house.store, room
        restraints = room.restraints(Automation())
        limits = Alike(TtlLimits()), Alike(SizeLimits())
        self.stored = Advisor(store.proposals, room.turns, restraints, *limits)
        self.advisor = Advisor(store.proposals, room.turns, restraints, *limits, Setting(room.house.places[Knob.TTL]))
        self.looking = Looking(Alike(room.house.knobs), self.advisor)
        self.readouts = Readouts(
            store.proposals,
            room.turns,
            RedisAudit(store.redis, store.clock),
            room.house.alerts,
            RedisSilences(store.redis, store.clock),
            restraints,
            self.advisor,
            room.rules(Automation()),
        )

    async def advised(self) -> set[tuple[Value | NoData, Value | None]]:
        """The present TTL and the one that is advised, of every door."""
        status, ttl = await self.readouts.status(SERVICE), await self.readouts.ttl(SERVICE)
        knob, stored = await self.looking.at(SERVICE, Knob.TTL), await self.stored.last(SERVICE)
        turns = [status.turn, (await self.readouts.last(SERVICE)).turn, stored.turn if stored else None]
        found = {(knob.value, new(knob.wanted)), (seconds(ttl.setting), new(ttl.recommendation))}
        for turn in turns:
            assert turn is not None
            found |= {(seconds(turn.snapshot.ttl), new(wanted)) for wanted in (turn.ttl, turn.first)}
            [row] = [one.value for one in turn.assessment.cache.findings if one.name == "ttl_seconds"]
            assert row == seconds(turn.snapshot.ttl)
        return found

    async def texts(self) -> dict[str, str]:
        status = await self.readouts.status(SERVICE)
        shown = {
            "report": report(WORDS, status),
            "ttl": ttl_card(WORDS, await self.readouts.ttl(SERVICE)),
            "cache": explained(WORDS, Subject.CACHE, await self.readouts.last(SERVICE)),
        }
        return {door: str(one.blocks) for door, one in shown.items()} | {"home": str(home(WORDS, [status])["blocks"])}


def seconds(setting: TtlSetting | NoData) -> int:
    assert not isinstance(setting, NoData)
    return setting.value_seconds


def new(wanted: Recommendation | NoData | None) -> Value | None:
    assert not isinstance(wanted, NoData)
    return wanted.change.new if wanted is not None and wanted.change is not None else None


@pytest.fixture
def doors(store: Store) -> Doors:
    return Doors(Room(House(store)))


async def test_an_applied_ttl_is_present_everywhere_and_advised_nowhere(doors: Doors) -> None:
    house = doors.room.house
    proposal = await doors.room.proposed(await doors.room.turn())
    assert await doors.advised() == {(300, 420)}
    assert all("420" in text for text in (await doors.texts()).values())
    house.store.clock.time += timedelta(minutes=2)
    await house.approve(proposal)
    assert (await house.found(proposal)).state is State.APPLIED
    assert await doors.advised() == {(420, None)}
    for door, text in (await doors.texts()).items():
        assert "420 s" in text, door
        assert "MODERATE" not in text, door
        assert "default" not in text, door
        assert "was changed to 420 s" in text, text


async def test_a_wish_is_judged_once(doors: Doors) -> None:
    approvals = doors.room.house.approvals
    for wanted, code in ((30, "approval.out_of_range"), (300, "approval.already")):
        with pytest.raises(NotPossible) as refused:
            await approvals.propose(SERVICE, Knob.TTL, wanted, KIM, f"wish-{wanted}")
        assert refused.value.reason.code == code
    bold = await approvals.propose(SERVICE, Knob.TTL, 2400, KIM, "wish-1")
    told = [reason.code for reason in bold.draft.reasons]
    assert told[1:] == [
        "policy.ttl_note_longer", "policy.ttl_note_more_than_doubled", "policy.ttl_note_outside_good",
    ]  # fmt: skip
    again = await approvals.propose(SERVICE, Knob.TTL, 2400, KIM, "wish-2")
    assert again.id == bold.id
    [same] = [
        note for note in (await approvals.judge_wish(SERVICE, Knob.TTL, 2400)).notes if note.params.get("proposal_id")
    ]
    assert (same.code, same.params["proposal_id"]) == ("approval.same_open", bold.id)
    assert (await approvals.judge_wish(SERVICE, Knob.TTL, 300)).is_so
