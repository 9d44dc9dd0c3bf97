"""One incident, one message: its rollback is decided there, whatever people do stands in its thread."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.wiring.slack import SlackSide
from handlers.blocks.incident import DETAILS, GIVE_BACK, HAND_OVER, HAND_TO, MENU, ON_IT, SILENCE
from handlers.blocks.proposal import APPROVE, REJECT, SNOOZE
from lumen.model.alert import short_id
from lumen.model.messages import NoData, message
from lumen.model.proposal import LATEST, Change, Draft, Knob, Origin, Priority, Proposal, State
from lumen.model.service import Person
from sandbox.client import SeenMessage
from tests.contract.slack.conftest import RunningSlack
from tests.contract.slack.side import SERVICE, Rooms
from tests.contract.slack.test_commands_and_clicks import answer
from tests.contract.slack.test_incidents import page
from tests.contract.slack.test_other_epochs import lose

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NOTHING = NoData(message("rollback.expected"), message("rollback.expected_remedy"))
KIM = Person("U0KIM", "Kim", "T1")
GOOD = "ion-api-00041-qhm"


@pytest.fixture(autouse=True)
async def unpaced(slack: RunningSlack, side: SlackSide, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Slack without limits, so that each story takes a second."""
    await slack.control.rate_limits(False)
    monkeypatch.setattr(side.outbox.poster.turns, "pace_seconds", 0.0)


def rollback(ends: str = "", asked_by: Person | None = None, request_id: str = "rollback") -> Draft:
    change, origin = Change(Knob.TRAFFIC, LATEST, GOOD, ""), Origin.POLICY if asked_by is None else Origin.PERSON
    made = Draft(SERVICE, change, "1", origin, asked_by, (), NOTHING, Priority.HIGH, None, request_id)
    return replace(made, incident=ends)


async def shows(slack: RunningSlack, posted: SeenMessage, words: str) -> SeenMessage:
    """The same message, once it says so."""
    return await slack.control.wait_for_message(lambda m: m.ts == posted.ts and words in m.words(), within_seconds=60)


async def thread(slack: RunningSlack, posted: SeenMessage, words: str) -> str:
    """The one line of its thread that says so."""
    async with asyncio.timeout(60):
        while True:
            replies = [m for m in await slack.control.messages(thread_ts=posted.ts) if m.ts != posted.ts]
            told = [m for m in replies if words in m.text]
            if told:
                (one,) = told
                return one.text
            await asyncio.sleep(0.02)


async def top_level(slack: RunningSlack) -> list[str]:
    return [m.ts for m in await slack.control.messages() if not m.ephemeral_to and m.thread_ts in (None, m.ts)]


async def countdown(rooms: Rooms, side: SlackSide, slack: RunningSlack) -> tuple[SeenMessage, Proposal]:
    """A page whose message has the rollback's buttons."""
    key, seen = await page(rooms, side, slack)
    made = await rooms.proposals.propose(rollback(key), DAY, HOUR)
    assert made.shown_in == key
    side.outbox.kick()
    return await shows(slack, seen, "Rolls back to 00041-qhm at"), made


async def test_a_rollback_is_decided_in_the_message_of_its_incident(
    slack: RunningSlack, rooms: Rooms, side: SlackSide
) -> None:
    seen, made = await countdown(rooms, side, slack)
    assert seen.action_ids() == [APPROVE, REJECT, SNOOZE, ON_IT, MENU]
    assert seen.labels() == ["Roll back now", "Stop the rollback…", "+15 min", "I'm on it"]
    await slack.control.click(seen, APPROVE, user=slack.facts.bystander)
    await answer(slack, "You may not decide this", slack.facts.bystander)
    await slack.control.click(seen, SNOOZE)
    await answer(slack, "Snoozed: it acts at")
    put_off = await shows(slack, seen, "Put off by")
    assert put_off.action_ids() == [APPROVE, REJECT, ON_IT, MENU], "it is put off once"
    assert f"<@{slack.facts.approver}>" in await thread(slack, seen, "put #1 off until")
    await slack.control.click(seen, SNOOZE, stale=True)
    await answer(slack, "already")
    await slack.control.click(put_off, REJECT)
    await answer(slack, "you rejected it")
    over = await shows(slack, seen, "Rejected by")
    assert over.action_ids() == [ON_IT, MENU]
    assert f"by <@{slack.facts.approver}>" in await thread(slack, seen, "#1 rejected")
    await slack.control.click(put_off, APPROVE, stale=True)
    await answer(slack, "Already decided by")
    found = await rooms.proposals.get(SERVICE, made.id)
    assert found is not None
    assert found.state is State.REJECTED
    assert await top_level(slack) == [seen.ts], "one incident, one message"


