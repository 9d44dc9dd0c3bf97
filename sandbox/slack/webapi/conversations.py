"""conversations.info, history, replies, members, list, open and join; users.conversations."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sandbox.slack.directory import Channel, Directory
from sandbox.slack.errors import SlackError
from sandbox.slack.manifest import Manifest
from sandbox.slack.messages import Message, MessageLog
from sandbox.slack.webapi.call import Call, Method, page
from sandbox.slack.wire import Json

_READ = ("channels:read", "groups:read")
_LIST = ("channels:read", "groups:read", "im:read", "mpim:read")
_SCOPES = {"channels": "public_channel", "groups": "private_channel", "im": "im"}
_SCOPE_OF_TYPE = {"public_channel": "channels", "private_channel": "groups", "im": "im", "mpim": "mpim"}
_HISTORY = ("channels:history", "groups:history", "im:history")


@dataclass(frozen=True)
class Conversations:
    directory: Directory
    manifest: Manifest
    log: MessageLog

    def methods(self) -> tuple[Method, ...]:
        return (
            Method("conversations.info", self.info, _READ),
            Method("conversations.list", self.list, _LIST),
            Method("users.conversations", self.of_user, _LIST),
            Method("conversations.open", self.open, ("im:write", "mpim:write")),
            Method("conversations.join", self.join, ("channels:join",)),
            Method("conversations.members", self.members, _READ),
            Method("conversations.history", self.history, _HISTORY),
            Method("conversations.replies", self.replies, _HISTORY),
        )

    async def info(self, call: Call) -> Json:
        channel = self._channel(call, "read")
        wire = channel.wire(bot_user_id=self.directory.app.bot_user_id, team_id=self.directory.team.id)
        return {"channel": wire | ({"num_members": len(channel.members)} if call.flag("include_num_members") else {})}

    async def list(self, call: Call) -> Json:
        """Public channels, unless `types` asks for others."""
        return self._listed(call, lambda channel: not channel.is_private or self._bot in channel.members)

    async def of_user(self, call: Call) -> Json:
        """users.conversations: those that the person (by default the app) and the app are in."""
        user = call.maybe_text("user") or self._bot
        if user not in self.directory.users:
            raise SlackError("user_not_found")
        return self._listed(call, lambda c: user in c.members and (not c.is_private or self._bot in c.members))

    def _listed(self, call: Call, seen: Callable[[Channel], bool]) -> Json:
        kinds = [kind.strip() for kind in (call.maybe_text("types") or "public_channel").split(",")]
        for kind in kinds:
            if kind not in _SCOPE_OF_TYPE:
                raise SlackError("invalid_types")
            self._needs(f"{_SCOPE_OF_TYPE[kind]}:read")
        archived = not call.flag("exclude_archived")
        found = [
            c for c in self.directory.channels.values()
            if _SCOPES.get(_kind(c)) in kinds and (archived or not c.is_archived) and seen(c)
        ]  # fmt: skip
        shown, cursor = page(found, call, default=100)
        return {
            "channels": [c.wire(bot_user_id=self._bot, team_id=self.directory.team.id) for c in shown],
            "response_metadata": {"next_cursor": cursor},
        }

    async def open(self, call: Call) -> Json:
        """The direct conversation with one person. Groups of several are not served."""
        asked = call.maybe_text("users")
        if call.maybe_text("channel"):
            channel = self.directory.channels.get(call.text("channel"))
            if channel is None or not channel.is_im:
                raise SlackError("channel_not_found" if channel is None else "method_not_supported_for_channel_type")
        elif asked is None:
            raise SlackError("users_list_not_supplied")
        else:
            users = [user.strip() for user in asked.split(",") if user.strip()]
            if any(user not in self.directory.users for user in users):
                raise SlackError("user_not_found")
            if len(users) > 1:
                self._needs("mpim:write")
                raise SlackError("invalid_user_combination")
            if users[0] not in self.directory.people:
                raise SlackError("cannot_dm_bot")
            channel = self.directory.direct_channel(users[0])
        if not call.flag("return_im"):
            return {"no_op": True, "already_open": True, "channel": {"id": channel.id}}
        return {"channel": channel.wire(bot_user_id=self._bot, team_id=self.directory.team.id)}

    async def join(self, call: Call) -> Json:
        """The app becomes a member of a public channel."""
        channel = self.directory.channels.get(call.text("channel"))
        if channel is None or (channel.is_private and self._bot not in channel.members):
            raise SlackError("channel_not_found")
        if channel.is_private:
            raise SlackError("method_not_supported_for_channel_type")
        if channel.is_archived:
            raise SlackError("is_archived")
        already = self._bot in channel.members
        if not already:
            channel = replace(channel, members=(*channel.members, self._bot))
            self.directory.channels[channel.id] = channel
        wire = channel.wire(bot_user_id=self._bot, team_id=self.directory.team.id)
        warning = {"warning": "already_in_channel", "response_metadata": {"warnings": ["already_in_channel"]}}
        return {"channel": wire} | (warning if already else {})

    async def members(self, call: Call) -> Json:
        shown, cursor = page(self._channel(call, "read").members, call, default=100)
        return {"members": [*shown], "response_metadata": {"next_cursor": cursor}}

    async def history(self, call: Call) -> Json:
        """Newest first; thread replies and ephemeral messages are not part of it."""
        channel = self._readable(call)
        found = [m for m in self.log.in_channel(channel.id) if m.ephemeral_to is None and _top_level(m)]
        found = [m for m in found if _within(m, call)]
        shown, cursor = page(list(reversed(found)), call, default=100)
        return self._messages(shown, cursor, call)

    async def replies(self, call: Call) -> Json:
        """The parent and its replies, oldest first."""
        channel = self._readable(call)
        asked = self.log.get(channel.id, call.text("ts"))
        if asked is None or asked.ephemeral_to is not None:
            raise SlackError("thread_not_found")
        root = self.log.get(channel.id, asked.thread_ts) if asked.thread_ts else asked
        thread = [*([root] if root else []), *self.log.replies(channel.id, (root or asked).ts)]
        shown, cursor = page([m for m in thread if m is root or _within(m, call)], call, default=1000)
        return self._messages(shown, cursor, call)

    def _messages(self, shown: Sequence[Message], cursor: str, call: Call) -> Json:
        with_metadata = call.flag("include_all_metadata")
        answer: Json = {
            "messages": [self.log.wire(m, with_metadata=with_metadata) for m in shown],
            "has_more": bool(cursor),
            "pin_count": 0,
        }
        return answer | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})

    def _readable(self, call: Call) -> Channel:
        channel = self._channel(call, "history")
        if self.directory.app.bot_user_id not in channel.members:
            raise SlackError("not_in_channel")
        return channel

    def _channel(self, call: Call, right: str) -> Channel:
        """The channel, where the token may know of it; the scope depends on what kind of channel it is."""
        channel = self.directory.channel_by(call.text("channel"))
        if channel is None or (channel.is_private and self.directory.app.bot_user_id not in channel.members):
            raise SlackError("channel_not_found")
        self._needs(f"{_kind(channel)}:{right}")
        return channel

    def _needs(self, scope: str) -> None:
        if scope not in self.manifest.bot_scopes:
            raise SlackError("missing_scope", {"needed": scope, "provided": self.manifest.bot_scope_list})

    @property
    def _bot(self) -> str:
        return self.directory.app.bot_user_id


def _kind(channel: Channel) -> str:
    """The part of a scope's name that stands before the colon."""
    return "im" if channel.is_im else "groups" if channel.is_private else "channels"


def _top_level(message: Message) -> bool:
    return not message.thread_ts or message.thread_ts == message.ts or message.reply_broadcast


def _within(message: Message, call: Call) -> bool:
    oldest, latest = call.maybe_text("oldest"), call.maybe_text("latest")
    inclusive = call.flag("inclusive")
    at = float(message.ts)
    if oldest is not None and (at < float(oldest) or (at == float(oldest) and not inclusive)):
        return False
    return latest is None or at < float(latest) or (at == float(latest) and inclusive)
