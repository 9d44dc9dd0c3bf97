"""Actions of people: type commands and messages, press buttons, choose, submit and close modals, open App Home."""

import re
from dataclasses import dataclass, field
from typing import Any

from sandbox.slack.directory import Channel, Directory, User
from sandbox.slack.elementstate import chosen, elements_of, initial_state, what_is_missing
from sandbox.slack.errors import ControlError, SlackError
from sandbox.slack.feed import Feed
from sandbox.slack.manifest import Manifest
from sandbox.slack.messages import Message, MessageLog
from sandbox.slack.modals import Modals
from sandbox.slack.payloads import Payloads
from sandbox.slack.posting import Posting
from sandbox.slack.responseurls import ResponseUrls, answer_of_ack
from sandbox.slack.socketmode import Delivery, SocketHub
from sandbox.slack.triggers import Triggers
from sandbox.slack.views import View, Views
from sandbox.slack.wire import Json


@dataclass
class Interactions:
    """The deeds of people, each answered by how the app took it."""

    directory: Directory
    manifest: Manifest
    log: MessageLog
    posting: Posting
    payloads: Payloads
    hub: SocketHub
    triggers: Triggers
    response_urls: ResponseUrls
    views: Views
    modals: Modals
    feed: Feed
    _message_state: dict[tuple[str, str, str], Json] = field(default_factory=dict)

    async def command(self, user_id: str, channel_ref: str, line: str) -> Delivery:
        """`line` as typed, with its slash. The person reads Slack's error where the app does not answer."""
        user, channel = self._person(user_id), self._place(channel_ref, user_id)
        command, _, text = line.strip().partition(" ")
        if command not in {c.command for c in self.manifest.commands}:
            self.posting.slackbot(channel.id, user.id, f"`{command}` is not a valid command.")
            raise ControlError(f"{command} is not a command of the manifest: {self._known_commands()}", status=404)
        payload = self.payloads.slash_command(
            user_id=user.id,
            channel=channel,
            command=command,
            text=text.strip(),
            response_url=self.response_urls.issue(user.id, channel.id),
            trigger_id=self.triggers.issue(user.id),
        )
        delivery = await self.hub.deliver("slash_commands", payload, summary=line.strip())
        error = delivery.error
        if error is None:
            try:
                answer_of_ack(self.posting, delivery.payload, user.id, channel.id)
            except SlackError as refused:
                error = refused.code
        if error is not None:
            self.posting.slackbot(channel.id, user.id, f"{command} failed with the error “{error}”")
        return delivery

    async def press(
        self, user_id: str, channel_ref: str, ts: str, action_id: str, *,
        block_id: str | None = None, value: Any = None, stale: bool = False,
    ) -> Delivery:  # fmt: skip
        """Press a button, or choose `value` in a menu, of a message. `stale`: as somebody whose screen is behind."""
        user, channel = self._person(user_id), self._place(channel_ref, user_id)
        message = self._message(channel, ts, user)
        blocks, block, element = _find_element(message, action_id, block_id, value, stale=stale)
        choice = chosen(element, value)
        key = (user.id, channel.id, ts)
        state = self._state_of(key, blocks)
        entry = state.get(block["block_id"], {}).get(action_id)
        if entry is not None:
            entry.update(choice)
            self._message_state[key] = state
        payload = self.payloads.message_action(
            user_id=user.id,
            message=message,
            channel=channel,
            action=self.payloads.action(block, element, choice),
            state=state,
            response_url=self.response_urls.issue(
                user.id, channel.id, thread_ts=message.thread_ts, message_ts=message.ts
            ),
            trigger_id=self.triggers.issue(user.id),
            shown_blocks=blocks,
        )
        delivery = await self.hub.deliver("interactive", payload, summary=f"block_actions {action_id}")
        if delivery.error is not None:
            notice = {"type": "trouble", "channel": channel.id, "ts": ts, "action_id": action_id}
            self.feed.publish(notice | {"error": delivery.error}, only_for=user.id)
        return delivery

    async def press_in_view(
        self, user_id: str, view_id: str, action_id: str, *, block_id: str | None = None, value: Any = None
    ) -> Delivery:
        """Press or choose in a modal or in App Home."""
        user, view = self._person(user_id), self._view(user_id, view_id)
        blocks = tuple(view.content["blocks"])
        block, element = _pick(blocks, action_id, block_id, value, "this view")
        choice = chosen(element, value)
        entry = view.state.get(block["block_id"], {}).get(action_id)
        if entry is not None:
            entry.update(choice)
        payload = self.payloads.view_action(
            user_id=user.id,
            view=self.views.wire(view),
            action=self.payloads.action(block, element, choice),
            trigger_id=self.triggers.issue(user.id),
        )
        delivery = await self.hub.deliver("interactive", payload, summary=f"block_actions {action_id}")
        if delivery.error is not None:
            view.trouble = delivery.error
            self.views.tell(user.id)
        return delivery

    async def submit(self, user_id: str, view_id: str, values: Json) -> Delivery | None:
        """`values`: block id → action id → value. None = Slack itself found something missing and asked nobody."""
        user, view = self._person(user_id), self._view(user_id, view_id)
        for block, element in elements_of(view.content["blocks"]):
            given = values.get(block["block_id"], {})
            if element["action_id"] in given:
                entry = view.state.setdefault(block["block_id"], {}).setdefault(element["action_id"], {})
                entry.update({"type": element["type"]} | chosen(element, given[element["action_id"]]))
        view.errors = what_is_missing(view.content["blocks"], view.state)
        if view.errors:
            self.views.tell(user.id)
            return None
        payload = self.payloads.view_submission(
            user_id=user.id, view=self.views.wire(view), trigger_id=self.triggers.issue(user.id)
        )
        summary = f"view_submission {view.content.get('callback_id', '')}"
        delivery = await self.hub.deliver("interactive", payload, summary=summary)
        self.modals.carry_out(view, delivery)
        return delivery

    async def close(self, user_id: str, view_id: str, *, everything: bool = False) -> Delivery | None:
        """Close a modal by its × or cancel button; the app hears of it only if it asked to."""
        user, view = self._person(user_id), self._view(user_id, view_id)
        cleared = everything or bool(view.content.get("clear_on_close"))
        self.views.close(view, everything=cleared)
        if not view.content.get("notify_on_close"):
            return None
        payload = self.payloads.view_closed(user_id=user.id, view=self.views.wire(view), is_cleared=cleared)
        return await self.hub.deliver("interactive", payload, summary="view_closed")

    def say(self, user_id: str, channel_ref: str, text: str, thread_ts: str | None = None) -> Message:
        """A person writes. Mentioning the app tells it so, if it is there and may hear."""
        user, channel = self._person(user_id), self._place(channel_ref, user_id)
        bot = self.directory.users[self.directory.app.bot_user_id]
        text = re.sub(rf"@({re.escape(bot.name)}|{re.escape(bot.real_name)})\b", f"<@{bot.id}>", text)
        ts = self.log.timestamps.next()
        message = self.log.post(Message(ts, channel.id, user.id, text, thread_ts=thread_ts))
        event: Json = {
            "user": user.id, "text": text, "ts": ts, "channel": channel.id, "event_ts": ts,
            "team": self.directory.team.id,
        } | ({"thread_ts": thread_ts} if thread_ts else {})  # fmt: skip
        if f"<@{bot.id}>" in text and bot.id in channel.members and self._hears("app_mention", "app_mentions:read"):
            self.hub.deliver_event(self.payloads.event({"type": "app_mention", **event}), summary="app_mention")
        kind = "im" if channel.is_im else "groups" if channel.is_private else "channels"
        if bot.id in channel.members and f"message.{kind}" in self.manifest.bot_events:
            spoken = {"type": "message", "channel_type": "im" if channel.is_im else "channel", **event}
            self.hub.deliver_event(self.payloads.event(spoken), summary=f"message.{kind}")
        return message

    def open_home(self, user_id: str) -> None:
        """Look at the app's Home tab."""
        user = self._person(user_id)
        home = self.views.homes.get(user.id)
        if "app_home_opened" in self.manifest.bot_events:
            event: Json = {
                "type": "app_home_opened", "user": user.id, "channel": self.directory.direct_channel(user.id).id,
                "tab": "home", "event_ts": self.log.timestamps.next(),
            }  # fmt: skip
            if home is not None:
                event["view"] = self.views.wire(home)
            self.hub.deliver_event(self.payloads.event(event), summary="app_home_opened")

    async def suggest(self, user_id: str, container: Json, element: Json, block_id: str, typed: str) -> Json:
        """The options that the app offers for an external menu."""
        payload = self.payloads.option_request(
            user_id=self._person(user_id).id, container=container, element=element, block_id=block_id, typed=typed
        )
        delivery = await self.hub.deliver("interactive", payload, summary=f"block_suggestion {element['action_id']}")
        return {"options": delivery.payload.get("options", []), "error": delivery.error}

    def forget(self) -> None:
        self._message_state.clear()

    def _state_of(self, key: tuple[str, str, str], blocks: tuple[Json, ...]) -> Json:
        state, kept = initial_state(blocks), self._message_state.get(key, {})
        for block_id, elements in state.items():
            for action_id in elements:
                elements[action_id] = kept.get(block_id, {}).get(action_id, elements[action_id])
        return state

    def _hears(self, event: str, scope: str) -> bool:
        return event in self.manifest.bot_events and scope in self.manifest.bot_scopes

    def _known_commands(self) -> str:
        return ", ".join(c.command for c in self.manifest.commands) or "it has none"

    def _person(self, user_id: str) -> User:
        if user_id not in self.directory.people:
            raise ControlError(f"no person {user_id!r} here; there are: {', '.join(self.directory.people)}", status=404)
        return self.directory.users[user_id]

    def _place(self, reference: str, user_id: str) -> Channel:
        channel = self.directory.channel_by(reference or self.directory.home_channel)
        if channel is None or user_id not in channel.members:
            raise ControlError(f"no channel {reference!r} that {user_id} is in", status=404)
        return channel

    def _message(self, channel: Channel, ts: str, user: User) -> Message:
        message = self.log.get(channel.id, ts)
        if message is None or not message.visible_to(user.id):
            raise ControlError(f"no message {ts} in {channel.id} that {user.id} can see", status=404)
        return message

    def _view(self, user_id: str, view_id: str) -> View:
        view = self.views.find(view_id=view_id)
        if view is None or view.user_id != user_id:
            raise ControlError(f"no view {view_id!r} is open for {user_id}", status=404)
        return view


