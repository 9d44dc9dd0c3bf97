"""The Web API by slack_sdk's AsyncWebClient: what it does, and what it refuses with which code."""

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from tests.contract.sandbox_slack.blocks import actions, button, section
from tests.slack_workspace import World


async def test_auth_test_names_team_and_bot(world: World) -> None:
    answer = await world.web.auth_test()
    assert answer["team_id"] == world.server.facts().team_id
    assert answer["bot_id"].startswith("B")
    assert "chat:write" in answer.headers["x-oauth-scopes"].split(",")


async def test_arguments_as_json_form_query_and_token_in_body(world: World) -> None:
    token = world.server.facts().bot_token
    address = f"{world.base_url}/api/chat.postMessage"
    bearer = {"Authorization": f"Bearer {token}"}
    blocks = '[{"type":"section","text":{"type":"mrkdwn","text":"from a form"}}]'
    form = {"token": token, "channel": world.channel, "text": "form", "blocks": blocks}
    async with world.http.post(address, data=form) as response:
        assert (await response.json())["message"]["blocks"][0]["text"]["text"] == "from a form"
    async with world.http.post(address, json={"channel": world.channel, "text": "json"}, headers=bearer) as response:
        assert (await response.json())["ok"]
    async with world.http.get(address, params={"channel": world.channel, "text": "query"}, headers=bearer) as response:
        assert (await response.json())["ok"]
    assert [m.text for m in await world.control.messages()] == ["form", "json", "query"]


@pytest.mark.parametrize(
    ("headers", "error"),
    [({}, "not_authed"), ({"Authorization": "Bearer xoxb-wrong"}, "invalid_auth")],
)
async def test_tokens_are_checked(world: World, headers: dict[str, str], error: str) -> None:
    async with world.http.post(f"{world.base_url}/api/auth.test", headers=headers) as response:
        assert await response.json() == {"ok": False, "error": error}


async def test_each_kind_of_token_has_its_methods(world: World) -> None:
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        await world.web.apps_connections_open(app_token=world.server.facts().bot_token)
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        await world.app_level.chat_postMessage(channel=world.channel, text="x")


async def test_unknown_methods_are_refused(world: World) -> None:
    assert await world.refusal("chat.unheardOf") == "unknown_method"


async def test_a_body_that_is_no_json(world: World) -> None:
    headers = {"Content-Type": "application/json"}
    async with world.http.post(f"{world.base_url}/api/auth.test", data="{", headers=headers) as response:
        assert (await response.json())["error"] == "invalid_json"


async def test_missing_scope_says_needed_and_provided(world: World) -> None:
    answer = await world.call("conversations.info", channel=world.channel)
    assert (answer["error"], answer["needed"]) == ("missing_scope", "channels:read")
    assert "chat:write" in answer["provided"].split(",")


async def test_post_update_delete(world: World) -> None:
    posted = await world.web.chat_postMessage(
        channel=world.channel, text="before", blocks=[section(), actions(button())]
    )
    assert posted["message"]["bot_id"] == world.server.directory.app.bot_id
    assert all(b["block_id"] for b in posted["message"]["blocks"])
    await world.web.chat_update(channel=world.channel, ts=posted["ts"], text="after")
    (message,) = await world.control.messages()
    assert (message.text, message.blocks, message.edited) == ("after", [], True), "text without blocks takes them away"
    await world.web.chat_delete(channel=world.channel, ts=posted["ts"])
    assert await world.control.messages() == []


async def test_blocks_alone_leave_the_text(world: World) -> None:
    posted = await world.web.chat_postMessage(channel=world.channel, text="words")
    await world.web.chat_update(channel=world.channel, ts=posted["ts"], blocks=[section()])
    (message,) = await world.control.messages()
    assert message.text == "words"
    assert message.blocks


async def test_ephemeral_messages_are_seen_by_one_and_cannot_be_edited(world: World) -> None:
    posted = await world.web.chat_postEphemeral(channel=world.channel, user=world.approver, text="psst")
    assert [m.text for m in await world.control.messages(user=world.approver)] == ["psst"]
    assert await world.control.messages(user=world.bystander) == []
    ts = posted["message_ts"]
    assert await world.refusal("chat.update", channel=world.channel, ts=ts, text="x") == "message_not_found"
    assert (await world.web.conversations_history(channel=world.channel))["messages"] == []
    assert await world.refusal("chat.postEphemeral", channel=world.channel, user="U0NOBODY", text="x") == (
        "user_not_in_channel"
    )


