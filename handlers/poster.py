"""The Web API calls that the outbox makes for its messages, each in its turn, and the end of messages that stand twice.

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
from handlers.pacing import PACE_SECONDS, Turn, Turns, Urgency
from handlers.web_api import (
    EDIT,
    POST,
    RATE_LIMITED,
    Answer,
    CannotUpdate,
    SlackApi,
    SlackRefused,
    Unreachable,
    guarded,
)
from lumen.model.service import ServiceId
from lumen.ports.store import Outbox, Surface

_log = structlog.get_logger(__name__)

#: Marks Lumen's own messages; the payload's `surface` tells which one it is.
EVENT_TYPE = "lumen_surface"
#: How far back a lost message is looked for: it was posted minutes ago at most. Slack may give less than is asked for.
LOOKED_THROUGH = 300
PAGES = 3
PAGE_SIZE = 300
#: By then the place of a message that was just posted is stored.
TIDY_AFTER_SECONDS = 10.0
#: Slack's words for a thread whose first message is not there any more.
_THREAD_GONE = frozenset({"thread_not_found", "message_not_found", "invalid_thread_ts"})


class ThreadGone(SlackRefused):
    """Somebody deleted the message in whose thread it belongs."""


@dataclass(frozen=True, slots=True)
class _Newest:
    """What the newest messages of a channel say that they show; `read_at`: when that was asked (monotonic seconds)."""

    read_at: float
    found: Sequence[tuple[str, str, str]]

    def find(self, tag: str, not_ts: str) -> str | None:
        """The ts of the newest one of that tag, other than `not_ts`."""
        block = _block_id(tag)
        return next((ts for ts, *told in self.found if ts != not_ts and told in ([tag, ""], ["", block])), None)


class Poster:
    """Posts, edits and finds messages."""

    def __init__(self, api: SlackApi, pace_seconds: float = PACE_SECONDS, charts: Charts | None = None) -> None:
        self._calls = api
        self._charts = charts or Charts()
        self.turns = Turns(pace_seconds)
        self._newest: dict[str, _Newest] = {}
        self._reading: dict[str, asyncio.Lock] = {}

    async def post(
        self, channel: str, shown: Shown, surface: str, thread_ts: str = "", turn: Turn | None = None
    ) -> tuple[str, str]:
        """The channel's id and the message's ts. `thread_ts`: the message in whose thread it stands, or empty."""
        wanted = {"channel": channel, "unfurl_links": False, "unfurl_media": False}
        wanted |= {"thread_ts": thread_ts} if thread_ts else {}
        with _thread(thread_ts):
            answer = await self._send(POST, shown, surface, wanted, turn)
        return answer.text("channel"), answer.text("ts")

    async def update(self, channel: str, ts: str, shown: Shown, surface: str, turn: Turn | None = None) -> None:
        """Blocks and text go together: an update without blocks would remove them."""
        await self._send(EDIT, shown, surface, {"channel": channel, "ts": ts}, turn)

    async def _send(self, method: str, shown: Shown, surface: str, wanted: Json, turn: Turn | None) -> Answer:
        """In the `turn` that the caller waited for, else when one comes."""
        channel = str(wanted["channel"])

        async def send(one: Shown) -> Answer:
            if turn is None or not turn.use(method):
                await self.turns.take(method, channel, Urgency.CARD)
            try:
                return await self._calls.write(method, _marked(one, surface) | wanted, patient=False)
            except Unreachable as trouble:
                if trouble.error == RATE_LIMITED:
                    self.turns.gate(method, channel).hold(trouble.again_in_seconds)
                raise

        return await self._charts.send(shown, send)

    async def find(
        self, channel: str, surface: str, not_ts: str, thread_ts: str = "", known_at: float = float("inf")
    ) -> str | None:
        """The ts of the newest message that shows `surface`, other than `not_ts`; None when there is none.

        What was read after `known_at` (monotonic seconds) is new enough; without it, Slack is asked. Raises ThreadGone,
        too.
        """
        if not thread_ts:
            return (await self._newest_of(channel, known_at)).find(surface, not_ts)
        async for posted in self.posted(channel, thread_ts):
            if posted.get("ts") == thread_ts and posted.get("subtype") == "tombstone":
                raise ThreadGone("tombstone")
            if shows(posted, surface) and posted.get("ts") != not_ts:
                return str(posted["ts"])
        return None

    async def _newest_of(self, channel: str, known_at: float) -> _Newest:
        """One answer serves all who asked for it before it was sent."""
        known_at = min(known_at, time.monotonic())
        async with self._reading.setdefault(channel, asyncio.Lock()):
            newest = self._newest.get(channel)
            if newest is None or newest.read_at < known_at:
                read_at = time.monotonic()
                newest = _Newest(read_at, [(str(one.get("ts")), *_told(one)) async for one in self.posted(channel)])
                self._newest[channel] = newest
            return newest

    async def posted(
        self,
        channel: str,
        thread_ts: str = "",
        *,
        most: int = LOOKED_THROUGH,
        pages: int = PAGES,
        page_size: int = PAGE_SIZE,
    ) -> AsyncIterator[Mapping[str, Any]]:
        """The `most` newest messages of a channel or a thread, as Slack tells of them, in so many pages at most."""
        cursor, seen = "", 0
        method = "conversations.replies" if thread_ts else "conversations.history"
        for _ in range(pages):
            wanted: dict[str, Any] = {"channel": channel, "limit": page_size, "include_all_metadata": True}
            wanted |= ({"ts": thread_ts} if thread_ts else {}) | ({"cursor": cursor} if cursor else {})
            with _thread(thread_ts):
                answer = await self._calls.read(method, wanted)
            for posted in answer.objects("messages"):
                yield posted
            cursor = str(answer.maybe("response_metadata", "next_cursor") or "")
            seen += len(answer.objects("messages"))
            if not cursor or seen >= most:
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
    return _told(posted) in ((tag, ""), ("", _block_id(tag)))


def _told(posted: Mapping[str, Any]) -> tuple[str, str]:
    """The tag that a message names, or the id of its first block where it names none; of which the other is empty."""
    told = Answer(posted)
    if told.maybe("metadata", "event_type") == EVENT_TYPE:
        return str(told.maybe("metadata", "event_payload", "surface") or ""), ""
    blocks = told.maybe("blocks")
    first = blocks[0] if isinstance(blocks, list) and blocks else None
    return "", str(first.get("block_id") or "") if isinstance(first, dict) else ""


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

    def services(self) -> Iterator[ServiceId]:
        """Those whose messages it still looks for."""
        return (surface.service for surface in self._doubts)

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
