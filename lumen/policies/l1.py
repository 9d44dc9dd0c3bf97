"""Entries of the in-process (L1) cache: steps of 1000 within 1000-10000 (mission 4).

An L1 spares the round trip to the shared cache, so it grows where that is slow; it is paid with the memory of every
instance, so it shrinks back where the shared cache answers at once.
"""

from lumen.model.message import message
from lumen.model.nodata import NoData
from lumen.model.proposal import Change, Knob, Priority
from lumen.model.snapshot import CacheStats
from lumen.model.turn import Recommendation

STEP = 1000
LEAST = 1000
MOST = 10_000
SLOW_MS = 100.0
FAST_MS = 10.0


def advise_l1(entries: int, cache_p95_ms: float, hit_rate: float) -> Recommendation:
    """`hit_rate` (0-1) and `cache_p95_ms` are the shared cache's."""
    if cache_p95_ms >= SLOW_MS and hit_rate >= 0.5:
        return _recommended(entries, min(MOST, entries + STEP), "l1_slow", cache_p95_ms)
    if cache_p95_ms < FAST_MS:
        return _recommended(entries, max(LEAST, entries - STEP), "l1_fast", cache_p95_ms)
    return _recommended(entries, entries, "l1_fits", cache_p95_ms)


def recommend_l1(entries: int | NoData, cache: CacheStats | NoData) -> Recommendation | NoData:
    """A step up or down, or hold; NoData when a figure is missing."""
    if isinstance(entries, NoData):
        return entries
    if isinstance(cache, NoData):
        return cache
    if isinstance(cache.p95_ms, NoData):
        return cache.p95_ms
    if cache.hit_rate is None:
        return NoData(message("policy.too_few_lookups", lookups=0, least=1), message("policy.too_few_lookups_remedy"))
    return advise_l1(entries, cache.p95_ms, cache.hit_rate)


def bounded_l1(entries: int) -> int:
    """The nearest allowed number of entries: whole steps within the limits."""
    return max(LEAST, min(MOST, round(entries / STEP) * STEP))


def _recommended(old: int, new: int, code: str, p95_ms: float) -> Recommendation:
    change = None if new == old else Change(Knob.L1_ENTRIES, old, new, "")
    strategy = "HOLD" if change is None else ("SCALE_UP" if new > old else "SCALE_DOWN")
    return Recommendation(change, strategy, (message(f"policy.{code}", p95_ms=p95_ms, entries=old),), Priority.LOW)
