"""For others: custom metrics every five minutes, report files at every turn. What fails here stops nothing else."""

import asyncio
from collections.abc import Sequence

import structlog

from bot.reports.files import ReportFiles, SetAside
from handlers.catalogue import Catalogue
from lumen.model.errors import LumenError
from lumen.model.service import ServiceId
from lumen.model.turn import Turn
from lumen.use_cases.publish import Publish

log = structlog.get_logger()


class Publishing:
    """`publish` None: PUBLISH_METRICS is off; `files` None: no OUTPUT_DIR."""

    def __init__(
        self, publish: Publish | None, files: ReportFiles | None, services: Sequence[ServiceId], words: Catalogue
    ) -> None:
        self._publish = publish
        self._files = files
        self._services = services
        self._words = words
        self._trouble = ""

    async def figures(self) -> None:
        """Whatever slot is due. What keeps them from being published is said once, until it is something else."""
        if self._publish is None:
            return
        try:
            points = await self._publish.due(self._services)
        except LumenError as error:
            if error.reason.code != self._trouble:
                says = f"{self._words.plain(error.reason)} {self._words.plain(error.remedy)}"
                log.warning("figures_not_published", code=error.reason.code, says=says)
            self._trouble = error.reason.code
            return
        except Exception:
            log.exception("publishing_crashed")
            return
        if points:
            self._trouble = ""
            log.debug("figures_published", points=points)

    async def reports(self, turns: Sequence[Turn]) -> None:
        """The files of these turns."""
        if self._files is None or not turns:
            return
        try:
            written = await asyncio.to_thread(self._files.write, turns)
        except OSError as error:
            log.error("report_not_written", directory=str(self._files.directory), error=str(error))
            return
        for one in written:
            if isinstance(one, SetAside):
                log.error("report_file_damaged", file=str(one.path), set_aside=str(one.kept_as), error=one.error)
