"""A Slack that speaks the real protocols on loopback, and the bot's Slack side joined to fakes of the use cases."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.config import Settings
from bot.wiring.slack import SlackSide, open_slack
from lumen.adapters.store.connection import open_store
from sandbox.client import SandboxClient
from sandbox.clock import Clock
from sandbox.slack.server import SlackFacts, SlackServer
from tests.contract.slack.side import Rooms

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
    server = SlackServer(clock=Clock(), manifest_path=ROOT / "manifest.yaml")
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


@pytest.fixture
async def rooms(state_url: str) -> AsyncIterator[Rooms]:
    """The store and the use cases, empty."""
    redis = open_store(state_url, answer_seconds=10.0)  # a busy disk must not fail a test of Slack
    yield await Rooms.over(redis)
    await redis.aclose()


@pytest.fixture
async def side(slack: RunningSlack, rooms: Rooms) -> AsyncIterator[SlackSide]:
    """The bot's Slack side, connected and serving."""
    async with open_slack(settings_of(slack, rooms), rooms.as_lumen(), rooms.kicks.kick) as joined:
        running = asyncio.create_task(joined.run())
        await slack.control.wait_for_connections(1)
        yield joined
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def settings_of(slack: RunningSlack, rooms: Rooms) -> Settings:
    """Those that concern Slack; the servers that they must name are not there."""
    services = rooms.choosing.services
    given: dict[str, Any] = {
        "project_id": services[0].project,
        "region": services[0].region,
        "service_name": ",".join(service.name for service in services),
        "cache_redis_url": "redis://127.0.0.1:1/0",
        "state_redis_url": "redis://127.0.0.1:2/0",
        "slack_bot_token": slack.facts.bot_token,
        "slack_app_token": slack.facts.app_token,
        "slack_api_url": slack.api_url,
        "slack_channel": slack.facts.channel,
        "approvers": slack.facts.approver_group,
        "oncall_group": slack.facts.approver_group,
        "oncall_escalation": slack.facts.approver_group,
    }
    return Settings(**given)
