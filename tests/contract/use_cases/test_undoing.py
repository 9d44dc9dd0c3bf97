"""Taking back what others have changed since, and taking back an undo: said beforehand, and marked afterwards."""

import pytest

from lumen.model import ion_contract
from lumen.model.messages import NoData, SourceUnavailable, message
from lumen.model.proposal import Knob, Proposal, State
from lumen.model.service import ServiceId
from lumen.ports.actuators import Reading
from tests.contract.store.builders import KIM, LEE, SERVICE
from tests.contract.use_cases.test_execution import House, resumed
from tests.contract.use_cases.test_execution import house as house  # noqa: PLC0414 - the fixture


async def applied(house: House, wanted: int) -> Proposal:
    made = await house.approved(wanted)
    return await resumed(house, made)


async def undone(house: House, proposal: Proposal, request_id: str) -> Proposal:
    made = await house.approvals.propose_undo(SERVICE, proposal.id, LEE, request_id)
    return await resumed(house, await house.approve(made))


async def states(house: House, *proposals: Proposal) -> list[str]:
    return [(await house.now(one)).state.value for one in proposals]


async def test_a_later_change_that_an_undo_replaces_is_said_and_marked(house: House) -> None:
    first, later = await applied(house, 420), await applied(house, 600)
    made = await house.approvals.propose_undo(SERVICE, first.id, LEE, "undo")
    told = made.draft.goes_over
    assert told is not None
    assert told.code == "approval.undo_over_change"
    assert (told.params["proposal_id"], told.params["value"], told.params["who_mention"]) == (later.id, 600, "U1")
    await resumed(house, await house.approve(made))
    assert await states(house, first, later, made) == ["UNDONE", "UNDONE", "APPLIED"]


async def test_a_value_that_somebody_else_set_is_said(house: House) -> None:
    first = await applied(house, 420)
    await house.cache.hset(ion_contract.CONFIG_KEY, mapping={"value": "777", "version": "9"})
    told = (await house.approvals.propose_undo(SERVICE, first.id, LEE, "undo")).draft.goes_over
    assert told is not None
    assert (told.code, told.params["value"], told.params["wanted"]) == ("approval.undo_over_foreign", 777, 420)


async def test_what_stands_as_it_was_applied_is_taken_back_without_a_word(house: House) -> None:
    first = await applied(house, 420)
    assert (await house.approvals.propose_undo(SERVICE, first.id, LEE, "undo")).draft.goes_over is None


async def test_an_undo_that_is_undone_gives_way_to_what_it_took_back(house: House) -> None:
    """However often."""
    first = await applied(house, 420)
    second = await undone(house, first, "u2")
    assert await states(house, first, second) == ["UNDONE", "APPLIED"]
    third = await undone(house, second, "u3")
    assert await states(house, first, second, third) == ["APPLIED", "UNDONE", "APPLIED"]
    fourth = await undone(house, third, "u4")
    assert await states(house, first, second, third, fourth) == ["UNDONE", "APPLIED", "UNDONE", "APPLIED"]
    assert (await house.redis_actuator.read(SERVICE)).value == 300
    # The value as it stands is what the first undo and the last both wanted.
    assert (await house.now(fourth)).draft.change.new == 300


async def test_a_new_store_and_old_marks_abandon_nothing(house: House) -> None:
    await applied(house, 420)
    await house.store.prepare()  # ids begin again
    made = await house.approved(500)
    assert (await resumed(house, made)).state is State.APPLIED


async def test_a_value_that_one_place_does_not_tell_is_refused_before_anything_is_proposed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = message("actuator.variable_is_secret", variable="DEFAULT_TTL_SECONDS")

    async def untold(_: object, service: ServiceId) -> Reading:
        raise SourceUnavailable(secret, secret)

    monkeypatch.setattr(type(house.second), "read", untold)
    with pytest.raises(SourceUnavailable, match=r"variable_is_secret"):
        await house.approvals.propose(SERVICE, Knob.TTL, 420, KIM, "r1")
    assert await house.store.proposals.recent(SERVICE, 5) == []


async def test_a_ttl_from_a_secret_is_no_data(house: House) -> None:
    secret = message("source.ttl_is_secret", variable="DEFAULT_TTL_SECONDS")

    async def environment(service: ServiceId) -> int | None:
        raise SourceUnavailable(secret, secret)

    found = await type(house.redis_actuator.ttl)(house.cache, 300, environment).ttl(SERVICE)  # type: ignore[call-arg]
    assert isinstance(found, NoData)
    assert found.reason == secret
