"""A value that several places hold: all of them take it, or none, or it is said where it stands, and can be undone."""

import pytest

from handlers.blocks.proposal import UNDO, card
from lumen.model.messages import Message
from lumen.model.proposal import Proposal, State
from lumen.use_cases.queries import is_late_change
from lumen.wording.catalogue import LOCALES, Catalogue
from tests.contract.store.builders import KIM, SERVICE
from tests.contract.use_cases.crashes import Crash, crash_at
from tests.contract.use_cases.test_execution import House, resumed
from tests.contract.use_cases.test_execution import house as house  # noqa: PLC0414 - the fixture
from tests.unit.handlers.blocks import said


async def stands(house: House) -> tuple[object, object]:
    """In the first place, and in the second."""
    return (await house.redis_actuator.read(SERVICE)).value, house.second.value


def told(proposal: Proposal, locale: str = "en") -> str:
    return said(card(Catalogue(locale), proposal))


async def test_all_places_are_asked_before_the_first_is_touched(house: House) -> None:
    house.second.cannot = True
    proposal = await house.approved()
    await house.settle(house.replica())
    found = await house.now(proposal)
    assert (found.state, found.note) == (State.FAILED, house.second.full)
    assert await stands(house) == (300, 300)
    assert await house.cache.hgetall("ion:config:cache_ttl_seconds") == {}
    assert not found.can_be_undone


@pytest.mark.parametrize("point", ["", "execute.set.redis", "execute.setting_back"])
async def test_what_was_set_before_a_refusal_is_set_back(house: House, point: str) -> None:
    house.second.refuses = True
    proposal = await house.approved()
    if point:
        with pytest.raises(Crash):
            await house.settle(house.replica(crash_at(point)))
    found = await resumed(house, proposal)
    assert found.state is State.FAILED
    assert found.note is not None
    assert found.note.code == "execution.set_back"
    assert await stands(house) == (300, 300)
    assert not found.can_be_undone
    assert "second refused: 10 MB is less than the 20 MB in use" in told(found)


async def test_what_cannot_be_set_back_is_partly_applied_with_undo_and_among_the_changes(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first place goes away for good just after it was set."""
    house.second.refuses = True
    proposal = await house.approved()
    real = type(house.redis_actuator).set

    async def once(actuator: object, *args: object) -> object:
        if str(args[-1]).endswith(":back"):
            raise house.second.refusal()
        return await real(actuator, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(type(house.redis_actuator), "set", once)
    await house.settle(house.replica())
    found = await house.now(proposal)
    assert found.state is State.FAILED
    assert found.note is not None
    assert (found.note.code, found.note.params["places"]) == ("execution.partly_applied", "redis")
    assert isinstance(found.note.params["reason"], Message)
    assert found.can_be_undone
    assert is_late_change(found, house.store.clock.now())
    for locale in LOCALES:
        assert "actuator." not in told(found, locale)
        assert UNDO in str(card(Catalogue(locale), found).blocks)
    monkeypatch.undo()
    undo = await house.approve(await house.approvals.propose_undo(SERVICE, found.id, KIM, "undo-1"))
    assert (await resumed(house, undo)).state is State.APPLIED
    assert await stands(house) == (300, 300)
    assert (await house.now(found)).state is State.UNDONE


async def test_a_place_that_has_the_value_already_is_not_asked_for_it(house: House) -> None:
    """Such a place can refuse whatever it likes: the traffic is pinned, say."""
    house.second.cannot, house.second.value = True, 420
    proposal = await house.approved()
    await house.settle(house.replica())
    assert (await house.now(proposal)).state is State.APPLIED
    assert await stands(house) == (420, 420)
    assert house.second.changes == 0
