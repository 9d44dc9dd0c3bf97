"""Block Kit's limits: what is just allowed passes, one more is refused with its pointer."""

from typing import Any

import pytest

from tests.contract.sandbox_slack.blocks import (
    Json,
    actions,
    button,
    confirm,
    modal,
    mrkdwn,
    option,
    plain,
    section,
    text_input,
)
from tests.slack_workspace import World

T = "x"


def select(**more: Any) -> Json:
    return {"type": "static_select", "action_id": "s", "options": [option()], **more}


def image(**more: Any) -> Json:
    return {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a", **more}


def table(rows: int, columns: int) -> Json:
    cell = {"type": "raw_text", "text": "1"}
    return {"type": "table", "rows": [[cell] * columns] * rows}


def picture_context(count: int) -> Json:
    return {"type": "context", "elements": [mrkdwn("x")] * count}


ALLOWED: list[tuple[str, list[Json]]] = [
    ("50 blocks", [section()] * 50),
    ("section of 3000", [section(T * 3000)]),
    ("10 fields of 2000", [{"type": "section", "fields": [mrkdwn(T * 2000)] * 10}]),
    ("header of 150", [{"type": "header", "text": plain(T * 150)}]),
    ("10 in a context", [picture_context(10)]),
    ("25 actions", [actions(*[button(f"b{i}") for i in range(25)])]),
    ("button text 75, value 2000", [actions(button(text=plain(T * 75), value=T * 2000))]),
    ("ids of 255", [{**actions(button(T * 255)), "block_id": T * 255}]),
    (
        "confirm 100/300/30/30",
        [
            actions(
                button(
                    confirm=confirm(
                        title=plain(T * 100), text=mrkdwn(T * 300), confirm=plain(T * 30), deny=plain(T * 30)
                    )
                )
            )
        ],
    ),
    ("alt_text of 2000", [image(alt_text=T * 2000)]),
    ("markdown of 12,000", [{"type": "markdown", "text": T * 12_000}]),
    ("table 100 × 20", [table(100, 20)]),
    ("100 options", [actions(select(options=[option(str(i)) for i in range(100)]))]),
    ("overflow", [{**section(), "accessory": {"type": "overflow", "action_id": "o", "options": [option()] * 5}}]),
    (
        "rich text",
        [
            {
                "type": "rich_text",
                "elements": [
                    {"type": "rich_text_section", "elements": [{"type": "text", "text": "a", "style": {"bold": True}}]}
                ],
            }
        ],
    ),
]

REFUSED: list[tuple[list[Json], str]] = [
    ([section()] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
    ([section(T * 3001)], "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
    ([section("")], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
    (
        [{"type": "section", "fields": [mrkdwn(T)] * 11}],
        "no more than 10 items allowed [json-pointer:/blocks/0/fields]",
    ),
    (
        [{"type": "section", "fields": [mrkdwn(T * 2001)]}],
        "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]",
    ),
    ([{"type": "section"}], "missing required field: text or fields [json-pointer:/blocks/0]"),
    (
        [{"type": "header", "text": plain(T * 151)}],
        "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
    ),
    ([{"type": "header", "text": mrkdwn(T)}], "unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]"),
    ([picture_context(11)], "no more than 10 items allowed [json-pointer:/blocks/0/elements]"),
    (
        [actions(*[button(f"b{i}") for i in range(26)])],
        "no more than 25 items allowed [json-pointer:/blocks/0/elements]",
    ),
    ([actions()], "no fewer than 1 items allowed [json-pointer:/blocks/0/elements]"),
    (
        [actions(button(text=plain(T * 76)))],
        "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
    ),
    (
        [actions(button(value=T * 2001))],
        "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]",
    ),
    (
        [actions(button(T * 256))],
        "must be less than 256 characters [json-pointer:/blocks/0/elements/0/action_id]",
    ),
    (
        [actions(button(), button())],
        "duplicate action_id: press [json-pointer:/blocks/0/elements/1/action_id]",
    ),
    (
        [{**section(), "block_id": T * 256}],
        "must be less than 256 characters [json-pointer:/blocks/0/block_id]",
    ),
    (
        [{**section(), "block_id": "same"}, {**section(), "block_id": "same"}],
        "duplicate block_id: same [json-pointer:/blocks/1/block_id]",
    ),
    (
        [actions(button(style="green"))],
        "must be a valid enum value: primary, danger [json-pointer:/blocks/0/elements/0/style]",
    ),
    (
        [actions(button(confirm=confirm(title=plain(T * 101))))],
        "must be less than 101 characters [json-pointer:/blocks/0/elements/0/confirm/title/text]",
    ),
    (
        [actions(button(confirm=confirm(text=mrkdwn(T * 301))))],
        "must be less than 301 characters [json-pointer:/blocks/0/elements/0/confirm/text/text]",
    ),
    (
        [actions(button(confirm=confirm(confirm=plain(T * 31))))],
        "must be less than 31 characters [json-pointer:/blocks/0/elements/0/confirm/confirm/text]",
    ),
    (
        [actions(button(confirm=confirm(deny=plain(T * 31))))],
        "must be less than 31 characters [json-pointer:/blocks/0/elements/0/confirm/deny/text]",
    ),
    (
        [actions(button(accessibility_label=T * 76))],
        "must be less than 76 characters [json-pointer:/blocks/0/elements/0/accessibility_label]",
    ),
    ([image(alt_text=T * 2001)], "must be less than 2001 characters [json-pointer:/blocks/0/alt_text]"),
    (
        [{"type": "image", "image_url": "https://example.com/a.png"}],
        "missing required field: alt_text [json-pointer:/blocks/0]",
    ),
    ([image(image_url="nowhere")], "invalid_url [json-pointer:/blocks/0/image_url]"),
    ([{"type": "image", "alt_text": "a"}], "missing required field: image_url [json-pointer:/blocks/0]"),
    (
        [{"type": "markdown", "text": T * 6_001}, {"type": "markdown", "text": T * 6_000}],
        "must be less than 12001 characters [json-pointer:/blocks/1/text]",
    ),
    ([table(101, 1)], "no more than 100 items allowed [json-pointer:/blocks/0/rows]"),
    ([table(1, 21)], "no more than 20 items allowed [json-pointer:/blocks/0/rows/0]"),
    ([table(1, 1), table(1, 1)], "only_one_table_allowed [json-pointer:/blocks]"),
    (
        [actions(select(options=[option(str(i)) for i in range(101)]))],
        "no more than 100 items allowed [json-pointer:/blocks/0/elements/0/options]",
    ),
    (
        [actions(select(option_groups=[]))],
        "must define either `options` or `option_groups` [json-pointer:/blocks/0/elements/0]",
    ),
    (
        [actions(select(options=[option(text=T * 76)]))],
        "must be less than 76 characters [json-pointer:/blocks/0/elements/0/options/0/text/text]",
    ),
    (
        [actions({"type": "plain_text_input"})],
        "unsupported type: plain_text_input [json-pointer:/blocks/0/elements/0/type]",
    ),
    ([{"type": "marquee"}], "unsupported type: marquee [json-pointer:/blocks/0/type]"),
    ([{"text": mrkdwn(T)}], "missing required field: type [json-pointer:/blocks/0]"),
    ([{**section(), "colour": "red"}], "invalid additional property: colour [json-pointer:/blocks/0]"),
    (
        [{"type": "section", "text": {**mrkdwn(T), "emoji": True}}],
        "invalid additional property: emoji [json-pointer:/blocks/0/text]",
    ),
    ([{"type": "section", "text": "bare"}], "must provide an object [json-pointer:/blocks/0/text]"),
]


@pytest.mark.parametrize("blocks", [b for _name, b in ALLOWED], ids=[name for name, _b in ALLOWED])
async def test_what_is_just_allowed(world: World, blocks: list[Json]) -> None:
    answer = await world.call("chat.postMessage", channel=world.channel, text="x", blocks=blocks)
    assert answer["ok"], answer


@pytest.mark.parametrize(("blocks", "problem"), REFUSED, ids=[problem for _b, problem in REFUSED])
async def test_what_is_too_much(world: World, blocks: list[Json], problem: str) -> None:
    answer = await world.call("chat.postMessage", channel=world.channel, text="x", blocks=blocks)
    assert answer["error"] == "invalid_blocks"
    assert problem in answer["errors"]
    assert f"[ERROR] {problem}" in answer["response_metadata"]["messages"]


VIEWS: list[tuple[Json, str]] = [
    (modal(title=plain(T * 25)), "must be less than 25 characters [json-pointer:/view/title/text]"),
    (modal(submit=plain(T * 25)), "must be less than 25 characters [json-pointer:/view/submit/text]"),
    (modal(close=plain(T * 25)), "must be less than 25 characters [json-pointer:/view/close/text]"),
    (modal(private_metadata=T * 3001), "must be less than 3001 characters [json-pointer:/view/private_metadata]"),
    (modal(callback_id=T * 256), "must be less than 256 characters [json-pointer:/view/callback_id]"),
    (modal(*[section()] * 101), "no more than 100 items allowed [json-pointer:/view/blocks]"),
    ({"type": "modal", "blocks": [section()]}, "missing required field: title [json-pointer:/view]"),
    (
        {"type": "modal", "title": plain(T), "blocks": [text_input()]},
        "missing required field: submit (the view has an input block) [json-pointer:/view]",
    ),
    (modal({"type": "table", "rows": []}), "unsupported type: table [json-pointer:/view/blocks/0/type]"),
    (
        modal({"type": "input", "label": plain(T * 2001), "element": {"type": "plain_text_input"}}),
        "must be less than 2001 characters [json-pointer:/view/blocks/0/label/text]",
    ),
]


@pytest.mark.parametrize(("view", "problem"), VIEWS, ids=[problem for _v, problem in VIEWS])
async def test_what_a_view_may_not_be(world: World, view: Json, problem: str) -> None:
    trigger_id = world.server.triggers.issue(world.approver)
    answer = await world.call("views.open", trigger_id=trigger_id, view=view)
    assert answer["error"] == "invalid_arguments"
    assert problem in answer["errors"]


async def test_the_largest_view_is_taken(world: World) -> None:
    view = modal(
        *[section()] * 100, title=plain(T * 24), submit=plain(T * 24), close=plain(T * 24), private_metadata=T * 3000
    )
    answer = await world.call("views.open", trigger_id=world.server.triggers.issue(world.approver), view=view)
    assert answer["ok"], answer
