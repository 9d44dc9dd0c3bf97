"""Draws a message's picture and brings it to Slack: one file for each hour that a week ends with, however often tried.

The picture is a surface of its own, a file where the others are messages: which file it is stands in the store before
Slack is asked to complete it. An upload that never was completed is no file, so one that is known is there or is not.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC

import structlog

from handlers.slack_calls import NoAnswer, SlackRefused
from handlers.uploads import Begun, Uploads
from handlers.views.card import Picture, Shown, illustrated
from handlers.views.picture import week_png
from lumen.model.service import ServiceId
from lumen.model.week import Week
from lumen.ports.numerics import Numerics
from lumen.ports.state import Dirty, Outbox, Surface

_log = structlog.get_logger(__name__)

PICTURE_KIND = "picture"
#: In the worker, which may have something else to do first; no message waits longer at a time.
DRAW_SECONDS = 10.0
#: When Slack is asked whether it has looked the file through.
LOOK_AFTER_SECONDS = (0.1, 0.4, 0.8, 1.6)


class Pictures:
    """Of all services; drawn one after the other, as there is one worker."""

    def __init__(
        self,
        uploads: Uploads,
        numerics: Numerics,
        outbox: Outbox,
        look_after_seconds: Sequence[float] = LOOK_AFTER_SECONDS,
    ) -> None:
        self._uploads = uploads
        self._numerics = numerics
        self._outbox = outbox
        self._look_after_seconds = tuple(look_after_seconds)
        #: The newest upload of a service that Slack has not completed: it is not begun anew.
        self._begun: dict[ServiceId, Begun] = {}

    async def into(self, shown: Shown) -> Shown:
        """`shown` with its picture, or without where it cannot be drawn or Slack wants no file of us.

        Raises Unreachable, NoAnswer (try again later), StoreUnavailable, OutcomeUnknown.
        """
        if shown.picture is None:
            return shown
        try:
            return illustrated(shown, await self._file(shown.picture))
        except SlackRefused as error:
            _log.error("picture_refused", error=error.error, scopes="files:write, files:read")
            return illustrated(shown, None)

    async def _file(self, picture: Picture) -> str | None:
        ends = picture.week.end.astimezone(UTC)
        surface = Surface(picture.service, PICTURE_KIND, f"{ends:%Y-%m-%dT%H}")
        _, file_id = await self._outbox.where(surface) or ("", "")
        if not file_id or await self._uploads.is_usable(file_id) is None:
            begun = self._begun.get(picture.service)
            if begun is None or begun.file_id != file_id:
                drawn = await self._drawn(picture.week)
                if drawn is None:
                    return None
                begun = await self._uploads.begin(f"{picture.service.name}-{ends:%Y-%m-%d}.png", drawn)
                self._begun[picture.service], file_id = begun, begun.file_id
                await self._outbox.shown(Dirty(surface, 0, "", ""), "", file_id)
            await self._uploads.complete(begun, picture.service.name)
            self._begun.pop(picture.service, None)
        await self._usable(file_id)
        return file_id

    async def _drawn(self, week: Week) -> bytes | None:
        try:
            async with asyncio.timeout(DRAW_SECONDS):
                return await self._numerics.run(week_png, week)
        except TimeoutError as error:
            raise NoAnswer("drawing takes too long") from error
        except ImportError as error:
            _log.info("picture_not_drawn", missing=error.name)
        except Exception:
            _log.exception("picture_not_drawn")
        return None

    async def _usable(self, file_id: str) -> None:
        for wait_seconds in self._look_after_seconds:
            if await self._uploads.is_usable(file_id):
                return
            await asyncio.sleep(wait_seconds)
        raise NoAnswer("the file is not usable yet")
