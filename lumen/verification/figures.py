"""What a stretch of the world was really like: from every request, not from what was measured."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lumen.verification.arrivals import SLICE_SECONDS
from lumen.verification.profile import SECONDS_A_MONTH
from lumen.verification.world import WorldSlice


@dataclass(frozen=True, slots=True)
class Figures:
    """Ratios 0-1, latency in ms, money in USD for 30 days at this pace. None where nobody asked for anything."""

    hit_rate: float | None
    p95_ms: float | None
    cost_month_usd: float
    error_rate: float | None
    evictions_per_hour: float


def figures_of(slices: Sequence[WorldSlice]) -> Figures:
    """Over all of `slices`, of which there is at least one."""
    requests = sum(one.requests for one in slices)
    lookups = sum(one.lookups for one in slices)
    seconds = len(slices) * SLICE_SECONDS
    return Figures(
        hit_rate=sum(one.hits for one in slices) / lookups if lookups else None,
        p95_ms=float(np.percentile(np.concatenate([one.latencies_ms for one in slices]), 95)) if requests else None,
        cost_month_usd=sum(one.cost_usd for one in slices) * SECONDS_A_MONTH / seconds,
        error_rate=sum(one.errors_5xx for one in slices) / requests if requests else None,
        evictions_per_hour=sum(one.evictions for one in slices) * 3600 / seconds,
    )
