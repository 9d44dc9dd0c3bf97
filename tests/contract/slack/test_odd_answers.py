"""Every method that the bot uses, with everything that may come instead of an answer: at the start, and later.

No exception leaves but the four kinds of trouble, people read a sentence, and it works again as soon as Slack does.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.doctor.slack import Directory, approver_checks, channel_checks, oncall_checks, token_checks
from bot.slack.connection import Tickets
from bot.wiring.slack import SlackSide, open_slack
from handlers.blocks.card import Shown
from handlers.blocks.proposal import APPROVE, DETAILS
from handlers.people import Languages, who_am_i
from handlers.permissions import Permissions
from handlers.poster import Poster
from handlers.web_api import SlackApi, SlackTrouble, read_answer, retry_after_seconds
from lumen.model.proposal import State
from lumen.model.service import Approvers, Person
from lumen.wording.catalogue import Catalogue, templates
from tests.contract.slack.conftest import ROOT, RunningSlack, settings_of
from tests.contract.slack.odd_answers import FEW, ODD
from tests.contract.slack.side import SERVICE, Rooms
from tests.contract.slack.test_commands_and_clicks import answer, proposed

SHOWN = Shown("said", ({"type": "section", "text": {"type": "mrkdwn", "text": "said"}},))


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.web_api.RETRY_AFTER_LONGEST_SECONDS", 0.0)
    monkeypatch.setattr("handlers.people.FAILED_SECONDS", 0.0)
    monkeypatch.setattr("handlers.outbox.BACKOFF_LONGEST_SECONDS", 0.05)
    monkeypatch.setattr("handlers.replies.ATTEMPTS", 1)
    monkeypatch.setattr("bot.wiring.slack.RETRY_SECONDS", 0.02)


@dataclass
class Callers:
    """The places of the product that call Slack, by the method that each of them calls."""

    slack: RunningSlack
    bot: SlackApi
    app: SlackApi
    posted: tuple[str, str] = ("", "")

    async def __call__(self, method: str) -> Any:
        poster, (channel, ts) = Poster(self.bot, 0.0), self.posted
        group = Approvers(frozenset(), frozenset({self.slack.facts.approver_group}))
        person = Person(self.slack.facts.approver, "", self.slack.facts.team_id)
        unused: Any = None
        permissions = Permissions(self.bot, lambda _: group, person.team_id, lambda: "", unused)
        by_method: Mapping[str, Callable[[], Awaitable[Any]]] = {
            "auth.test": lambda: who_am_i(self.bot),
            "apps.connections.open": Tickets(self.app, 0.0).take,
            "users.info": lambda: Languages(self.bot, "en").of(person.user_id),
            "usergroups.users.list": lambda: permissions.refusal(person, "", SERVICE),
            "chat.postMessage": lambda: poster.post(channel, SHOWN, "x"),
            "chat.update": lambda: poster.update(channel, ts, SHOWN, "x"),
            "chat.getPermalink": lambda: poster.permalink(channel, ts),
            "conversations.info": lambda: self.bot.read("conversations.info", {"channel": channel}),
            "conversations.history": lambda: poster.find(channel, "x", ""),
            "conversations.replies": lambda: poster.find(channel, "x", "", ts),
            "chat.delete": lambda: self._deleted(poster),
        }
        return await by_method[method]()

    async def _deleted(self, poster: Poster) -> None:
        await poster.delete(*await poster.post(self.slack.facts.channel, SHOWN, "x"))


#: Those whose answer is looked at by `Callers`, and those that a person must be told of (below).
BY_CALLERS = (
    "auth.test", "apps.connections.open", "users.info", "usergroups.users.list", "chat.postMessage", "chat.update",
    "chat.getPermalink", "conversations.history", "conversations.replies", "chat.delete", "conversations.info",
)  # fmt: skip
BY_PEOPLE = ("views.open", "views.update", "views.publish", "chat.postEphemeral", "response_url")


@pytest.fixture
async def callers(slack: RunningSlack, session: aiohttp.ClientSession) -> Callers:
    tokens = slack.facts.bot_token, slack.facts.app_token
    bot, app = (SlackApi(token, slack.api_url, session) for token in tokens)
    await slack.control.rate_limits(False)
    return Callers(slack, bot, app, await Poster(bot, 0.0).post(slack.facts.channel, SHOWN, "x"))


def test_every_method_that_the_bot_uses_is_tried() -> None:
    code = "\n".join(path.read_text("utf-8") for room in ("bot", "handlers") for path in (ROOT / room).rglob("*.py"))
    families = r"(?:apps|auth|bots|chat|conversations|files|team|usergroups|users|views)"
    used = {
        name
        for name in re.findall(rf'"({families}\.[a-zA-Z.]+)"', code)
        if name not in templates("en")  # views.* are also codes of sentences
    }
    assert used | {"response_url"} == {*BY_CALLERS, *BY_PEOPLE}


@pytest.mark.parametrize("method", BY_CALLERS)
async def test_no_odd_answer_leaves_anything_but_trouble(callers: Callers, method: str) -> None:
    async def once() -> Any:
        try:
            return await callers(method)
        except SlackTrouble as trouble:
            assert trouble.error  # a word for people and logs
            return type(trouble)

    works = await once()
    for name, odd in ODD.items():
        await callers.slack.control.fault(method, "answer", **odd)
        await once()
        await callers.slack.control.clear_faults()
        assert type(await once()) is type(works), f"{method} does not work again after {name}"


@pytest.mark.parametrize("method", ["usergroups.users.list", "*"])
async def test_doctor_tells_of_any_odd_answer(callers: Callers, method: str) -> None:
    facts, control = callers.slack.facts, callers.slack.control
    approvers = Approvers(frozenset(), frozenset({facts.approver_group}))
    for odd in ODD.values():
        await control.fault(method, "answer", times=-1, **odd)
        checks = [
            *await token_checks(callers.bot, callers.app),
            *await channel_checks(callers.bot, facts.channel),
            *await approver_checks(Directory(callers.bot), approvers),
            *await oncall_checks(Directory(callers.bot), facts.approver),
        ]
        assert any(not check.ok for check in checks), odd
        assert all(Catalogue("ko").plain(sentence) for check in checks for sentence in check.sentences)
        await control.clear_faults()


async def test_a_start_gets_over_every_odd_answer(slack: RunningSlack, rooms: Rooms) -> None:
    """Whatever is asked at the start is answered oddly, by each of them in its turn; then Slack is well again."""
    for odd in ODD.values():
        await slack.control.fault("*", "answer", **odd)
    async with open_slack(settings_of(slack, rooms), rooms.as_lumen(), rooms.kicks.kick) as joined:
        running = asyncio.create_task(joined.run())
        await slack.control.wait_for_connections(1, within_seconds=60)
        assert (await slack.control.command("/lumen help")).acked
        await answer(slack, "What Lumen can do")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def told(slack: RunningSlack, words: str, times: int) -> None:
    """Until somebody has read `words` so often."""
    async with asyncio.timeout(30):
        while sum(words in m.words() for m in await slack.control.messages()) < times:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.02)


async def test_who_may_approve_is_told_and_may_again(slack: RunningSlack, rooms: Rooms, side: SlackSide) -> None:
    posted = await proposed(slack)
    await slack.control.rate_limits(False)
    for n, odd in enumerate(FEW.values(), 1):
        await slack.control.fault("usergroups.users.list", "answer", **odd)
        assert (await slack.control.click(posted, APPROVE)).acked
        await told(slack, "could not be found out", n)
    await slack.control.click(posted, APPROVE)
    await answer(slack, "you approved it")
    assert (await rooms.proposals.recent(SERVICE, 1))[0].state is State.APPROVED


@pytest.mark.parametrize("method", ["views.open", "views.update"])
async def test_details_that_slack_does_not_show_are_told(slack: RunningSlack, side: SlackSide, method: str) -> None:
    posted = await proposed(slack)
    await slack.control.rate_limits(False)
    for n, name in enumerate(("plain_text", "cut_off", "null"), 1):
        await slack.control.fault(method, "answer", **ODD[name])
        assert (await slack.control.click(posted, DETAILS)).acked
        await told(slack, "could not be shown", n)
    await slack.control.click(posted, DETAILS)
    async with asyncio.timeout(30):
        while "What happened so far" not in str(await slack.control.views()):  # noqa: ASYNC110 - Slack tells nobody
            await asyncio.sleep(0.02)


async def test_an_expired_trigger_is_told(slack: RunningSlack, side: SlackSide) -> None:
    posted = await proposed(slack)
    await slack.control.fault("views.open", "error", error="expired_trigger_id")
    await slack.control.click(posted, DETAILS)
    await answer(slack, "could not be shown (Slack: expired_trigger_id)")


@pytest.mark.parametrize("method", ["views.publish", "users.info", "chat.postEphemeral", "response_url"])
async def test_people_are_answered_again_as_soon_as_slack_is_well(
    slack: RunningSlack, side: SlackSide, method: str
) -> None:
    await slack.control.rate_limits(False)
    also = "response_url" if method == "chat.postEphemeral" else method
    for odd in FEW.values():
        await slack.control.fault(method, "answer", **odd)
        await slack.control.fault(also, "answer", **odd)
        await slack.control.command("/lumen help")
        await slack.control.open_home()
    await slack.control.clear_faults()
    await slack.control.command("/lumen ttl")
    await answer(slack, "uses a TTL of 300 s")
    await slack.control.open_home()
    async with asyncio.timeout(30):
        while not await slack.control.home():  # noqa: ASYNC110 - Slack tells nobody
            await asyncio.sleep(0.02)


@settings(max_examples=40)
@given(
    st.integers(100, 599),
    st.dictionaries(st.sampled_from(["Retry-After", "retry-after", "Content-Type"]), st.text(), max_size=3),
    st.binary() | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["ok", "error", "ts"]) | st.text(), inner),
    ).map(lambda value: json.dumps(value).encode()),
)  # fmt: skip
def test_the_reader_knows_answers_and_four_kinds_of_trouble_alone(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    try:
        read = read_answer(status, headers, body)
    except SlackTrouble as trouble:
        assert trouble.error
    else:
        assert status == 200
        assert read.data["ok"] is True


@given(st.text() | st.floats().map(str))
def test_retry_after_is_a_time_within_reason(told: str) -> None:
    assert retry_after_seconds({"Retry-After": told}, 30.0) >= 0.0
