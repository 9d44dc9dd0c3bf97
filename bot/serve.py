"""`lumen serve` and `lumen work`: the work that is asked for from outside. The bot runs elsewhere, and shows it."""

from collections.abc import Sequence
from contextlib import AsyncExitStack

from prometheus_client import CollectorRegistry

from bot.config import Settings
from bot.duties import DutyMetrics, duties_of
from bot.http import start_http, store_readiness
from bot.pulling import Pulling
from bot.stopping import when_told_to_stop
from bot.tracing import begin_tracing
from bot.triggers import counter_of
from bot.wiring.assembly import assemble
from bot.wiring.triggers import trigger_routes, triggers_of
from bot.wiring.work import open_work
from lumen.model.answers import Readiness
from lumen.model.messages import NotPossible, with_remedy
from lumen.wording.catalogue import Catalogue


async def serve(settings: Settings) -> None:
    """Take calls until SIGTERM or SIGINT. Raises what makes a start impossible."""
    if not settings.takes_triggers:
        raise NotPossible(*with_remedy("trigger.nobody_may_call"))
    await _until_stopped(settings, pulls=False)


async def work(settings: Settings) -> None:
    """Take shards as WORKERS says: pushed, or pulled. Raises likewise."""
    if not settings.has_workers:
        raise NotPossible(*with_remedy("trigger.no_workers"))
    await _until_stopped(settings, pulls=settings.workers == "pull")


async def _until_stopped(settings: Settings, *, pulls: bool) -> None:
    stop, registry = when_told_to_stop(), CollectorRegistry()
    async with AsyncExitStack() as stack:
        if settings.otel_exporter_otlp_endpoint:
            stack.callback(begin_tracing(settings.otel_exporter_otlp_endpoint, settings.project_id))
        lumen = await stack.enter_async_context(assemble(settings))
        shared = await stack.enter_async_context(open_work(settings)) if settings.has_workers else None
        duties = duties_of(settings, lumen, DutyMetrics(registry))
        triggers, calls = triggers_of(settings, lumen, duties.by_schedule, shared), counter_of(registry)

        async def readiness() -> Sequence[Readiness]:
            return [await store_readiness(lumen.store, settings.services, Catalogue(settings.lumen_locale))]

        runner = await start_http(
            settings.http_host,
            settings.port,
            readiness,
            registry,
            metrics_port=settings.metrics_port,
            routes=trigger_routes(settings, triggers, duties.made, calls),
        )
        stack.push_async_callback(runner.cleanup)
        if pulls and shared is not None:
            await Pulling(shared.queue, triggers, calls).run(stop)
        else:
            await stop.wait()
