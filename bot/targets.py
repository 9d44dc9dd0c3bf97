"""What the settings say that is compared with: limits of the TTL, prices, objectives, what alerts fire at."""

from bot.judging import Judging
from lumen.alerts.watch import AlertTargets
from lumen.backtest.past_snapshot import Assumptions
from lumen.backtest.pipeline import BacktestSettings
from lumen.exporters.assess import AssessmentSettings
from lumen.exporters.roi import Prices
from lumen.policies.size import SizeLimits
from lumen.policies.ttl import TtlLimits
from lumen.policies.ttl_rules import Strategy


def ttl_limits(settings: Judging) -> TtlLimits:
    """How far the TTL may go, and in which steps."""
    strategy = None if settings.ttl_strategy == "auto" else Strategy(settings.ttl_strategy.upper())
    return TtlLimits(settings.min_ttl_seconds, settings.max_ttl_seconds, strategy, settings.override_ttl)


def size_limits(settings: Judging) -> SizeLimits:
    """How far the cache may grow, what it costs, and whether it is locked. Memorystore is sold in whole GB."""
    return SizeLimits(
        max_mb=settings.max_cache_size_mb,
        cost_per_mb_month_usd=settings.cache_cost_per_mb,
        api_cost_per_call_usd=settings.api_cost_per_call,
        whole_gb=bool(settings.cache_instance),
        locked=settings.lock_cache_size,
    )


def assessment_settings(settings: Judging) -> AssessmentSettings:
    """Objectives and prices of the assessments."""
    return AssessmentSettings(
        slo=settings.slo,
        prices=Prices(settings.api_cost_per_call, settings.cache_cost_per_mb, settings.cache_size_mb),
    )


def alert_targets(settings: Judging) -> AlertTargets:
    """The same objectives and prices, as the five-minute alerts compare with them."""
    slo = settings.slo
    return AlertTargets(
        error_free_share=1 - slo.error_rate,
        p99_limit_ms=slo.p99_alert_ms,
        hit_rate_limit=slo.hit_rate_alert,
        api_cost_per_call_usd=settings.api_cost_per_call,
        cache_cost_month_usd=settings.cache_cost_per_mb * settings.cache_size_mb,
        budget_usd=settings.budget_usd,
    )


def backtest_settings(settings: Judging) -> BacktestSettings:
    """A history is judged as the service would be. What it does not tell is what the settings say."""
    return BacktestSettings(
        assessment=assessment_settings(settings),
        limits=ttl_limits(settings),
        size=size_limits(settings),
        alerts=alert_targets(settings),
        assumed=Assumptions(settings.default_ttl_seconds, settings.cache_size_mb, settings.budget_usd),
    )
