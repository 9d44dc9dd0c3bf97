"""Wire what measures, and what publishes the figures."""

from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from bot.config import Settings
from bot.store import StateStore
from bot.thresholds import size_limits
from lumen.adapters.cache.access_stream import RedisAccessStream
from lumen.adapters.cache.announced import RedisAnnouncedMisses
from lumen.adapters.cache.client import OwnReads
from lumen.adapters.cache.redis_info import RedisInfoCache
from lumen.adapters.cache.servers import CacheClient
from lumen.adapters.cache.ttl import RedisTtl
from lumen.adapters.cache_reader import CacheReader
from lumen.adapters.google.budget import BudgetInForce, GoogleBudgets, GoogleSpend, PubSubBudgetNews
from lumen.adapters.google.clients import GoogleClients
from lumen.adapters.google.custom_metrics import CustomMetrics
from lumen.adapters.google.deployments import CloudRunDeployments
from lumen.adapters.google.hourly_cost import HourlyCosts
from lumen.adapters.google.monitoring_cache import MonitoringCache
from lumen.adapters.google.monitoring_query import MonitoringQueries
from lumen.adapters.google.monitoring_slices import MonitoringSlices, PricedSlices
from lumen.adapters.google.monitoring_traffic import MonitoringTraffic
from lumen.adapters.google.monitoring_uptime import UptimeCheck
from lumen.model.cost import CostPrices
from lumen.model.forecast import Prices
from lumen.model.service import ServiceId
from lumen.ports.clock import Clock, Numerics
from lumen.ports.sources import Bills, SpendSource
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


def ttl_of(
    settings: Settings, cache: CacheClient, deployments: CloudRunDeployments, reads: OwnReads | None = None
) -> RedisTtl:
    """The setting in the cache, and the environment's where there is none; `reads` counts the lookups."""
    alone, default = len(settings.services) == 1, settings.default_ttl_seconds
    return RedisTtl(cache, default, deployments.environment_ttl, alone, reads or OwnReads())


def observer_of(settings: Settings, store: StateStore, cache: CacheClient, reads: OwnReads) -> Observer:
    """Wire what keeps the accesses that services report."""
    return Observer(RedisAccessStream(cache, reads), store.accesses, store.claims, settings.observed_services)


def hearing_of(settings: Settings, store: StateStore) -> Hearing:
    """Wire what keeps the misses that the cache's server announces of a service that reports none."""
    announced = RedisAnnouncedMisses(settings.cache_url, settings.cache_key_prefix, store.clock)
    return Hearing(announced, store.misses, store.accesses, store.claims, _heard_services(settings))


def _heard_services(settings: Settings) -> Sequence[ServiceId]:
    """None where several share the cache: nobody tells whose miss an announced one is."""
    return settings.observed_services if len(settings.services) == 1 else ()


def forecasts_of(settings: Settings, store: StateStore, numerics: Numerics) -> Forecasts:
    """Wire the forecasts of other TTLs and sizes from them."""
    prices = Prices(settings.api_cost_per_call, settings.staleness_cost_per_1000 / 1000)
    heard = MissForecasts(store.misses, store.alerts, numerics, _heard_services(settings), prices)
    limits = size_limits(settings) if len(settings.services) == 1 else None
    return Forecasts(store.accesses, numerics, settings.observed_services, prices, misses=heard, limits=limits)


def slices_of(
    settings: Settings,
    clock: Clock,
    cache: CacheClient,
    google: GoogleClients,
    deployments: CloudRunDeployments,
    reads: OwnReads,
) -> PricedSlices:
    """The cache's counters are Monitoring's where an instance is configured, else the server's own but for `reads`."""
    queries = MonitoringQueries(google.metrics, settings.project_id)
    uptime = uptime_of(settings, queries)
    if settings.cache_instance:
        instances = dict.fromkeys(settings.services, settings.cache_instance)
        slices = MonitoringSlices(queries, MonitoringCache(queries, instances), None, uptime)
    else:
        slices = MonitoringSlices(queries, None, RedisInfoCache(cache, clock, reads), uptime)
    counts_misses = bool(settings.cache_instance)
    prices, sharing = _cost_prices(settings), settings.services
    return PricedSlices(slices, queries, prices, deployments, sharing, counts_misses=counts_misses)


def uptime_of(settings: Settings, queries: MonitoringQueries) -> UptimeCheck | None:
    """Of the first service; None where UPTIME_URL is not set."""
    host = urlsplit(settings.uptime_url).hostname
    return UptimeCheck(queries, settings.services[0], host) if host else None


def publish_of(
    settings: Settings, store: StateStore, google: GoogleClients, collector: Collector, ttl: RedisTtl
) -> Publish:
    """The publication of figures every five minutes."""
    return Publish(
        CustomMetrics(google.metrics, settings.project_id),
        store.alerts,
        store.turns,
        store.proposals,
        collector,
        ttl,
        store.claims,
    )


def budgets_of(settings: Settings, google: GoogleClients, deployments: CloudRunDeployments) -> GoogleBudgets:
    """The reader of the project's budget."""

    async def number(project: str) -> str:
        return await deployments.project_number(project, settings.services[0].region)

    return GoogleBudgets(google.budgets, settings.billing_account, BUDGET_NAME, numbers=number)


def news_of(settings: Settings, google: GoogleClients) -> PubSubBudgetNews | None:
    """The notifications of the budget; None where nobody reads them."""
    if not settings.budget_news:
        return None
    return PubSubBudgetNews(google.subscriber, settings.budget_news, settings.budget_topic_name)


def taking_of(
    settings: Settings, store: StateStore, google: GoogleClients, deployments: CloudRunDeployments
) -> TakingNews | None:
    """The use case that takes and remembers them."""
    news, home = news_of(settings, google), settings.services[0]
    if news is None:
        return None
    return TakingNews(news, store.bills, budgets_of(settings, google, deployments), BUDGET_NAME, home)


def _cost_prices(settings: Settings) -> CostPrices:
    """The prices of the cost estimates."""
    return CostPrices(
        redis_hour=settings.cache_cost_per_mb * settings.cache_size_mb / HOURS_A_MONTH,
        api_call=settings.api_cost_per_call,
    )


def collector_of(
    settings: Settings,
    clock: Clock,
    cache: CacheClient,
    google: GoogleClients,
    deployments: CloudRunDeployments,
    ttl: RedisTtl,
    budget: BudgetInForce,
    bills: Bills | None = None,
    reads: OwnReads | None = None,
) -> Collector:
    """The collector of a turn; `reads` are lookups of Lumen's own.

    `bills`: what Google bills is remembered there, where it is read at all."""
    queries = MonitoringQueries(google.metrics, settings.project_id)
    instances = dict.fromkeys(settings.services, settings.cache_instance)
    monitoring = MonitoringCache(queries, instances) if settings.cache_instance else None
    hourly = HourlyCosts(queries, _cost_prices(settings), deployments, monitoring, settings.services)
    spend: SpendSource = GoogleSpend(budget, hourly, clock, settings.services)
    if bills is not None and settings.budget_news:
        spend = BilledSpend(spend, bills, clock, settings.services[0])
    return Collector(
        traffic=MonitoringTraffic(queries, hourly, uptime_of(settings, queries)),
        cache=CacheReader(RedisInfoCache(cache, clock, reads or OwnReads()), monitoring),
        ttl=ttl,
        deployments=deployments,
        spend=spend,
        clock=clock,
        look_back=timedelta(hours=settings.monitoring_lookback_hours),
    )