def _find_element(
    message: Message, action_id: str, block_id: str | None, value: Any, *, stale: bool
) -> tuple[tuple[Json, ...], Json, Json]:
    for blocks in (message.blocks, *(message.former_blocks if stale else ())):
        if any(element.get("action_id") == action_id for _block, element in elements_of(blocks)):
            return blocks, *_pick(blocks, action_id, block_id, value, f"message {message.ts}")
    shown = sorted({str(e.get("action_id")) for _b, e in elements_of(message.blocks)})
    raise ControlError(f"message {message.ts} has no {action_id!r}; it has: {', '.join(shown) or 'no buttons'}")


def _pick(blocks: tuple[Json, ...], action_id: str, block_id: str | None, value: Any, where: str) -> tuple[Json, Json]:
    """The element of that action_id; block_id, or a button's value, tells several of them apart."""
    found = [(b, e) for b, e in elements_of(blocks) if e.get("action_id") == action_id]
    if block_id is not None:
        found = [(b, e) for b, e in found if b["block_id"] == block_id]
    if value is not None and len(found) > 1:
        found = [(b, e) for b, e in found if e["type"] != "button" or e.get("value") == value]
    if not found:
        raise ControlError(f"{where} has no {action_id!r} (block_id {block_id!r}, value {value!r})")
    return found[0]
