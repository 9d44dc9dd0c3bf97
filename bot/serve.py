"""`lumen serve`: the calls from outside alone. The bot runs elsewhere, and shows in Slack what they have made."""

import asyncio
import signal
from collections.abc import Sequence
from contextlib import AsyncExitStack

from prometheus_client import CollectorRegistry

from bot.config import Settings
from bot.http import start_http, store_readiness
from bot.tracing import begin_tracing, turn_made
from bot.wiring.assembly import assemble
from bot.wiring.triggers import trigger_routes
from lumen.model.answers import Readiness
from lumen.model.messages import NotPossible, with_remedy
from lumen.model.turn import Turn
from lumen.wording.catalogue import Catalogue


async def serve(settings: Settings) -> None:
    """Until SIGTERM or SIGINT. Raises what makes a start impossible."""
    if not settings.takes_triggers:
        raise NotPossible(*with_remedy("trigger.nobody_may_call"))
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    registry = CollectorRegistry()
    async with AsyncExitStack() as stack:
        if settings.otel_exporter_otlp_endpoint:
            stack.callback(begin_tracing(settings.otel_exporter_otlp_endpoint, settings.project_id))
        lumen = await stack.enter_async_context(assemble(settings))

        async def readiness() -> Sequence[Readiness]:
            return [await store_readiness(lumen.store, settings.services, Catalogue(settings.lumen_locale))]

        runner = await start_http(
            settings.http_host,
            settings.port,
            readiness,
            registry,
            metrics_port=settings.metrics_port,
            routes=trigger_routes(settings, lumen, _made, registry),
        )
        stack.push_async_callback(runner.cleanup)
        await stop.wait()


async def _made(turns: Sequence[Turn], seconds: float) -> None:
    for turn in turns:
        turn_made(turn, seconds)
