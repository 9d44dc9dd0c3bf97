"""A kept day in the cache's own memory, against a cache of a few lines."""

from collections import OrderedDict
from datetime import timedelta
from functools import cache

import numpy as np
import pytest

from lumen.model.forecast import Bounded
from lumen.model.observed import Piece, Tally
from lumen.prediction import bounded as module
from lumen.prediction import memory
from lumen.prediction.accesses import size_bytes, size_code
from lumen.prediction.bounded import MB, bounded
from lumen.prediction.memory import entry_bytes
from tests.unit.prediction.test_kept import DAY, LENGTH_MS, MIDNIGHT, requests

A_DAY = timedelta(days=1)
TTLS, SIZES = (120, 900, 3600), (2, 4, 8)


@cache
def code_of(key: int) -> int:
    """The size of the answer to it, as it is reported."""
    return int(size_code(np.array([8_000 + key % 120_000]))[0])


@cache
def size_of(key: int) -> float:
    """What it takes in the cache."""
    return float(entry_bytes(size_bytes(np.array([code_of(key)], np.uint8)))[0])


def served(asked: list[tuple[int, int]], ttl: int, size_mb: float) -> list[bool]:
    """Whether each request hits where the least recently used goes first."""
    cached: OrderedDict[int, int] = OrderedDict()
    hits, used = [], 0.0
    for at, key in asked:
        if key in cached and cached[key] <= at:
            del cached[key]
            used -= size_of(key)
        hits.append(key in cached)
        if hits[-1]:
            cached.move_to_end(key)
            continue
        cached[key] = at + ttl * 1000
        used += size_of(key)
        while used > size_mb * MB:
            used -= size_of(cached.popitem(last=False)[0])
    return hits


def pieces(asked: list[tuple[int, int]], size_mb: float, ttl: int = 300) -> list[Piece]:
    """Two days as they are kept: each miss with the write that answers it."""
    found = []
    all_of = list(zip(asked, served(asked, ttl, size_mb), strict=True))
    for day in range(2):
        of_day = [one for one in all_of if one[0][0] // LENGTH_MS == day]
        words, kinds, sizes = [], [], []
        for (at, key), hit in of_day:
            word = key << 28 | at % LENGTH_MS // 4
            words += [word] if hit else [word, word]
            kinds += [1] if hit else [0, 2]
            sizes += [0] if hit else [0, code_of(key)]
        misses = sum(not hit for _, hit in of_day)
        tally = Tally(misses, len(of_day) - misses, misses, batches=1)
        packed = np.array(words, "<u8").tobytes()
        found.append(Piece(DAY + day * A_DAY, tally, packed=packed, kinds=bytes(kinds), sizes=bytes(sizes)))
    return found


def known(asked: list[tuple[int, int]], size_mb: float) -> Bounded:
    kept = pieces(asked, size_mb)
    found = bounded(kept, MIDNIGHT, MIDNIGHT + A_DAY, (300, size_mb, size_mb), TTLS, SIZES)
    assert found is not None
    return found


def rate(asked: list[tuple[int, int]], ttl: int, size_mb: float) -> float:
    """The hit rate of the second day."""
    of_day = [hit for hit, (at, _) in zip(served(asked, ttl, size_mb), asked, strict=True) if at >= LENGTH_MS]
    return sum(of_day) / len(of_day)


@pytest.fixture
def _few_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """The caches here hold some dozens of entries."""
    monkeypatch.setattr(memory, "LEAST_ENTRIES", 1)


def test_of_few_entries_at_once_there_is_no_number() -> None:
    """Now, or in the size that is asked for; a cache with room for everything tells, however few there are."""
    full = known(requests(keys=900, count=40_000), 4)
    assert (full.binds, full.is_told) == (True, False)
    assert 20 < full.entries < memory.LEAST_ENTRIES
    assert (dict(full.at), dict(full.sizes)) == ({}, {})
    with_room = known(requests(keys=900, count=20_000), 4)
    assert (with_room.binds, with_room.is_told) == (False, True)
    assert 120 in with_room.at
    assert 3600 not in with_room.at
    assert (2 in with_room.sizes, 8 in with_room.sizes) == (False, True)


@pytest.mark.usefixtures("_few_tell")
def test_a_full_cache_is_replayed_as_it_is() -> None:
    asked = requests(keys=900, count=40_000)
    found = known(asked, 4)
    assert found.binds
    assert abs(found.residual) < 0.002
    now = rate(asked, 300, 4)
    for ttl in TTLS:
        assert found.at[ttl].uplift == pytest.approx(rate(asked, ttl, 4) - now, abs=0.003)
    for size in SIZES:
        assert found.sizes[size].uplift == pytest.approx(rate(asked, 300, size) - now, abs=0.003)
        assert found.sizes[size].half == 0
    assert found.sizes[2].uplift < -0.01 < 0 < found.sizes[8].uplift


@pytest.mark.usefixtures("_few_tell")
def test_of_many_accesses_groups_of_keys_stand_for_all_within_their_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    held = []
    for seed in range(4):
        asked = requests(seed, keys=2000, count=24_000)
        monkeypatch.setattr(module, "MOST_EVENTS", 1 << 20)
        whole = known(asked, 8)
        monkeypatch.setattr(module, "MOST_EVENTS", len(asked) // 3)
        some = known(asked, 8)
        for ttl in TTLS:
            assert 0 < some.at[ttl].half < 0.2
            held.append(abs(some.at[ttl].uplift - whole.at[ttl].uplift) < 2 * some.at[ttl].half)
    assert sum(held) >= 0.8 * len(held)


def test_what_is_reported_explains_the_memory_in_use_or_not() -> None:
    """The memory in use may be three times as much as the values say, and no more."""
    kept = pieces(requests(keys=900, count=4_000), 64)
    found = [bounded(kept, MIDNIGHT, MIDNIGHT + A_DAY, (300, 64.0, used), TTLS, SIZES) for used in (2.0, 60.0)]
    assert [one is not None and one.explained for one in found] == [1.0, pytest.approx(0.1, abs=0.08)]


def test_nothing_asked_or_no_size_reported_is_no_replay() -> None:
    setting = (300, 2.0, 1.0)
    assert bounded([Piece(DAY), Piece(DAY + A_DAY)], MIDNIGHT, MIDNIGHT + A_DAY, setting, TTLS, SIZES) is None
    without = [
        Piece(one.day, one.tally, packed=one.packed, kinds=one.kinds, sizes=bytes(len(one)))
        for one in pieces(requests(count=500), 2)
    ]
    assert bounded(without, MIDNIGHT, MIDNIGHT + A_DAY, setting, TTLS, SIZES) is None
