"""A Slack that speaks the real protocols on loopback, and the bot's Slack side joined to fakes of the use cases."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from lumen.adapters.store.connection import open_store
from lumen.model.service import Approvers
from sandbox.client import SandboxClient
from sandbox.slack.server import SlackFacts, SlackServer
from tests.contract.slack.side import Rooms
from tests.slack_side import SlackSide, open_slack_side

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


@pytest.fixture
async def rooms(state_url: str) -> AsyncIterator[Rooms]:
    """The store and the use cases, empty."""
    redis = open_store(state_url, answer_seconds=10.0)  # a busy disk must not fail a test of Slack
    yield await Rooms.over(redis)
    await redis.aclose()


@pytest.fixture
async def side(slack: RunningSlack, rooms: Rooms) -> AsyncIterator[SlackSide]:
    """The bot's Slack side, connected and serving."""
    async with open_slack_side(
        bot_token=slack.facts.bot_token,
        app_token=slack.facts.app_token,
        api_url=slack.api_url,
        channel=slack.facts.channel,
        approvers=Approvers(frozenset(), frozenset({slack.facts.approver_group})),
        locale="en",
        services=rooms.choosing.services,
        choosing=rooms.choosing,
        days=rooms.days,
        weeks=rooms.weeks,
        numerics=rooms.numerics,
        looking=rooms.looking,
        min_ttl_seconds=60,
        max_ttl_seconds=3600,
        readouts=rooms.readouts,
        approvals=rooms.approvals,
        executor=rooms.kicks,
        ticker=rooms.kicks,
        emergency=rooms.emergency,
        overrides=rooms.overrides,
        silencing=rooms.silencing,
        calling=rooms.calling,
        timelines=rooms.timelines,
        oncall=slack.facts.approver_group,
        leases=rooms.leases,
        outbox=rooms.outbox,
        turns=rooms.turns,
        audit=rooms.audit,
        owed=rooms.owed,
    ) as joined:
        running = asyncio.create_task(joined.run())
        await slack.control.wait_for_connections(1)
        yield joined
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
