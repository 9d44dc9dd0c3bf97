"""Many services in a few channels, through an incident of many at once: pages first, and nothing is lost.

Slack's own pace is on (one message a second and channel, fifty edits a minute), and the worker keeps to it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

import aiohttp
import pytest

from handlers.blocks.card import Shown
from handlers.outbox import OutboxWorker, Timing
from handlers.poster import Poster
from handlers.web_api import SlackApi
from lumen.adapters.store.active import RedisHint
from lumen.adapters.store.connection import open_store
from lumen.model.service import ServiceId
from lumen.ports.store import Surface
from lumen.use_cases.active import Active
from sandbox.client import SeenMessage
from sandbox.slack.directory import Channel
from sandbox.slack.ratelimit import rate_limited
from tests.contract.outbox.conftest import Pages
from tests.contract.slack.conftest import RunningSlack, session, slack
from tests.contract.slack.side import SERVICE, Rooms

__all__ = ["session", "slack"]

#: The kinds that call somebody.
PAGES = ("alert", "mention")


@dataclass
class FleetPages(Pages):
    """Renders any surface of any service by its own name; a call stands in its incident's thread."""

    said: dict[Surface, str] = field(default_factory=dict)

    async def render(self, surface: Surface) -> Shown | None:
        text = f"{surface.service.name} {surface.kind} {surface.key} {self.said.get(surface, '')}".strip()
        under = Surface(surface.service, "alert", "i") if surface.kind == "mention" else None
        return Shown(text, ({"type": "section", "text": {"type": "mrkdwn", "text": text}},), under=under)

    async def needed(self, service: ServiceId) -> Sequence[Surface]:
        return []


@dataclass
class Fleet:
    """So many services in so many channels, with Slack's clock `scale` times as fast as ours."""

    rooms: Rooms
    slack: RunningSlack
    http: aiohttp.ClientSession
    services: Sequence[ServiceId]
    channels: Sequence[str]
    scale: float
    pages: FleetPages = field(default_factory=FleetPages)

    def channel_of(self, service: ServiceId) -> str:
        return self.channels[self.services.index(service) % len(self.channels)]

    def worker(self) -> OutboxWorker:
        facts = self.slack.facts
        api = SlackApi(facts.bot_token, self.slack.api_url, self.http)
        active = Active(RedisHint(self.rooms.redis), self.services, self.rooms.clock)
        poster = Poster(api, 1.0 / self.scale)
        rooms, timing = self.rooms, Timing(poll=max(0.1, 1.0 / self.scale))
        return OutboxWorker(active, rooms.outbox, rooms.leases, self.pages, poster, self.channel_of, timing)

    async def mark(self, services: Sequence[ServiceId], *kinds: str) -> None:
        for service in services:
            for kind in kinds:
                await self.rooms.outbox.mark(Surface(service, kind, "i"))

    async def posted(self) -> dict[str, list[SeenMessage]]:
        return {channel: await self.slack.control.messages(channel=channel) for channel in self.channels}

    async def shows(self, count: int, within_seconds: float) -> dict[str, list[SeenMessage]]:
        """Until so many messages stand, and nothing is behind."""
        async with asyncio.timeout(within_seconds):
            while sum(map(len, (found := await self.posted()).values())) < count or await self.behind():  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.1)
        return found

    async def called(self) -> int:
        """Pages and calls that stand."""
        return sum(m.text.split()[1] in PAGES for found in (await self.posted()).values() for m in found)

    async def behind(self) -> bool:
        return any([await self.rooms.outbox.dirty(service) for service in self.services])


@pytest.fixture(params=[(24, 3, 20.0), pytest.param((200, 10, 1.0), marks=pytest.mark.prove)], ids=["few", "many"])
async def fleet(
    request: pytest.FixtureRequest, slack: RunningSlack, session: aiohttp.ClientSession, state_url: str
) -> AsyncIterator[Fleet]:
    count, channels, scale = request.param
    slack.server.limits.monotonic = lambda: time.monotonic() * scale
    names = [f"C0TEAM{number:03d}" for number in range(channels)]
    members = slack.server.directory.channels[slack.facts.channel].members
    slack.server.directory.channels.update({one: Channel(one, one.lower(), members) for one in names})
    services = [replace(SERVICE, name=f"svc-{number:03d}") for number in range(count)]
    redis = open_store(state_url, answer_seconds=10.0)
    yield Fleet(await Rooms.over(redis, services), slack, session, services, names, scale)
    await redis.aclose()


async def test_pages_of_many_come_first_and_nothing_is_lost(fleet: Fleet) -> None:
    """Each service has a report that is due when many have an incident: all at once."""
    paged = fleet.services[:: 6 if len(fleet.services) > 100 else 2][:30]
    await fleet.mark(fleet.services, "report")
    running = asyncio.create_task(fleet.worker().run())
    async with asyncio.timeout(120):
        while not any((before := await fleet.posted()).values()):  # noqa: ASYNC110 - some are out, the others wait
            await asyncio.sleep(0.02)
    began = time.monotonic()
    await fleet.mark(paged, *PAGES)
    calls = 2 * len(paged)
    async with asyncio.timeout(300):
        while await fleet.called() < calls:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)
    took_seconds = (time.monotonic() - began) * fleet.scale
    at_last = await fleet.shows(len(fleet.services) + calls, 600)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    for channel, found in at_last.items():
        kinds = [m.text.split()[1] for m in found]
        assert len(found) == len({m.text for m in found}), "one of them stands twice"
        assert len(before[channel]) <= len(found)
        if "alert" not in kinds:
            continue
        first, last = kinds.index("alert"), max(n for n, kind in enumerate(kinds) if kind in PAGES)
        assert kinds[first:last].count("report") <= 2, f"{channel}: reports went out before pages: {kinds}"
    calls_made = await fleet.slack.control.calls(method="chat.postMessage")
    assert len(calls_made) == sum(map(len, at_last.values())), "Slack refused some because of their pace"
    if fleet.scale == 1.0:  # Slack's own pace
        assert took_seconds < 60, f"{len(paged)} of {len(fleet.services)}: all called after {took_seconds:.0f} s"


async def test_a_refusal_holds_up_its_channel_alone_and_loses_nothing(fleet: Fleet) -> None:
    if fleet.scale == 1.0:
        pytest.skip("the same at any pace")
    real, held, refused = fleet.slack.server.limits.spend_message, fleet.channels[0], 0
    others = [service for service in fleet.services if fleet.channel_of(service) != held]
    spent: list[str] = []

    def spend(channel: str) -> None:
        """The one channel takes nothing before all others have what is theirs."""
        nonlocal refused
        if channel == held and len(spent) < len(others):
            refused += 1
            raise rate_limited(1.0)
        real(channel)
        spent.append(channel)

    fleet.slack.server.limits.spend_message = spend  # type: ignore[method-assign]
    await fleet.mark(fleet.services, "proposal")
    running = asyncio.create_task(fleet.worker().run())
    found = await fleet.shows(len(fleet.services), 120)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert refused
    assert len({m.text for listed in found.values() for m in listed}) == len(fleet.services)
