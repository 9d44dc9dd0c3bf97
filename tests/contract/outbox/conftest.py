"""The outbox worker between a real store and a real Slack."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import aiohttp
import pytest

from handlers.blocks.card import Json, Shown, with_note
from handlers.charts import Charts
from handlers.outbox import OutboxWorker, Timing
from handlers.poster import Poster
from handlers.web_api import SlackApi
from lumen.adapters.store.active import RedisHint
from lumen.model.service import ServiceId
from lumen.ports.store import Surface
from lumen.use_cases.active import Active
from sandbox.client import SeenMessage
from tests.contract.slack.conftest import RunningSlack, rooms, session, slack
from tests.contract.slack.side import SERVICE, Rooms

__all__ = ["Desk", "desk", "rooms", "session", "slack"]


@dataclass
class Pages:
    """Renders whatever text was last set for a surface."""

    texts: dict[Surface, str | None] = field(default_factory=dict)
    broken: set[Surface] = field(default_factory=set)
    charts: dict[Surface, Json] = field(default_factory=dict)

    async def render(self, surface: Surface) -> Shown | None:
        if surface in self.broken:
            raise ValueError("this page cannot be drawn")
        text = self.texts.get(surface)
        if text is None:
            return None
        shown = Shown(text, ({"type": "section", "text": {"type": "mrkdwn", "text": text}},))
        if surface in self.charts:
            return Shown(text, (*shown.blocks, self.charts[surface]), charts=("what the chart says",))
        return shown

    async def needed(self, service: ServiceId) -> Sequence[Surface]:
        return [surface for surface, text in self.texts.items() if text is not None]

    async def retired(self, surface: Surface, text: str, blocks: Sequence[Json]) -> Shown | None:
        return None

    def moved(self, new_link: str | None) -> Shown:
        text = f"goes on at {new_link}"
        return Shown(text, ({"type": "section", "text": {"type": "mrkdwn", "text": text}},))

    def replaced(self, shown: Shown, old_link: str | None) -> Shown:
        return with_note(shown, f"replaces {old_link}")


@dataclass
class Desk:
    """A worker and what it works with; `start` may be called again after `stop`, as a restarted process."""

    rooms: Rooms
    slack: RunningSlack
    session: aiohttp.ClientSession
    pages: Pages = field(default_factory=Pages)
    charts: Charts = field(default_factory=Charts)
    worker: OutboxWorker | None = None
    running: "asyncio.Task[None] | None" = None
    spare: "list[asyncio.Task[None]]" = field(default_factory=list)

    def make(self, pace_seconds: float = 0.0) -> OutboxWorker:
        api = SlackApi(self.slack.facts.bot_token, self.slack.api_url, self.session)
        return OutboxWorker(
            Active(RedisHint(self.rooms.redis), (SERVICE,), self.rooms.clock),
            self.rooms.outbox,
            self.rooms.leases,
            self.pages,
            Poster(api, pace_seconds, self.charts),
            lambda _: self.slack.facts.channel,
            Timing(poll=0.05, look_after=(0.05, 0.1), duplicates_after=(0.5, 1.0, 2.0, 4.0, 8.0, 16.0)),
        )

    def start(self, pace_seconds: float = 0.0) -> None:
        self.worker = self.make(pace_seconds)
        self.running = asyncio.create_task(self.worker.run())

    def also(self) -> None:
        """Another replica."""
        self.spare.append(asyncio.create_task(self.make().run()))

    async def stop(self) -> None:
        tasks = [task for task in (self.running, *self.spare) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.running, self.spare = None, []

    async def show(self, key: str, text: str) -> Surface:
        """Store something new for a surface."""
        surface = Surface(SERVICE, "proposal", key)
        self.pages.texts[surface] = text
        await self.rooms.outbox.mark(surface)
        if self.worker is not None:
            self.worker.kick()
        return surface

    async def seen(self, *texts: str, within_seconds: float = 60.0) -> list[SeenMessage]:
        """Until the channel shows exactly these messages, in this order, and nothing is behind."""
        return await self.until(lambda found: [m.text for m in found] == list(texts), within_seconds)

    async def until(
        self, right: Callable[[list[SeenMessage]], bool], within_seconds: float = 60.0
    ) -> list[SeenMessage]:
        found: list[SeenMessage] = []
        try:
            async with asyncio.timeout(within_seconds):
                while True:
                    found = await self.slack.control.messages()
                    if right(found) and not await self.rooms.outbox.dirty(SERVICE):
                        return found
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"the channel shows {[m.text for m in found]}") from None


@pytest.fixture
async def desk(slack: RunningSlack, rooms: Rooms, session: aiohttp.ClientSession) -> AsyncIterator[Desk]:
    """Not started yet. Slack's own pace is off: the worker's is tested by itself."""
    await slack.control.rate_limits(False)
    made = Desk(rooms, slack, session)
    yield made
    await made.stop()
