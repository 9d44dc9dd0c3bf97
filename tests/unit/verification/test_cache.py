"""The simulated cache against the definition, written out with a dict."""

from collections.abc import Sequence
from itertools import repeat

from hypothesis import given, settings
from hypothesis import strategies as st

from lumen.verification.cache import Cache, Looked


def plain(requests: list[tuple[float, int]], ttl_seconds: float) -> list[float]:
    """Cache-aside: the age of the answer, or -1; a TTL from the write on, not refreshed by reads."""
    written: dict[int, float] = {}
    ages = []
    for at, key in requests:
        if key in written and at < written[key] + ttl_seconds:
            ages.append(at - written[key])
        else:
            written[key] = at
            ages.append(-1.0)
    return ages


def look_up(cache: Cache, times: Sequence[float], keys: Sequence[int], ttl_seconds: float, room_mb: float) -> Looked:
    """All with the same TTL."""
    return cache.look_up(times, keys, list(repeat(ttl_seconds, len(keys))), room_mb)


requests = st.lists(st.tuples(st.floats(0.125, 60, width=16), st.integers(0, 8)), max_size=60).map(
    lambda gaps: [(sum(gap for gap, _ in gaps[: i + 1]), key) for i, (_, key) in enumerate(gaps)]
)


@settings(max_examples=60)
@given(requests, st.sampled_from([30.0, 60.0, 300.0]))
def test_ttl_is_set_by_the_write(stream: list[tuple[float, int]], ttl_seconds: float) -> None:
    found = look_up(Cache(1.0), [at for at, _ in stream], [key for _, key in stream], ttl_seconds, 1000.0)
    assert found.ages == plain(stream, ttl_seconds)
    assert found.evictions == 0


@settings(max_examples=60)
@given(requests, st.integers(1, 6))
def test_memory_is_never_exceeded(stream: list[tuple[float, int]], room: int) -> None:
    cache = Cache(1.0)
    for at, key in stream:
        look_up(cache, [at], [key], 60.0, float(room))
        assert cache.used_mb <= room


def test_the_least_recently_used_goes_first() -> None:
    cache = Cache(1.0)
    look_up(cache, [0, 1, 2], [1, 2, 1], 60.0, 2.0)
    assert look_up(cache, [3], [3], 60.0, 2.0).evictions == 1
    assert look_up(cache, [4, 5], [1, 2], 60.0, 2.0).ages == [4.0, -1.0]


def test_what_has_expired_goes_before_what_lives() -> None:
    cache = Cache(1.0)
    look_up(cache, [0], [1], 10.0, 2.0)
    look_up(cache, [1], [2], 100.0, 2.0)
    look_up(cache, [2], [1], 10.0, 2.0)
    assert look_up(cache, [20], [3], 100.0, 2.0).evictions == 0
    assert look_up(cache, [21], [2], 100.0, 2.0).ages == [20.0]


def test_a_fork_goes_its_own_way() -> None:
    cache = Cache(1.0)
    look_up(cache, [0], [1], 60.0, 9.0)
    other = cache.fork()
    other.flush()
    assert look_up(cache, [1], [1], 60.0, 9.0).ages == [1.0]
    assert look_up(other, [1], [1], 60.0, 9.0).ages == [-1.0]


def test_each_key_keeps_the_ttl_that_it_was_written_with() -> None:
    cache = Cache(1.0)
    cache.look_up([0, 0], [1, 2], [60.0, 300.0], 9.0)
    assert cache.look_up([100, 100], [1, 2], [60.0, 60.0], 9.0).ages == [-1.0, 100.0]
