"""Socket Mode on the wire: tickets, hello, connections, acks and every way in which a connection can end."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from tests.slack_workspace import World

Json = dict[str, Any]


async def ticket_url(world: World) -> str:
    answer = await world.app_level.apps_connections_open(app_token=world.server.facts().app_token)
    assert answer["url"].startswith("ws://127.0.0.1:")
    return str(answer["url"])


@asynccontextmanager
async def connected(world: World, **options: Any) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with world.http.ws_connect(await ticket_url(world), **options) as socket:
        yield socket


async def hello(socket: aiohttp.ClientWebSocketResponse) -> Json:
    message: Json = await socket.receive_json(timeout=5)
    assert message["type"] == "hello"
    return message


async def ack_next(socket: aiohttp.ClientWebSocketResponse, payload: Json | None = None) -> Json:
    envelope: Json = await socket.receive_json(timeout=5)
    await socket.send_json({"envelope_id": envelope["envelope_id"], **({"payload": payload} if payload else {})})
    return envelope


async def test_hello_tells_the_app_and_the_number_of_connections(world: World) -> None:
    async with connected(world) as first, connected(world) as second:
        assert (await hello(first))["num_connections"] == 1
        greeting = await hello(second)
        assert greeting["num_connections"] == 2
        assert greeting["connection_info"]["app_id"] == world.server.facts().app_id
        assert greeting["debug_info"]["approximate_connection_time"] > 0


async def test_a_ticket_opens_one_connection_once(world: World) -> None:
    url = await ticket_url(world)
    async with world.http.ws_connect(url):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await world.http.ws_connect(url)
        assert refused.value.status == 403


async def test_a_ticket_does_not_keep(world: World) -> None:
    url = await ticket_url(world)
    world.ahead.seconds += 31
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await world.http.ws_connect(url)


async def test_an_envelope_as_slack_shapes_it(world: World) -> None:
    async with connected(world) as socket:
        await hello(socket)
        command = asyncio.ensure_future(world.control.command("/lumen status"))
        envelope = await ack_next(socket, {"text": "in the ack"})
        assert envelope["type"] == "slash_commands"
        assert envelope["accepts_response_payload"] is True
        assert envelope["payload"]["text"] == "status"
        outcome = await command
        assert outcome.acked
        assert outcome.payload == {"text": "in the ack"}
    (kept,) = await world.control.envelopes()
    assert (kept["state"], kept["summary"]) == ("acked", "/lumen status")


async def test_envelopes_are_spread_over_ten_connections(world: World) -> None:
    sockets = [await world.http.ws_connect(await ticket_url(world)) for _ in range(10)]
    for socket in sockets:
        await hello(socket)
    async with connected(world) as eleventh:
        frame = await eleventh.receive_json(timeout=5)
        assert frame == {"type": "disconnect", "reason": "too_many_websockets", "debug_info": {"host": "sandbox"}}
        assert (await eleventh.receive(timeout=5)).type is WSMsgType.CLOSE
    commands = [asyncio.ensure_future(world.control.command(f"/lumen {n}")) for n in range(20)]
    received = await asyncio.gather(*(ack_next(s) for s in sockets))
    received += await asyncio.gather(*(ack_next(s) for s in sockets))
    outcomes = await asyncio.gather(*commands)
    assert all(o.acked for o in outcomes)
    assert len({e["envelope_id"] for e in received}) == 20
    for socket in sockets:
        await socket.close()


async def test_any_connection_may_ack(world: World) -> None:
    async with connected(world) as first, connected(world) as second:
        await hello(first)
        await hello(second)
        command = asyncio.ensure_future(world.control.command("/lumen x"))
        done, pending = await asyncio.wait(
            [asyncio.ensure_future(s.receive_json()) for s in (first, second)], return_when=asyncio.FIRST_COMPLETED
        )
        envelope = done.pop().result()
        for waiting in pending:
            waiting.cancel()
        for socket in (first, second):
            if not socket.closed:
                await socket.send_json({"envelope_id": envelope["envelope_id"]})
        assert (await command).acked


async def test_a_late_ack_is_noted_and_does_not_count(world: World) -> None:
    world.server.hub.ack_seconds = 0.1
    async with connected(world) as socket:
        await hello(socket)
        outcome = await world.control.command("/lumen x")
        assert outcome.error == "operation_timeout"
        await ack_next(socket)
        for _ in range(100):
            (kept,) = await world.control.envelopes()
            if kept["state"] == "late":
                break
        assert kept["state"] == "late"
        assert kept["ack_ms"] > 100


async def test_without_a_connection_nothing_is_sent(world: World) -> None:
    outcome = await world.control.command("/lumen x")
    assert (outcome.acked, outcome.error) == (False, "dispatch_failed")
    (message,) = await world.control.messages(user=world.approver)
    assert message.text == "/lumen failed with the error “dispatch_failed”"


async def test_the_deadlines_are_slacks_own(world: World) -> None:
    """Other tests shorten them."""
    assert world.server.hub.ack_seconds == 3.0
    assert world.server.hub.event_retries_seconds == (0.0, 60.0, 300.0)


async def test_nonsense_from_the_app_is_ignored(world: World) -> None:
    async with connected(world) as socket:
        await hello(socket)
        for text in ("no json", "[]", "{}", json.dumps({"envelope_id": "unknown"})):
            await socket.send_str(text)
        command = asyncio.ensure_future(world.control.command("/lumen x"))
        await ack_next(socket)
        assert (await command).acked


async def test_the_same_envelope_twice(world: World) -> None:
    await world.control.sockets("duplicate_envelopes", count=1)
    async with connected(world) as socket:
        await hello(socket)
        command = asyncio.ensure_future(world.control.command("/lumen x"))
        first, second = await ack_next(socket), await ack_next(socket)
        assert first == second
        assert (await command).acked


async def test_pings_are_answered_and_a_half_open_connection_is_silent(world: World) -> None:
    async with connected(world, autoping=False) as socket:
        await hello(socket)
        await socket.ping(b"1")
        assert (await socket.receive(timeout=5)).type is WSMsgType.PONG
        world.server.hub.ack_seconds = 0.1
        await world.control.sockets("half_open")
        await socket.ping(b"2")
        outcome = await world.control.command("/lumen x")
        assert outcome.error == "operation_timeout", "Slack does not know yet that nobody hears it"
        with pytest.raises(asyncio.TimeoutError):
            await socket.receive(timeout=0.1)


@pytest.mark.parametrize("reason", ["refresh_requested", "link_disabled", "too_many_websockets"])
async def test_disconnect_frames_with_their_reason(world: World, reason: str) -> None:
    async with connected(world) as socket:
        await hello(socket)
        await world.control.sockets(reason)
        assert (await socket.receive_json(timeout=5))["reason"] == reason
        assert (await socket.receive(timeout=5)).type is WSMsgType.CLOSE


async def test_the_warning_comes_ahead_of_the_end(world: World) -> None:
    over = asyncio.Event()
    announced: list[float] = []

    async def until_told(seconds: float) -> None:
        announced.append(seconds)
        await over.wait()

    world.server.hub.wait_after_warning = until_told
    async with connected(world) as socket:
        await hello(socket)
        await world.control.sockets("warning")
        assert (await socket.receive_json(timeout=5))["reason"] == "warning"
        command = asyncio.ensure_future(world.control.command("/lumen still works"))
        await ack_next(socket)
        assert (await command).acked
        assert announced == [10.0]
        over.set()
        assert (await socket.receive_json(timeout=5))["reason"] == "refresh_requested"


@pytest.mark.parametrize(
    ("deed", "kinds"),
    [
        ("close", {WSMsgType.CLOSE}),
        ("reset", {WSMsgType.ERROR, WSMsgType.CLOSED}),
        ("finish", {WSMsgType.CLOSED, WSMsgType.ERROR}),
    ],
)
async def test_the_three_ends_without_a_reason(world: World, deed: str, kinds: set[WSMsgType]) -> None:
    async with connected(world) as socket:
        await hello(socket)
        await world.control.sockets(deed)
        assert (await socket.receive(timeout=5)).type in kinds
    for _ in range(100):
        if not await world.control.connections():
            break
    assert await world.control.connections() == []


async def test_rejected_tickets_and_link_disabled_on_connect(world: World) -> None:
    await world.control.sockets("reject_tickets", count=1)
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await world.http.ws_connect(await ticket_url(world))
    await world.control.sockets("link_disabled_on_connect", count=1)
    async with connected(world) as socket:
        assert (await socket.receive_json(timeout=5))["reason"] == "link_disabled"
    async with connected(world) as socket:
        await hello(socket)


async def test_a_connection_without_hello(world: World) -> None:
    await world.control.sockets("withhold_hello", count=1)
    async with connected(world) as socket:
        with pytest.raises(asyncio.TimeoutError):
            await socket.receive(timeout=0.1)


async def test_events_are_sent_again_and_commands_are_not(world: World) -> None:
    world.server.hub.ack_seconds = 0.1
    world.server.hub.event_retries_seconds = (0.0, 0.05)
    async with connected(world) as socket:
        await hello(socket)
        await world.control.say("@Lumen hello")
        deliveries = [await socket.receive_json(timeout=5) for _ in range(3)]
        assert [e["retry_attempt"] for e in deliveries] == [0, 1, 2]
        assert [e["retry_reason"] for e in deliveries] == ["", "timeout", "timeout"]
        assert len({e["payload"]["event_id"] for e in deliveries}) == 1
        assert deliveries[0]["accepts_response_payload"] is False
        await world.control.command("/lumen once")
        assert (await socket.receive_json(timeout=5))["type"] == "slash_commands"
        with pytest.raises(asyncio.TimeoutError):
            await socket.receive(timeout=0.3)


async def test_the_sdks_client_comes_back_by_itself(world: World) -> None:
    facts = world.server.facts()
    client = SocketModeClient(app_token=facts.app_token, web_client=world.app_level, ping_interval=2)
    heard: list[str] = []

    async def listen(sender: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        heard.append(request.payload["text"])
        await sender.send_socket_mode_response(SocketModeResponse(request.envelope_id))

    client.socket_mode_request_listeners.append(listen)
    await client.connect()  # type: ignore[no-untyped-call]
    await world.control.wait_for_connections(1)
    assert (await world.control.command("/lumen one")).acked
    former = (await world.control.connections())[0]["id"]
    await world.control.sockets("refresh_requested")
    async with asyncio.timeout(20):
        while not (there := [one["id"] for one in await world.control.connections()]) or former in there:  # noqa: ASYNC110 - the sandbox is watched
            await asyncio.sleep(0.02)
    assert (await world.control.command("/lumen two")).acked
    assert heard == ["one", "two"]
    await client.close()  # type: ignore[no-untyped-call]
