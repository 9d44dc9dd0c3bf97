"""Whoever has no right is refused at every door; it is audited, or said that it could not be."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.wiring.slack import open_slack
from handlers.blocks import emergency as view
from handlers.blocks.control import END
from handlers.blocks.incident import FALSE_ALARM, GIVE_BACK, HAND_TO, MENU, ON_IT, REAL, SILENCE, hand_card
from handlers.blocks.proposal import APPROVE, REJECT, SNOOZE
from lumen.adapters.clock import SystemClock
from lumen.adapters.store.audit import RedisAudit
from lumen.adapters.store.connection import open_store
from lumen.model.messages import NotPermitted
from lumen.model.service import Approvers, Person, ServiceId
from lumen.use_cases.apply_now import Operators
from lumen.wording.catalogue import Catalogue
from sandbox.client import SeenMessage
from tests.contract.slack.conftest import ROOT, RunningSlack, settings_of
from tests.contract.slack.side import SERVICE, Rooms
from tests.contract.slack.test_other_epochs import posted_with
from tests.contract.store.builders import draft

OTHER = ServiceId("naeda-genesis", "us-central1", "other-api")
COMMANDS = (
    "pause", "resume", "override ttl 600", "override off", "lock size", "unlock", "silence latency 1h",
    "silence end latency", "service other-api",
)  # fmt: skip
OF_PROPOSALS, OF_PAGES = (APPROVE, REJECT, SNOOZE), (view.PAUSE, view.RESUME, view.FLUSH, view.FLUSH_NOW, END)
OF_ALERTS = (ON_IT, REAL, FALSE_ALARM)
UNAUDITED = "could not be written to the audit"
Do = Callable[[], Awaitable[object]]


@pytest.fixture
async def rooms(state_url: str) -> AsyncIterator[Rooms]:
    redis = open_store(state_url, answer_seconds=10.0)
    yield await Rooms.over(redis, (SERVICE, OTHER))
    await redis.aclose()


@pytest.fixture
async def nowhere() -> AsyncIterator[RedisAudit]:
    """The audit of a store that is away."""
    redis = open_store("redis://127.0.0.1:1/0")
    yield RedisAudit(redis, SystemClock())
    await redis.aclose()


async def doors(slack: RunningSlack, rooms: Rooms) -> list[tuple[str, Do]]:
    """Everything in Slack that takes permission, as somebody without it tries it."""
    who = slack.facts.bystander
    made = await rooms.proposals.propose(
        replace(draft(service=SERVICE), reasons=()), timedelta(hours=24), timedelta(minutes=5)
    )
    card = await posted_with(slack, f"2 {SERVICE.key} {made.id} {made.mark}", *OF_PROPOSALS)
    page = await posted_with(slack, f"1 {SERVICE.key} asked", *OF_PAGES, *OF_ALERTS)

    def typed(line: str) -> Do:
        return lambda: slack.control.command(f"/lumen {line}", user=who)

    def pressed(message: SeenMessage, action: str, value: str | None = None) -> Do:
        return lambda: slack.control.click(message, action, user=who, value=value)

    menus = await posted_menus(slack)

    return [
        *((line, typed(line)) for line in COMMANDS),
        *((action, pressed(card, action)) for action in OF_PROPOSALS),
        *((action, pressed(page, action)) for action in (*OF_PAGES, *OF_ALERTS)),
        (f"{MENU} {SILENCE}", pressed(menus, MENU, SILENCE)),
        (f"{MENU} {GIVE_BACK}", pressed(menus, MENU, GIVE_BACK)),
        (HAND_TO, pressed(menus, HAND_TO, who)),
    ]


async def posted_menus(slack: RunningSlack) -> SeenMessage:
    """The menu of an incident, and the choice of whom it is handed over to."""
    chosen = hand_card(Catalogue("en"), SERVICE, "an-incident").blocks
    words = {"type": "plain_text", "text": "do it"}
    options = [{"text": words, "value": each} for each in (SILENCE, GIVE_BACK)]
    row = [{"type": "overflow", "action_id": MENU, "options": options}]
    menu = {"type": "actions", "block_id": f"incident:{SERVICE.key} another", "elements": row}
    client = AsyncWebClient(token=slack.facts.bot_token, base_url=slack.api_url)
    await client.chat_postMessage(channel=slack.facts.channel, text="menus", blocks=[*chosen, menu])
    return await slack.control.wait_for_message(lambda m: m.text == "menus")


def test_every_door_is_tried() -> None:
    """Flush is one for both of its buttons, and so are the labels, and giving back and handing over; the three buttons
    of a proposal are one."""
    code = "".join(path.read_text("utf-8") for path in (ROOT / "handlers").rglob("*.py"))
    # Those of pause and resume are the doors of their commands.
    buttons = {"proposals", view.FLUSH, END, ON_IT, REAL, MENU, HAND_TO}
    assert len(re.findall(r"\.permit\((?:request|click)\b", code)) == len(COMMANDS) + len(buttons)


async def refused(slack: RunningSlack, count: int, words: str) -> None:
    async with asyncio.timeout(60):
        while True:
            seen = [m for m in await slack.control.messages() if m.ephemeral_to == slack.facts.bystander]
            if sum(words in m.words() for m in seen) == count:
                return
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("is_away", [False, True])
async def test_a_refusal_at_any_door_is_audited_or_said_not_to_be(
    slack: RunningSlack, rooms: Rooms, nowhere: RedisAudit, is_away: bool
) -> None:
    if is_away:
        rooms.audit = nowhere
    async with open_slack(settings_of(slack, rooms), rooms.as_lumen(), rooms.kicks.kick) as side:
        running = asyncio.create_task(side.run())
        await slack.control.wait_for_connections(1)
        tried = await doors(slack, rooms)
        for _, do in tried:
            await do()
        await refused(slack, len(tried), "You may not decide this")
        await refused(slack, len(tried) if is_away else 0, UNAUDITED)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    entries = [
        entry
        for service in (SERVICE, OTHER)
        for entry in await RedisAudit(rooms.redis, rooms.clock).entries(service, 100)
        if entry.event == "refused"
    ]
    assert len(entries) == (0 if is_away else len(tried))


@pytest.mark.parametrize("is_away", [False, True])
async def test_a_refusal_on_the_command_line_is_audited_or_said_not_to_be(
    rooms: Rooms, nowhere: RedisAudit, is_away: bool
) -> None:
    operators = Operators(Approvers(frozenset(), frozenset()), nowhere if is_away else rooms.audit)
    with pytest.raises(NotPermitted) as found:
        await operators.permit(SERVICE, Person("lee@example.com", "lee@example.com", ""), "apply ttl 420")
    assert (found.value.remedy.code == "approval.refused_unaudited") is is_away
    assert len(await RedisAudit(rooms.redis, rooms.clock).entries(SERVICE, 10)) == (not is_away)
