"""The settings that figures are judged by (objectives, limits, prices), and the records that use cases take of them.

All have defaults, so a history can be judged before there is a token or a server (`lumen backtest`).
"""

import re
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bot.environment import read_settings
from bot.shapes import Unfit
from lumen.policies.size import SizeLimits
from lumen.policies.ttl import Strategy, TtlLimits

if TYPE_CHECKING:
    from lumen.alerts.watch import AlertTargets
    from lumen.backtest.pipeline import BacktestSettings
    from lumen.exporters.assess import AssessmentSettings
    from lumen.exporters.slo import SloTargets

#: Seconds. No answer is kept longer.
A_YEAR = 365 * 86_400
_SHARE = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(%?)")


def parse_share(text: str) -> float:
    """`0.65`, `65%` and `65` as 0.65. Raises ValueError, also for `1`, which could be two things."""
    found = _SHARE.fullmatch(text.strip())
    if found is None:
        raise ValueError("give a share, e.g. 0.65, 65% or 65.")
    value = float(found[1])
    if value == 1 and not found[2]:
        raise ValueError("that could be 1% or 100%. Write 1% or 100%.")
    ratio = value / 100 if found[2] or value > 1 else value
    if ratio > 1:
        raise ValueError("a share is at most 100%.")
    return ratio


def _share(value: object) -> object:
    return parse_share(value) if isinstance(value, str) else value


#: A share that must be good. Below a half nothing is an objective.
GoodShare = Annotated[float, BeforeValidator(_share), Field(ge=0.5, lt=1)]
#: A share that may fail. `0.1` is 10 %, which nobody means who writes it of errors: hence the bound.
MOST_ERRORS = 0.05
BadShare = Annotated[float, BeforeValidator(_share), Field(gt=0, le=MOST_ERRORS)]
Milliseconds = Annotated[float, Field(gt=0)]


class Thresholds(BaseModel):
    """Names are those of the environment in lower case; units stand in the names."""

    #: `defer_build`: only the kind of settings that a command reads is made ready to be read.
    model_config = ConfigDict(extra="ignore", frozen=True, validate_default=True, allow_inf_nan=False, defer_build=True)

    lumen_locale: Literal["en", "ko"] = "en"

    # The TTL and the cache's size
    cache_instance: Annotated[str, Field(pattern=r"^(projects/[^/\s]+/locations/[^/\s]+/instances/[^/\s]+)?$")] = ""
    default_ttl_seconds: Annotated[int, Field(gt=0)] = 300
    min_ttl_seconds: Annotated[int, Field(gt=0)] = 60
    max_ttl_seconds: Annotated[int, Field(gt=0)] = 3600
    ttl_strategy: Literal["auto", "aggressive", "moderate", "conservative"] = "auto"
    override_ttl: Annotated[int, Field(gt=0)] | None = None
    cache_size_mb: Annotated[float, Field(ge=10)] = 256
    max_cache_size_mb: Annotated[int, Field(ge=10)] = 1024
    lock_cache_size: bool = False

    # Prices and money
    cache_cost_per_mb: Annotated[float, Field(gt=0)] = 0.0365625
    api_cost_per_call: Annotated[float, Field(gt=0)] = 0.01
    staleness_cost_per_1000: Annotated[float, Field(ge=0)] = 0
    budget_usd: Annotated[float, Field(gt=0)] = 200

    # Objectives, and what is an alert: those of the preset, where they are not set
    slo_preset: Literal["default", "guide"] = "default"
    slo_availability: GoodShare | None = None
    slo_error_rate: BadShare | None = None
    slo_p95_ms: Milliseconds | None = None
    slo_p99_ms: Milliseconds | None = None
    slo_hit_rate: GoodShare | None = None
    alert_availability: GoodShare | None = None
    alert_error_rate: BadShare | None = None
    alert_p99_ms: Milliseconds | None = None
    alert_hit_rate: GoodShare | None = None

    @property
    def slo(self) -> "SloTargets":
        """The preset, with what is set by itself."""
        from lumen.exporters.slo import PRESETS, SloTargets  # not needed by whoever judges figures that are given

        given = PRESETS[self.slo_preset]
        return SloTargets(
            availability=self.slo_availability or given.availability,
            availability_alert=self.alert_availability or given.availability_alert,
            p95_share=given.p95_share,
            p95_ms=self.slo_p95_ms or given.p95_ms,
            p99_share=given.p99_share,
            p99_ms=self.slo_p99_ms or given.p99_ms,
            p99_alert_ms=self.alert_p99_ms or given.p99_alert_ms,
            error_rate=self.slo_error_rate or given.error_rate,
            error_rate_alert=self.alert_error_rate or given.error_rate_alert,
            hit_rate=self.slo_hit_rate or given.hit_rate,
            hit_rate_alert=self.alert_hit_rate or given.hit_rate_alert,
        )

    @model_validator(mode="after")
    def _limits_fit_together(self) -> "Thresholds":
        _check_ttls(self)
        if self.cache_size_mb > self.max_cache_size_mb:
            raise Unfit(
                "CACHE_SIZE_MB", "setting.cache_size_mb_most", str(self.max_cache_size_mb), most=self.max_cache_size_mb
            )
        if any(name.startswith(("slo_", "alert_")) for name in self.model_fields_set):
            _check_alerts(self.slo)
        return self


