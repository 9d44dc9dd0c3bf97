"""response_url, trigger ids, views by the Web API: what holds how long and how often."""

from typing import Any

import pytest
from slack_sdk.webhook.async_client import AsyncWebhookClient

from tests.contract.sandbox_slack.blocks import modal, section, text_input
from tests.slack_workspace import World

Json = dict[str, Any]


def response_url(world: World, **place: str) -> str:
    return world.server.response_urls.issue(world.approver, world.channel, **place)


async def test_a_response_is_ephemeral_unless_said_otherwise(world: World) -> None:
    client = AsyncWebhookClient(response_url(world), session=world.http)
    assert (await client.send(text="for you")).body == "ok"
    await client.send(text="for all", response_type="in_channel")
    mine = await world.control.messages(user=world.approver)
    assert [(m.text, m.ephemeral_to) for m in mine] == [("for you", world.approver), ("for all", None)]
    assert [m.text for m in await world.control.messages(user=world.bystander)] == ["for all"]


async def test_five_uses(world: World) -> None:
    client = AsyncWebhookClient(response_url(world), session=world.http)
    for number in range(5):
        assert (await client.send(text=str(number))).status_code == 200
    refused = await client.send(text="six")
    assert refused.status_code == 404
    assert "used_url" in refused.body


async def test_half_an_hour(world: World) -> None:
    client = AsyncWebhookClient(response_url(world), session=world.http)
    world.ahead.seconds += 30 * 60 - 1
    assert (await client.send(text="just in time")).status_code == 200
    world.ahead.seconds += 2
    refused = await client.send(text="late")
    assert (refused.status_code, "expired_url" in refused.body) == (404, True)


async def test_replace_and_delete_the_original(world: World) -> None:
    posted = await world.web.chat_postEphemeral(
        channel=world.channel, user=world.approver, text="before", blocks=[section()]
    )
    url = response_url(world, message_ts=posted["message_ts"])
    client = AsyncWebhookClient(url, session=world.http)
    await client.send(text="after", replace_original=True)
    (message,) = await world.control.messages()
    assert (message.text, message.blocks) == ("after", [])
    await client.send(delete_original=True)
    assert await world.control.messages() == []


@pytest.mark.parametrize(
    ("body", "error"),
    [({}, "no_text"), ({"text": "x", "blocks": [{"type": "section"}]}, "invalid_blocks")],
)
async def test_what_a_response_may_not_be(world: World, body: Json, error: str) -> None:
    async with world.http.post(response_url(world), json=body) as response:
        assert response.status == 400
        assert (await response.json())["error"] == error


async def test_a_response_that_is_no_json(world: World) -> None:
    async with world.http.post(response_url(world), data="{") as response:
        assert response.status == 400


async def test_a_trigger_holds_three_seconds_and_once(world: World) -> None:
    fresh, late = (world.server.triggers.issue(world.approver) for _ in range(2))
    assert await world.refusal("views.open", trigger_id="1.2.3", view=modal()) == "invalid_trigger_id"
    assert (await world.call("views.open", trigger_id=fresh, view=modal()))["ok"]
    assert await world.refusal("views.open", trigger_id=fresh, view=modal()) == "exchanged_trigger_id"
    world.ahead.seconds += 3.1
    assert await world.refusal("views.open", trigger_id=late, view=modal()) == "expired_trigger_id"


async def test_three_views_and_no_more(world: World) -> None:
    await world.web.views_open(trigger_id=world.server.triggers.issue(world.approver), view=modal())
    for _ in range(2):
        await world.web.views_push(trigger_id=world.server.triggers.issue(world.approver), view=modal())
    assert len(await world.control.views()) == 3
    trigger_id = world.server.triggers.issue(world.approver)
    assert await world.refusal("views.push", trigger_id=trigger_id, view=modal()) == "push_limit_reached"


async def test_a_loading_view_is_updated_and_keeps_what_was_typed(world: World) -> None:
    opened = await world.web.views_open(
        trigger_id=world.server.triggers.issue(world.approver), view=modal(section("Loading…"), external_id="mine")
    )
    updated = await world.web.views_update(external_id="mine", view=modal(text_input()))
    assert updated["view"]["id"] == opened["view"]["id"]
    stale = opened["view"]["hash"]
    refused = await world.refusal("views.update", view_id=opened["view"]["id"], hash=stale, view=modal())
    assert refused == "hash_conflict"
    assert await world.refusal("views.update", view_id="V0NONE", view=modal()) == "not_found"
    assert await world.refusal("views.update", view=modal()) == "invalid_arguments"


async def test_an_external_id_is_unique(world: World) -> None:
    first, second = (world.server.triggers.issue(world.approver) for _ in range(2))
    view = modal(external_id="mine")
    assert (await world.call("views.open", trigger_id=first, view=view))["ok"]
    assert await world.refusal("views.open", trigger_id=second, view=view) == "duplicate_external_id"


async def test_views_publish(world: World) -> None:
    home = {"type": "home", "blocks": [section("at home")]}
    published = await world.web.views_publish(user_id=world.approver, view=home)
    again = await world.web.views_publish(user_id=world.approver, view=home, hash=published["view"]["hash"])
    assert again["view"]["id"] == published["view"]["id"]
    stale = published["view"]["hash"]
    assert await world.refusal("views.publish", user_id=world.approver, view=home, hash=stale) == "hash_conflict"
    assert await world.refusal("views.publish", user_id="U0NOBODY", view=home) == "user_not_found"
    assert await world.refusal("views.publish", user_id=world.approver, view=modal()) == "invalid_arguments"
