"""Messages: one frozen record each, and the log of a workspace in order of their timestamps."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from sandbox.slack.directory import Directory
from sandbox.slack.wire import Json

# Former versions of a message's blocks that are kept: a person may still look at one when it changes.
FORMER_VERSIONS = 5


@dataclass(frozen=True)
class Message:
    """One message. `ephemeral_to` = only that person sees it. `author` is a user id (the bot's for the app)."""

    ts: str
    channel: str
    author: str
    text: str
    blocks: tuple[Json, ...] = ()
    attachments: tuple[Json, ...] = ()
    thread_ts: str | None = None
    metadata: Json | None = None
    edited_ts: str | None = None
    ephemeral_to: str | None = None
    username: str | None = None
    reply_broadcast: bool = False
    former_blocks: tuple[tuple[Json, ...], ...] = ()
    reactions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by emoji: who

    def visible_to(self, user_id: str) -> bool:
        return self.ephemeral_to is None or self.ephemeral_to == user_id

    def changed(self, **fields: object) -> "Message":
        """The next version; remembers the blocks that stood before."""
        former = self.former_blocks
        if "blocks" in fields and fields["blocks"] != self.blocks:
            former = (self.blocks, *former)[:FORMER_VERSIONS]
        return replace(self, **fields, former_blocks=former)  # type: ignore[arg-type]


class Timestamps:
    """Slack's message timestamps: seconds and microseconds of service time, never twice the same in a workspace."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._last_microseconds = 0

    def next(self) -> str:
        self._last_microseconds = max(int(self._now() * 1e6), self._last_microseconds + 1)
        seconds, microseconds = divmod(self._last_microseconds, 1_000_000)
        return f"{seconds}.{microseconds:06d}"


@dataclass
class MessageLog:
    """All messages of the workspace. Every change is told to `on_change(message)` or `on_removed(message)`."""

    directory: Directory
    timestamps: Timestamps
    on_change: Callable[[Message], None] = lambda _message: None
    on_removed: Callable[[Message], None] = lambda _message: None
    _by_channel: dict[str, dict[str, Message]] = field(default_factory=dict)
    # Replies (not ephemeral ones) by channel and parent: the timestamps in order.
    _threads: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def post(self, message: Message) -> Message:
        self._by_channel.setdefault(message.channel, {})[message.ts] = message
        if _is_reply(message):
            self._threads.setdefault((message.channel, str(message.thread_ts)), []).append(message.ts)
        self.on_change(message)
        self._parent_changed(message)
        return message

    def replace(self, message: Message) -> Message:
        self._by_channel[message.channel][message.ts] = message
        self.on_change(message)
        return message

    def remove(self, message: Message) -> None:
        del self._by_channel[message.channel][message.ts]
        if _is_reply(message):
            self._threads[message.channel, str(message.thread_ts)].remove(message.ts)
        self.on_removed(message)
        self._parent_changed(message)

    def get(self, channel: str, ts: str) -> Message | None:
        return self._by_channel.get(channel, {}).get(ts)

    def in_channel(self, channel: str) -> Iterator[Message]:
        """Oldest first; ephemeral ones and thread replies among them."""
        return iter(tuple(self._by_channel.get(channel, {}).values()))

    def replies(self, channel: str, thread_ts: str) -> list[Message]:
        messages = self._by_channel.get(channel, {})
        return [messages[ts] for ts in self._threads.get((channel, thread_ts), ())]

    def everything(self) -> Iterator[Message]:
        for channel in tuple(self._by_channel):
            yield from self.in_channel(channel)

    def clear(self) -> None:
        for message in tuple(self.everything()):
            self.on_removed(message)
        self._by_channel.clear()
        self._threads.clear()

    def _parent_changed(self, message: Message) -> None:
        # The parent carries the count of its replies, so readers of the page must hear of it.
        if _is_reply(message):
            parent = self.get(message.channel, str(message.thread_ts))
            if parent is not None:
                self.on_change(parent)

    def wire(self, message: Message, *, with_metadata: bool = False) -> Json:
        """The message object as the Web API and interaction payloads carry it."""
        app = self.directory.app
        out: Json = {"type": "message", "ts": message.ts, "user": message.author, "text": message.text}
        if message.author == app.bot_user_id:
            name = message.username or self.directory.users[app.bot_user_id].real_name
            out |= {"bot_id": app.bot_id, "app_id": app.id, "team": self.directory.team.id}
            out["bot_profile"] = {"id": app.bot_id, "app_id": app.id, "name": name, "deleted": False}
        if message.blocks:
            out["blocks"] = list(message.blocks)
        if message.attachments:
            out["attachments"] = list(message.attachments)
        if message.edited_ts:
            out["edited"] = {"user": message.author, "ts": message.edited_ts}
        if message.metadata is not None and with_metadata:
            out["metadata"] = message.metadata
        if message.reactions:
            out["reactions"] = [
                {"name": name, "users": list(users), "count": len(users)} for name, users in message.reactions.items()
            ]
        return out | self._thread_fields(message)

    def _thread_fields(self, message: Message) -> Json:
        if message.thread_ts and message.thread_ts != message.ts:
            parent = self.get(message.channel, message.thread_ts)
            return {"thread_ts": message.thread_ts, "parent_user_id": parent.author if parent else ""}
        replies = self.replies(message.channel, message.ts)
        if not replies:
            return {}
        repliers = list(dict.fromkeys(r.author for r in replies))
        return {
            "thread_ts": message.ts, "reply_count": len(replies), "reply_users_count": len(repliers),
            "reply_users": repliers, "latest_reply": replies[-1].ts, "subscribed": False,
        }  # fmt: skip


def _is_reply(message: Message) -> bool:
    """A reply that everybody sees, and that its parent counts."""
    return bool(message.thread_ts) and message.thread_ts != message.ts and message.ephemeral_to is None
