"""What the slices of a day say of the cache."""

from dataclasses import replace
from datetime import timedelta

import pytest

from lumen.model.alert import Observation
from lumen.model.history import cache_day, cache_day_of
from lumen.model.snapshot import SLICE, CacheDay, Snapshot, Window
from tests.snapshots import GONE, START, cache, snapshot

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


HOUR = timedelta(hours=1)


def hour(ago: float, used: float = 0.5, hours: int = 1) -> Snapshot:
    """An hour (or several) that ended `ago` hours before START: 80 000 hits, 20 000 misses, 50 evictions."""
    end = START - ago * HOUR
    seen = replace(cache(0.8, used, 50), seconds=3600.0 * hours)
    return snapshot(window=Window(end - hours * HOUR, end), cache=seen)


def test_a_day_of_turns() -> None:
    turns = [hour(ago) for ago in range(40)]
    turns[3] = hour(3, used=0.75)
    turns[30] = hour(30, used=1.0)  # the day before
    assert cache_day_of(reversed(turns)) == CacheDay(86_400.0, 24 * 80_000, 24 * 20_000, 24 * 50, 192.0)


@pytest.mark.parametrize(
    ("turns", "known_hours"),
    [
        ([], None),
        ([hour(ago) for ago in range(17)], None),
        ([hour(ago) for ago in range(18)], 18),
        ([hour(ago / 2) for ago in range(48)], 24),  # people asked for one at each half
        ([hour(6 * ago, hours=6) for ago in range(4)], 24),
        ([replace(hour(ago), cache=GONE) if ago < 6 else hour(ago) for ago in range(24)], 18),
        ([replace(hour(ago), cache=GONE) if ago < 7 else hour(ago) for ago in range(24)], None),
    ],
)
def test_how_many_of_its_turns_must_be_known(turns: list[Snapshot], known_hours: int | None) -> None:
    found = cache_day_of(turns)
    assert (found.seconds / 3600 if found else None) == known_hours
