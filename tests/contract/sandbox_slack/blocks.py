"""Blocks to test with."""

from typing import Any

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def section(text: str = "text") -> Json:
    return {"type": "section", "text": mrkdwn(text)}


def button(action_id: str = "press", **more: Any) -> Json:
    return {"type": "button", "action_id": action_id, "text": plain("Press"), "value": "1", **more}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def option(value: str = "v", text: str = "Option") -> Json:
    return {"text": plain(text), "value": value}


def text_input(block_id: str = "b", action_id: str = "a", **more: Any) -> Json:
    return {
        "type": "input", "block_id": block_id, "label": plain("Label"),
        "element": {"type": "plain_text_input", "action_id": action_id, **more},
    }  # fmt: skip


def modal(*blocks: Json, **more: Any) -> Json:
    return {
        "type": "modal",
        "title": plain("Title"),
        "submit": plain("Go"),
        "blocks": list(blocks) or [section()],
        **more,
    }


def confirm(**more: Any) -> Json:
    return {"title": plain("Sure?"), "text": mrkdwn("It acts."), "confirm": plain("Yes"), "deny": plain("No"), **more}
