"""Wire what measures, and what publishes the figures."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from bot.config import Settings
from bot.service_settings import ServiceSettings, each
from bot.store import StateStore
from bot.thresholds import size_limits
from bot.wiring.caches import TunedCache
from lumen.adapters.cache.access_stream import RedisAccessStream
from lumen.adapters.cache.announced import RedisAnnouncedMisses
from lumen.adapters.cache.redis_info import RedisInfoCache
from lumen.adapters.cache.ttl import EnvironmentTtl, RedisTtl
from lumen.adapters.cache_reader import CacheReader
from lumen.adapters.google.budget import BudgetInForce, GoogleBudgets, GoogleSpend, PubSubBudgetNews
from lumen.adapters.google.cache_requests import CacheRequests
from lumen.adapters.google.clients import GoogleClients
from lumen.adapters.google.custom_metrics import CustomMetrics
from lumen.adapters.google.deployments import CloudRunDeployments
from lumen.adapters.google.hourly_cost import HourlyCosts
from lumen.adapters.google.monitoring_cache import MonitoringCache, project_of
from lumen.adapters.google.monitoring_query import MonitoringQueries, Projects
from lumen.adapters.google.monitoring_slices import MonitoringSlices, PricedSlices
from lumen.adapters.google.monitoring_traffic import MonitoringTraffic
from lumen.adapters.google.monitoring_uptime import UptimeCheck
from lumen.model.cost import Caches, CostPrices
from lumen.model.forecast import Prices
from lumen.model.service import ServiceId, homes_of
from lumen.ports.clock import Clock, Numerics
from lumen.ports.sources import NO_BUDGET, Bills, QueryBudget, SpendSource, TtlSource, Urgency
from lumen.use_cases.billing import BilledSpend, TakingNews
from lumen.use_cases.collect import Collector
from lumen.use_cases.forecasting import Forecasts
from lumen.use_cases.hearing import Hearing
from lumen.use_cases.miss_forecasts import MissForecasts
from lumen.use_cases.observer import Observer
from lumen.use_cases.publish import Publish

#: The name under which `lumen setup` makes the budget, and under which it is looked for.
BUDGET_NAME = "ION API Monthly Budget"
HOURS_A_MONTH = 30 * 24


@dataclass(frozen=True, slots=True)
class Sources:
    """What everything that measures needs. `infos`: the server of each service's cache, for one reader each."""

    settings: Settings
    clock: Clock
    google: GoogleClients
    deployments: CloudRunDeployments
    caches: Mapping[ServiceId, TunedCache]
    budget: QueryBudget = NO_BUDGET

    @property
    def names(self) -> Caches:
        """Of the caches."""
        return {service: cache.server for service, cache in self.caches.items()}

    def projects(self, urgency: Urgency) -> Projects:
        """Those of the services, and those of their cache instances."""
        instances = self.instances.values()
        names = dict.fromkeys((*homes_of(self.settings.services), *map(project_of, instances)))
        return {
            name: MonitoringQueries(self.google.metrics, name, budget=self.budget, urgency=urgency) for name in names
        }

    @property
    def instances(self) -> Mapping[ServiceId, str]:
        """Of the services that have one."""
        return {one: its.cache_instance for one, its in self.settings.watched.items() if its.cache_instance}

    def infos(self) -> Mapping[ServiceId, RedisInfoCache]:
        """One object a server: its counters are taken as one."""
        made: dict[str, RedisInfoCache] = {}
        for cache in dict.fromkeys(self.caches.values()):
            made.setdefault(cache.server, RedisInfoCache(cache.redis, self.clock, cache.reads))
        return {service: made[cache.server] for service, cache in self.caches.items()}

    def alone(self) -> Collection[ServiceId]:
        """Those that no other service shares the cache with."""
        users = Counter(self.names.values())
        return frozenset(service for service, name in self.names.items() if users[name] == 1)


def ttls_of(sources: Sources, environment: EnvironmentTtl) -> Mapping[ServiceId, RedisTtl]:
    """The setting in each service's cache, and the environment's where there is none."""
    alone, made, found = sources.alone(), dict[tuple[str, int, bool], RedisTtl](), dict[ServiceId, RedisTtl]()
    for service, its in sources.settings.watched.items():
        cache, default = sources.caches[service], its.default_ttl_seconds
        one = RedisTtl(cache.redis, default, environment, service in alone, cache.reads)
        found[service] = made.setdefault((cache.url, default, one.alone), one)
    return found


def observer_of(sources: Sources, store: StateStore) -> Observer:
    """Wire what keeps the accesses that services report."""
    made = {cache: RedisAccessStream(cache.redis, cache.reads) for cache in sources.caches.values()}
    streams = {service: made[sources.caches[service]] for service in sources.settings.observed_services}
    return Observer(streams, store.accesses, store.claims)


def hearing_of(sources: Sources, store: StateStore) -> Hearing:
    """Wire what keeps the misses that a cache's server announces of a service that reports none."""
    watched, clock = sources.settings.watched, store.clock
    announced = {
        service: RedisAnnouncedMisses(sources.caches[service].url, watched[service].cache_key_prefix, clock)
        for service in _heard_services(sources)
    }
    return Hearing(announced, store.misses, store.accesses, store.claims)


