"""A workspace on a loopback port, with a clock for Slack's limits that can be put forward."""

import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.client import SandboxClient
from sandbox.clock import Clock
from sandbox.slack.manifest import DEFAULT_BOT_SCOPES
from sandbox.slack.server import SlackServer
from sandbox.slack.wire import Json


@dataclass
class Ahead:
    """The monotonic clock plus what a test adds to it."""

    seconds: float = 0.0

    def now(self) -> float:
        return time.monotonic() + self.seconds


@dataclass
class World:
    """What a test of the Slack side works with."""

    server: SlackServer
    base_url: str
    web: AsyncWebClient
    app_level: AsyncWebClient
    control: SandboxClient
    http: aiohttp.ClientSession
    ahead: Ahead = field(default_factory=Ahead)

    @property
    def channel(self) -> str:
        return self.server.facts().channel

    @property
    def approver(self) -> str:
        return self.server.facts().approver

    @property
    def bystander(self) -> str:
        return self.server.facts().bystander

    async def call(self, method: str, **arguments: object) -> Json:
        """A call whose refusal is an answer, too."""
        try:
            answer = await self.web.api_call(method, json=arguments)
        except SlackApiError as error:
            answer = error.response
        assert isinstance(answer.data, dict)
        return answer.data

    async def refusal(self, method: str, **arguments: object) -> str:
        """The error code of a call that must be refused."""
        answer = await self.call(method, **arguments)
        assert not answer["ok"], answer
        return str(answer["error"])


def granting(*scopes: str) -> pytest.MarkDecorator:
    """For a test whose app has more scopes than one without a manifest."""
    return pytest.mark.parametrize("world", [scopes], ids=["more-scopes"], indirect=True)


def _manifest(path: Path, scopes: tuple[str, ...]) -> Path:
    path.write_text(
        json.dumps(
            {
                "display_information": {"name": "Lumen"},
                "features": {"slash_commands": [{"command": "/lumen"}], "app_home": {"messages_tab_enabled": True}},
                "oauth_config": {"scopes": {"bot": [*DEFAULT_BOT_SCOPES, *scopes]}},
            }
        )
    )
    return path


@pytest.fixture
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    ahead = Ahead()
    scopes = getattr(request, "param", None)
    manifest = None if scopes is None else _manifest(tmp_path / "manifest.json", scopes)
    server = SlackServer(clock=Clock(), monotonic=ahead.now, manifest_path=manifest)
    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    server.listen_at(base_url)
    facts = server.facts()
    async with (
        aiohttp.ClientSession() as session,
        SandboxClient(f"{base_url}/control/") as control,
    ):
        yield World(
            server=server,
            base_url=base_url,
            web=AsyncWebClient(facts.bot_token, base_url=f"{base_url}/api/", session=session),
            app_level=AsyncWebClient(facts.app_token, base_url=f"{base_url}/api/", session=session),
            control=control,
            http=session,
            ahead=ahead,
        )
    await runner.cleanup()
