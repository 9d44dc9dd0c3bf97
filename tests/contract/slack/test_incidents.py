"""Silences, "I'm on it" and timelines in a real Slack: rights, one message, calls in its thread."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.wiring.slack import SlackSide
from handlers.blocks.incident import FALSE_ALARM, MENU, ON_IT, REAL
from lumen.model.alert import Alert, AlertKind, Severity, short_id
from lumen.model.incident import StoredAlert
from lumen.model.messages import message
from lumen.ports.incidents import Look
from lumen.ports.store import Surface
from sandbox.client import SeenMessage
from tests.contract.slack.conftest import RunningSlack
from tests.contract.slack.side import SERVICE, Rooms
from tests.contract.slack.test_commands_and_clicks import answer

BURN = message("alert.burn", burn=34.4, minutes=15, bad=122, valid=3547, share=0.0344)


def alert(kind: AlertKind = AlertKind.AVAILABILITY, severity: Severity = Severity.PAGE) -> Alert:
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    return Alert(f"ion-api:{kind}:{at.isoformat()}", "ion-api", kind, "", severity, at, BURN)


async def tell(rooms: Rooms, side: SlackSide, stored: StoredAlert) -> None:
    lease = await rooms.leases.acquire(SERVICE, "look", timedelta(seconds=60))
    assert lease is not None
    assert await rooms.alerts.look(SERVICE, lease, Look(None, (), (stored,)))
    await rooms.leases.release(SERVICE, lease)
    side.outbox.kick()


async def page(rooms: Rooms, side: SlackSide, slack: RunningSlack) -> tuple[str, SeenMessage]:
    one = alert()
    await tell(rooms, side, StoredAlert(one, one.id, called=True))
    return one.id, await slack.control.wait_for_message(lambda m: "please look" in m.text, within_seconds=60)


async def events(rooms: Rooms) -> list[str]:
    return [entry.event for entry in reversed(await rooms.audit.entries(SERVICE, 50))]


async def test_on_it_stops_the_calls_and_shows_who(slack: RunningSlack, rooms: Rooms, side: SlackSide) -> None:
    key, seen = await page(rooms, side, slack)
    assert ON_IT in seen.action_ids()
    await slack.control.click(seen, ON_IT, user=slack.facts.bystander)
    await answer(slack, "You may not decide this", slack.facts.bystander)
    await slack.control.click(seen, ON_IT)
    await answer(slack, "You are on it")
    taken = await slack.control.wait_for_message(lambda m: "is on it since" in m.text, within_seconds=60)
    assert taken.ts == seen.ts
    assert taken.action_ids() == [MENU]
    assert f"<@{slack.facts.approver}> is on it" in taken.text
    assert "please look" not in taken.text
    assert await events(rooms) == ["page-open", "refused", "taken"]
    await slack.control.command(f"/lumen history {key}")
    shown = await answer(slack, f"Incident {short_id(key)}")
    assert "is on it" in shown.text
    assert "burns 34.4 times too fast" in shown.text


async def test_calls_stand_in_the_thread_once(slack: RunningSlack, rooms: Rooms, side: SlackSide) -> None:
    key, seen = await page(rooms, side, slack)
    await rooms.pages.mention(SERVICE, key, 2, say=True)
    for number in (1, 2):  # the first of them comes too late to be said
        await rooms.outbox.mark(Surface(SERVICE, "mention", f"{key}#{number}"))
        side.outbox.kick()
        async with asyncio.timeout(60):
            while await rooms.outbox.dirty(SERVICE):  # noqa: ASYNC110 - the store tells no event
                await asyncio.sleep(0.02)
    thread = await slack.control.messages(thread_ts=seen.ts)
    calls = [one for one in thread if "still needs somebody" in one.text]
    assert len(calls) == 1
    assert f"<!subteam^{slack.facts.approver_group}>" in calls[0].text


async def test_silences_are_made_listed_and_ended_by_who_may(
    slack: RunningSlack, rooms: Rooms, side: SlackSide
) -> None:
    bystander = slack.facts.bystander
    await slack.control.command("/lumen silence cache 2h", user=bystander)
    await answer(slack, "You may not decide this", bystander)
    await slack.control.command("/lumen silence cache for 2h because we move house")
    await answer(slack, "cache: silenced until")
    ticket = alert(AlertKind.CACHE, Severity.TICKET)
    await tell(rooms, side, StoredAlert(ticket, ticket.id, silenced=True))
    await slack.control.command("/lumen silence", user=bystander)
    assert "we move house" in (await answer(slack, "🔇 cache until", bystander)).text
    await slack.control.command("/lumen status")
    assert "🔇" in (await answer(slack, "What is wrong now")).text
    await slack.control.command("/lumen silence end cache")
    await answer(slack, "cache: heard of again")
    await slack.control.command("/lumen silence end cache")
    await answer(slack, "Nothing called cache is silenced")
    assert not [m for m in await slack.control.messages() if "Incident `" in m.text]
    await tell(rooms, side, replace(StoredAlert(ticket, ticket.id), silenced=False))
    await slack.control.wait_for_message(lambda m: f"Incident `{short_id(ticket.id)}`" in m.text, within_seconds=60)
    assert await events(rooms) == ["refused", "silenced", "alert-open", "silence-ended", "alert-open"]


async def test_what_an_incident_was_is_one_click_when_it_is_over(
    slack: RunningSlack, rooms: Rooms, side: SlackSide
) -> None:
    ticket = alert(AlertKind.LATENCY, Severity.TICKET)
    over = replace(ticket, closed_at=ticket.opened_at + timedelta(seconds=30), close_reason=message("alert.data_back"))
    await tell(rooms, side, StoredAlert(over, over.id))
    seen = await slack.control.wait_for_message(lambda m: FALSE_ALARM in m.action_ids(), within_seconds=60)
    assert seen.action_ids() == [REAL, FALSE_ALARM]
    await slack.control.click(seen, FALSE_ALARM, user=slack.facts.bystander)
    await answer(slack, "You may not decide this", slack.facts.bystander)
    await slack.control.click(seen, FALSE_ALARM)
    await answer(slack, "Noted.")
    said = await slack.control.wait_for_message(lambda m: "a false alarm (" in m.text, within_seconds=60)
    assert (said.ts, said.action_ids()) == (seen.ts, [REAL])
    assert f"<@{slack.facts.approver}> says" in said.text
    await slack.control.click(said, REAL)
    changed = await slack.control.wait_for_message(lambda m: "says: real (" in m.text, within_seconds=60)
    assert changed.action_ids() == [FALSE_ALARM]
    assert (await events(rooms)).count("labelled") == 2
    await slack.control.command("/lumen digest")
    assert "1 of 1 incidents that you labelled" in (await answer(slack, "Labels")).text
