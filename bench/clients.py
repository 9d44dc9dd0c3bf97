"""The clients that are compared: the SDK alone, Bolt with its defaults, and Lumen's whole way."""

import asyncio
from collections import ChainMap
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
from handlers.charts import Charts
from handlers.command_handlers import Overriding, Proposing, Questions, Services
from handlers.commands import Commands
from handlers.contacts import Contact, Contacts
from handlers.emergency import Emergencies
from handlers.fleet import FleetAnswers
from handlers.home import Screens
from handlers.incidents import Incidents
from handlers.people import Languages, who_am_i
from handlers.permissions import Permissions
from handlers.replies import Background, Deliveries, Replies, Responder
from handlers.web_api import SlackApi, slack_session
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
        asking = SlackApi("xoxb-bench", api_url, session)
        identity = await who_am_i(asking)
        replies, once = Replies(session, asking, Charts(), lambda _: "C0"), Deliveries(world.leases)
        responder = Responder(replies, Languages(asking, "en"), Background(), lambda: None, once)
        approvers, app_id = Approvers(frozenset(), frozenset({GROUP})), lambda: APP
        permissions = Permissions(asking, lambda _: approvers, identity.team_id, app_id, world.audit)
        unused: Any = None  # nothing burns here
        emergencies = Emergencies(unused, world.readouts, permissions, responder, unused)
        incidents = Incidents(unused, unused, unused, unused, world.readouts, permissions, permissions, responder)
        groups = (
            Questions(world.readouts, unused, unused, unused),
            Proposing(unused, world.readouts, unused),
            Overriding(unused, world.readouts, permissions),
            emergencies,
            incidents,
        )
        contacts = Contacts(dict.fromkeys(world.services, Contact("C0", approvers, approvers)))
        services = Services(Choosing(world.services, unused, unused), world.readouts, permissions, contacts)
        fleet = FleetAnswers(unused, contacts, unused, responder)
        handlers = ChainMap(*(dict(group.handlers) for group in groups))
        commands = Commands(responder, services, fleet, handlers, dict.fromkeys(world.services, (60, 3600)))
        name_of = contacts.name_of
        screens = Screens(world.services, world.readouts, unused, name_of, asking, responder, permissions)
        pending, outbox = world.pending_replies, world.outbox
        buttons = Buttons(world.approvals, lambda: None, permissions, responder, screens, pending, outbox)
        app = build_app(asking, identity, commands, buttons, screens, emergencies, incidents, fleet, unused)
        envelopes = Envelopes(app, responder.background)
        connection = SlackConnection(SlackApi("xapp-bench", api_url, session), envelopes, ticket_pace_seconds=0.0)
        running = asyncio.create_task(connection.run())
        while not connection.state().whole:
            await asyncio.sleep(0.01)
        try:
            yield
        finally:
            await responder.background.drain(5)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
