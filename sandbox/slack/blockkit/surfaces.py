"""Blocks of a message (50) or a view (100), and the view around them."""

import json
import secrets
from typing import Any

from sandbox.slack.blockkit.blocks import BLOCKS, IN_MESSAGES, IN_VIEWS
from sandbox.slack.blockkit.compositions import plain_text
from sandbox.slack.blockkit.rules import Report, Rule, Shape, anything, boolean, by_type, items, string
from sandbox.slack.errors import SlackError, invalid_arguments
from sandbox.slack.wire import Json

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
VIEW_BYTES = 250_000

_message_blocks = items(by_type(BLOCKS, IN_MESSAGES), MESSAGE_BLOCKS)
_view_blocks = items(by_type(BLOCKS, IN_VIEWS), VIEW_BLOCKS)
_common: dict[str, Rule] = {
    "private_metadata": string(3000),
    "callback_id": string(255),
    "external_id": string(255),
}
_VIEWS: dict[str, Rule] = {
    "modal": Shape(
        {"title": plain_text(24), "blocks": _view_blocks},
        {
            **_common,
            "close": plain_text(24),
            "submit": plain_text(24),
            "clear_on_close": boolean,
            "notify_on_close": boolean,
            "submit_disabled": boolean,
        },
    ),
    "home": Shape({"blocks": _view_blocks}, {**_common, "title": anything, "submit": anything, "close": anything}),
}


def message_blocks(value: Any) -> tuple[Json, ...]:
    """The blocks of a message, ids filled in; raises `invalid_blocks_format` or `invalid_blocks` as Slack does."""
    blocks = _decoded(value, "invalid_blocks_format")
    if not isinstance(blocks, list) or not all(isinstance(b, dict) for b in blocks):
        raise SlackError("invalid_blocks_format")
    report = Report()
    _message_blocks(report, blocks, "/blocks")
    _distinct_block_ids(report, blocks, "/blocks")
    if report.tables > 1:
        report.say("only_one_table_allowed", "/blocks")
    _refuse(report, "invalid_blocks")
    return tuple(_with_ids(b) for b in blocks)


def refuse_charts(blocks: tuple[Json, ...]) -> None:
    """As a workspace without them: raises `invalid_blocks` where there is one."""
    report = Report()
    for index, block in enumerate(blocks):
        if block["type"] == "data_visualization":
            report.say("unsupported type: data_visualization", f"/blocks/{index}/type")
    _refuse(report, "invalid_blocks")


def view(value: Any) -> Json:
    """A view, ids filled in; raises `invalid_arguments` with the pointers, or `view_too_large`."""
    view = _decoded(value, "invalid_arguments")
    if not isinstance(view, dict):
        raise invalid_arguments("must provide an object [json-pointer:/view]")
    report = Report()
    by_type(_VIEWS)(report, view, "/view")
    blocks = view.get("blocks")
    if isinstance(blocks, list):
        _distinct_block_ids(report, blocks, "/view/blocks")
        if view.get("type") == "modal" and "submit" not in view and any(_is_input(b) for b in blocks):
            report.say("missing required field: submit (the view has an input block)", "/view")
    _refuse(report, "invalid_arguments")
    if len(json.dumps(view).encode()) > VIEW_BYTES:
        raise SlackError("view_too_large")
    return {**view, "blocks": [_with_ids(b) for b in view["blocks"]]}


def _is_input(block: Any) -> bool:
    return isinstance(block, dict) and block.get("type") == "input"


def _decoded(value: Any, code: str) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise SlackError(code) from error


def _distinct_block_ids(report: Report, blocks: list[Any], path: str) -> None:
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        block_id = block.get("block_id") if isinstance(block, dict) else None
        if isinstance(block_id, str):
            if block_id in seen:
                report.say(f"duplicate block_id: {block_id}", f"{path}/{index}/block_id")
            seen.add(block_id)


def _refuse(report: Report, code: str) -> None:
    if report.problems:
        messages = [f"[ERROR] {problem}" for problem in report.problems]
        raise SlackError(code, {"errors": report.problems, "response_metadata": {"messages": messages}})


def _with_ids(block: Json) -> Json:
    """Slack gives every block and every interactive element an id when the app did not."""
    out = {**block, "block_id": block.get("block_id") or secrets.token_urlsafe(4)}
    if isinstance(out.get("elements"), list) and block.get("type") in {"actions", "context_actions"}:
        out["elements"] = [_with_action_id(e) for e in out["elements"]]
    for name in ("accessory", "element"):
        if isinstance(out.get(name), dict) and out[name].get("type") != "image":
            out[name] = _with_action_id(out[name])
    return out


def _with_action_id(element: Json) -> Json:
    return {**element, "action_id": element.get("action_id") or secrets.token_urlsafe(4)}
