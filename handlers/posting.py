"""Posts a message of the outbox once, also where an earlier process posted it and died before it could say so."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import structlog

from handlers.blocks.card import Shown
from handlers.pacing import Turn
from handlers.places import Places
from handlers.poster import DuplicateSweeper, Poster, ThreadGone, tag_of
from handlers.web_api import NoAnswer, SlackRefused
from lumen.ports.store import Dirty, Outbox, Surface

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A message that may have been posted: where, as what, and which one it is not."""

    channel: str
    tag: str
    not_ts: str
    thread_ts: str


@dataclass(frozen=True, slots=True)
class Posting:
    """Looks for a message before it posts one that is in doubt; only the worker of its service can have posted others.

    `look_after`: when a post without an answer is looked for, in seconds, each time afresh.
    """

    outbox: Outbox
    poster: Poster
    places: Places
    duplicates: DuplicateSweeper
    look_after: Sequence[float]
    #: Since when (monotonic seconds) a surface may have been posted without that being stored.
    _in_doubt: dict[Surface, float] = field(default_factory=dict)

    def doubt(self, surfaces: Iterable[Surface], since: float) -> None:
        """They may stand in Slack since then, whatever is stored."""
        self._in_doubt.update(dict.fromkeys(surfaces, since))

    def trust(self, surface: Surface) -> None:
        """What is stored of it is true."""
        self._in_doubt.pop(surface, None)

    async def post(self, dirty: Dirty, shown: Shown, turn: Turn) -> None:
        """In its service's channel, or in the thread that it belongs in. Raises SlackTrouble, LumenError."""
        try:
            await self._under(dirty, shown, turn, await self.places.above(shown.under))
        except ThreadGone:
            if shown.under is not None:
                await self.places.forget(shown.under)
            raise

    async def _under(self, dirty: Dirty, shown: Shown, turn: Turn, thread_ts: str) -> None:
        tag, channel = tag_of(dirty.surface), self.places.channel_of(dirty.surface.service)
        wanted = _Wanted(channel, tag, dirty.ts, thread_ts)
        # One that stands for another message is a rare case: then Slack is asked each time.
        known_at = time.monotonic() if dirty.ts else self._in_doubt.get(dirty.surface)
        found = None if known_at is None else await self._look(wanted, known_at)
        if found is None:
            try:
                _, ts = await self.poster.post(channel, shown, tag, thread_ts, turn)
            except NoAnswer:
                found = await self._look_later(wanted)
                if found is None:
                    self.duplicates.expect(dirty.surface, tag, thread_ts)
                    raise
            else:
                await self.outbox.shown(dirty, channel, ts)
                return
        # It shows what was stored when it was posted, which may be older by now.
        await self.poster.update(channel, found, shown, tag)
        await self.outbox.shown(dirty, channel, found)

    async def _look_later(self, wanted: _Wanted) -> str | None:
        for wait_seconds in self.look_after:
            await asyncio.sleep(wait_seconds)
            found = await self._look(wanted, time.monotonic())
            if found is not None:
                return found
        return None

    async def _look(self, wanted: _Wanted, known_at: float) -> str | None:
        try:
            return await self.poster.find(wanted.channel, wanted.tag, wanted.not_ts, wanted.thread_ts, known_at)
        except ThreadGone:
            raise
        except SlackRefused as error:
            # Without the scope nothing can be looked up: a message that may come twice is better than none.
            _log.error("history_refused", error=error.error, scope="channels:history or groups:history")
            return None
