"""The control API: planned faults, reading what happened, reset; and who may speak to the sandbox at all."""

import asyncio

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.client import NotSeen, SandboxRefused
from tests.contract.sandbox_slack.blocks import section
from tests.slack_workspace import World


def impatient(world: World) -> AsyncWebClient:
    """A client that waits 0.3 s and tries once; with a session of its own, since it will leave things hanging."""
    return AsyncWebClient(
        world.server.facts().bot_token, base_url=f"{world.base_url}/api/", timeout=1, retry_handlers=[]
    )


async def test_an_error_of_ones_choice(world: World) -> None:
    await world.control.fault("chat.postMessage", "error", error="fatal_error", times=2)
    assert await world.refusal("chat.postMessage", channel=world.channel, text="x") == "fatal_error"
    assert await world.refusal("chat.postMessage", channel=world.channel, text="x") == "fatal_error"
    assert (await world.call("chat.postMessage", channel=world.channel, text="x"))["ok"]


async def test_a_storm_of_429(world: World) -> None:
    await world.control.fault("*", "ratelimited", times=-1, seconds=7)
    with pytest.raises(SlackApiError) as refused:
        await world.web.auth_test()
    assert refused.value.response.headers["Retry-After"] == "7"
    await world.control.clear_faults()
    assert (await world.call("auth.test"))["ok"]


async def test_a_server_error(world: World) -> None:
    await world.control.fault("auth.test", "http_500")
    async with world.http.post(f"{world.base_url}/api/auth.test") as response:
        assert response.status == 500
        assert response.content_type == "text/html"


async def test_a_slow_answer(world: World) -> None:
    await world.control.fault("auth.test", "delay", seconds=0.3)
    await world.web.auth_test()
    (call,) = await world.control.calls(method="auth.test")
    assert call["ms"] >= 300


async def test_posted_although_the_answer_never_came(world: World) -> None:
    await world.control.fault("chat.postMessage", "post_then_timeout")
    with pytest.raises(asyncio.TimeoutError):
        await impatient(world).chat_postMessage(channel=world.channel, text="there")
    assert [m.text for m in await world.control.messages()] == ["there"]
    (call,) = await world.control.calls(method="chat.postMessage")
    assert (call["status"], call["response"]["ok"]) == (0, True)


@pytest.mark.parametrize("kind", ["hang", "drop"])
async def test_neither_done_nor_answered(world: World, kind: str) -> None:
    await world.control.fault("chat.postMessage", kind)
    with pytest.raises((asyncio.TimeoutError, aiohttp.ClientError)):
        await impatient(world).chat_postMessage(channel=world.channel, text="lost")
    assert await world.control.messages() == []


async def test_a_fault_that_does_not_exist(world: World) -> None:
    with pytest.raises(SandboxRefused, match="kind must be one of error, delay"):
        await world.control.fault("auth.test", "gremlin")
    with pytest.raises(SandboxRefused, match="do must be one of close, reset"):
        await world.control.sockets("unplug")


async def test_calls_are_kept_without_tokens(world: World) -> None:
    await world.web.chat_postMessage(channel=world.channel, text="x", blocks=[section()])
    (call,) = await world.control.calls()
    assert call["method"] == "chat.postMessage"
    assert call["arguments"]["text"] == "x"
    assert world.server.facts().bot_token not in str(call)
    assert await world.control.calls_total() == 1
    assert await world.control.calls(since=call["number"]) == []


async def test_waiting_in_vain_says_what_was_there(world: World) -> None:
    await world.web.chat_postMessage(channel=world.channel, text="something else")
    with pytest.raises(NotSeen, match="something else"):
        await world.control.wait_for_message(lambda m: m.text == "it", within_seconds=0.1)


async def test_reset_empties_the_workspace(world: World) -> None:
    await world.web.chat_postMessage(channel=world.channel, text="x")
    await world.control.fault("*", "error", times=-1)
    await world.control.reset_slack()
    assert await world.control.messages() == []
    assert (await world.call("auth.test"))["ok"]


@pytest.mark.parametrize(
    ("path", "body", "status", "sentence"),
    [
        ("command", {"text": "/lumen x", "user": "U0NOBODY"}, 404, "no person 'U0NOBODY'"),
        ("command", {"text": "/lumen x", "channel": "C0NONE"}, 404, "no channel 'C0NONE'"),
        ("click", {"ts": "1.1", "action_id": "a"}, 404, "no message 1.1"),
        ("click", {"ts": "1.1"}, 422, "the field 'action_id' is missing"),
        ("submit", {"view_id": "V0"}, 404, "no view 'V0' is open"),
        ("say", {}, 422, "the field 'text' is missing"),
        ("say", [], 422, "the body must be a JSON object"),
    ],
)
async def test_control_refuses_with_a_sentence(
    world: World, path: str, body: object, status: int, sentence: str
) -> None:
    async with world.http.post(f"{world.base_url}/control/slack/{path}", json=body) as response:
        assert response.status == status
        assert sentence in (await response.json())["error"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example:80"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
async def test_foreign_hosts_and_origins(world: World, headers: dict[str, str], status: int) -> None:
    async with world.http.get(f"{world.base_url}/control/slack/state", headers=headers) as response:
        assert response.status == status


async def test_ones_own_origin(world: World) -> None:
    headers = {"Origin": world.base_url}
    async with world.http.get(f"{world.base_url}/control/slack/state", headers=headers) as response:
        assert response.status == 200
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await world.http.ws_connect(f"{world.base_url}/feed", headers={"Origin": "https://evil.example"})


async def test_the_feed_tells_each_reader_what_is_theirs(world: World) -> None:
    mine = await world.http.ws_connect(f"{world.base_url}/feed?user={world.approver}")
    theirs = await world.http.ws_connect(f"{world.base_url}/feed?user={world.bystander}")
    assert (await mine.receive_json())["viewer"] == world.approver
    assert (await theirs.receive_json())["type"] == "snapshot"
    await world.web.chat_postEphemeral(channel=world.channel, user=world.approver, text="psst")
    await world.web.chat_postMessage(channel=world.channel, text="all")

    async def next_message(socket: aiohttp.ClientWebSocketResponse) -> str:
        while True:
            event = await socket.receive_json(timeout=5)
            if event["type"] == "message":
                return str(event["message"]["text"])

    assert [await next_message(mine), await next_message(mine)] == ["psst", "all"]
    assert await next_message(theirs) == "all"
    await mine.close()
    await theirs.close()
