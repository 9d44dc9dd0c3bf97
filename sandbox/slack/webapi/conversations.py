"""conversations.info, history, replies, members and list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.slack.directory import Channel, Directory
from sandbox.slack.errors import SlackError
from sandbox.slack.files import Files
from sandbox.slack.manifest import Manifest
from sandbox.slack.messages import Message, MessageLog
from sandbox.slack.webapi.call import Call, Method
from sandbox.slack.wire import Json

_READ = ("channels:read", "groups:read")
_HISTORY = ("channels:history", "groups:history", "im:history")


@dataclass(frozen=True)
class Conversations:
    directory: Directory
    manifest: Manifest
    log: MessageLog
    files: Files

    def methods(self) -> tuple[Method, ...]:
        return (
            Method("conversations.info", self.info, _READ),
            Method("conversations.list", self.list, _READ),
            Method("conversations.members", self.members, _READ),
            Method("conversations.history", self.history, _HISTORY),
            Method("conversations.replies", self.replies, _HISTORY),
        )

    async def info(self, call: Call) -> Json:
        channel = self._channel(call, "read")
        wire = channel.wire(bot_user_id=self.directory.app.bot_user_id, team_id=self.directory.team.id)
        return {"channel": wire | ({"num_members": len(channel.members)} if call.flag("include_num_members") else {})}

    async def list(self, call: Call) -> Json:
        bot, team = self.directory.app.bot_user_id, self.directory.team.id
        seen = [c for c in self.directory.channels.values() if not c.is_im and (not c.is_private or bot in c.members)]
        page, cursor = _page(seen, call, default=100)
        return {
            "channels": [c.wire(bot_user_id=bot, team_id=team) for c in page],
            "response_metadata": {"next_cursor": cursor},
        }

    async def members(self, call: Call) -> Json:
        page, cursor = _page(self._channel(call, "read").members, call, default=100)
        return {"members": [*page], "response_metadata": {"next_cursor": cursor}}

    async def history(self, call: Call) -> Json:
        """Newest first; thread replies and ephemeral messages are not part of it."""
        channel = self._readable(call)
        found = [m for m in self.log.in_channel(channel.id) if m.ephemeral_to is None and _top_level(m)]
        found = [m for m in found if _within(m, call)]
        page, cursor = _page(list(reversed(found)), call, default=100)
        return self._messages(page, cursor, call)

    async def replies(self, call: Call) -> Json:
        """The parent and its replies, oldest first."""
        channel = self._readable(call)
        asked = self.log.get(channel.id, call.text("ts"))
        if asked is None or asked.ephemeral_to is not None:
            raise SlackError("thread_not_found")
        root = self.log.get(channel.id, asked.thread_ts) if asked.thread_ts else asked
        thread = [*([root] if root else []), *self.log.replies(channel.id, (root or asked).ts)]
        page, cursor = _page([m for m in thread if m is root or _within(m, call)], call, default=1000)
        return self._messages(page, cursor, call)

    def _messages(self, page: Sequence[Message], cursor: str, call: Call) -> Json:
        with_metadata = call.flag("include_all_metadata")
        answer: Json = {
            "messages": [self.log.wire(m, with_metadata=with_metadata) for m in page],
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
        kind = "im" if channel.is_im else "groups" if channel.is_private else "channels"
        needed = f"{kind}:{right}"
        if needed not in self.manifest.bot_scopes:
            raise SlackError("missing_scope", {"needed": needed, "provided": self.manifest.bot_scope_list})
        return channel


def _top_level(message: Message) -> bool:
    return not message.thread_ts or message.thread_ts == message.ts or message.reply_broadcast


def _within(message: Message, call: Call) -> bool:
    oldest, latest = call.maybe_text("oldest"), call.maybe_text("latest")
    inclusive = call.flag("inclusive")
    at = float(message.ts)
    if oldest is not None and (at < float(oldest) or (at == float(oldest) and not inclusive)):
        return False
    return latest is None or at < float(latest) or (at == float(latest) and inclusive)


def _page(everything: Sequence[Any], call: Call, *, default: int) -> tuple[Sequence[Any], str]:
    """A page of it, and the cursor of the next ("" = that was all)."""
    limit = call.whole("limit", default, 1, 1000)
    cursor = call.maybe_text("cursor") or "p0"
    if not cursor.startswith("p") or not cursor[1:].isdigit():
        raise SlackError("invalid_cursor")
    start = int(cursor[1:])
    following = f"p{start + limit}" if start + limit < len(everything) else ""
    return everything[start : start + limit], following
