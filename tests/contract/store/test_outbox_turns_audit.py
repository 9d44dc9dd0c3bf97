"""The outbox converges, the history is capped, the audit tells in order."""

from dataclasses import replace
from datetime import timedelta
from functools import cache

import pytest
from hypothesis import HealthCheck, Phase, find, settings

from lumen.adapters.store.scripts import key
from lumen.model.messages import LeaseLost
from lumen.model.past_turn import PastTurns, past
from lumen.model.turn import Turn
from lumen.ports.store import Surface
from tests.contract.store.builders import DAY, KIM, OTHER, SERVICE, SOON, Store, draft
from tests.contract.store.values import values

REPORT = Surface(SERVICE, "report", "2026-03-01T12")
DIGEST = Surface(SERVICE, "digest", "2026-03-01")


@cache
def a_turn() -> Turn:
    """Some turn of SERVICE."""
    calm = settings(phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None, deadline=None)
    found: Turn = find(values(Turn), lambda turn: True, settings=calm)
    return replace(found, snapshot=replace(found.snapshot, service=SERVICE))


async def test_a_surface_is_behind_until_the_newest_is_shown(store: Store) -> None:
    assert await store.outbox.where(REPORT) is None
    await store.outbox.mark(REPORT)
    await store.outbox.mark(REPORT)
    (behind,) = await store.outbox.dirty(SERVICE)
    assert (behind.surface, behind.version, behind.channel, behind.ts) == (REPORT, 2, "", "")
    await store.outbox.mark(REPORT)  # while the message was being posted
    await store.outbox.shown(behind, "C1", "171.5")
    (still,) = await store.outbox.dirty(SERVICE)
    assert (still.version, still.channel, still.ts) == (3, "C1", "171.5")
    await store.outbox.shown(still, "C1", "171.5")
    assert await store.outbox.dirty(SERVICE) == []
    assert await store.outbox.where(REPORT) == ("C1", "171.5")


async def test_the_longest_waiting_is_first(store: Store) -> None:
    await store.outbox.mark(REPORT)
    await store.pass_time(SOON)
    await store.outbox.mark(DIGEST)
    await store.pass_time(SOON)
    await store.outbox.mark(REPORT)  # marking again does not send it to the end
    assert [dirty.surface for dirty in await store.outbox.dirty(SERVICE)] == [REPORT, DIGEST]
    assert await store.outbox.dirty(OTHER) == []


async def test_marks_within_one_millisecond_keep_their_order(store: Store) -> None:
    surfaces = [Surface(SERVICE, "report", str(n)) for n in range(99, 49, -1)]  # by name it would be the other way
    for surface in surfaces:
        await store.outbox.mark(surface)
    assert [dirty.surface for dirty in await store.outbox.dirty(SERVICE)] == surfaces


async def test_old_messages_are_forgotten(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lumen.adapters.store.outbox.REMEMBER", SOON)
    await store.outbox.mark(REPORT)
    (behind,) = await store.outbox.dirty(SERVICE)
    await store.outbox.shown(behind, "C1", "1.0")
    await store.pass_time(SOON)
    await store.outbox.mark(DIGEST)
    (behind,) = await store.outbox.dirty(SERVICE)
    await store.outbox.shown(behind, "C1", "2.0")
    assert await store.outbox.where(REPORT) is None
    assert await store.outbox.where(DIGEST) == ("C1", "2.0")


async def test_turns_are_kept_newest_first_and_capped(store: Store) -> None:
    turns = [replace(a_turn(), id=f"t{n}", started_at=store.clock.now() + n * DAY) for n in range(5)]
    for turn in turns:
        await store.turns.save(turn, None, f"surface {turn.id}")
    assert await store.turns.latest(SERVICE, 10) == turns[:1:-1]
    assert await store.turns.latest(SERVICE, 1) == turns[-1:]
    assert await store.turns.latest(OTHER, 10) == []
    assert await store.turns.report_surface(SERVICE) == "surface t4"
    assert await store.turns.report_surface(OTHER) is None
    assert {dirty.surface.key for dirty in await store.outbox.dirty(SERVICE)} == {f"surface t{n}" for n in range(5)}


async def test_what_later_turns_need_is_kept_beside_the_newest_turns(store: Store) -> None:
    assert await store.turns.past(SERVICE, 10) == PastTurns(None, [])
    turns = [replace(a_turn(), id=f"t{n}", started_at=store.clock.now() + n * DAY) for n in range(3)]
    for turn in turns:
        await store.turns.save(turn, None, "surface")
    wanted = PastTurns(turns[2], [past(turn) for turn in reversed(turns)])
    assert await store.turns.past(SERVICE, 10) == wanted
    assert await store.turns.past(SERVICE, 2) == PastTurns(turns[2], wanted.turns[:2])
    await store.redis.hdel(key(SERVICE, "turns"), "past/t1")  # as an older Lumen stored it
    found = await store.turns.past(SERVICE, 10)
    whole = replace(wanted.turns[1], wanted=turns[1].wanted)
    assert found == PastTurns(turns[2], [wanted.turns[0], whole, wanted.turns[2]])


async def test_a_turn_is_saved_once_and_fenced(store: Store) -> None:
    turn = replace(a_turn(), started_at=store.clock.now(), slot=store.clock.now())
    claim = await store.slots.claim(SERVICE, "turn", turn.slot, timedelta(seconds=1))
    assert claim is not None
    await store.turns.save(turn, claim, "s")
    await store.turns.save(turn, claim, "s")  # its answer was lost
    assert await store.turns.latest(SERVICE, 10) == [turn]
    await store.leases.release(SERVICE, claim)  # whoever saved it went no further
    assert await store.slots.last_done(SERVICE, "turn") == turn.slot
    assert await store.slots.claim(SERVICE, "turn", turn.slot, timedelta(seconds=1)) is None
    await store.pass_time(timedelta(seconds=1))
    with pytest.raises(LeaseLost):
        await store.turns.save(replace(turn, id="late"), claim, "s")


async def test_the_audit_tells_who_did_what(store: Store) -> None:
    await store.proposals.propose(draft(), DAY)
    await store.audit.add(SERVICE, "refused", KIM.user_id, "P1")
    refused, proposed = await store.audit.entries(SERVICE, 10)
    assert (refused.event, refused.actor, refused.detail, refused.proposal_id) == ("refused", "U1", "P1", "")
    assert (proposed.event, proposed.actor, proposed.proposal_id) == ("proposed", "lumen", "P1")
    assert proposed.at == store.clock.now()
    assert '"request_id":"r1"' in proposed.data
    assert await store.audit.entries(SERVICE, 1) == [refused]
    assert await store.audit.entries(OTHER, 10) == []


async def test_a_message_of_a_proposal_from_before_a_loss_is_not_the_new_ones(store: Store) -> None:
    """The store is lost between the post to Slack and the note of where it stands."""
    await store.proposals.propose(draft(), DAY)
    (posted,) = await store.outbox.dirty(SERVICE)
    await store.prepare()
    await store.outbox.shown(posted, "C1", "1.0")
    made = await store.proposals.propose(draft(new=3500), DAY)
    await store.outbox.shown(posted, "C1", "1.0")
    (behind,) = await store.outbox.dirty(SERVICE)
    assert (behind.surface.mark, behind.ts) == (made.mark, "")
    assert await store.outbox.where(posted.surface) is None
