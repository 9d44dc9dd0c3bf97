"""Reads Slack's JSON back with the SDK's own models, which know its limits; charts, which they do not know yet, with
the sandbox's rules.
"""

from collections.abc import Sequence
from typing import Any

from slack_sdk.models.blocks import Block

from handlers.blocks.card import Shown
from sandbox.slack.blockkit.surfaces import message_blocks


def validated(shown: Shown) -> Sequence[Any]:
    """The blocks as models. Fails for whatever Slack would not take."""
    message_blocks(list(shown.blocks))
    known = [block for block in shown.blocks if block["type"] != "data_visualization"]
    blocks = Block.parse_all(known)
    assert len(blocks) == len(known)
    assert len(shown.blocks) <= 50
    for written, read in zip(known, blocks, strict=True):
        assert read.to_dict()["type"] == written["type"]  # to_dict validates
    ids = [block["block_id"] for block in shown.blocks if "block_id" in block]
    assert len(ids) == len(set(ids))
    assert 0 < len(shown.text) < 4000
    return blocks


def said(shown: Shown) -> str:
    """Everything that the blocks say, buttons apart."""
    return "\n".join(_texts([block for block in shown.blocks if block["type"] != "actions"]))


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["text"]] if isinstance(value.get("text"), str) else []
        return own + [text for inner in value.values() for text in _texts(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in _texts(inner)]
    return []


def labels(shown: Shown) -> list[str]:
    """The words on the buttons, menus apart."""
    elements = (e for block in shown.blocks if block["type"] == "actions" for e in block["elements"])
    return [e["text"]["text"] for e in elements if e["type"] == "button"]


def button(shown: Shown, action_id: str) -> dict[str, Any]:
    """One button. Raises StopIteration."""
    elements = (e for block in shown.blocks if block["type"] == "actions" for e in block["elements"])
    found: dict[str, Any] = next(e for e in elements if e["action_id"] == action_id)
    return found
