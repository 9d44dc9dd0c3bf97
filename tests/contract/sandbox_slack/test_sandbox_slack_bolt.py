"""Bolt for Python, unchanged, against the workspace: commands, buttons, modals, events, App Home."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.client import SandboxRefused
from tests.contract.sandbox_slack.blocks import actions, option, plain, section
from tests.contract.sandbox_slack.bots import CARD, running_bot
from tests.slack_workspace import World

Json = dict[str, Any]


@pytest.fixture
async def seen(world: World) -> AsyncIterator[list[Json]]:
    """What the bot was told, while it runs."""
    told: list[Json] = []
    async with running_bot(world, told):
        yield told


async def test_echo(world: World, seen: list[Json]) -> None:
    outcome = await world.control.command("/lumen hello there", user=world.bystander)
    assert outcome.acked
    assert outcome.ack_ms is not None
    assert 0 < outcome.ack_ms < 3000
    answer = await world.control.wait_for_message(lambda m: m.text == "echo: hello there", user=world.bystander)
    assert answer.ephemeral_to == world.bystander
    assert await world.control.messages(user=world.approver) == []
    told = seen[0]
    assert told["command"] == "/lumen"
    assert told["user_name"] == "jonas"
    assert told["channel_name"] == "ion-alerts"
    assert told["api_app_id"] == world.server.facts().app_id
    assert {"token", "team_id", "team_domain", "response_url", "trigger_id", "is_enterprise_install"} <= told.keys()


async def test_answer_in_the_ack(world: World, seen: list[Json]) -> None:
    await world.control.command("/lumen in the ack")
    (message,) = await world.control.messages(user=world.bystander)
    assert (message.text, message.ephemeral_to) == ("answered in the ack", None)


async def test_no_ack_in_time_and_people_read_the_error(world: World, seen: list[Json]) -> None:
    world.server.hub.ack_seconds = 0.2
    outcome = await world.control.command("/lumen silent")
    assert (outcome.acked, outcome.error) == (False, "operation_timeout")
    (message,) = await world.control.messages(user=world.approver)
    assert message.text == "/lumen failed with the error “operation_timeout”"
    assert message.author == "USLACKBOT"
    assert await world.control.messages(user=world.bystander) == []


async def test_an_ack_with_invalid_blocks_fails_for_the_person(world: World, seen: list[Json]) -> None:
    await world.control.command("/lumen bad")
    (message,) = await world.control.messages(user=world.approver)
    assert message.text == "/lumen failed with the error “invalid_blocks”"


async def test_unknown_commands_never_reach_the_app(world: World, seen: list[Json]) -> None:
    with pytest.raises(SandboxRefused, match="/nonsense is not a command of the manifest: /lumen"):
        await world.control.command("/nonsense")
    assert seen == []


async def test_a_press_and_the_decision(world: World, seen: list[Json]) -> None:
    posted = await world.web.chat_postMessage(
        channel=world.channel, text="card", blocks=CARD, metadata={"event_type": "card", "event_payload": {"id": "7"}}
    )
    card = await world.control.wait_for_message(lambda m: "press" in m.action_ids())
    outcome = await world.control.click(card, "press", user=world.bystander)
    assert outcome.acked
    await world.control.wait_for_message(lambda m: m.text == f"decided by {world.bystander}" and not m.blocks)
    (told,) = seen
    assert told["type"] == "block_actions"
    assert told["container"] == {
        "type": "message",
        "message_ts": posted["ts"],
        "channel_id": world.channel,
        "is_ephemeral": False,
    }
    (action,) = told["actions"]
    assert (action["action_id"], action["value"], action["type"]) == ("press", "1", "button")
    assert action["block_id"] == card.blocks[1]["block_id"]
    assert float(action["action_ts"]) > 0
    assert told["message"]["metadata"]["event_payload"] == {"id": "7"}
    assert told["user"]["id"] == world.bystander
    assert told["user"]["team_id"] == told["team"]["id"]
    assert told["is_enterprise_install"] is False


async def test_the_button_is_gone_but_a_stale_screen_can_still_press_it(world: World, seen: list[Json]) -> None:
    await world.web.chat_postMessage(channel=world.channel, text="card", blocks=CARD)
    card = await world.control.wait_for_message(lambda m: "press" in m.action_ids())
    await world.control.click(card, "press")
    await world.control.wait_for_message(lambda m: not m.blocks)
    with pytest.raises(SandboxRefused, match="has no 'press'; it has: no buttons"):
        await world.control.click(card, "press")
    assert (await world.control.click(card, "press", stale=True)).acked
    assert len(seen) == 2


async def test_a_menu_and_its_state(world: World, seen: list[Json]) -> None:
    menu = {"type": "static_select", "action_id": "choose", "options": [option("a", "A"), option("b", "B")]}
    await world.web.chat_postMessage(channel=world.channel, text="x", blocks=[{**section(), "accessory": menu}])
    message = await world.control.wait_for_message(lambda m: "choose" in m.action_ids())
    await world.control.click(message, "choose", value="b")
    (told,) = seen
    assert told["actions"][0]["selected_option"]["value"] == "b"
    block_id = message.blocks[0]["block_id"]
    assert told["state"]["values"][block_id]["choose"]["selected_option"]["value"] == "b"
    with pytest.raises(SandboxRefused, match="offers no option 'c'; it offers: a, b"):
        await world.control.click(message, "choose", value="c")


async def test_an_ephemeral_message_is_pressed_by_its_reader_alone(world: World, seen: list[Json]) -> None:
    blocks = [
        actions({"type": "button", "action_id": "choose", "text": plain("Choose")}),
    ]
    await world.web.chat_postEphemeral(channel=world.channel, user=world.approver, text="psst", blocks=blocks)
    message = await world.control.wait_for_message(lambda m: m.text == "psst")
    with pytest.raises(SandboxRefused, match="that U0JONAS001 can see"):
        await world.control.click(message, "choose", user=world.bystander)
    await world.control.click(message, "choose")
    assert seen[0]["container"]["is_ephemeral"] is True
    assert "message" not in seen[0]


async def open_form(world: World, seen: list[Json]) -> Json:
    await world.web.chat_postMessage(channel=world.channel, text="card", blocks=CARD)
    card = await world.control.wait_for_message(lambda m: "ask" in m.action_ids())
    await world.control.click(card, "ask")
    for _ in range(100):
        views = await world.control.views()
        if views:
            return views[-1]
    raise AssertionError("no modal came")


async def test_a_modal_is_filled_in_and_closed_by_an_empty_ack(world: World, seen: list[Json]) -> None:
    view = await open_form(world, seen)
    outcome = await world.control.submit(view, {"b": {"a": "fine"}})
    assert outcome.acked
    assert not outcome.still_open
    told = seen[-1]
    assert told["type"] == "view_submission"
    assert told["view"]["private_metadata"] == "kept"
    assert told["view"]["state"]["values"]["b"]["a"] == {"type": "plain_text_input", "value": "fine"}
    assert told["view"]["root_view_id"] == told["view"]["id"]


@pytest.mark.parametrize(
    ("typed", "titles_left", "errors"),
    [
        ("wrong", 1, {"b": "Not that."}),
        ("push", 2, {}),
        ("update", 1, {}),
        ("clear", 0, {}),
    ],
)
async def test_response_actions(
    world: World, seen: list[Json], typed: str, titles_left: int, errors: dict[str, str]
) -> None:
    view = await open_form(world, seen)
    outcome = await world.control.submit(view, {"b": {"a": typed}})
    assert outcome.acked
    left = await world.control.views()
    assert len(left) == titles_left
    assert outcome.errors == errors
    if typed == "update":
        assert left[0]["blocks"][0]["text"]["text"] == "changed"
    if typed == "push":
        assert left[1]["previous_view_id"] == left[0]["id"]


async def test_a_required_field_left_empty_is_slacks_own_error(world: World, seen: list[Json]) -> None:
    view = await open_form(world, seen)
    outcome = await world.control.submit(view, {})
    assert not outcome.sent
    assert outcome.errors == {"b": "Please complete this required field."}
    assert not [s for s in seen if s["type"] == "view_submission"]


async def test_a_submission_without_ack_leaves_the_modal_with_trouble(world: World, seen: list[Json]) -> None:
    view = await open_form(world, seen)
    world.server.hub.ack_seconds = 0.2
    outcome = await world.control.submit(view, {"b": {"a": "silent"}})
    assert outcome.error == "operation_timeout"
    (left,) = await world.control.views()
    assert left["trouble"] == "operation_timeout"


async def test_closing_tells_only_those_who_asked(world: World, seen: list[Json]) -> None:
    view = await open_form(world, seen)
    assert not (await world.control.close_view(view)).sent
    assert await world.control.views() == []


async def test_a_mention_is_an_event(world: World, seen: list[Json]) -> None:
    ts = await world.control.say("@Lumen are you there?")
    await world.control.wait_for_message(lambda m: m.text == "you called" and m.thread_ts == ts)
    (told,) = seen
    assert told["type"] == "app_mention"
    assert told["text"].startswith(f"<@{world.server.directory.app.bot_user_id}>")
    await world.control.say("@Lumen and here?", channel="C0GENERAL1")
    await world.control.command("/lumen meanwhile")
    assert len([s for s in seen if s.get("type") == "app_mention"]) == 1, "the bot is not in that channel"


async def test_app_home(world: World, seen: list[Json]) -> None:
    await world.control.open_home(user=world.bystander)
    for _ in range(100):
        home = await world.control.home(user=world.bystander)
        if home is not None:
            break
    assert home is not None
    assert home["blocks"][0]["text"]["text"] == "at home"
    assert await world.control.home(user=world.approver) is None
    assert seen[0]["tab"] == "home"


async def test_an_external_menu_asks_the_app(world: World, seen: list[Json]) -> None:
    answer = await world.control.post(
        "slack/options", container={"type": "message"}, block_id="b", typed="ion",
        element={"type": "external_select", "action_id": "search"},
    )  # fmt: skip
    assert answer["options"] == [option("ion", "Ion")]
    assert (seen[0]["type"], seen[0]["block_id"]) == ("block_suggestion", "b")
