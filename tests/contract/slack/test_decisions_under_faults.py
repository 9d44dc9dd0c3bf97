"""A hundred clicks a second through every fault of a socket: no acknowledged decision is lost, none is doubled."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.config import Settings
from bot.wiring import slack as wiring
from bot.wiring.slack import SlackSide
from handlers.blocks.proposal import APPROVE
from handlers.contacts import Contacts
from handlers.home import Screens
from lumen.adapters.clock import SystemClock
from lumen.adapters.store import epoch
from lumen.model.messages import NoData, message
from lumen.model.proposal import Change, Choice, Draft, Knob, Origin, Priority, Proposal, State
from lumen.model.service import Person, ServiceId
from lumen.use_cases.approvals import EXPIRES_IN
from lumen.wording.catalogue import value_of
from sandbox.client import Outcome, SandboxClient, SeenMessage
from tests.contract.slack.conftest import RunningSlack
from tests.contract.slack.side import SERVICE, Rooms

pytestmark = pytest.mark.prove

A_SECOND = 100
CLICKS = 300
BUTTONS_A_MESSAGE = 50
NOTHING = NoData(message("approval.not_predictable"), message("approval.not_predictable_remedy"))

Fate = Callable[[SandboxClient], Awaitable[None]]


def deed(do: str, count: int | None = None, seconds: float | None = None) -> Fate:
    async def fate(slack: SandboxClient) -> None:
        await slack.sockets(do, count=count, seconds=seconds)

    return fate


def then_cut(do: str, count: int) -> Fate:
    """Cut the old connections, so that the fault of new ones shows."""

    async def fate(slack: SandboxClient) -> None:
        await slack.sockets(do, count=count)
        await slack.sockets("reset")

    return fate


FATES: Mapping[str, Fate] = {
    "reset": deed("reset"),
    "finish": deed("finish"),
    "close": deed("close"),
    "half open": deed("half_open"),
    "warning": deed("warning"),
    "refresh": deed("refresh_requested", seconds=0.5),
    "refresh at once": deed("refresh_requested"),
    "link disabled": deed("link_disabled"),
    "too many": deed("too_many_websockets"),
    "duplicates": deed("duplicate_envelopes", count=CLICKS),
    "rejected tickets": then_cut("reject_tickets", 2),
    "no hello": then_cut("withhold_hello", 1),
    "link disabled on connect": then_cut("link_disabled_on_connect", 3),
}


@dataclass(frozen=True)
class Buttons:
    """Proposals of as many services, each with a button of its own in some message."""

    proposals: Sequence[Proposal]
    messages: Sequence[SeenMessage]

    async def click(self, slack: RunningSlack, number: int) -> Outcome:
        posted = self.messages[number // BUTTONS_A_MESSAGE]
        block_id = f"b{number}"
        return await slack.control.click(posted, APPROVE, block_id=block_id, user=slack.facts.approver, stale=True)


SERVICES = [replace(SERVICE, name=f"svc-{n}") for n in range(CLICKS)]


@pytest.fixture(autouse=True)
def watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clicks on all of them count; the outbox serves one, as it has nothing to show of the others."""
    of_one = wiring.contacts_of

    def of_all(settings: Settings) -> Contacts:
        return Contacts(
            {
                **{one: of_one(settings).of(one) for one in settings.services},
                **dict.fromkeys(SERVICES, of_one(settings).of(SERVICE)),
            }
        )

    monkeypatch.setattr(wiring, "contacts_of", of_all)
    monkeypatch.setattr("bot.wiring.slack.Screens", lambda services, **rest: Screens([*services, *SERVICES], **rest))


@pytest.fixture
async def buttons(slack: RunningSlack, rooms: Rooms, side: SlackSide) -> Buttons:
    await epoch.init(rooms.redis, SERVICES, SystemClock())
    proposals = [await rooms.proposals.propose(draft(service), EXPIRES_IN) for service in SERVICES]
    await slack.control.rate_limits(False)
    for start in range(0, CLICKS, BUTTONS_A_MESSAGE):
        await post(slack, start, proposals[start : start + BUTTONS_A_MESSAGE])
    await slack.control.wait_for_connections(2)
    await asyncio.sleep(1.0)  # the pace of tickets: a connection is never cut in the second in which it was made
    return Buttons(proposals, [m for m in await slack.control.messages() if m.text == "buttons"])


def draft(service: ServiceId) -> Draft:
    person, change = Person("U1", "kim", "T1"), Change(Knob.TTL, 300, 420, "s")
    return Draft(service, change, "1", Origin.PERSON, person, (), NOTHING, Priority.LOW, None, f"r:{service.key}")


async def post(slack: RunningSlack, start: int, proposals: Sequence[Proposal]) -> None:
    words = {"type": "plain_text", "text": "Approve"}
    blocks = [
        {
            "type": "actions",
            "block_id": f"b{start + n}",
            "elements": [{"type": "button", "action_id": APPROVE, "text": words, "value": value_of(proposal)}],
        }
        for n, proposal in enumerate(proposals)
    ]
    client = AsyncWebClient(token=slack.facts.bot_token, base_url=slack.api_url)
    await client.chat_postMessage(channel=slack.facts.channel, text="buttons", blocks=blocks)


async def clicked_through(slack: RunningSlack, buttons: Buttons, fate: Fate) -> list[Outcome]:
    """A hundred clicks a second; after one of the three seconds it happens."""
    began = time.monotonic()

    async def later() -> None:
        await asyncio.sleep(1.0)
        await fate(slack.control)

    happening, clicks = asyncio.create_task(later()), []
    for number in range(CLICKS):
        await asyncio.sleep(max(0.0, began + number / A_SECOND - time.monotonic()))
        clicks.append(asyncio.create_task(buttons.click(slack, number)))
    await happening
    return list(await asyncio.gather(*clicks))


@pytest.mark.parametrize("name", FATES)
async def test_no_acknowledged_decision_is_lost_and_none_is_doubled(
    slack: RunningSlack, rooms: Rooms, side: SlackSide, buttons: Buttons, name: str
) -> None:
    outcomes = await clicked_through(slack, buttons, FATES[name])
    stored = [await rooms.proposals.get(p.draft.service, p.id) for p in buttons.proposals]
    for outcome, now in zip(outcomes, stored, strict=True):
        assert now is not None
        assert now.state is State.APPROVED or not outcome.acked, "acknowledged, and lost"
    assert sum(outcome.acked for outcome in outcomes) > CLICKS / 10

    # Whoever saw Slack's error clicks again, once Slack can reach Lumen.
    await slack.control.sockets("heal")
    async with asyncio.timeout(30):
        while not ((state := side.state()) and state.whole):  # noqa: ASYNC110 - the supervisor has no event for it
            await asyncio.sleep(0.05)
    for number, outcome in enumerate(outcomes):
        if not outcome.acked:
            assert (await buttons.click(slack, number)).acked
    for proposal in buttons.proposals:
        service = proposal.draft.service
        now = await rooms.proposals.get(service, proposal.id)
        assert now is not None
        assert now.decision is not None
        assert (now.state, now.decision.choice) == (State.APPROVED, Choice.APPROVE)
        events = [entry.event for entry in await rooms.audit.entries(service, 10)]
        assert events.count("decided") == 1
