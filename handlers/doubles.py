"""A post that Slack carried out long after its answer was given up stands twice: the later one is deleted."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from handlers.poster import Poster
from handlers.slack_calls import CannotUpdate, SlackRefused
from lumen.model.service import ServiceId
from lumen.ports.state import Outbox, Surface

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Doubt:
    """A post that may still happen: as what, in whose thread, and when it is looked for (monotonic seconds)."""

    tag: str
    thread_ts: str
    due: list[float]


class Doubles:
    """Kept in this process alone. `after_seconds`: when a post that may still happen is looked for."""

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
                _log.info("double_deleted", surface=doubt.tag, ts=found)
        except (SlackRefused, CannotUpdate) as error:
            _log.warning("double_stays", surface=doubt.tag, error=error.error)
