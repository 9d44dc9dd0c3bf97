"""A small Bolt app as its authors write it: the echo example, and buttons and a modal beside it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp

from tests.contract.sandbox_slack.blocks import actions, button, modal, option, section, text_input
from tests.slack_workspace import World

Json = dict[str, Any]


def echo_app(world: World, seen: list[Json]) -> AsyncApp:
    app = AsyncApp(client=world.web)

    @app.command("/lumen")
    async def echo(ack: Any, respond: Any, command: Json) -> None:
        seen.append(command)
        match command["text"]:
            case "silent":
                await asyncio.sleep(1)
            case "in the ack":
                await ack(text="answered in the ack", response_type="in_channel")
            case "bad":
                await ack(blocks=[{"type": "section"}])
            case _:
                await ack()
                await respond(f"echo: {command['text']}")

    @app.action("press")
    async def pressed(ack: Any, body: Json, client: Any) -> None:
        await ack()
        seen.append(body)
        await client.chat_update(
            channel=body["channel"]["id"], ts=body["message"]["ts"], text=f"decided by {body['user']['id']}"
        )

    @app.action("choose")
    async def chose(ack: Any, body: Json) -> None:
        await ack()
        seen.append(body)

    @app.action("ask")
    async def ask(ack: Any, body: Json, client: Any) -> None:
        await ack()
        view = modal(text_input(), callback_id="form", private_metadata="kept")
        await client.views_open(trigger_id=body["trigger_id"], view=view)

    @app.options("search")
    async def options(ack: Any, body: Json) -> None:
        seen.append(body)
        await ack(options=[option(body["value"], body["value"].title())])

    @app.view("form")
    async def submitted(ack: Any, body: Json) -> None:
        seen.append(body)
        typed = body["view"]["state"]["values"]["b"]["a"]["value"]
        match typed:
            case "wrong":
                await ack(response_action="errors", errors={"b": "Not that."})
            case "push":
                await ack(response_action="push", view=modal(section("second"), callback_id="second"))
            case "update":
                await ack(response_action="update", view=modal(section("changed")))
            case "clear":
                await ack(response_action="clear")
            case "silent":
                await asyncio.sleep(1)
            case _:
                await ack()

    @app.view_closed("form")
    async def closed(ack: Any, body: Json) -> None:
        await ack()
        seen.append(body)

    @app.event("app_mention")
    async def mentioned(event: Json, say: Any) -> None:
        seen.append(event)
        await say(text="you called", thread_ts=event["ts"])

    @app.event("app_home_opened")
    async def home(event: Json, client: Any) -> None:
        seen.append(event)
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [section("at home")]})

    return app


@asynccontextmanager
async def running_bot(world: World, seen: list[Json]) -> AsyncIterator[AsyncApp]:
    app = echo_app(world, seen)
    handler = AsyncSocketModeHandler(app, world.server.facts().app_token)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    await world.control.wait_for_connections(1)
    try:
        yield app
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]


CARD = [section("A proposal"), actions(button("press"), button("ask", value="2"))]
