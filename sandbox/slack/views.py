"""Modals and App Home: the stack of views each person has open, and what the app put there."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.slack.directory import Directory
from sandbox.slack.elementstate import initial_state
from sandbox.slack.errors import SlackError
from sandbox.slack.feed import Feed
from sandbox.slack.wire import Json

STACK = 3


@dataclass
class View:
    """One view that a person sees. `content` as the app sent it (ids filled in); `state` what was filled in so far."""

    id: str
    user_id: str
    content: Json
    hash: str
    root_id: str
    previous_id: str | None = None
    state: Json = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    trouble: str | None = None

    @property
    def is_modal(self) -> bool:
        return bool(self.content["type"] == "modal")


@dataclass
class Views:
    """Open modals by person (bottom first) and App Homes by person."""

    directory: Directory
    feed: Feed
    now: Callable[[], float]
    stacks: dict[str, list[View]] = field(default_factory=dict)
    homes: dict[str, View] = field(default_factory=dict)

    def open(self, user_id: str, content: Json) -> View:
        self._external_id_free(content)
        view = self._new(user_id, content, previous=None)
        self.stacks[user_id] = [view]
        self.tell(user_id)
        return view

    def push(self, user_id: str, content: Json) -> View:
        stack = self.stacks.setdefault(user_id, [])
        if len(stack) >= STACK:
            raise SlackError("push_limit_reached")
        self._external_id_free(content)
        view = self._new(user_id, content, previous=stack[-1] if stack else None)
        stack.append(view)
        self.tell(user_id)
        return view

    def publish(self, user_id: str, content: Json, expected_hash: str | None) -> View:
        former = self.homes.get(user_id)
        if former is not None and expected_hash and expected_hash != former.hash:
            raise SlackError("hash_conflict")
        view = self._new(user_id, content, previous=None)
        if former is not None:
            view.id = view.root_id = former.id
        self.homes[user_id] = view
        self.tell(user_id)
        return view

    def update(self, view: View, content: Json, expected_hash: str | None = None) -> View:
        """Inputs keep what was typed where block_id and action_id stay the same, as Slack does."""
        if expected_hash and expected_hash != view.hash:
            raise SlackError("hash_conflict")
        typed = view.state
        view.content, view.hash, view.errors, view.trouble = content, self._hash(), {}, None
        view.state = initial_state(content["blocks"])
        for block_id, elements in view.state.items():
            for action_id in elements:
                if action_id in typed.get(block_id, {}):
                    elements[action_id] = typed[block_id][action_id]
        self.tell(view.user_id)
        return view

    def find(self, *, view_id: str | None = None, external_id: str | None = None) -> View | None:
        everything = [v for stack in self.stacks.values() for v in stack] + list(self.homes.values())
        for view in everything:
            if view_id is not None and view.id == view_id:
                return view
            if external_id and view.content.get("external_id") == external_id:
                return view
        return None

    def close(self, view: View, *, everything: bool = False) -> None:
        stack = self.stacks.get(view.user_id, [])
        self.stacks[view.user_id] = [] if everything else [v for v in stack if v.id != view.id]
        self.tell(view.user_id)

    def tell(self, user_id: str) -> None:
        """The page of this person shows the stack and the home anew."""
        stack = [self.page_form(v) for v in self.stacks.get(user_id, ())]
        home = self.homes.get(user_id)
        event = {"type": "views", "stack": stack, "home": self.page_form(home) if home else None}
        self.feed.publish(event, only_for=user_id)

    def page_form(self, view: View) -> Json:
        return {**self.wire(view), "errors": view.errors, "trouble": view.trouble}

    def wire(self, view: View) -> Json:
        """The view object of the Web API and of view payloads."""
        content = view.content
        app, team_id = self.directory.app, self.directory.team.id
        out: dict[str, Any] = {
            "id": view.id, "team_id": team_id, "type": content["type"], "blocks": content["blocks"],
            "private_metadata": content.get("private_metadata", ""), "callback_id": content.get("callback_id", ""),
            "state": {"values": view.state}, "hash": view.hash, "title": content.get("title"),
            "clear_on_close": content.get("clear_on_close", False),
            "notify_on_close": content.get("notify_on_close", False),
            "close": content.get("close"), "submit": content.get("submit"), "previous_view_id": view.previous_id,
            "root_view_id": view.root_id, "app_id": app.id, "external_id": content.get("external_id", ""),
            "app_installed_team_id": team_id, "bot_id": app.bot_id,
        }  # fmt: skip
        return out

    def clear(self) -> None:
        people = {*self.stacks, *self.homes}
        self.stacks.clear()
        self.homes.clear()
        for user_id in people:
            self.tell(user_id)

    def _new(self, user_id: str, content: Json, previous: View | None) -> View:
        view_id = "V0" + secrets.token_hex(5).upper()
        return View(
            id=view_id,
            user_id=user_id,
            content=content,
            hash=self._hash(),
            root_id=previous.root_id if previous else view_id,
            previous_id=previous.id if previous else None,
            state=initial_state(content["blocks"]),
        )

    def _hash(self) -> str:
        return f"{int(self.now())}.{secrets.token_hex(4)}"

    def _external_id_free(self, content: Json) -> None:
        external_id = content.get("external_id")
        if external_id and self.find(external_id=str(external_id)) is not None:
            raise SlackError("duplicate_external_id")
