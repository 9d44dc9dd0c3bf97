"""Wire what `lumen doctor` examines: it needs no store that works, and no Google before it asks."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.config import Settings
from bot.store import clock_of, open_state_store
from bot.wiring.caches import close_caches, open_caches
from bot.wiring.sources import Sources, budgets_of, collector_of, in_force_of, news_of, ttls_of, uptime_of
from lumen.adapters.cache.client import CacheServer, ServerFacts
from lumen.adapters.cache.servers import CacheClient
from lumen.adapters.cache.ttl import TtlSettings
from lumen.adapters.clock import SystemClock
from lumen.adapters.google.budget import GoogleBudgets, PubSubBudgetNews
from lumen.adapters.google.clients import GoogleClients, open_channel, open_google
from lumen.adapters.google.custom_metrics import CustomMetrics
from lumen.adapters.google.deployments import CloudRunDeployments
from lumen.adapters.google.error_log import CloudLogging
from lumen.adapters.google.errors import PROJECTS
from lumen.adapters.google.identity import ProjectPermissions, RunPermissions
from lumen.adapters.google.memorystore import MemorystoreActuator
from lumen.adapters.google.monitoring_uptime import UptimeCheck
from lumen.adapters.store import epoch
from lumen.adapters.store.cluster_state import troubles
from lumen.model.messages import Message, NoData, SourceUnavailable, StoreUnavailable
from lumen.ports.sources import FigureSink, Urgency
from lumen.use_cases.collect import Collector
from lumen.use_cases.setup.resources import ROLES

__all__ = ["Examined", "ServerFacts", "StoreFacts", "open_examined"]


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """A store that Lumen may use: what could not be checked, and which servers it is.

    `short`: that its memory is nearly full.
    """

    warnings: Sequence[Message]
    run_ids: frozenset[str]
    short: Sequence[Message] = ()
    #: Of this machine's clock before the server's, beyond what the way takes.
    ahead_seconds: float | None = None
    #: What is wrong with the cluster that it is, each with what mends it.
    cluster: Sequence[tuple[Message, Message]] = ()


@dataclass(frozen=True, slots=True)
class ExaminedCache:
    """`instance`: of Memorystore, or ""; `unreadable_instance`: why Google does not tell of it."""

    server: CacheServer
    url: str
    instance: str
    unreadable_instance: Callable[[], Awaitable[NoData | None]]
    #: Permissions that Lumen needs to change an instance, and does not have in a project.
    lacking: Callable[[str], Awaitable[Sequence[str] | NoData]]


@dataclass(frozen=True, slots=True)
class ExaminedGoogle:
    """What Google is asked for; None where nothing is set that would need it."""

    permissions: RunPermissions
    budgets: GoogleBudgets
    news: PubSubBudgetNews | None
    log: CloudLogging
    uptime: UptimeCheck | None


@dataclass(frozen=True, slots=True)
class Examined:
    """The parts that `lumen doctor` looks at; it needs no store that works, and no Google either until it asks."""

    store: Callable[[], Awaitable[StoreFacts | NoData]]
    cache: ExaminedCache
    google: ExaminedGoogle
    collector: Collector
    figures: FigureSink
    store_url: str


@asynccontextmanager
async def open_examined(settings: Settings) -> AsyncIterator[Examined]:
    """For `lumen doctor`. Raises SourceUnavailable when this machine has no Google credentials."""
    google = await open_google(
        settings.lumen_gcp_endpoint,
        memorystore=any(one.cache_instance for one in settings.watched.values()),
        subscriber=bool(settings.budget_news),
    )
    projects = await open_channel(PROJECTS.host, settings.lumen_gcp_endpoint)
    caches, log = open_caches(settings.watched), CloudLogging(settings.lumen_gcp_endpoint)
    cache = caches[settings.services[0]].redis
    deployments = CloudRunDeployments(google.services, google.revisions)
    clock, budgets = clock_of(settings), budgets_of(settings, google, deployments)
    sources = Sources(settings, clock, google, deployments, caches)
    ttls = ttls_of(sources, deployments.environment_ttl)
    try:
        yield Examined(
            store=lambda: _store_facts(settings),
            cache=ExaminedCache(
                CacheServer(cache, settings.cache_key_prefix),
                settings.cache_url,
                settings.cache_instance,
                lambda: _unreadable_instance(settings, google, cache),
                lambda project: ProjectPermissions(projects).lacking(project, ROLES["lumenMemorystore"]),
            ),
            google=ExaminedGoogle(
                permissions=RunPermissions(google.services),
                budgets=budgets,
                news=news_of(settings, google),
                log=log,
                uptime=uptime_of(settings, sources.projects(Urgency.TURN)),
            ),
            figures=CustomMetrics(google.metrics),
            store_url=settings.state_redis_url.get_secret_value(),
            collector=collector_of(sources, TtlSettings(ttls), in_force_of(settings, budgets, clock)),
        )
    finally:
        await google.close()
        await projects.close()
        await log.close()
        await close_caches(caches)


async def _store_facts(settings: Settings) -> StoreFacts | NoData:
    async with open_state_store(settings) as store:
        try:
            warnings = await epoch.check(store.redis, settings.services)
            short, cluster = await epoch.warnings(store.redis), await troubles(store.redis)
        except StoreUnavailable as error:
            return NoData(error.reason, error.remedy, unreachable=True)
        server = CacheServer(store.redis)
        facts, ahead_seconds = await server.facts(), await server.ahead_seconds(SystemClock())
        run_ids = frozenset[str]() if isinstance(facts, NoData) else facts.run_ids
        return StoreFacts(warnings, run_ids, short, ahead_seconds, cluster)


async def _unreadable_instance(settings: Settings, google: GoogleClients, cache: CacheClient) -> NoData | None:
    """Why Lumen may not even read the instance whose limit it is to change."""
    if google.memorystore is None:
        return None
    try:
        await MemorystoreActuator(google.memorystore, settings.cache_instance, cache).read(settings.services[0])
    except SourceUnavailable as error:
        return NoData(error.reason, error.remedy)
    return None