@pytest.mark.parametrize(
    ("channel", "error"),
    [
        ("C0NOWHERE", "channel_not_found"),
        ("C0PRIVATE1", "channel_not_found"),
        ("#ion-private", "channel_not_found"),
        ("C0GENERAL1", "not_in_channel"),
        ("C0ARCHIVED", "is_archived"),
    ],
)
async def test_where_the_bot_may_not_post(world: World, channel: str, error: str) -> None:
    assert await world.refusal("chat.postMessage", channel=channel, text="x") == error


async def test_channel_by_name_and_direct_message(world: World) -> None:
    assert (await world.web.chat_postMessage(channel="#ion-alerts", text="x"))["channel"] == world.channel
    direct = await world.web.chat_postMessage(channel=world.approver, text="for you")
    assert direct["channel"].startswith("D")
    assert [m.text for m in await world.control.messages(channel=direct["channel"])] == ["for you"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, "no_text"),
        ({"text": "   "}, "no_text"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"text": "x", "blocks": "no json"}, "invalid_blocks_format"),
        ({"text": "x", "blocks": {"type": "section"}}, "invalid_blocks_format"),
        ({"text": "x", "blocks": [{"type": "section"}]}, "invalid_blocks"),
        ({"text": "x", "attachments": [{}] * 101}, "too_many_attachments"),
        ({"text": "x", "metadata": {"event_payload": {}}}, "invalid_metadata_format"),
        ({"text": "x", "metadata": {"event_type": "e", "event_payload": {"a": "x" * 16_001}}}, "metadata_too_large"),
        ({"text": "x", "markdown_text": "y"}, "markdown_text_conflict"),
        ({"text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
    ],
)
async def test_what_a_message_may_not_be(world: World, arguments: dict[str, object], error: str) -> None:
    assert await world.refusal("chat.postMessage", channel=world.channel, **arguments) == error
    assert await world.control.messages() == []


async def test_the_longest_text_is_taken(world: World) -> None:
    posted = await world.web.chat_postMessage(channel=world.channel, text="x" * 40_000)
    refused = await world.refusal("chat.update", channel=world.channel, ts=posted["ts"], text="x" * 4_001)
    assert refused == "msg_too_long"


async def test_only_ones_own_messages_can_be_changed(world: World) -> None:
    ts = await world.control.say("from a person")
    assert await world.refusal("chat.update", channel=world.channel, ts=ts, text="x") == "cant_update_message"
    assert await world.refusal("chat.delete", channel=world.channel, ts=ts) == "cant_delete_message"
    assert await world.refusal("chat.update", channel=world.channel, ts="1.1", text="x") == "message_not_found"


async def test_history_finds_ones_own_message_by_metadata(world: World) -> None:
    metadata = {"event_type": "lumen_card", "event_payload": {"id": "42"}}
    posted = await world.web.chat_postMessage(channel=world.channel, text="card", metadata=metadata)
    await world.web.chat_postMessage(channel=world.channel, text="reply", thread_ts=posted["ts"])
    await world.web.chat_postMessage(channel=world.channel, text="later")
    plain = await world.web.conversations_history(channel=world.channel)
    assert [m["text"] for m in plain["messages"]] == ["later", "card"], "newest first, replies are in their thread"
    assert "metadata" not in plain["messages"][1]
    full = await world.web.conversations_history(
        channel=world.channel, include_all_metadata=True, oldest=posted["ts"], inclusive=True
    )
    assert full["messages"][-1]["metadata"] == metadata
    after = await world.web.conversations_history(channel=world.channel, oldest=posted["ts"])
    assert [m["text"] for m in after["messages"]] == ["later"]


