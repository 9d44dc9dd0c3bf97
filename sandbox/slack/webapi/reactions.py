"""reactions.add, reactions.remove and reactions.get, on messages."""

import re
from dataclasses import dataclass

from sandbox.slack.directory import Directory
from sandbox.slack.errors import SlackError
from sandbox.slack.messages import Message, MessageLog
from sandbox.slack.webapi.call import Call, Method
from sandbox.slack.wire import Json

# Only the shape of a name is judged here; the page alone knows which exist.
_NAME = re.compile(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?")


@dataclass(frozen=True)
class Reactions:
    directory: Directory
    log: MessageLog

    def methods(self) -> tuple[Method, ...]:
        return (
            Method("reactions.add", self.add, ("reactions:write",)),
            Method("reactions.remove", self.remove, ("reactions:write",)),
            Method("reactions.get", self.get, ("reactions:read",)),
        )

    async def add(self, call: Call) -> Json:
        message, name, bot = self._message(call), self._name(call), self.directory.app.bot_user_id
        users = message.reactions.get(name, ())
        if bot in users:
            raise SlackError("already_reacted")
        self.log.replace(message.changed(reactions={**message.reactions, name: (*users, bot)}))
        return {}

    async def remove(self, call: Call) -> Json:
        message, name, bot = self._message(call), self._name(call), self.directory.app.bot_user_id
        users = message.reactions.get(name, ())
        if bot not in users:
            raise SlackError("no_reaction")
        left = {**message.reactions, name: tuple(user for user in users if user != bot)}
        self.log.replace(message.changed(reactions={name: users for name, users in left.items() if users}))
        return {}

    async def get(self, call: Call) -> Json:
        message = self._message(call)
        return {"type": "message", "channel": message.channel, "message": self.log.wire(message)}

    @staticmethod
    def _name(call: Call) -> str:
        name = call.text("name").strip(":")
        if not _NAME.fullmatch(name):
            raise SlackError("invalid_name")
        return name

    def _message(self, call: Call) -> Message:
        channel_id, ts = call.maybe_text("channel"), call.maybe_text("timestamp")
        if channel_id is None or ts is None:
            raise SlackError("no_item_specified")
        channel, bot = self.directory.channel_by(channel_id), self.directory.app.bot_user_id
        if channel is None or (channel.is_private and bot not in channel.members):
            raise SlackError("channel_not_found")
        if channel.is_archived:
            raise SlackError("is_archived")
        message = self.log.get(channel.id, ts)
        if message is None or message.ephemeral_to is not None:
            raise SlackError("message_not_found")
        return message