def _heard_services(sources: Sources) -> Sequence[ServiceId]:
    """None where several share the cache: nobody tells whose miss an announced one is."""
    alone = sources.alone()
    return [service for service in sources.settings.observed_services if service in alone]


def forecasts_of(sources: Sources, store: StateStore, numerics: Numerics) -> Forecasts:
    """Wire the forecasts of other TTLs and sizes from them."""
    watched, alone = sources.settings.watched, sources.alone()
    prices = each(watched, lambda one: Prices(one.api_cost_per_call, one.staleness_cost_per_1000 / 1000))
    heard = {service: prices[service] for service in _heard_services(sources)}
    limits = {service: one for service, one in each(watched, size_limits).items() if service in alone}
    return Forecasts(
        store.accesses,
        numerics,
        {service: prices[service] for service in sources.settings.observed_services},
        misses=MissForecasts(store.misses, store.alerts, numerics, heard),
        limits=limits,
    )


def slices_of(sources: Sources) -> PricedSlices:
    """A cache's counters are Monitoring's where it is an instance, else the server's own but for Lumen's lookups."""
    projects, instances = sources.projects(Urgency.LOOK), sources.instances
    own = {service: info for service, info in sources.infos().items() if service not in instances}
    uptime = uptime_of(sources.settings, projects)
    slices = MonitoringSlices(projects, MonitoringCache(projects, instances), own, uptime)
    prices = each(sources.settings.watched, _cost_prices)
    requests = CacheRequests(projects, slices, sources.names)
    return PricedSlices(slices, projects, prices, sources.deployments, instances.keys(), requests)


def uptime_of(settings: Settings, projects: Projects) -> UptimeCheck | None:
    """Of the first service; None where UPTIME_URL is not set."""
    host, first = urlsplit(settings.uptime_url).hostname, settings.services[0]
    return UptimeCheck(projects[first.project], first, host) if host else None


def publish_of(store: StateStore, google: GoogleClients, collector: Collector, ttl: TtlSource) -> Publish:
    """The publication of figures every five minutes."""
    return Publish(
        CustomMetrics(google.metrics),
        store.alerts,
        store.turns,
        store.proposals,
        collector,
        ttl,
        store.claims,
    )


def budgets_of(settings: Settings, google: GoogleClients, deployments: CloudRunDeployments) -> GoogleBudgets:
    """The reader of the projects' budgets."""
    homes = homes_of(settings.services)

    async def number(project: str) -> str:
        return await deployments.project_number(project, homes[project].region)

    return GoogleBudgets(google.budgets, settings.billing_account, BUDGET_NAME, numbers=number)


def in_force_of(settings: Settings, budgets: GoogleBudgets, clock: Clock) -> BudgetInForce:
    """The budget of each project; where Google tells none, that of its first service."""
    homes = homes_of(settings.services)
    return BudgetInForce(budgets, clock, {name: settings.watched[home].budget_usd for name, home in homes.items()})


def news_of(settings: Settings, google: GoogleClients) -> PubSubBudgetNews | None:
    """The notifications of the budgets; None where nobody reads them."""
    if not settings.budget_news:
        return None
    return PubSubBudgetNews(google.subscriber, settings.budget_news, settings.budget_topic_name)


def taking_of(
    settings: Settings, store: StateStore, google: GoogleClients, deployments: CloudRunDeployments
) -> TakingNews | None:
    """The use case that takes and remembers them."""
    news, homes = news_of(settings, google), homes_of(settings.services)
    if news is None:
        return None
    return TakingNews(news, store.bills, budgets_of(settings, google, deployments), BUDGET_NAME, homes)


def _cost_prices(settings: ServiceSettings) -> CostPrices:
    """The prices of the cost estimates."""
    return CostPrices(
        redis_hour=settings.cache_cost_per_mb * settings.cache_size_mb / HOURS_A_MONTH,
        api_call=settings.api_cost_per_call,
    )


def collector_of(sources: Sources, ttl: TtlSource, budget: BudgetInForce, bills: Bills | None = None) -> Collector:
    """The collector of a turn. `bills`: what Google bills is remembered there, where it is read at all."""
    settings, clock, deployments = sources.settings, sources.clock, sources.deployments
    projects, prices = sources.projects(Urgency.TURN), each(settings.watched, _cost_prices)
    monitoring = MonitoringCache(projects, sources.instances)
    hourly = HourlyCosts(projects, prices, deployments, monitoring, sources.names)
    spend: SpendSource = GoogleSpend(budget, hourly, clock, settings.services)
    if bills is not None and settings.budget_news:
        spend = BilledSpend(spend, bills, clock, homes_of(settings.services))
    return Collector(
        traffic=MonitoringTraffic(projects, hourly, uptime_of(settings, projects)),
        cache=CacheReader(sources.infos(), monitoring),
        ttl=ttl,
        deployments=deployments,
        spend=spend,
        clock=clock,
        look_back=timedelta(hours=settings.monitoring_lookback_hours),
    )
