"""Refusals of the workspace: Slack's error codes, and the control API's plain sentences."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class SlackError(Exception):
    """A refusal of the Web API: `{"ok": false, "error": code, …details}`; HTTP 200 except where Slack differs."""

    code: str
    details: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.code


@dataclass
class ControlError(Exception):
    """The control API was asked for something that a person at the page could not do: what, where, how to mend it."""

    sentence: str
    status: int = 409

    def __str__(self) -> str:
        return self.sentence


def invalid_arguments(*messages: str) -> SlackError:
    return SlackError("invalid_arguments", {"response_metadata": {"messages": [f"[ERROR] {m}" for m in messages]}})
