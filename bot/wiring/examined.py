"""Wire what `lumen doctor` examines: it needs no store that works, and no Google before it asks."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.config import Settings
from bot.store import clock_of, open_state_store
from bot.wiring.caches import TunedCache, close_caches, open_caches, place_of
from bot.wiring.sources import Sources, budgets_of, collector_of, in_force_of, news_of, ttls_of, uptime_of
from lumen.adapters.cache.client import CacheServer, KeysSeen, ServerFacts
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
from lumen.model.service import ServiceId
from lumen.ports.sources import FigureSink, Urgency
from lumen.use_cases.collect import Collector
from lumen.use_cases.setup.resources import ROLES

__all__ = [
    "Examined",
    "ExaminedCache",
    "ExaminedServers",
    "KeysSeen",
    "ServerFacts",
    "StoreFacts",
    "open_examined",
    "open_servers",
]


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
    """A cache by its URL. `place`: without the password; `services`: those that are tuned there, by key prefix.

    `sharing`: all that are tuned on its server, in whatever database. `is_first`: of the caches of that server.
    """

    client: CacheClient
    url: str
    place: str
    instance: str
    services: Mapping[str, Sequence[ServiceId]]
    sharing: Sequence[ServiceId]
    is_first: bool

    @property
    def is_alone(self) -> bool:
        """No other service is tuned on that server."""
        return len(self.sharing) == 1

    @property
    def server(self) -> CacheServer:
        """Where keys of the first prefix are looked for."""
        return self.by_prefix(next(iter(self.services)))

    def by_prefix(self, prefix: str) -> CacheServer:
        """The same server, where keys of another prefix are looked for."""
        return CacheServer(self.client, prefix)


@dataclass(frozen=True, slots=True)
class ExaminedServers:
    """Lumen's store and every cache, each once; they need no Google."""

    store_url: str
    store: Callable[[], Awaitable[StoreFacts | NoData]]
    caches: Sequence[ExaminedCache]
    #: Of each service.
    tuned: Mapping[ServiceId, TunedCache]

    def cache_of(self, service: ServiceId) -> ExaminedCache:
        """The one that it is tuned in."""
        return next(one for one in self.caches if one.url == self.tuned[service].url)


@dataclass(frozen=True, slots=True)
class ExaminedGoogle:
    """What Google is asked for; None where nothing is set that would need it."""

    permissions: RunPermissions
    budgets: GoogleBudgets
    news: PubSubBudgetNews | None
    log: CloudLogging
    uptime: UptimeCheck | None
    figures: FigureSink
    #: Why Google does not tell of a Memorystore instance.
    unreadable_instance: Callable[[str], Awaitable[NoData | None]]
    #: Permissions that Lumen needs to change an instance, and does not have in a project.
    lacking: Callable[[str], Awaitable[Sequence[str] | NoData]]


@dataclass(frozen=True, slots=True)
class Examined:
    """The parts of Google and of the measurements that `lumen doctor` looks at; none is asked before."""

    google: ExaminedGoogle
    collector: Collector


@asynccontextmanager
async def open_servers(settings: Settings) -> AsyncIterator[ExaminedServers]:
    """For `lumen doctor`. Connects lazily."""
    tuned = open_caches(settings.watched)
    try:
        yield ExaminedServers(
            settings.state_redis_url.get_secret_value(), lambda: _store_facts(settings), _caches(settings, tuned), tuned
        )
    finally:
        await close_caches(tuned)


def _caches(settings: Settings, tuned: Mapping[ServiceId, TunedCache]) -> Sequence[ExaminedCache]:
    """Each once, in the order of their services."""
    on_server: dict[str, list[ServiceId]] = {}
    in_cache: dict[TunedCache, dict[str, list[ServiceId]]] = {}
    for service, cache in tuned.items():
        on_server.setdefault(cache.server, []).append(service)
        by_prefix = in_cache.setdefault(cache, {})
        by_prefix.setdefault(settings.watched[service].cache_key_prefix, []).append(service)
    firsts = {cache.server: cache for cache in reversed(in_cache)}
    return [
        ExaminedCache(
            client=cache.redis,
            url=cache.url,
            place=place_of(cache.url),
            instance=settings.watched[on_server[cache.server][0]].cache_instance,
            services=by_prefix,
            sharing=on_server[cache.server],
            is_first=firsts[cache.server] is cache,
        )
        for cache, by_prefix in in_cache.items()
    ]


@asynccontextmanager
async def open_examined(settings: Settings, servers: ExaminedServers) -> AsyncIterator[Examined]:
    """For `lumen doctor`. Raises SourceUnavailable when this machine has no Google credentials."""
    instances = {cache.instance: cache.client for cache in servers.caches if cache.instance}
    google = await open_google(
        settings.lumen_gcp_endpoint, memorystore=bool(instances), subscriber=bool(settings.budget_news)
    )
    projects, log = (
        await open_channel(PROJECTS.host, settings.lumen_gcp_endpoint),
        CloudLogging(settings.lumen_gcp_endpoint),
    )
    clock = clock_of(settings)
    deployments = CloudRunDeployments(google.services, google.revisions, clock=clock)
    budgets = budgets_of(settings, google, deployments)
    sources = Sources(settings, clock, google, deployments, servers.tuned)
    ttls = ttls_of(sources, deployments.environment_ttl)
    try:
        yield Examined(
            google=ExaminedGoogle(
                permissions=RunPermissions(google.services),
                budgets=budgets,
                news=news_of(settings, google),
                log=log,
                uptime=uptime_of(settings, sources.projects(Urgency.TURN)),
                figures=CustomMetrics(google.metrics),
                unreadable_instance=lambda name: _unreadable_instance(settings, google, name, instances[name]),
                lacking=lambda project: ProjectPermissions(projects).lacking(project, ROLES["lumenMemorystore"]),
            ),
            collector=collector_of(sources, TtlSettings(ttls), in_force_of(settings, budgets, clock)),
        )
    finally:
        await google.close()
        await projects.close()
        await log.close()


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


async def _unreadable_instance(
    settings: Settings, google: GoogleClients, instance: str, cache: CacheClient
) -> NoData | None:
    """Why Lumen may not even read the instance whose limit it is to change."""
    if google.memorystore is None:
        return None
    try:
        await MemorystoreActuator(google.memorystore, instance, cache).read(settings.services[0])
    except SourceUnavailable as error:
        return NoData(error.reason, error.remedy)
    return None
