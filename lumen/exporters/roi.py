"""What the cache earns against what it costs, over 30 days (mission 3.2)."""

from dataclasses import dataclass

from lumen.exporters.anchors import between
from lumen.gates.verdicts import roi_verdict
from lumen.model.assessment import RoiAssessment, Verdict
from lumen.model.message import message
from lumen.model.nodata import NoData
from lumen.model.snapshot import CacheStats, Snapshot

MONTH_SECONDS = 30 * 86_400
#: (ROI as a ratio, score)
ROI_ANCHORS = ((0.0, 0.0), (3.0, 50.0), (5.0, 80.0), (10.0, 100.0))


@dataclass(frozen=True, slots=True)
class Prices:
    """`cache_size_mb` is what is paid for; it stands in only where the cache is known to have no limit."""

    api_cost_per_call_usd: float = 0.01
    cache_cost_per_mb_month_usd: float = 0.0365625
    cache_size_mb: float = 256.0


def assess_roi(snapshot: Snapshot, prices: Prices = Prices()) -> RoiAssessment:
    """Hits of the measured seconds, scaled to 30 days, each saving one API call, against the price of the cache.

    A cache whose size did not come has no price: the setting's would make a grown cache look cheap.
    """
    return assess_cache_roi(snapshot.cache, prices)


def assess_cache_roi(cache: CacheStats | NoData, prices: Prices) -> RoiAssessment:
    """The same of the cache alone."""
    cost = _cache_cost_usd(cache, prices)
    if isinstance(cache, NoData):
        return RoiAssessment(cache, cost, cache, cache, Verdict.NO_DATA, cache.reason)
    if isinstance(cache.max_mb, NoData) and not cache.max_mb.known_absent:
        return RoiAssessment(cache.max_mb, cost, cache.max_mb, cache.max_mb, Verdict.NO_DATA, cache.max_mb.reason)
    if cache.seconds <= 0 or cost <= 0:
        why = _not_computable(cache, cost)
        return RoiAssessment(why, cost, why, why, Verdict.NO_DATA, why.reason)
    savings = cache.hits * (MONTH_SECONDS / cache.seconds) * prices.api_cost_per_call_usd
    roi = (savings - cost) / cost
    shown = message(
        "assess.roi_explained",
        hits=cache.hits,
        minutes=cache.seconds / 60,
        price_usd=prices.api_cost_per_call_usd,
        savings_usd=savings,
        cost_usd=cost,
        roi=roi,
    )
    return RoiAssessment(savings, cost, roi, between(ROI_ANCHORS, roi), roi_verdict(roi), shown)


def _cache_cost_usd(cache: CacheStats | NoData, prices: Prices) -> float:
    size_mb = prices.cache_size_mb
    if not isinstance(cache, NoData) and not isinstance(cache.max_mb, NoData) and cache.max_mb > 0:
        size_mb = cache.max_mb
    return size_mb * prices.cache_cost_per_mb_month_usd


def _not_computable(cache: CacheStats, cost: float) -> NoData:
    if cache.seconds <= 0:
        return NoData(message("assess.roi_no_time"), message("assess.roi_no_time_remedy"))
    return NoData(message("assess.roi_no_cost", cost_usd=cost), message("assess.roi_no_cost_remedy"))
