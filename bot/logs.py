"""Structured logs on standard error: JSON lines for a machine, colours for a terminal."""

import logging
import re
import sys
from typing import Any

import structlog

#: Tickets, tokens and addresses that answer in Lumen's name, wherever a library may have put them.
_SECRETS = re.compile(r"(ticket=|xox[a-z]-|xapp-|hooks\.slack\.com/|/response/)[^\s\"'&<>]+")


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
    if level == "INFO":
        logging.getLogger("apscheduler").setLevel(logging.WARNING)  # two lines a minute that say it woke
