"""Hits and misses that do not fit the requests are unknown, until they have stayed so."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lumen.alerts.lookups import ACCEPTED_AFTER, UsualLookups, doubted
from lumen.model.alert import Observation
from lumen.model.messages import NoData, message
from lumen.model.snapshot import SLICE, RequestSlice, Traffic
from tests.snapshots import cache

START = datetime(2026, 11, 1, tzinfo=UTC)
UNKNOWN = NoData(message("alert.data_back"), message("alert.data_back"))


def slice_of(nth: int, hits: int = 640, misses: int = 240) -> Observation:
    return Observation(START + nth * SLICE, 1000, 0, 0, hits=hits, misses=misses, cost_usd=0.1)


def fed(slices: int = 100) -> UsualLookups:
    usual = UsualLookups()
    for nth in range(slices):
        usual.feed(slice_of(nth))
    return usual


@pytest.mark.parametrize(("hits", "misses"), [(640_000, 240), (6400, 240), (640, 2400), (640, 0), (0, 240)])
def test_a_series_that_jumps_or_is_cut_leaves_no_lookups_and_no_cost(hits: int, misses: int) -> None:
    seen = fed().checked(slice_of(100, hits, misses))
    assert (seen.hits, seen.misses, seen.cost_usd, seen.requests) == (None, None, None, 1000)


@pytest.mark.parametrize(("hits", "misses"), [(640, 240), (20, 860), (880, 0), (700, 290)])
def test_another_hit_rate_of_as_many_lookups_is_one(hits: int, misses: int) -> None:
    assert fed().checked(slice_of(100, hits, misses)).lookups == hits + misses


def test_before_anything_is_usual_all_is_believed() -> None:
    assert fed(10).checked(slice_of(10, 640_000)).hits == 640_000


def test_what_stays_so_for_six_hours_is_how_the_service_looks_up_now() -> None:
    usual, nth = fed(), 100
    for nth in range(100, 100 + ACCEPTED_AFTER):
        seen = usual.checked(slice_of(nth, 320, 120))
        assert seen.hits is None
        usual.feed(seen)
    for later in range(nth + 1, nth + 100):
        seen = usual.checked(slice_of(later, 320, 120))
        assert seen.lookups == 440
        usual.feed(seen)


def test_a_window_whose_lookups_do_not_fit_says_nothing_of_the_cache() -> None:
    stored = [slice_of(nth) for nth in range(100)]
    start = START + 100 * SLICE
    traffic = Traffic(
        tuple(RequestSlice(start + nth * SLICE, 1000, 0, 0) for nth in range(12)), UNKNOWN, UNKNOWN, UNKNOWN
    )
    well = replace(cache(), seconds=3600.0, hits=12 * 640, misses=12 * 240)
    assert doubted(well, traffic, stored, start) == well
    whole = [slice_of(100 + nth) for nth in range(12)]
    jumped = doubted(replace(well, hits=12 * 640_000), traffic, [*stored, *whole], start)
    assert isinstance(jumped, NoData)
    assert jumped.reason.code == "assess.lookups_differ"
    within = [replace(slice_of(100 + nth), hits=None if nth < 4 else 640) for nth in range(12)]
    assert isinstance(doubted(well, traffic, [*stored, *within], start), NoData)
    assert doubted(well, traffic, [], start) == well
