"""The return of the cache: what it earns against what it costs, over 30 days (docs/scores.md, ROI)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from lumen.exporters.score_moves import between
from lumen.exporters.slo import LEAST_SAMPLES, too_few
from lumen.gates.unified import roi_verdict
from lumen.model.assessment import GateVerdict, RoiAssessment
from lumen.model.history import LEAST_SLICES_SHARE, SLICES_A_DAY, Day, day_of
from lumen.model.messages import Message, NoData, Param, message
from lumen.model.snapshot import SLICE, CacheStats, Snapshot
from lumen.policies.size import assumed_prices

MONTH_SECONDS = 30 * 86_400
#: (ROI as a ratio, score)
ROI_ANCHORS = ((0.0, 0.0), (3.0, 50.0), (5.0, 80.0), (10.0, 100.0))


@dataclass(frozen=True, slots=True)
class CachePrices:
    """USD. `cache_size_mb` is what is paid for; it stands in only where the cache is known to have no limit.

    `assumed`: names of the settings among them that nobody has set.
    """

    api_cost_per_call_usd: float = 0.01
    cache_cost_per_mb_month_usd: float = 0.0365625
    cache_size_mb: float = 256.0
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Counted:
    """Hits over so many known seconds, of a day or of the look-back."""

    hits: int
    seconds: float
    is_day: bool


def assess_roi(snapshot: Snapshot, prices: CachePrices = CachePrices(), days: Sequence[Day] = ()) -> RoiAssessment:
    """Hits, scaled to 30 days, each saving one API call, against the price of the cache.

    The hits are those of a day: an hour at noon or at night is no month. Where no day is known, on a fresh
    installation, they are those of the look-back. A cache whose size did not come has no price: the setting's would
    make a grown cache look cheap.
    """
    cache, cost = snapshot.cache, _cache_cost_usd(snapshot.cache, prices)
    if isinstance(cache, NoData):
        return RoiAssessment(cache, cost, cache, cache, GateVerdict.NO_DATA, cache.reason)
    if isinstance(cache.max_mb, NoData) and not cache.max_mb.known_absent:
        return RoiAssessment(cache.max_mb, cost, cache.max_mb, cache.max_mb, GateVerdict.NO_DATA, cache.max_mb.reason)
    counted = _counted(snapshot, cache, days)
    if isinstance(counted, NoData):
        return RoiAssessment(counted, cost, counted, counted, GateVerdict.NO_DATA, counted.reason)
    if counted.seconds <= 0 or cost <= 0:
        why = _not_computable(counted.seconds, cost)
        return RoiAssessment(why, cost, why, why, GateVerdict.NO_DATA, why.reason)
    savings = counted.hits * (MONTH_SECONDS / counted.seconds) * prices.api_cost_per_call_usd
    roi = (savings - cost) / cost
    return RoiAssessment(
        savings,
        cost,
        roi,
        between(ROI_ANCHORS, roi),
        roi_verdict(roi),
        _shown(counted, prices, savings, cost, roi),
        assumed_prices(prices.assumed),
    )


def _counted(snapshot: Snapshot, cache: CacheStats, days: Sequence[Day]) -> _Counted | NoData:
    """The last 24 hours, hour by hour; else yesterday (UTC), whose sums may be older than the watch."""
    last, yesterday = snapshot.cache_day, day_of(snapshot.taken_at) - timedelta(days=1)
    if last is not None:
        asked = last.hits + last.misses
        return too_few(asked) if asked < LEAST_SAMPLES else _Counted(last.hits, last.seconds, True)
    for day in days:
        if day.date == yesterday and day.lookup_slices >= LEAST_SLICES_SHARE * SLICES_A_DAY:
            return _Counted(day.hits, day.lookup_slices * SLICE.total_seconds(), True)
    return cache.hits if isinstance(cache.hits, NoData) else _Counted(cache.hits, cache.seconds, False)


def _shown(counted: _Counted, prices: CachePrices, savings: float, cost: float, roi: float) -> Message:
    figures: dict[str, Param] = {
        "hits": counted.hits,
        "minutes": counted.seconds / 60,
        "price_usd": prices.api_cost_per_call_usd,
        "savings_usd": savings,
        "cost_usd": cost,
        "roi": roi,
    }
    if counted.is_day:
        return Message("assess.roi_explained_by_day", {**figures, "hours": counted.seconds / 3600})
    return Message("assess.roi_explained", figures)


def _cache_cost_usd(cache: CacheStats | NoData, prices: CachePrices) -> float:
    size_mb = prices.cache_size_mb
    if not isinstance(cache, NoData) and not isinstance(cache.max_mb, NoData) and cache.max_mb > 0:
        size_mb = cache.max_mb
    return size_mb * prices.cache_cost_per_mb_month_usd


def _not_computable(seconds: float, cost: float) -> NoData:
    if seconds <= 0:
        return NoData(message("assess.roi_no_time"), message("assess.roi_no_time_remedy"))
    return NoData(message("assess.roi_no_cost", cost_usd=cost), message("assess.roi_no_cost_remedy"))
