"""The Web API calls that the outbox makes for its messages, paced, and the end of messages that stand twice.

Every failure is one of the four kinds of `handlers.web_api`.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from handlers.blocks.card import Json, Shown
from handlers.charts import Charts
from handlers.web_api import Answer, CannotUpdate, SlackApi, SlackRefused, guarded
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
#: By then the place of a message that was just posted is stored.
TIDY_AFTER_SECONDS = 10.0
#: Slack's words for a thread whose first message is not there any more.
_THREAD_GONE = frozenset({"thread_not_found", "message_not_found", "invalid_thread_ts"})


class ThreadGone(SlackRefused):
    """Somebody deleted the message in whose thread it belongs."""


class Poster:
    """Posts, edits and finds messages."""

    def __init__(self, api: SlackApi, pace_seconds: float = PACE_SECONDS, charts: Charts | None = None) -> None:
        self._calls = api
        self._charts = charts or Charts()
        self.pace_seconds = pace_seconds
        self._free_at: dict[str, float] = {}

    async def post(self, channel: str, shown: Shown, surface: str, thread_ts: str = "") -> tuple[str, str]:
        """The channel's id and the message's ts. `thread_ts`: the message in whose thread it stands, or empty."""
        wanted = {"channel": channel, "unfurl_links": False, "unfurl_media": False}
        wanted |= {"thread_ts": thread_ts} if thread_ts else {}
        with _thread(thread_ts):
            answer = await self._send("chat.postMessage", channel, shown, surface, wanted)
        return answer.text("channel"), answer.text("ts")

    async def update(self, channel: str, ts: str, shown: Shown, surface: str) -> None:
        """Blocks and text go together: an update without blocks would remove them."""
        await self._send("chat.update", channel, shown, surface, {"channel": channel, "ts": ts})

    async def _send(self, method: str, channel: str, shown: Shown, surface: str, wanted: Json) -> Answer:
        async def send(one: Shown) -> Answer:
            await self._pace(channel)
            return await self._calls.write(method, _marked(one, surface) | wanted)

        return await self._charts.send(shown, send)

    async def find(self, channel: str, surface: str, not_ts: str, thread_ts: str = "") -> str | None:
        """The ts of the newest message that shows `surface`, other than `not_ts`; None when there is none.

        Raises ThreadGone, too.
        """
        async for posted in self.posted(channel, thread_ts):
            if posted.get("ts") == thread_ts and posted.get("subtype") == "tombstone":
                raise ThreadGone("tombstone")
            if shows(posted, surface) and posted.get("ts") != not_ts:
                return str(posted["ts"])
        return None

    async def posted(
        self, channel: str, thread_ts: str = "", pages: int = PAGES, page_size: int = PAGE_SIZE
    ) -> AsyncIterator[Mapping[str, Any]]:
        """The newest messages of a channel or a thread, as Slack tells of them: a few hundred, if nobody wants more."""
        cursor = ""
        method = "conversations.replies" if thread_ts else "conversations.history"
        for _ in range(pages):
            wanted: dict[str, Any] = {"channel": channel, "limit": page_size, "include_all_metadata": True}
            wanted |= ({"ts": thread_ts} if thread_ts else {}) | ({"cursor": cursor} if cursor else {})
            with _thread(thread_ts):
                answer = await self._calls.read(method, wanted)
            for posted in answer.objects("messages"):
                yield posted
            cursor = str(answer.maybe("response_metadata", "next_cursor") or "")
            if not cursor:
                break

    async def delete(self, channel: str, ts: str) -> None:
        """One of Lumen's own messages."""
        await self._calls.write("chat.delete", {"channel": channel, "ts": ts})

    async def stands(self, channel: str, ts: str) -> bool:
        """Whether the message is there; False when somebody has deleted it."""
        try:
            await self._calls.read("chat.getPermalink", {"channel": channel, "message_ts": ts})
        except CannotUpdate:
            return False
        return True

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
        self._free_at[channel] = at + self.pace_seconds
        await asyncio.sleep(at - now)


@contextmanager
def _thread(thread_ts: str) -> Iterator[None]:
    """Tell what is wrong with the thread from what is wrong with the message."""
    try:
        yield
    except (SlackRefused, CannotUpdate) as refused:
        if thread_ts and refused.error in _THREAD_GONE:
            raise ThreadGone(refused.error) from refused
        raise


def tag_of(surface: Surface) -> str:
    """The name by which a message tells which surface it shows; unique across services, and across lost stores."""
    tag = f"{surface.service.key}/{surface.kind}/{surface.key}"
    return f"{tag}@{surface.mark}" if surface.mark else tag


def _marked(shown: Shown, tag: str) -> Json:
    """Text and blocks with both of a message's identities: its metadata, and the id of its first block."""
    first = [block | {"block_id": _block_id(tag)} for block in shown.blocks[:1]]
    metadata = {"event_type": EVENT_TYPE, "event_payload": {"surface": tag}}
    return {"text": shown.text, "blocks": [*first, *shown.blocks[1:]], "metadata": metadata}


def _block_id(tag: str) -> str:
    """The second identity, for a Slack that drops metadata. A tag may be longer than an id of Slack's."""
    return f"lumen:{hashlib.sha256(tag.encode()).hexdigest()[:24]}"


def shows(posted: Mapping[str, Any], tag: str) -> bool:
    """Whether a message, as Slack tells of it, says by either identity that it shows the surface of this tag."""
    told = Answer(posted)
    if told.maybe("metadata", "event_type") == EVENT_TYPE:
        return bool(told.maybe("metadata", "event_payload", "surface") == tag)
    blocks = told.maybe("blocks")
    first = blocks[0] if isinstance(blocks, list) and blocks else None
    return isinstance(first, dict) and first.get("block_id") == _block_id(tag)


@dataclass(slots=True)
class _Doubt:
    """A post that may still happen: as what, in whose thread, and when it is looked for (monotonic seconds)."""

    tag: str
    thread_ts: str
    due: list[float]


class DuplicateSweeper:
    """Deletes one of two messages: the later, where Slack carried out a post long after its answer was given up.

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

    async def tidy(self, surface: Surface, channel: str, ts: str) -> None:
        """Delete a message that shows `surface` while another one stands for it. Never raises.

        Such an orphan is left where an answer was lost and nothing of the message could be recognised.
        """
        await asyncio.sleep(TIDY_AFTER_SECONDS)
        with guarded("orphan_stays", surface=tag_of(surface)):
            _, stands = await self._outbox.where(surface) or ("", "")
            if stands and stands != ts:
                await self._poster.delete(channel, ts)
                _log.info("orphan_deleted", surface=tag_of(surface), ts=ts)
