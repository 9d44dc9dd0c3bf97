"""What other bots ask for beside Lumen: people, bots, the team, lists of channels, direct messages, reactions."""

from typing import Any

import pytest

from tests.slack_workspace import World, granting

PLACES = granting(
    "channels:read", "groups:read", "im:read", "im:write", "channels:join", "team:read", "reactions:write",
    "reactions:read",
)  # fmt: skip


def names(answer: Any) -> list[str]:
    return [channel["name"] for channel in answer["channels"]]


async def test_the_bot_is_a_user_and_a_bot(world: World) -> None:
    me = await world.web.auth_test()
    user = (await world.web.users_info(user=me["user_id"]))["user"]
    assert user["is_bot"] is True
    assert user["profile"]["bot_id"] == me["bot_id"]
    bot = (await world.web.bots_info(bot=me["bot_id"]))["bot"]
    assert (bot["user_id"], bot["app_id"]) == (me["user_id"], world.server.facts().app_id)
    assert await world.refusal("bots.info", bot="B0NOBODY01") == "bot_not_found"


async def test_everybody_page_by_page(world: World) -> None:
    seen: list[str] = []
    async for answer in await world.web.users_list(limit=2):
        seen += [member["id"] for member in answer["members"]]
    assert {world.approver, world.bystander} < set(seen)
    assert len(seen) == len(set(seen)) == 5


@pytest.mark.parametrize(
    ("method", "needed"),
    [
        ("conversations.list", "channels:read"),
        ("users.conversations", "channels:read"),
        ("conversations.open", "im:write"),
        ("conversations.join", "channels:join"),
        ("team.info", "team:read"),
        ("reactions.add", "reactions:write"),
        ("reactions.remove", "reactions:write"),
        ("reactions.get", "reactions:read"),
    ],
)
async def test_each_wants_its_scope(world: World, method: str, needed: str) -> None:
    answer = await world.call(method)
    assert (answer["error"], answer["needed"]) == ("missing_scope", needed)


@PLACES
async def test_lists_of_channels(world: World) -> None:
    assert names(await world.web.conversations_list()) == ["ion-alerts", "general", "old-alerts"]
    assert names(await world.web.conversations_list(exclude_archived=True)) == ["ion-alerts", "general"]
    assert names(await world.web.users_conversations(exclude_archived=True)) == ["ion-alerts"]
    direct = await world.web.conversations_list(types="im")
    assert [c["is_im"] for c in direct["channels"]] == [True, True, True]
    assert names(await world.web.conversations_list(types="private_channel")) == [], "the app is not in that one"
    assert await world.refusal("conversations.list", types="secret") == "invalid_types"
    assert (await world.call("conversations.list", types="mpim"))["needed"] == "mpim:read"


@PLACES
async def test_a_direct_message(world: World) -> None:
    opened = await world.web.conversations_open(users=world.bystander, return_im=True)
    assert opened["channel"]["is_im"] is True
    posted = await world.web.chat_postMessage(channel=opened["channel"]["id"], text="psst")
    assert (await world.control.messages(user=world.approver)) == []
    assert (await world.control.messages(user=world.bystander))[0].ts == posted["ts"]
    for arguments, code in (
        ({}, "users_list_not_supplied"),
        ({"users": "U0NOBODY01"}, "user_not_found"),
        ({"users": world.server.directory.app.bot_user_id}, "cannot_dm_bot"),
        ({"channel": "D0NOBODY01"}, "channel_not_found"),
        ({"channel": world.channel}, "method_not_supported_for_channel_type"),
    ):
        assert await world.refusal("conversations.open", **arguments) == code
    assert (await world.call("conversations.open", users=f"{world.approver},{world.bystander}"))["needed"] == (
        "mpim:write"
    )


@PLACES
async def test_joining_a_channel_until_the_workspace_is_reset(world: World) -> None:
    general = "C0GENERAL1"
    assert await world.refusal("chat.postMessage", channel=general, text="x") == "not_in_channel"
    assert (await world.web.conversations_join(channel=general))["channel"]["is_member"] is True
    assert (await world.web.conversations_join(channel=general))["warning"] == "already_in_channel"
    await world.web.chat_postMessage(channel=general, text="here now")
    assert await world.refusal("conversations.join", channel="C0PRIVATE1") == "channel_not_found"
    assert await world.refusal("conversations.join", channel="C0ARCHIVED") == "is_archived"
    await world.control.reset_slack()
    assert await world.refusal("chat.postMessage", channel=general, text="x") == "not_in_channel"


@PLACES
async def test_the_team(world: World) -> None:
    assert (await world.web.team_info())["team"]["id"] == world.server.facts().team_id
    assert await world.refusal("team.info", team="T0NOBODY01") == "team_not_found"


@PLACES
async def test_reactions(world: World) -> None:
    posted = await world.web.chat_postMessage(channel=world.channel, text="done")
    item = {"channel": world.channel, "timestamp": posted["ts"]}
    await world.web.reactions_add(name="white_check_mark", **item)
    (shown,) = (await world.web.reactions_get(**item))["message"]["reactions"]
    me = world.server.directory.app.bot_user_id
    assert shown == {"name": "white_check_mark", "users": [me], "count": 1}
    assert "reactions" in (await world.web.conversations_history(channel=world.channel))["messages"][0]
    assert await world.refusal("reactions.add", name="white_check_mark", **item) == "already_reacted"
    assert await world.refusal("reactions.remove", name="eyes", **item) == "no_reaction"
    await world.web.reactions_remove(name="white_check_mark", **item)
    assert "reactions" not in (await world.web.reactions_get(**item))["message"]
    for arguments, code in (
        ({"name": "no such!", **item}, "invalid_name"),
        ({"name": "eyes"}, "no_item_specified"),
        ({"name": "eyes", "channel": world.channel, "timestamp": "1.000001"}, "message_not_found"),
        ({"name": "eyes", "channel": "C0NOBODY01", "timestamp": "1.000001"}, "channel_not_found"),
        ({"name": "eyes", "channel": "C0ARCHIVED", "timestamp": "1.000001"}, "is_archived"),
    ):
        assert await world.refusal("reactions.add", **arguments) == code
