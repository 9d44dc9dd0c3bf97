"""Output for others: custom metrics every five minutes, and report files at every turn.

A failure here stops nothing else.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from bot.reports.files import ReportFiles, SetAside
from lumen.model.messages import LumenError
from lumen.model.service import ServiceId
from lumen.model.turn import Turn
from lumen.use_cases.publish import Publish
from lumen.wording.catalogue import Catalogue

log = structlog.get_logger()


@dataclass(slots=True)
class Publishing:
    """`publish` None: PUBLISH_METRICS is off; `files` None: no OUTPUT_DIR."""

    publish: Publish | None
    files: ReportFiles | None
    words: Catalogue
    _trouble: str = field(default="", init=False)

    async def figures(self, services: Sequence[ServiceId]) -> None:
        """Publish the slots of these that are due. A failure is logged once, until it is another one."""
        if self.publish is None:
            return
        try:
            points = await self.publish.due(services)
        except LumenError as error:
            if error.reason.code != self._trouble:
                says = f"{self.words.plain(error.reason)} {self.words.plain(error.remedy)}"
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
        if self.files is None or not turns:
            return
        try:
            written = await asyncio.to_thread(self.files.write, turns)
        except OSError as error:
            log.error("report_not_written", directory=str(self.files.directory), error=str(error))
            return
        for one in written:
            if isinstance(one, SetAside):
                log.error("report_file_damaged", file=str(one.path), set_aside=str(one.kept_as), error=one.error)
