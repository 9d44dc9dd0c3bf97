"""What Slack delivers twice is answered once, also by two replicas; what is read late is answered and not done."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest

from bot.slack.envelopes import AFTERWARDS_SECONDS, LATE_SECONDS, Beat
from bot.wiring.slack import SlackSide, open_slack
from handlers import command_types
from handlers.blocks import emergency as view
from handlers.blocks.proposal import APPROVE, DETAILS, REJECT, SNOOZE
from handlers.parse import read
from lumen.model.proposal import State
from tests.contract.slack.conftest import RunningSlack, settings_of
from tests.contract.slack.side import SERVICE, Rooms
from tests.contract.slack.test_commands_and_clicks import answer, card, proposed
from tests.contract.slack.test_emergencies import a_countdown, emergency_page
from tests.contract.slack.test_screens import applied, report_with_undo, view_with

pytestmark = pytest.mark.usefixtures("side")
LATE = "Lumen was stopped for 300 s"
#: One of each type that changes anything.
WISHES = (
    "ttl 420", "undo P1", "rollback r1", "pause", "resume", "override ttl 600", "override off", "lock size", "unlock",
    "silence latency 1h", "silence end latency", "run", "service ion-api",
)  # fmt: skip
READS = {
    "Ask", "ShowGraph",
    "Help", "Status", "Report", "StatusAll", "Explain", "ShowDigest", "ShowServices", "ShowTtl", "ShowKnob",
    "AllApprovals", "ListApprovals", "History", "ShowControls", "Emergency", "ShowSilences", "ShowIncident",
    "Misspelt", "Malformed",
}  # fmt: skip


async def answers(slack: RunningSlack, *sides: SlackSide) -> Counter[tuple[str, str]]:
    """To whom what was said, once everything that is under way has ended."""
    async with asyncio.timeout(60):
        while any(side.responder.background.running for side in sides):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    seen = await slack.control.messages()
    return Counter((m.ephemeral_to, m.words().splitlines()[0]) for m in seen if m.ephemeral_to)


async def test_a_click_that_comes_twice_is_answered_once_by_two_replicas(
    slack: RunningSlack, rooms: Rooms, side: SlackSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.poster.TIDY_AFTER_SECONDS", 0.0)
    await slack.control.wait_for_connections(2)
    async with open_slack(settings_of(slack, rooms), rooms.as_lumen(), rooms.kicks.kick) as other:
        running = asyncio.create_task(other.run())
        await slack.control.wait_for_connections(4)
        waits, page = await proposed(slack), await emergency_page(slack)
        before = await answers(slack, side, other)
        for nth in range(4):  # whichever of the four connections brings it first, and again
            await slack.control.sockets("duplicate_envelopes", count=1)
            await slack.control.click(waits, REJECT, user=slack.facts.bystander)
            told = await answers(slack, side, other) - before
            assert (list(told.values()), told.total()) == ([nth + 1], nth + 1)
        before = await answers(slack, side, other)
        for message, action in ((waits, APPROVE), (page, view.PAUSE), (page, view.FLUSH)):
            await slack.control.sockets("duplicate_envelopes", count=1)
            await slack.control.click(message, action)
            told = await answers(slack, side, other) - before
            assert told.total() == 1, (action, told)
            before += told
        deliveries = [one["deliveries"] for one in await slack.control.envelopes()]
        assert deliveries.count(2) == 7
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def test_every_command_is_one_that_changes_something_or_one_that_is_read() -> None:
    changing = {one.__name__ for one in get_args(command_types.Changing)}
    assert changing | READS == {one.__name__ for one in get_args(command_types.Command)}
    assert {type(read(wish, ["ion-api"]).command).__name__ for wish in WISHES} == changing


async def test_what_is_read_after_a_long_stop_is_answered_and_not_done(
    slack: RunningSlack, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = await proposed(slack)
    page = await emergency_page(slack)
    before = await rooms.audit.entries(SERVICE, 50), await rooms.controls.read(SERVICE)
    monkeypatch.setattr(Beat, "late_seconds", lambda _: 300.0)
    for wish in WISHES:
        await slack.control.command(f"/lumen {wish}")
    for message, action in ((waits, APPROVE), (waits, REJECT), (page, view.PAUSE), (page, view.FLUSH)):
        assert (await slack.control.click(message, action)).acked
    async with asyncio.timeout(60):
        while True:
            told = [m for m in await slack.control.messages() if m.ephemeral_to and LATE in m.words()]
            if len(told) == len(WISHES) + 4:
                break
            await asyncio.sleep(0.02)
    assert (await rooms.audit.entries(SERVICE, 50), await rooms.controls.read(SERVICE)) == before
    assert [one.state for one in await rooms.proposals.unfinished(SERVICE)] == [State.PENDING]
    assert rooms.kicks == replace(rooms.kicks, kicked=0, turns=0)
    # What only reads is answered as ever.
    await slack.control.command("/lumen approvals")
    await answer(slack, "Waiting or being done: 1")
    await slack.control.click(waits, DETAILS)
    await view_with(slack, "What happened so far")


def test_a_stop_is_noticed_and_over_soon_after() -> None:
    now, found = 0.0, list[float]()
    beat = Beat(lambda: now)
    for step in (1.0, LATE_SECONDS - 1, 300.0, AFTERWARDS_SECONDS - 1, 2.0):
        now += step
        found.append(beat.late_seconds())
    assert found == [0.0, 0.0, 300.0, 300.0, 0.0]


async def test_a_double_tap_on_snooze_snoozes_once_and_says_so(
    slack: RunningSlack, rooms: Rooms, side: SlackSide
) -> None:
    posted = await a_countdown(slack, rooms, side)
    (before,) = await rooms.proposals.unfinished(SERVICE)
    taps = await asyncio.gather(*(slack.control.click(posted, SNOOZE, stale=True) for _ in range(2)))
    assert all(tap.acked for tap in taps)
    await answer(slack, "Snoozed: it acts at")
    await answer(slack, "It is put off already")
    (after,) = await rooms.proposals.unfinished(SERVICE)
    assert before.acts_at is not None
    assert after.acts_at == before.acts_at + timedelta(minutes=15)
    assert len(after.snoozes) == 1
    shown = await card(slack, "Put off by")
    assert shown.ts == posted.ts


async def test_a_stale_undo_over_a_newer_change_only_proposes_and_says_what_it_replaces(
    slack: RunningSlack, rooms: Rooms
) -> None:
    await proposed(slack)
    older = await applied(rooms)
    reported = await report_with_undo(slack)
    await slack.control.command("/lumen ttl 600")
    await card(slack, "420 s → 600 s")
    newer = await applied(rooms, 600)
    assert (await slack.control.click(reported, "proposal.undo", stale=True)).acked
    told = await answer(slack, newer.id.removeprefix("P"))
    assert "600 s" in told.words()
    undo = (await rooms.proposals.recent(SERVICE, 1))[0]
    assert (undo.state, undo.draft.undo_of, undo.draft.replaces) == (State.PENDING, older.id, (newer.id,))
    assert rooms.knob.value == 600
    assert rooms.kicks.kicked == 0
