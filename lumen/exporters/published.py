"""What is published of a service every five minutes (mission 9): real values only; what is not known has no point."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lumen.exporters.roi import Prices, assess_cache_roi
from lumen.exporters.slo import LEAST_SAMPLES
from lumen.model.day import is_good_slice
from lumen.model.nodata import NoData
from lumen.model.observation import Observation
from lumen.model.published import HEARTBEAT, Published
from lumen.model.service import ServiceId
from lumen.model.snapshot import CacheStats, TtlSetting
from lumen.model.turn import Turn

#: A turn is made every hour: the figures of an older one are no picture of now.
TURN_GOOD_FOR = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a service at one instant.

    `slices`: the last hour's. `cache`: its last quarter of an hour. `turn`: the newest one, for what only turns judge.
    """

    service: ServiceId
    at: datetime
    slices: Sequence[Observation]
    cache: CacheStats | NoData
    ttl: TtlSetting | NoData
    turn: Turn | None


def published(known: Known, prices: Prices) -> tuple[Published, ...]:
    """The heartbeat, and every figure that has a value."""
    figures = {
        HEARTBEAT: 1.0,
        "slo_availability": _availability(known.slices),
        "cost_per_request": _cost_per_request(known.slices),
        "cache_ttl_seconds": None if isinstance(known.ttl, NoData) else float(known.ttl.value_seconds),
        **dict(_of_cache(known.cache, prices)),
        **dict(_of_turn(known.turn, known.at)),
    }
    return tuple(Published(known.service, name, value) for name, value in figures.items() if value is not None)


def _availability(slices: Sequence[Observation]) -> float | None:
    """Per cent of the slices with requests that were good."""
    asked = [(one.requests, one.errors_5xx) for one in slices if one.requests and one.errors_5xx is not None]
    if sum(requests for requests, _ in asked) < LEAST_SAMPLES:
        return None
    return 100 * sum(is_good_slice(requests, errors) for requests, errors in asked) / len(asked)


def _cost_per_request(slices: Sequence[Observation]) -> float | None:
    """USD, over the slices that know both."""
    known = [(one.cost_usd, one.requests) for one in slices if one.cost_usd is not None and one.requests is not None]
    requests = sum(count for _, count in known)
    return sum(cost for cost, _ in known) / requests if requests >= LEAST_SAMPLES else None


def _of_cache(cache: CacheStats | NoData, prices: Prices) -> Iterator[tuple[str, float | None]]:
    if isinstance(cache, NoData):
        return
    enough = cache.hits + cache.misses >= LEAST_SAMPLES
    yield "cache_hit_rate", 100 * cache.hit_rate if enough and cache.hit_rate is not None else None
    yield "cache_memory_ratio", cache.memory_ratio
    roi = assess_cache_roi(cache, prices).roi
    yield "roi_percentage", None if isinstance(roi, NoData) or not enough else 100 * roi


def _of_turn(turn: Turn | None, at: datetime) -> Iterator[tuple[str, float | None]]:
    if turn is None or at - turn.started_at > TURN_GOOD_FOR:
        return
    for name, score in (
        ("maturity_score", turn.assessment.maturity.score.value),
        ("unified_gate_score", turn.assessment.gate.score.value),
    ):
        yield name, None if isinstance(score, NoData) else score
    wanted = turn.ttl
    if isinstance(wanted, NoData):
        return
    if wanted.change is not None:
        yield "cache_ttl_recommended_seconds", float(wanted.change.new)
    elif not isinstance(turn.snapshot.ttl, NoData):
        yield "cache_ttl_recommended_seconds", float(turn.snapshot.ttl.value_seconds)
