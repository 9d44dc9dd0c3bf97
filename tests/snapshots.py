"""Builders of snapshots for tests: a healthy service, from which a test changes what it is about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from lumen.model.messages import NoData, message
from lumen.model.service import ServiceId
from lumen.model.snapshot import (
    SLICE,
    CacheStats,
    Deployment,
    HourlyHistory,
    LatencyDistribution,
    RequestSlice,
    Revision,
    Snapshot,
    Spend,
    Traffic,
    TtlSetting,
    Window,
)
from lumen.model.turn import Turn
from lumen.policies.size import SizeLimits
from lumen.use_cases.advice import TurnNow, size_of_turn

NOW = datetime(2026, 11, 16, 12, 4, tzinfo=UTC)
START = datetime(2026, 11, 16, 11, 0, tzinfo=UTC)
SERVICE = ServiceId("naeda-genesis", "us-central1", "ion-api")
GONE = NoData(message("test.gone"), message("test.gone_remedy"))


def as_now(turn: Turn, now: datetime = NOW) -> TurnNow:
    """`turn` with the advice on its size, where nothing has changed since."""
    return TurnNow(turn, size_of_turn(turn, SizeLimits(), now))


def cache(
    hit_rate: float = 0.725,
    memory_ratio: float = 0.723,
    evictions_per_hour: int = 42,
    p95_ms: float | NoData = 85.0,
    lookups: int = 100_000,
    max_mb: float = 256.0,
) -> CacheStats:
    """Counters over one hour; the defaults are a healthy cache."""
    hits = round(lookups * hit_rate)
    return CacheStats(3600, hits, lookups - hits, evictions_per_hour, memory_ratio * max_mb, max_mb, p95_ms, "probe")


def ttl(seconds: int = 300) -> TtlSetting:
    return TtlSetting(seconds, 1, seconds, 1)


def latency(
    milliseconds: float = 60.0, slow: int = 0, slow_ms: float = 2000.0, count: int = 1000
) -> LatencyDistribution:
    """`count` requests just below `milliseconds` and `slow` just below `slow_ms`."""
    bounds = (milliseconds - 1, milliseconds, slow_ms - 1, slow_ms)
    return LatencyDistribution(bounds, (0, count, 0, slow, 0))


def traffic(good: int = 1000, errors_5xx: int = 0, errors_4xx: int = 0, bad_slices: int = 0) -> Traffic:
    """Twelve slices with `good` and `errors_5xx` each; `bad_slices` of them failed wholly."""
    slices = tuple(
        RequestSlice(START + i * SLICE, 0, 0, good)
        if i < bad_slices
        else RequestSlice(START + i * SLICE, good, errors_4xx, errors_5xx)
        for i in range(12)
    )
    return Traffic(slices, latency(), 0, 100.0)


def history(
    requests: tuple[int | None, ...] = (1000,) * 168,
    cost_usd: tuple[float | None, ...] = (0.5,) * 168,
    errors_5xx: tuple[int | None, ...] = (0,) * 168,
) -> HourlyHistory:
    return HourlyHistory(START - timedelta(hours=168), requests, cost_usd, errors_5xx)


def deployment(*ages_in_days: float) -> Deployment:
    """A new image that many days ago each; the newest serves everything."""
    ordered = sorted(ages_in_days)
    revisions = tuple(
        Revision(f"ion-api-{i:05d}", NOW - timedelta(days=age), f"image@sha256:{i}", 100 if i == 0 else 0)
        for i, age in enumerate(ordered)
    )
    return Deployment("etag", 300, 512.0, 0, None, revisions, True)


def snapshot(**changes: object) -> Snapshot:
    """A healthy service, but for `changes`."""
    base = Snapshot(
        service=SERVICE,
        window=Window(START, START + timedelta(hours=1)),
        taken_at=NOW,
        traffic=traffic(),
        cache=cache(),
        ttl=ttl(),
        deployment=deployment(1, 3, 10),
        spend=Spend(100.0, False, 200.0, NOW),
        history=history(),
    )
    return replace(base, **changes)  # type: ignore[arg-type]
