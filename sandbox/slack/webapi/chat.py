"""chat.postMessage, chat.postEphemeral, chat.update, chat.delete, chat.getPermalink."""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.slack.directory import Channel, Directory
from sandbox.slack.errors import SlackError
from sandbox.slack.manifest import Manifest
from sandbox.slack.messages import Message, MessageLog
from sandbox.slack.posting import UPDATED_TEXT_CHARACTERS, Posting
from sandbox.slack.ratelimit import RateLimits
from sandbox.slack.webapi.call import Call, Method
from sandbox.slack.wire import Json


@dataclass(frozen=True)
class Chat:
    directory: Directory
    manifest: Manifest
    log: MessageLog
    posting: Posting
    limits: RateLimits
    base_url: Callable[[], str]

    def methods(self) -> tuple[Method, ...]:
        write = ("chat:write",)
        return (
            Method("chat.postMessage", self.post_message, write),
            Method("chat.postEphemeral", self.post_ephemeral, write),
            Method("chat.update", self.update, write),
            Method("chat.delete", self.delete, write),
            Method("chat.getPermalink", self.permalink),
        )

    async def post_message(self, call: Call) -> Json:
        channel = self._writable(call)
        draft = self.posting.draft(call.arguments)
        thread_ts = self._thread(call, channel)
        self.limits.spend_message(channel.id)
        message = self.posting.post(
            draft,
            channel.id,
            thread_ts=thread_ts,
            username=call.maybe_text("username"),
            broadcast=call.flag("reply_broadcast"),
        )
        return {"channel": channel.id, "ts": message.ts, "message": self.log.wire(message, with_metadata=True)}

    async def post_ephemeral(self, call: Call) -> Json:
        channel = self._writable(call)
        user_id = call.text("user")
        if user_id not in channel.members:
            raise SlackError("user_not_in_channel")
        draft = self.posting.draft(call.arguments)
        message = self.posting.post(draft, channel.id, thread_ts=call.maybe_text("thread_ts"), ephemeral_to=user_id)
        return {"message_ts": message.ts}

    async def update(self, call: Call) -> Json:
        channel = self._known(call)
        if channel.is_archived:
            raise SlackError("is_inactive")
        message = self._own(channel, call.text("ts"), "cant_update_message")
        draft = self.posting.draft(call.arguments, longest=UPDATED_TEXT_CHARACTERS)
        changed = self.posting.rewrite(message, draft)
        wire = self.log.wire(changed, with_metadata=True)
        return {"channel": channel.id, "ts": changed.ts, "text": changed.text, "message": wire}

    async def delete(self, call: Call) -> Json:
        channel = self._known(call)
        message = self._own(channel, call.text("ts"), "cant_delete_message")
        self.log.remove(message)
        return {"channel": channel.id, "ts": message.ts}

    async def permalink(self, call: Call) -> Json:
        channel = self._known(call)
        ts = call.text("message_ts")
        message = self.log.get(channel.id, ts)
        if message is None or message.ephemeral_to is not None:
            raise SlackError("message_not_found")
        link = f"{self.base_url()}/archives/{channel.id}/p{ts.replace('.', '')}"
        if message.thread_ts and message.thread_ts != ts:
            link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
        return {"channel": channel.id, "permalink": link}

    def _known(self, call: Call) -> Channel:
        channel = self.directory.channel_by(call.text("channel"))
        if channel is None or (channel.is_private and self.directory.app.bot_user_id not in channel.members):
            raise SlackError("channel_not_found")
        return channel

    def _writable(self, call: Call) -> Channel:
        if call.text("channel") in self.directory.people:
            channel = self.directory.direct_channel(call.text("channel"))
        else:
            channel = self._known(call)
        if channel.is_im and not self.manifest.has_messages_tab:
            raise SlackError("messages_tab_disabled")
        if self.directory.app.bot_user_id not in channel.members:
            raise SlackError("not_in_channel")
        if channel.is_archived:
            raise SlackError("is_archived")
        return channel

    def _thread(self, call: Call, channel: Channel) -> str | None:
        thread_ts = call.maybe_text("thread_ts")
        if thread_ts is None:
            return None
        parent = self.log.get(channel.id, thread_ts)
        if parent is None or parent.ephemeral_to is not None:
            raise SlackError("thread_not_found")
        return parent.thread_ts or parent.ts

    def _own(self, channel: Channel, ts: str, refusal: str) -> Message:
        message = self.log.get(channel.id, ts)
        if message is None or message.ephemeral_to is not None:
            raise SlackError("message_not_found")
        if message.author != self.directory.app.bot_user_id:
            raise SlackError(refusal)
        return message