async def test_what_a_person_asks_for_meanwhile_stands_in_it_and_what_was_asked_before_moves_in(
    slack: RunningSlack, rooms: Rooms, side: SlackSide
) -> None:
    wish = await rooms.proposals.propose(rollback(asked_by=KIM), DAY)
    side.outbox.kick()
    own = await slack.control.wait_for_message(lambda m: APPROVE in m.action_ids())
    key, seen = await page(rooms, side, slack)
    await rooms.proposals.arm(wish.id, rollback(key, KIM), DAY, HOUR)
    side.outbox.kick()
    await shows(slack, seen, "Rolls back to 00041-qhm at")
    left = await shows(slack, own, "goes on in the message of the incident")
    assert left.action_ids() == []
    await slack.control.click(own, REJECT, stale=True)
    await answer(slack, "you rejected it")
    again = await rooms.proposals.propose(rollback(asked_by=KIM, request_id="again"), DAY)
    side.outbox.kick()
    asked = await shows(slack, seen, "Nothing happens by itself")
    assert f"{again.mark}" in str(asked.raw)
    assert asked.labels() == ["Roll back now", "Reject…", "I'm on it"]
    assert "<@U0KIM> proposed #2" in await thread(slack, seen, "proposed #2")
    assert await top_level(slack) == [own.ts, seen.ts]
    await slack.control.click(asked, MENU, value=DETAILS)
    assert "<@U0KIM> proposed #2" in (await answer(slack, f"Incident {short_id(key)}")).text


async def test_an_incident_from_before_a_loss_decides_nothing_and_is_retired(
    slack: RunningSlack, rooms: Rooms, side: SlackSide
) -> None:
    seen, _ = await countdown(rooms, side, slack)
    await lose(rooms)
    await slack.control.click(seen, APPROVE, stale=True)
    await answer(slack, "from before Lumen's memory was lost or restored")
    retired = await shows(slack, seen, "This incident is from before Lumen's memory was lost or restored")
    assert retired.action_ids() == []
    assert await rooms.proposals.unfinished(SERVICE) == []


async def test_an_incident_is_handed_over_given_back_and_silenced_from_its_menu(
    slack: RunningSlack, rooms: Rooms, side: SlackSide
) -> None:
    key, seen = await page(rooms, side, slack)
    me, other = slack.facts.approver, slack.facts.bystander
    await slack.control.click(seen, ON_IT)
    taken = await shows(slack, seen, "Page, taken")
    assert taken.text.startswith("👀 ")
    assert await thread(slack, seen, "is on it")
    await slack.control.click(taken, MENU, value=HAND_OVER, user=other)
    await slack.control.click(await answer(slack, "Who takes it over?", other), HAND_TO, value=me, user=other)
    await answer(slack, "You may not decide this", other)
    await slack.control.click(taken, MENU, value=HAND_OVER)
    await slack.control.click(await answer(slack, "Who takes it over?"), HAND_TO, value=other)
    await answer(slack, "is on it now")
    handed = await shows(slack, seen, f"<@{other}> is on it since")
    assert f"<@{me}> handed it over to <@{other}>" in await thread(slack, seen, "handed it over")
    await slack.control.click(handed, MENU, value=GIVE_BACK)
    back = await shows(slack, seen, "Page, firing")
    assert f"<!subteam^{slack.facts.approver_group}>: please look." in await thread(slack, seen, "gave it back")
    assert ON_IT in back.action_ids()
    assert not await rooms.pages.hand(SERVICE, key, KIM, None), "there is nothing to give back"
    await slack.control.click(back, MENU, value=SILENCE)
    silenced = await shows(slack, seen, "Page, silenced")
    assert silenced.text.startswith("🔇 ")
    assert await thread(slack, seen, "silenced availability")
    await slack.control.click(silenced, MENU, value=DETAILS)
    await answer(slack, f"Incident {short_id(key)}")
    assert await top_level(slack) == [seen.ts]
