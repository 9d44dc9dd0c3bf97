"""A Slack that speaks the real protocols on loopback, and the bot's Slack side joined to fakes of the use cases."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from sandbox.client import SandboxClient
from sandbox.slack.server import SlackFacts, SlackServer

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class RunningSlack:
    """`api_url` ends with /api/."""

    server: SlackServer
    facts: SlackFacts
    api_url: str
    control: SandboxClient


@pytest.fixture
async def slack() -> AsyncIterator[RunningSlack]:
    """A fresh workspace for each test."""
    server = SlackServer(wall=time.time, manifest_path=ROOT / "manifest.yaml")
    runner = web.AppRunner(server.application(), shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    base = f"http://127.0.0.1:{port}"
    server.listen_at(base)
    async with SandboxClient(f"{base}/control/") as control:
        yield RunningSlack(server, server.facts(), f"{base}/api/", control)
    await runner.cleanup()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """The bot's HTTP session."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)) as opened:
        yield opened
