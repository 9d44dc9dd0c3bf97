"""The check of what takes traces: one is sent there, for sending in the background fails in silence."""

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit

from bot.config import Settings
from bot.doctor.check import Check, Findings
from bot.wiring.traces import untaken
from lumen.model.messages import message

NAME = "OTEL_EXPORTER_OTLP_ENDPOINT"


async def trace_checks(settings: Settings) -> Sequence[Check]:
    """Nothing where no traces are wanted."""
    endpoint, found = settings.otel_exporter_otlp_endpoint, Findings("setting: ")
    if not endpoint:
        return ()
    why = await asyncio.to_thread(untaken, endpoint, settings.project_id)
    if why is None:
        found.fine(NAME, message("doctor.traces_taken", host=urlsplit(endpoint).netloc))
    else:
        found.part(NAME, why)
    return found.checks
