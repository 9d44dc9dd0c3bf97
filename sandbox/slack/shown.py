"""The workspace as the page and the control API read it: messages with all that a reader sees, and all at once."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from sandbox.clock import Clock
from sandbox.slack.directory import Directory
from sandbox.slack.journal import Journal
from sandbox.slack.manifest import Manifest
from sandbox.slack.messages import Message, MessageLog
from sandbox.slack.socketmode import SocketHub
from sandbox.slack.views import Views
from sandbox.slack.wire import Json

INSPECTOR_ENTRIES = 200
# Messages of a channel's past on a page that opens; the control API reads everything.
PAGE_MESSAGES = 400


@dataclass(frozen=True)
class Shown:
    directory: Directory
    manifest: Manifest
    log: MessageLog
    views: Views
    hub: SocketHub
    journal: Journal
    clock: Clock
    guide: Sequence[Json]
    base_url: Callable[[], str]

    def message(self, message: Message) -> Json:
        """Slack's message object, and: channel, ephemeral_to, reply_broadcast."""
        return self.log.wire(message, with_metadata=True) | {
            "channel": message.channel,
            "ephemeral_to": message.ephemeral_to,
            "reply_broadcast": message.reply_broadcast,
        }

    def messages(
        self, user_id: str | None, channel: str | None = None, thread_ts: str | None = None, last: int | None = None
    ) -> list[Json]:
        """Oldest first; `user_id` None = what everybody together sees; `last` = no more than so many, the newest."""
        found = self.log.in_channel(channel) if channel else self.log.everything()
        seen = [m for m in found if user_id is None or self._readable(m, user_id)]
        if thread_ts is not None:
            seen = [m for m in seen if thread_ts in (m.ts, m.thread_ts)]
        return [self.message(m) for m in (seen if last is None else seen[-last:])]

    def workspace(self) -> Json:
        """Facts that do not change while it runs, and the number of open connections."""
        directory = self.directory
        return {
            "team": asdict(directory.team),
            "app": {"id": directory.app.id, "bot_user_id": directory.app.bot_user_id, "bot_id": directory.app.bot_id,
                    "name": directory.users[directory.app.bot_user_id].real_name},
            "users": [asdict(u) for u in directory.users.values()],
            "people": list(directory.people),
            "groups": [asdict(g) for g in directory.groups.values()],
            "channels": [asdict(c) for c in directory.channels.values()],
            "home_channel": directory.home_channel,
            "commands": [asdict(c) for c in self.manifest.commands],
            "scopes": list(self.manifest.bot_scopes),
            "has_home_tab": self.manifest.has_home_tab,
            "has_messages_tab": self.manifest.has_messages_tab,
            "guide": list(self.guide),
            "connections": len(self.hub.connections),
        }  # fmt: skip

    def snapshot(self, user_id: str) -> Json:
        """Everything that one person's page shows."""
        home = self.views.homes.get(user_id)
        return {
            "type": "snapshot",
            "viewer": user_id,
            "clock": {"scale": self.clock.scale, "origin": self.clock.origin.isoformat()},
            **self.workspace(),
            "messages": [m for c in self.directory.channels for m in self.messages(user_id, c, last=PAGE_MESSAGES)],
            "stack": [self.views.page_form(v) for v in self.views.stacks.get(user_id, ())],
            "home": self.views.page_form(home) if home else None,
            "calls": [asdict(c) for c in list(self.journal.calls)[-INSPECTOR_ENTRIES:]],
            "envelopes": [asdict(e) for e in list(self.journal.envelopes)[-INSPECTOR_ENTRIES:]],
        }

    def _readable(self, message: Message, user_id: str) -> bool:
        channel = self.directory.channels[message.channel]
        return user_id in channel.members and message.visible_to(user_id)