async def test_history_comes_in_pages(world: World) -> None:
    for number in range(5):
        await world.control.say(f"{number}")
    seen: list[str] = []
    cursor = None
    while cursor != "":
        page = await world.web.conversations_history(channel=world.channel, limit=2, cursor=cursor)
        seen += [m["text"] for m in page["messages"]]
        cursor = page["response_metadata"]["next_cursor"] if page["has_more"] else ""
    assert seen == ["4", "3", "2", "1", "0"]
    assert await world.refusal("conversations.history", channel=world.channel, cursor="nonsense") == "invalid_cursor"


async def test_threads(world: World) -> None:
    parent = await world.web.chat_postMessage(channel=world.channel, text="parent")
    reply = await world.web.chat_postMessage(channel=world.channel, text="reply", thread_ts=parent["ts"])
    assert reply["message"]["thread_ts"] == parent["ts"]
    thread = await world.web.conversations_replies(channel=world.channel, ts=parent["ts"])
    assert [m["text"] for m in thread["messages"]] == ["parent", "reply"]
    assert thread["messages"][0]["reply_count"] == 1
    nested = await world.web.chat_postMessage(channel=world.channel, text="nested", thread_ts=reply["ts"])
    assert nested["message"]["thread_ts"] == parent["ts"], "there are no threads in threads"
    assert await world.refusal("conversations.replies", channel=world.channel, ts="1.1") == "thread_not_found"


async def test_people_and_groups(world: World) -> None:
    info = await world.web.users_info(user=world.approver, include_locale=True)
    assert info["user"]["locale"] == "en-US"
    assert info["user"]["tz"] == "Asia/Seoul"
    assert "locale" not in (await world.web.users_info(user=world.approver))["user"]
    assert await world.refusal("users.info", user="U0NOBODY") == "user_not_found"
    group = world.server.facts().approver_group
    members = (await world.web.usergroups_users_list(usergroup=group))["users"]
    assert world.approver in members
    assert world.bystander not in members
    assert await world.refusal("usergroups.users.list", usergroup="S0NONE") == "no_such_subteam"


async def test_permalink(world: World) -> None:
    posted = await world.web.chat_postMessage(channel=world.channel, text="x")
    link = await world.web.chat_getPermalink(channel=world.channel, message_ts=posted["ts"])
    assert link["permalink"].endswith(f"/archives/{world.channel}/p{posted['ts'].replace('.', '')}")
    assert await world.refusal("chat.getPermalink", channel=world.channel, message_ts="1.1") == "message_not_found"


async def test_missing_arguments_are_named(world: World) -> None:
    answer = await world.call("chat.update", channel=world.channel, text="x")
    assert answer["error"] == "invalid_arguments"
    assert "ts" in answer["response_metadata"]["messages"][0]


async def test_one_message_a_second_after_a_small_burst(world: World) -> None:
    world.ahead.seconds += 60
    for _ in range(4):
        await world.web.chat_postMessage(channel=world.channel, text="x")
    with pytest.raises(SlackApiError) as refused:
        await world.web.chat_postMessage(channel=world.channel, text="x")
    assert refused.value.response.status_code == 429
    assert refused.value.response["error"] == "ratelimited"
    assert refused.value.response.headers["Retry-After"] == "1"
    await world.web.chat_postMessage(channel=world.approver, text="another channel has its own pace")
    world.ahead.seconds += 1.0
    await world.web.chat_postMessage(channel=world.channel, text="x")


async def test_methods_have_their_tier(world: World) -> None:
    group = world.server.facts().approver_group
    for _ in range(20):
        await world.web.usergroups_users_list(usergroup=group)
    assert await world.refusal("usergroups.users.list", usergroup=group) == "ratelimited"
    await world.control.rate_limits(False)
    assert (await world.call("usergroups.users.list", usergroup=group))["ok"]


async def test_the_sdks_retry_handler_gets_through(world: World) -> None:
    await world.control.fault("chat.postMessage", "ratelimited", times=1, seconds=1)
    client = AsyncWebClient(
        world.server.facts().bot_token,
        base_url=f"{world.base_url}/api/",
        session=world.http,
        retry_handlers=[AsyncRateLimitErrorRetryHandler(max_retry_count=1)],
    )
    assert (await client.chat_postMessage(channel=world.channel, text="x"))["ok"]
    assert [c["status"] for c in await world.control.calls(method="chat.postMessage")] == [429, 200]
