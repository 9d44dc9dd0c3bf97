"""ION's first cache: an LRU with a lifetime, an instance each, as large as the revision's environment says."""

from random import Random

import pytest

from sandbox.ion.processcache import ENTRIES_PER_ANSWER, LIFETIME_SECONDS, ProcessCache, ProcessCaches, entries_of
from sandbox.ion.replay import replay


@pytest.mark.parametrize(
    ("said", "entries"), [("2000", 2000), ("0", 0), ("", 1000), ("many", 1000), ("-5", 1000), (" 4000 ", 4000)]
)
def test_the_environment_says_how_many_entries(said: str, entries: int) -> None:
    assert entries_of({"L1_CACHE_MAX_ENTRIES": said}) == entries
    assert entries_of({}) == 1000


def test_what_was_asked_is_there_the_next_time() -> None:
    cache = ProcessCache()
    assert [cache.asked("a", at, 2) for at in (0.0, 1.0)] == [False, True]


def test_the_least_recently_used_goes_first() -> None:
    cache = ProcessCache()
    for key in ("a", "b", "a", "c"):
        cache.asked(key, 0.0, 2)
    assert [cache.asked(key, 1.0, 2) for key in ("a", "c", "b")] == [True, True, False]


def test_an_answer_lives_its_time_from_when_it_was_put_in_whoever_reads_it() -> None:
    cache = ProcessCache()
    cache.asked("a", 0.0, 2)
    assert cache.asked("a", LIFETIME_SECONDS - 1, 2)
    assert not cache.asked("a", LIFETIME_SECONDS, 2)
    assert cache.asked("a", LIFETIME_SECONDS + 1, 2)


def test_without_entries_nothing_is_kept() -> None:
    cache = ProcessCache()
    assert [cache.asked("a", at, 0) for at in (0.0, 1.0)] == [False, False]
    assert len(cache) == 0


def test_each_instance_has_its_own_and_takes_it_along() -> None:
    caches = ProcessCaches(Random(1), 10 * ENTRIES_PER_ANSWER)
    assert not caches.asked("a", 0.0)
    assert caches.asked("a", 1.0)
    caches.run(3)
    assert caches.instances == 3
    assert caches.answers == 1
    landed = [caches.asked("a", 2.0) for _ in range(40)]
    assert landed.count(False) == 2, "each of the two new instances had to fetch it once"
    caches.run(0)
    assert (caches.instances, caches.answers) == (1, 1)


def test_more_entries_spare_more_requests_to_redis() -> None:
    """And what Redis still hears of are the rarer ones: its own hit rate falls a little."""
    off, small, usual, large = (replay(1.0, 300, 3600, seed=3, entries=e) for e in (0, 1000, 2000, 10_000))
    assert off.in_process == 0.0
    assert small.in_process < usual.in_process - 0.02 < large.in_process - 0.1
    assert off.hit_rate > usual.hit_rate > large.hit_rate
