"""Controls that are seen: set by a command, one line in the channel, a button that ends it; in a real Slack."""

from datetime import timedelta

import pytest

from bot.wiring.slack import SlackSide
from handlers.blocks import emergency as view
from handlers.blocks.control import END
from lumen.model.alert import AlertKind, Severity
from lumen.model.incident import Pause, StoredAlert
from lumen.model.service import Person
from lumen.ports.store import Surface
from sandbox.client import SeenMessage
from tests.contract.slack.conftest import RunningSlack
from tests.contract.slack.side import SERVICE, Rooms
from tests.contract.slack.test_commands_and_clicks import answer
from tests.contract.slack.test_emergencies import emergency_page, events
from tests.contract.slack.test_incidents import alert, tell

pytestmark = pytest.mark.usefixtures("side")
JIWOO = "U0JIWOO001"  # may approve, and reads Korean


async def line(slack: RunningSlack, words: str, of: SeenMessage | None = None) -> SeenMessage:
    """The message of the channel, or of a thread in it, that says `words`; `of`: as that message became."""
    return await slack.control.wait_for_message(
        lambda m: m.ephemeral_to is None and words in m.text and (of is None or m.ts == of.ts), within_seconds=60
    )


def is_top_level(seen: SeenMessage) -> bool:
    """By itself in the channel, with a thread under it or without one."""
    return seen.ephemeral_to is None and seen.thread_ts in (None, seen.ts)


async def test_a_control_is_one_line_whose_button_ends_it(slack: RunningSlack, rooms: Rooms) -> None:
    await slack.control.command("/lumen pause 2h because deploy")
    posted = await line(slack, "paused all automation until")
    assert (posted.thread_ts, posted.action_ids()) == (None, [END])
    assert f"<@{slack.facts.approver}>" in posted.text
    bystander = slack.facts.bystander
    await slack.control.click(posted, END, user=bystander)
    await answer(slack, "You may not decide this", bystander)
    await slack.control.click(posted, END)
    await answer(slack, "Automation goes on")
    assert (await line(slack, "Ended by", posted)).action_ids() == []
    await slack.control.wait_for_message(
        lambda m: m.thread_ts == posted.ts != m.ts and "Ended by" in m.text, within_seconds=60
    )
    await slack.control.click(posted, END, user=JIWOO, stale=True)
    await answer(slack, "이미 끝난 상태입니다", JIWOO)
    assert await events(rooms) == ["paused", "refused", "resumed"]
    assert [m.ts for m in await slack.control.messages() if is_top_level(m)] == [posted.ts]


async def test_an_older_lines_button_ends_no_newer_control(slack: RunningSlack, rooms: Rooms) -> None:
    await slack.control.click(await emergency_page(slack), view.PAUSE)
    old = await line(slack, "stopped all automation in an emergency until")
    await slack.control.command("/lumen pause 4h because longer", user=JIWOO)
    await line(slack, "Replaced by a newer one", old)
    newer = await line(slack, "“longer”")
    assert newer.ts != old.ts
    await slack.control.click(old, END, stale=True)
    await answer(slack, "It has ended before")
    assert (await rooms.controls.read(SERVICE)).pause is not None


async def test_a_silence_of_one_incident_stands_in_its_thread(
    slack: RunningSlack, rooms: Rooms, side: SlackSide
) -> None:
    one = alert(AlertKind.LATENCY, Severity.TICKET)
    await tell(rooms, side, StoredAlert(one, one.id))
    await slack.control.command("/lumen silence latency 2h because known")
    told = await line(slack, "silenced latency until")
    where = await rooms.outbox.where(Surface(SERVICE, "alert", one.id))
    assert where is not None
    assert told.thread_ts == where[1]
    await slack.control.click(told, END)
    await answer(slack, "heard of again")


async def test_a_reminder_is_a_reply_and_an_edit(slack: RunningSlack, rooms: Rooms, side: SlackSide) -> None:
    now, kim = rooms.clock.now(), Person(slack.facts.approver, "Kim", "T1")
    pause = Pause(kim, now - timedelta(minutes=58), now + timedelta(minutes=2), "deploy")
    await rooms.controls.pause(SERVICE, pause)
    [set_now] = await rooms.controls.lines(SERVICE)
    await rooms.outbox.mark(Surface(SERVICE, "control_note", f"{set_now.id}#ends"), once=True)
    side.outbox.kick()
    posted = await line(slack, "It ends soon")
    note = await line(slack, "this ends by itself")
    assert is_top_level(posted)
    assert note.thread_ts == posted.ts
