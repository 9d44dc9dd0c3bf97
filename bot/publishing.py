"""Output for others: custom metrics every five minutes, report files at every turn, and structured logs.

A failure here stops nothing else. Logs go to standard error: JSON lines for a machine, colours for a terminal.
"""

import asyncio
import logging
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from bot.reports.files import ReportFiles, SetAside
from lumen.model.messages import LumenError
from lumen.model.service import ServiceId
from lumen.model.turn import Turn
from lumen.use_cases.publish import Publish
from lumen.wording.catalogue import Catalogue

log = structlog.get_logger()

#: Tickets, tokens and addresses that answer in Lumen's name, wherever a library may have put them.
_SECRETS = re.compile(r"(ticket=|xox[a-z]-|xapp-|hooks\.slack\.com/|/response/|/upload/v1/)[^\s\"'&<>]+")


@dataclass(slots=True)
class Publishing:
    """`publish` None: PUBLISH_METRICS is off; `files` None: no OUTPUT_DIR."""

    publish: Publish | None
    files: ReportFiles | None
    services: Sequence[ServiceId]
    words: Catalogue
    _trouble: str = field(default="", init=False)

    async def figures(self) -> None:
        """Publish the slots that are due. A failure is logged once, until it is another one."""
        if self.publish is None:
            return
        try:
            points = await self.publish.due(self.services)
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


def without_secrets(_: object, __: str, line: Any) -> str:
    """The last processor: a rendered line in which nothing opens a door."""
    return _SECRETS.sub(r"\1(redacted)", str(line))


def configure_logs(level: str) -> None:
    """Route structlog and the standard library's loggers to one place."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    terminal = sys.stderr.isatty()
    renderer = structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
                without_secrets,
            ],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
