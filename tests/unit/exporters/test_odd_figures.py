"""Whatever finite figures come, however odd: every score within 0-100, nothing NaN or infinite, and no failure."""

import math
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lumen.exporters.assess import AssessmentSettings, assess
from lumen.exporters.maturity import ANCHORS
from lumen.exporters.roi import ROI_ANCHORS, CachePrices
from lumen.exporters.score_moves import between
from lumen.exporters.slo import PRESETS
from lumen.model.snapshot import CacheDay, CacheStats, HourlyHistory, LatencyDistribution, RequestSlice, Spend, Traffic
from lumen.policies.size import SizeLimits, recommend_size
from lumen.policies.ttl import TtlLimits, recommend_ttl
from tests.snapshots import GONE, START, snapshot, ttl

COUNTS = st.integers(0, 50) | st.integers(0, 10**18)
AMOUNTS = st.just(0.0) | st.floats(1e-9, 1e15)
MISSING = st.just(GONE)
CACHES = st.builds(
    CacheStats, AMOUNTS, COUNTS, COUNTS, COUNTS, AMOUNTS, AMOUNTS | MISSING, AMOUNTS | MISSING, st.just("")
)
DAYS = st.none() | st.builds(CacheDay, st.floats(300, 86_400), COUNTS, COUNTS, COUNTS, AMOUNTS)
LATENCIES = st.builds(
    lambda bounds, counts: LatencyDistribution(tuple(sorted(bounds)), tuple(counts[: len(bounds) + 1])),
    st.lists(AMOUNTS, max_size=4),
    st.lists(COUNTS, min_size=5, max_size=5),
)
SLICES = st.lists(st.builds(RequestSlice, st.just(START), COUNTS, COUNTS, COUNTS), max_size=4).map(tuple)
TRAFFIC = st.builds(Traffic, SLICES, LATENCIES | MISSING, COUNTS | MISSING, AMOUNTS | MISSING)


def hours(values: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    """A week of them: a few, repeated, so that a case is drawn quickly."""
    few = st.lists(st.none() | values, min_size=1, max_size=9)
    return few.map(lambda given: tuple(given[nth % len(given)] for nth in range(168)))


HISTORIES = st.builds(HourlyHistory, st.just(START), hours(COUNTS), hours(AMOUNTS), hours(COUNTS))
SPENDS = st.builds(
    Spend,
    st.floats(-1e12, 1e12) | MISSING,
    st.booleans(),
    AMOUNTS,
    st.integers(0, 90).map(lambda days: START - timedelta(days=days)),
)


def numbers(found: object, where: str = "") -> Iterator[tuple[str, float]]:
    """Every float in it, with the way there."""
    if isinstance(found, float):
        yield where, found
    elif is_dataclass(found):
        for field in fields(found):
            yield from numbers(getattr(found, field.name), f"{where}.{field.name}")
    elif isinstance(found, tuple):
        for nth, each in enumerate(found):
            yield from numbers(each, f"{where}[{nth}]")
    elif isinstance(found, dict):
        for name, each in found.items():
            yield from numbers(each, f"{where}.{name}")


@settings(max_examples=40)
@given(
    CACHES | MISSING,
    DAYS,
    TRAFFIC | MISSING,
    HISTORIES | MISSING,
    SPENDS | MISSING,
    st.builds(CachePrices, AMOUNTS, AMOUNTS, AMOUNTS),
    st.sampled_from(sorted(PRESETS)),
    st.integers(0, 10**9),
)
def test_nothing_is_nan_and_scores_stay_within_bounds(
    cache: object,
    day: object,
    traffic: object,
    history: object,
    spend: object,
    prices: CachePrices,
    preset: str,
    ttl_s: int,
) -> None:
    seen = snapshot(cache=cache, cache_day=day, traffic=traffic, history=history, spend=spend, ttl=ttl(ttl_s))
    found = assess(seen, AssessmentSettings(PRESETS[preset], prices))
    advised = (recommend_ttl(seen, TtlLimits()), recommend_size(seen, SizeLimits()))
    assert [one for one in numbers((found, advised)) if not math.isfinite(one[1])] == []
    for score in (found.slo.compliance.value, found.maturity.score.value, found.gate.score.value, found.roi.score):
        assert not isinstance(score, float) or 0 <= score <= 100


@pytest.mark.parametrize("name", [*ANCHORS, "roi"])
def test_each_part_only_rises_or_only_falls(name: str) -> None:
    anchors = ROI_ANCHORS if name == "roi" else ANCHORS[name][1]
    low, high = anchors[0][0] - 1, anchors[-1][0] + 1
    scores = [between(anchors, low + nth * (high - low) / 1000) for nth in range(1001)]
    steps = [after - before for before, after in pairwise(scores)]
    assert all(step >= 0 for step in steps) or all(step <= 0 for step in steps)
    assert (min(scores), max(scores)) == (0, 100)
