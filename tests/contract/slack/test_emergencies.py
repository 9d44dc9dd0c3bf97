"""Pause, resume, emergency, flush and snooze: rights first, each step apart, nothing silent."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.wiring.slack import SlackSide
from handlers.blocks import emergency as view
from handlers.blocks.proposal import APPROVE, REJECT, SNOOZE
from lumen.model.incident import RevisionRecord
from lumen.model.proposal import State
from lumen.model.snapshot import Deployment, Revision
from sandbox.client import SeenMessage
from tests.contract.slack.conftest import RunningSlack
from tests.contract.slack.side import SERVICE, Rooms
from tests.contract.slack.test_commands_and_clicks import answer, card
from tests.contract.slack.test_incidents import page as incident_page
from tests.contract.store.builders import draft

pytestmark = pytest.mark.usefixtures("side")


async def emergency_page(slack: RunningSlack, user: str | None = None) -> SeenMessage:
    await slack.control.command("/lumen emergency", user=user or slack.facts.approver)
    return await answer(slack, "Emergency: ion-api", user)


async def events(rooms: Rooms) -> list[str]:
    return [entry.event for entry in reversed(await rooms.audit.entries(SERVICE, 50))]


async def test_pause_and_resume_are_stored_audited_and_shown(slack: RunningSlack, rooms: Rooms) -> None:
    await slack.control.command("/lumen pause 2h")
    await answer(slack, "All automation is stopped until")
    pause = (await rooms.controls.read(SERVICE)).pause
    assert pause is not None
    assert pause.by.user_id == slack.facts.approver
    assert pause.until is not None
    assert pause.until - pause.at == timedelta(hours=2)
    await slack.control.command("/lumen status")
    await answer(slack, "All automation is paused by")
    await slack.control.command("/lumen resume")
    await answer(slack, "Automation goes on")
    assert (await rooms.controls.read(SERVICE)).pause is None
    await slack.control.command("/lumen resume")
    await answer(slack, "Nothing is paused")
    assert await events(rooms) == ["paused", "resumed"]


@pytest.mark.parametrize("typed", ["/lumen pause", "/lumen resume"])
async def test_without_the_right_nothing_is_paused_or_resumed(slack: RunningSlack, rooms: Rooms, typed: str) -> None:
    bystander = slack.facts.bystander
    await slack.control.command(typed, user=bystander)
    await answer(slack, "You may not decide this", bystander)
    assert await events(rooms) == ["refused"]


async def test_the_page_offers_each_step_apart(slack: RunningSlack, rooms: Rooms) -> None:
    rooms.knob.value = 900
    page = await emergency_page(slack, slack.facts.bystander)
    assert page.action_ids() == [view.ROLLBACK, view.PAUSE, view.SIZE, view.MEMORY, view.SAFE_TTL, view.FLUSH]
    await slack.control.click(page, view.SAFE_TTL, user=slack.facts.bystander)
    await card(slack, "TTL 900 s → 300 s")
    assert rooms.knob.value == 900
    await slack.control.click(page, view.PAUSE, user=slack.facts.bystander)
    await answer(slack, "You may not decide this", slack.facts.bystander)
    assert (await rooms.controls.read(SERVICE)).pause is None


def deployed(rooms: Rooms) -> None:
    """A release, and the revision before it."""
    made = datetime(2026, 3, 1, tzinfo=UTC)
    revisions = (Revision("ion-api-00042", made, "", 100), Revision("ion-api-00041", made - timedelta(days=1), "", 0))
    rooms.traffic.deployment = Deployment("1", 300, 512.0, 1, None, revisions, rollback_allowed=True)


async def test_the_rollback_of_the_page_is_proposed_to_the_revision_that_was_good_and_decided_like_any(
    slack: RunningSlack, rooms: Rooms
) -> None:
    page, bystander = await emergency_page(slack, slack.facts.bystander), slack.facts.bystander
    deployed(rooms)
    await slack.control.click(page, view.ROLLBACK, user=bystander)
    await answer(slack, "No earlier revision of ion-api is known to have served within its objectives", bystander)
    healthy = RevisionRecord(datetime(2026, 2, 28, tzinfo=UTC))
    await rooms.controls.revisions(SERVICE, {"ion-api-00041": healthy})
    await slack.control.click(page, view.ROLLBACK, user=bystander)
    asked = await slack.control.wait_for_message(lambda m: APPROVE in m.action_ids())
    assert "ion-api-00041" in asked.words()
    assert f"<@{bystander}>" in asked.words()
    await slack.control.click(page, view.ROLLBACK, user=bystander)
    await answer(slack, "proposes just that", bystander)
    await slack.control.click(asked, APPROVE, user=bystander)
    await answer(slack, "You may not decide this", bystander)
    await slack.control.click(asked, APPROVE)
    await answer(slack, "you approved it")
    (made,) = await rooms.proposals.recent(SERVICE, 5)
    assert (made.state, made.draft.change.new, made.draft.emergency) == (State.APPROVED, "ion-api-00041", True)
    assert rooms.kicks.kicked, "it is carried out"


async def test_the_rollback_of_the_page_stands_in_the_message_of_the_incident_and_is_the_countdown_that_runs(
    slack: RunningSlack, rooms: Rooms, side: SlackSide
) -> None:
    key, seen = await incident_page(rooms, side, slack)
    deployed(rooms)
    await rooms.controls.revisions(SERVICE, {"ion-api-00041": RevisionRecord(datetime(2026, 2, 28, tzinfo=UTC))})
    await slack.control.click(await emergency_page(slack), view.ROLLBACK)
    await answer(slack, "stands in the message of the open incident")
    asked = await slack.control.wait_for_message(lambda m: m.ts == seen.ts and APPROVE in m.action_ids())
    assert "Nothing happens by itself" in asked.words()
    (wish,) = await rooms.proposals.recent(SERVICE, 5)
    assert wish.shown_in == key
    await rooms.proposals.arm(wish.id, replace(wish.draft, incident=key), timedelta(days=1), timedelta(hours=1))
    await slack.control.click(await emergency_page(slack), view.ROLLBACK)
    await answer(slack, "proposes just that")
    assert [one.id for one in await rooms.proposals.recent(SERVICE, 5)] == [wish.id]


async def test_the_page_stops_automation_and_then_offers_to_resume(slack: RunningSlack, rooms: Rooms) -> None:
    await slack.control.click(await emergency_page(slack), view.PAUSE)
    await answer(slack, "All automation is stopped until")
    await slack.control.command("/lumen emergency")
    page = await answer(slack, "Let it go on when it is over")
    await slack.control.click(page, view.RESUME)
    await answer(slack, "Automation goes on")
    assert await events(rooms) == ["paused", "resumed"]


async def test_a_flush_takes_two_confirmations_by_somebody_with_the_right(slack: RunningSlack, rooms: Rooms) -> None:
    page = await emergency_page(slack, slack.facts.bystander)
    await slack.control.click(page, view.FLUSH, user=slack.facts.bystander)
    await answer(slack, "You may not decide this", slack.facts.bystander)
    await slack.control.click(await emergency_page(slack), view.FLUSH)
    second = await answer(slack, "42 cached answers of ion-api would be removed")
    assert rooms.keys.left == 42
    await slack.control.click(second, view.FLUSH_NOW)
    await answer(slack, "42 cached answers of ion-api were removed")
    assert rooms.keys.left == 0
    assert await events(rooms) == ["refused", "flush-began", "flushed"]


async def test_a_confirmation_that_is_not_stored_or_was_used_removes_nothing(slack: RunningSlack, rooms: Rooms) -> None:
    """An old button does nothing."""
    await slack.control.click(await emergency_page(slack), view.FLUSH)
    second = await answer(slack, "This needs a second confirmation")
    await rooms.redis.hdel(f"lumen:{{{SERVICE.key}}}:standing", f"asked/flush/{slack.facts.approver}")
    await slack.control.click(second, view.FLUSH_NOW)
    await answer(slack, "This confirmation does not count")
    assert rooms.keys.left == 42
    rooms.keys.left = 41
    await slack.control.click(await emergency_page(slack), view.FLUSH)
    again = await answer(slack, "41 cached answers of ion-api would be removed")
    await slack.control.click(again, view.FLUSH_NOW)
    await answer(slack, "41 cached answers of ion-api were removed")
    rooms.keys.left = 7
    await slack.control.click(again, view.FLUSH_NOW, stale=True)
    await asyncio.sleep(0.5)
    assert rooms.keys.left == 7
    assert await events(rooms) == ["flush-began", "flushed"]


async def a_countdown(slack: RunningSlack, rooms: Rooms, side: SlackSide) -> SeenMessage:
    wanted = replace(draft(service=SERVICE), reasons=())
    await rooms.proposals.propose(wanted, timedelta(hours=24), timedelta(minutes=5))
    side.outbox.kick()
    return await card(slack, "by itself at")


async def test_snoozing_is_answered_and_shown(slack: RunningSlack, rooms: Rooms, side: SlackSide) -> None:
    posted = await a_countdown(slack, rooms, side)
    (before,) = await rooms.proposals.unfinished(SERVICE)
    await slack.control.click(posted, SNOOZE, user=slack.facts.bystander)
    await answer(slack, "You may not decide this", slack.facts.bystander)
    await slack.control.click(posted, SNOOZE)
    await answer(slack, "Snoozed: it acts at")
    (after,) = await rooms.proposals.unfinished(SERVICE)
    assert before.acts_at is not None
    assert after.acts_at is not None
    assert after.acts_at - before.acts_at == timedelta(minutes=15)
    assert after.state is State.PENDING


async def test_snoozing_what_is_decided_says_so(slack: RunningSlack, rooms: Rooms, side: SlackSide) -> None:
    posted = await a_countdown(slack, rooms, side)
    await slack.control.click(posted, REJECT)
    await answer(slack, "you rejected it")
    await slack.control.click(posted, SNOOZE, stale=True)
    await answer(slack, "Already decided by")
