"""Pictures of messages, drawn and uploaded: one file for each hour that a week ends with, however often tried.

The picture is a surface of its own, a file where the others are messages: which file it is stands in the store before
Slack is asked to complete it. An upload that never was completed is no file, so one that is known is there or is not.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

import structlog

from handlers.blocks.card import Picture, Shown, illustrated
from handlers.blocks.week_picture import week_png
from handlers.web_api import NoAnswer, SlackApi, SlackRefused
from lumen.model.service import ServiceId
from lumen.model.week import Week
from lumen.ports.clock import Numerics
from lumen.ports.store import Dirty, Outbox, Surface

_log = structlog.get_logger(__name__)

PICTURE_KIND = "picture"
#: In the worker, which may have something else to do first; no message waits longer at a time.
DRAW_SECONDS = 10.0
#: When Slack is asked whether it has looked the file through.
LOOK_AFTER_SECONDS = (0.1, 0.4, 0.8, 1.6)
#: Slack's words for a file that is not there (any more), or was announced and never completed.
_GONE = frozenset({"file_not_found", "file_deleted"})


@dataclass(frozen=True, slots=True)
class Begun:
    """An upload that Slack waits for. Until it is completed there is no file, and nothing to clean up."""

    file_id: str
    url: str


class Uploads:
    """Web API calls that bring a file to Slack: an address to send it to, the bytes, the completion.

    Each call once, and none that Slack wants to wait. A file is shared nowhere: it is seen where a block names it.
    All raise the four kinds of `handlers.web_api`.
    """

    def __init__(self, api: SlackApi) -> None:
        self._api = api

    async def begin(self, name: str, content: bytes) -> Begun:
        """Announce it and send its bytes."""
        wanted = {"filename": name, "length": len(content)}
        answer = await self._api.read("files.getUploadURLExternal", wanted, patient=False)
        begun = Begun(answer.text("file_id"), answer.text("upload_url"))
        await self._api.upload(begun.url, content)
        return begun

    async def complete(self, begun: Begun, title: str) -> None:
        """From now on it is a file."""
        files = [{"id": begun.file_id, "title": title}]
        await self._api.write("files.completeUploadExternal", {"files": files}, patient=False)

    async def is_usable(self, file_id: str) -> bool | None:
        """Whether a block may name it: Slack looks it through first. None: there is no such file."""
        try:
            answer = await self._api.read("files.info", {"file": file_id}, patient=False)
        except SlackRefused as error:
            if error.error in _GONE:
                return None
            raise
        answer.text("file", "id")
        return bool(answer.maybe("file", "mimetype"))


class Pictures:
    """Pictures of all services, drawn one after the other, as there is one worker."""

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
