"""What the slices of a day say of the cache."""

from dataclasses import replace

import pytest

from lumen.model.cache_day import cache_day
from lumen.model.observation import Observation
from lumen.model.snapshot import SLICE, CacheDay
from tests.snapshots import START

KNOWN = Observation(START, hits=80, misses=20, evictions=5, memory_mb=200.0)


def slices(count: int) -> list[Observation]:
    """The last ones before START."""
    return [replace(KNOWN, start=START - (i + 1) * SLICE) for i in range(count)]


def test_a_whole_day() -> None:
    seen = slices(400)
    seen[3] = replace(seen[3], memory_mb=240.0)
    seen[300] = replace(seen[300], memory_mb=255.0)  # the day before
    found = cache_day(seen, START)
    assert found == CacheDay(86_400, 288 * 80, 288 * 20, 288 * 5, 240.0)
    assert (found.hits_per_entry, found.evictions_per_hour, found.evicted_share) == (4.0, 60.0, 0.25)


@pytest.mark.parametrize(("known", "is_known"), [(288, True), (216, True), (215, False), (0, False)])
def test_how_much_of_it_must_be_known(known: int, is_known: bool) -> None:
    assert (cache_day(slices(known), START) is not None) is is_known


@pytest.mark.parametrize("field", ["hits", "misses", "evictions", "memory_mb"])
def test_a_slice_counts_when_all_of_it_is_known(field: str) -> None:
    lacking = [replace(one, **{field: None}) for one in slices(288)]  # type: ignore[arg-type]
    assert cache_day(lacking, START) is None
    found = cache_day(lacking[:60] + slices(288)[60:], START)
    assert found is not None
    assert found.seconds == 228 * 300


def test_nobody_asked_and_more_evictions_than_misses() -> None:
    assert CacheDay(86_400, 0, 0, 0, 10.0).evicted_share == 0.0
    assert CacheDay(86_400, 10, 0, 0, 10.0).hits_per_entry == 0.0
    assert CacheDay(86_400, 10, 5, 50, 10.0).evicted_share == 1.0
