"""All assessments of one snapshot, joined by the unified gate."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from lumen.exporters.cache import CacheRange, assess_cache
from lumen.exporters.cost_rhythm import assess_rhythm
from lumen.exporters.error_budgets import error_budgets
from lumen.exporters.maturity import assess_maturity
from lumen.exporters.roi import CachePrices, assess_roi
from lumen.exporters.slo import SloTargets, assess_slo
from lumen.gates.unified import unified_gate
from lumen.model.assessment import Assessment
from lumen.model.history import Day
from lumen.model.snapshot import Snapshot
from lumen.policies.size import assumed_prices


@dataclass(frozen=True, slots=True)
class AssessmentSettings:
    """Objectives and prices that the assessments compare with."""

    slo: SloTargets = field(default_factory=SloTargets)
    prices: CachePrices = field(default_factory=CachePrices)
    cache: CacheRange = field(default_factory=CacheRange)


def assess(snapshot: Snapshot, settings: AssessmentSettings, days: Sequence[Day] = ()) -> Assessment:
    """Assess a snapshot, with the sums of the last days. Pure and deterministic."""
    budgets = error_budgets(days, snapshot.taken_at, settings.slo)
    slo = replace(assess_slo(snapshot, settings.slo, days), budgets=budgets)
    roi = assess_roi(snapshot, settings.prices, days)
    maturity = assess_maturity(snapshot, slo)
    rhythm = replace(assess_rhythm(snapshot), assumed=assumed_prices(settings.prices.assumed))
    cache = assess_cache(snapshot, settings.cache)
    return Assessment(slo, roi, maturity, rhythm, cache, unified_gate(roi, slo, maturity, rhythm, cache))