def _check_ttls(given: Thresholds) -> None:
    """The limits hold what they limit; a default that nobody set is never to blame. Raises Unfit."""
    least, default, most = given.min_ttl_seconds, given.default_ttl_seconds, given.max_ttl_seconds
    by_default = "default_ttl_seconds" not in given.model_fields_set
    for name, lowest, value, highest in (
        ("MIN_TTL_SECONDS", 1, least, min(default, most) if by_default else most),
        ("MAX_TTL_SECONDS", max(default, least) if by_default else least, most, A_YEAR),
        ("DEFAULT_TTL_SECONDS", least, default, most),
        ("OVERRIDE_TTL", least, given.override_ttl, most),
    ):
        if value is not None and not lowest <= value <= highest:
            example = str(min(max(value, lowest), highest))
            raise Unfit(name, "setting.ttl_between", example, least=lowest, most=highest)


def _check_alerts(slo: "SloTargets") -> None:
    """An alert condition is worse than a missed objective, never milder. Raises Unfit."""
    for name, alert, objective, milder in (
        ("AVAILABILITY", slo.availability_alert, slo.availability, slo.availability_alert > slo.availability),
        ("ERROR_RATE", slo.error_rate_alert, slo.error_rate, slo.error_rate_alert < slo.error_rate),
        ("P99_MS", slo.p99_alert_ms, slo.p99_ms, slo.p99_alert_ms < slo.p99_ms),
        ("HIT_RATE", slo.hit_rate_alert, slo.hit_rate, slo.hit_rate_alert > slo.hit_rate),
    ):
        if milder:
            now, least = (f"{value:.6g}" for value in (alert, objective))
            raise Unfit(f"ALERT_{name}", "setting.not_milder", least, objective=f"SLO_{name}", least=least, now=now)


def load_thresholds() -> Thresholds:
    """Only what figures are judged by: nothing need be set. Raises ConfigurationError."""
    return read_settings(Thresholds)


def ttl_limits(settings: Thresholds) -> TtlLimits:
    """Limits and steps of the TTL."""
    strategy = None if settings.ttl_strategy == "auto" else Strategy(settings.ttl_strategy.upper())
    return TtlLimits(settings.min_ttl_seconds, settings.max_ttl_seconds, strategy, settings.override_ttl)


def prices_nobody_set(settings: Thresholds) -> tuple[str, ...]:
    """Names of the prices that are still defaults: figures that rest on them say so."""
    names = ("api_cost_per_call", "cache_cost_per_mb")
    return tuple(name.upper() for name in names if name not in settings.model_fields_set)


def size_limits(settings: Thresholds) -> SizeLimits:
    """Limit, price and lock of the cache's size. Memorystore is sold in whole GB."""
    return SizeLimits(
        max_mb=settings.max_cache_size_mb,
        cost_per_mb_month_usd=settings.cache_cost_per_mb,
        api_cost_per_call_usd=settings.api_cost_per_call,
        whole_gb=bool(settings.cache_instance),
        locked=settings.lock_cache_size,
        assumed=prices_nobody_set(settings),
    )


def assessment_settings(settings: Thresholds) -> "AssessmentSettings":
    """Objectives and prices of the assessments."""
    from lumen.exporters.assess import AssessmentSettings
    from lumen.exporters.cache import CacheRange
    from lumen.exporters.roi import CachePrices

    return AssessmentSettings(
        slo=settings.slo,
        prices=CachePrices(
            settings.api_cost_per_call,
            settings.cache_cost_per_mb,
            settings.cache_size_mb,
            assumed=prices_nobody_set(settings),
        ),
        cache=CacheRange(
            settings.min_ttl_seconds,
            settings.max_ttl_seconds,
            size_limits(settings).min_mb,
            settings.max_cache_size_mb,
        ),
    )


def alert_targets(settings: Thresholds) -> "AlertTargets":
    """The same objectives and prices, as the five-minute alerts compare with them."""
    from lumen.alerts.watch import AlertTargets

    slo = settings.slo
    return AlertTargets(
        error_free_share=1 - slo.error_rate,
        p99_limit_ms=slo.p99_alert_ms,
        hit_rate_limit=slo.hit_rate_alert,
        api_cost_per_call_usd=settings.api_cost_per_call,
        cache_cost_month_usd=settings.cache_cost_per_mb * settings.cache_size_mb,
        budget_usd=settings.budget_usd,
    )


def backtest_settings(settings: Thresholds) -> "BacktestSettings":
    """A history is judged as the service would be. What it does not tell is what the settings say."""
    from lumen.backtest.pipeline import BacktestSettings
    from lumen.backtest.snapshot import Assumptions

    return BacktestSettings(
        assessment=assessment_settings(settings),
        limits=ttl_limits(settings),
        size=size_limits(settings),
        alerts=alert_targets(settings),
        assumed=Assumptions(settings.default_ttl_seconds, settings.cache_size_mb, settings.budget_usd),
    )
