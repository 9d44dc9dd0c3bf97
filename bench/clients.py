"""What is compared: the SDK alone, Bolt with its defaults, and Lumen's whole way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from bench.slack_server import APP, GROUP
from bench.world import World
from bot.slack.connection import SlackConnection
from bot.slack.envelopes import Envelopes
from handlers.app import build_app
from handlers.buttons import Buttons
from handlers.command_handlers import Services
from handlers.commands import Commands
from handlers.emergency import Emergencies
from handlers.home import Screens
from handlers.people import Languages, who_am_i
from handlers.permissions import Rights
from handlers.replies import Answers, Background
from handlers.web_api import asking_client, single_try_client, slack_session
from lumen.model.service import Approvers
from lumen.use_cases.queries import Choosing


@asynccontextmanager
async def floor(api_url: str) -> AsyncIterator[None]:
    """slack_sdk: ack in the listener, nothing else."""
    async with slack_session() as session:
        client = SocketModeClient("xapp-bench", web_client=AsyncWebClient("xoxb-bench", api_url, session=session))

        async def listener(socket: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
            await socket.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))

        client.socket_mode_request_listeners.append(listener)
        await client.connect()  # type: ignore[no-untyped-call]  # the SDK gives it no types
        try:
            yield
        finally:
            await client.close()  # type: ignore[no-untyped-call]


@asynccontextmanager
async def bare_bolt(api_url: str) -> AsyncIterator[None]:
    """slack_bolt as its documentation shows it: AsyncApp, a command that acks, AsyncSocketModeHandler."""
    async with slack_session() as session:
        client = AsyncWebClient("xoxb-bench", api_url, session=session)
        app = AsyncApp(client=client, signing_secret="unused")

        @app.command("/lumen")
        async def acks(ack: AsyncAck) -> None:
            await ack()

        handler = AsyncSocketModeHandler(app, "xapp-bench")
        await handler.connect_async()  # type: ignore[no-untyped-call]
        try:
            yield
        finally:
            await handler.close_async()  # type: ignore[no-untyped-call]


@asynccontextmanager
async def lumen(api_url: str, world: World) -> AsyncIterator[None]:
    """Everything that a command or a click passes in the bot: two connections, Bolt, rights, store, view, answer."""
    async with slack_session() as session:
        asking = asking_client("xoxb-bench", api_url, session)
        background, answers = Background(), Answers(session, asking, "C0")
        languages = Languages(asking, "en")
        identity = await who_am_i(asking)
        rights = Rights(asking, Approvers(frozenset(), frozenset({GROUP})), identity.team_id, lambda: APP)
        unused: Any = world  # nothing burns here
        emergencies = Emergencies(
            unused, world.readouts, rights, world.audit, answers, languages, background, world, 300
        )
        commands = Commands(
            Services(Choosing(world.services, unused, unused), rights, world.audit),
            world.readouts,
            world,
            world,
            answers,
            languages,
            background,
            world,
            emergencies,
            unused,
            unused,
            unused,
            60,
            3600,
        )
        screens = Screens(world.services, world.readouts, asking, answers, languages, background)
        buttons = Buttons(world, world, rights, world.audit, answers, languages, background, world, screens, world.owed)
        envelopes = Envelopes(build_app(asking, identity, commands, buttons, screens, emergencies, unused), background)
        connection = SlackConnection(
            single_try_client("xapp-bench", api_url, session), "xapp-bench", envelopes, ticket_pace_seconds=0.0
        )
        running = asyncio.create_task(connection.run())
        while not connection.state().whole:
            await asyncio.sleep(0.01)
        try:
            yield
        finally:
            await background.drain(5)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
