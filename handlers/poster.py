"""The Web API calls that the outbox makes for its messages, paced, and the sweep of messages that were posted twice.

Every failure is one of the four kinds of `handlers.web_api`.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from handlers.blocks.card import Shown
from handlers.web_api import CannotUpdate, SlackApi, SlackRefused
from lumen.model.service import ServiceId
from lumen.ports.store import Outbox, Surface

_log = structlog.get_logger(__name__)

#: Marks Lumen's own messages; the payload's `surface` tells which one it is.
EVENT_TYPE = "lumen_surface"
#: Slack allows one message a second and channel; edits are held to the same pace.
PACE_SECONDS = 1.0
#: How far back a lost message is looked for: it was posted minutes ago at most.
PAGES = 3
PAGE_SIZE = 100


class Poster:
    """Posts, edits and finds messages."""

    def __init__(self, api: SlackApi, pace_seconds: float = PACE_SECONDS) -> None:
        self._calls = api
        self._pace_seconds = pace_seconds
        self._free_at: dict[str, float] = {}

    async def post(self, channel: str, shown: Shown, surface: str, thread_ts: str = "") -> tuple[str, str]:
        """The channel's id and the message's ts. `thread_ts`: the message in whose thread it stands, or empty."""
        await self._pace(channel)
        answer = await self._calls.write(
            "chat.postMessage",
            {
                "channel": channel,
                "text": shown.text,
                "blocks": list(shown.blocks),
                "metadata": {"event_type": EVENT_TYPE, "event_payload": {"surface": surface}},
                "unfurl_links": False,
                "unfurl_media": False,
            }
            | ({"thread_ts": thread_ts} if thread_ts else {}),
        )
        return answer.text("channel"), answer.text("ts")

    async def update(self, channel: str, ts: str, shown: Shown, surface: str) -> None:
        """Blocks and text go together: an update without blocks would remove them."""
        await self._pace(channel)
        await self._calls.write(
            "chat.update",
            {
                "channel": channel,
                "ts": ts,
                "text": shown.text,
                "blocks": list(shown.blocks),
                "metadata": {"event_type": EVENT_TYPE, "event_payload": {"surface": surface}},
            },
        )

    async def find(self, channel: str, surface: str, not_ts: str, thread_ts: str = "") -> str | None:
        """The ts of the newest message that shows `surface`, other than `not_ts`; None when there is none."""
        cursor = ""
        method = "conversations.replies" if thread_ts else "conversations.history"
        for _ in range(PAGES):
            wanted: dict[str, Any] = {"channel": channel, "limit": PAGE_SIZE, "include_all_metadata": True}
            wanted |= ({"ts": thread_ts} if thread_ts else {}) | ({"cursor": cursor} if cursor else {})
            answer = await self._calls.read(method, wanted)
            for posted in answer.objects("messages"):
                if _surface_of(posted) == surface and posted.get("ts") != not_ts:
                    return str(posted["ts"])
            cursor = str(answer.maybe("response_metadata", "next_cursor") or "")
            if not cursor:
                break
        return None

    async def delete(self, channel: str, ts: str) -> None:
        """One of Lumen's own messages."""
        await self._calls.write("chat.delete", {"channel": channel, "ts": ts})

    async def permalink(self, channel: str, ts: str) -> str | None:
        """A link to a message, or None where there is none to give."""
        try:
            answer = await self._calls.read("chat.getPermalink", {"channel": channel, "message_ts": ts})
        except (SlackRefused, CannotUpdate):
            return None
        return answer.text("permalink")

    async def _pace(self, channel: str) -> None:
        """Wait for this channel's turn. Nothing else waits with it."""
        now = time.monotonic()
        at = max(now, self._free_at.get(channel, now))
        self._free_at[channel] = at + self._pace_seconds
        await asyncio.sleep(at - now)


def _surface_of(posted: Mapping[str, Any]) -> str:
    metadata: Mapping[str, Any] = posted.get("metadata") or {}
    if metadata.get("event_type") != EVENT_TYPE:
        return ""
    payload: Mapping[str, Sequence[str]] = metadata.get("event_payload") or {}
    return str(payload.get("surface", ""))


@dataclass(slots=True)
class _Doubt:
    """A post that may still happen: as what, in whose thread, and when it is looked for (monotonic seconds)."""

    tag: str
    thread_ts: str
    due: list[float]


class DuplicateSweeper:
    """Deletes the later one of two messages, where Slack carried out a post long after its answer was given up.

    Kept in this process alone. `after_seconds`: when a post that may still happen is looked for.
    """

    def __init__(self, outbox: Outbox, poster: Poster, after_seconds: Sequence[float]) -> None:
        self._outbox = outbox
        self._poster = poster
        self._after_seconds = tuple(after_seconds)
        self._doubts: dict[Surface, _Doubt] = {}

    def expect(self, surface: Surface, tag: str, thread_ts: str) -> None:
        """Its post had no answer and was not found, so it will be posted again."""
        now = time.monotonic()
        self._doubts[surface] = _Doubt(tag, thread_ts, [now + after for after in self._after_seconds])

    async def look(self, service: ServiceId) -> None:
        """Look for those whose time has come. Raises SlackTrouble (it is looked for again), LumenError."""
        for surface, doubt in tuple(self._doubts.items()):
            if surface.service != service or time.monotonic() < doubt.due[0]:
                continue
            await self._look_for(surface, doubt)
            doubt.due.pop(0)
            if not doubt.due:
                del self._doubts[surface]

    async def _look_for(self, surface: Surface, doubt: _Doubt) -> None:
        channel, stands = await self._outbox.where(surface) or ("", "")
        if not stands:
            return
        try:
            found = await self._poster.find(channel, doubt.tag, stands, doubt.thread_ts)
            # An earlier one is what this one replaced: Slack would not have it edited.
            if found is not None and float(found) > float(stands):
                await self._poster.delete(channel, found)
                _log.info("duplicate_deleted", surface=doubt.tag, ts=found)
        except (SlackRefused, CannotUpdate) as error:
            _log.warning("duplicate_stays", surface=doubt.tag, error=error.error)
