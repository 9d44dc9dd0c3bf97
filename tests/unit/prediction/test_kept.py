"""Kept days, replayed: the same as the requests themselves at any TTL, from midnight to midnight."""

import random
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from lumen.model.forecast import Replayed
from lumen.model.observed import Piece, Tally
from lumen.prediction.kept import compared, first_access, replayed

DAY = date(2026, 3, 1)
MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
A_DAY, LENGTH_MS = timedelta(days=1), 86_400_000
TTLS = (60, 900, 3600)


def requests(seed: int = 1, keys: int = 300, count: int = 12_000) -> list[tuple[int, int]]:
    """Times in ms over two days, and keys of 36 bits."""
    dice = random.Random(seed)
    names = [dice.getrandbits(36) for _ in range(keys)]
    times = sorted(dice.randrange(0, 2 * LENGTH_MS, 4) for _ in range(count))
    return [(at, names[int(keys * dice.random() ** 3)]) for at in times]


def served(asked: list[tuple[int, int]], ttl: int) -> list[bool]:
    """Whether each request hits in a cache of a few lines."""
    until: dict[int, int] = {}
    hits = []
    for at, key in asked:
        hits.append(until.get(key, -1) > at)
        if not hits[-1]:
            until[key] = at + ttl * 1000
    return hits


def hours_old(asked: list[tuple[int, int]], ttl: int) -> float:
    """How old answers from that cache are on the second day, over all of its requests."""
    began: dict[int, int] = {}
    ages = []
    for at, key in asked:
        if key not in began or at - began[key] >= ttl * 1000:
            began[key] = at
        ages.append(at - began[key])
    of_day = [age for age, (at, _) in zip(ages, asked, strict=True) if at >= LENGTH_MS]
    return sum(of_day) / len(of_day) / 3_600_000


def pieces(asked: list[tuple[int, int]], ttl: int = 300, below: int = 1 << 32, days: int = 2) -> list[Piece]:
    """Days as they are kept; the counts are of all keys."""
    found = []
    hits = served(asked, ttl)
    for day in range(days):
        of_day = [one for one in zip(asked, hits, strict=True) if one[0][0] // LENGTH_MS == day]
        tally = Tally(sum(not hit for _, hit in of_day), sum(hit for _, hit in of_day), batches=1)
        kept = [((key << 28) | at % LENGTH_MS // 4, hit) for (at, key), hit in of_day if key >> 4 < below]
        words = np.array([word for word, _ in kept], "<u8").tobytes()
        found.append(Piece(DAY + day * A_DAY, tally, below, words, bytes(hit for _, hit in kept), bytes(len(kept))))
    return found


def known(found: Replayed | None) -> Replayed:
    assert found is not None
    return found


def truth(asked: list[tuple[int, int]], ttl: int) -> float:
    """The hit rate of the second day."""
    of_day = [hit for (at, _), hit in zip(asked, served(asked, ttl), strict=True) if at >= LENGTH_MS]
    return sum(of_day) / len(of_day)


def test_a_kept_day_says_what_another_ttl_would_have_done() -> None:
    """With what the day before left in the cache at midnight."""
    asked = requests()
    found = known(replayed(pieces(asked), MIDNIGHT, MIDNIGHT + A_DAY, 300, TTLS))
    for ttl in TTLS:
        assert found.at[ttl].uplift == pytest.approx(truth(asked, ttl) - truth(asked, 300), abs=0.0005)
        assert found.at[ttl].half == 0
    assert found.hit_rate == pytest.approx(truth(asked, 300))
    assert found.lookups == found.accesses == sum(at >= LENGTH_MS for at, _ in asked)
    assert found.at[900].cached > 1 > found.at[60].cached
    assert found.staleness == pytest.approx(now := hours_old(asked, 300), rel=0.001)
    for ttl in TTLS:
        assert found.at[ttl].staleness == pytest.approx(hours_old(asked, ttl) - now, rel=0.02)
        assert found.at[ttl].staleness_half == 0


def test_any_24_hours_do_where_no_day_is_whole() -> None:
    asked, end = requests(), MIDNIGHT + timedelta(hours=9)
    found = known(replayed(pieces(asked), end - A_DAY, end, 300, TTLS))
    low = round((end - A_DAY - datetime(2026, 3, 1, tzinfo=UTC)).total_seconds() * 1000)
    within = [low <= at < low + LENGTH_MS for at, _ in asked]
    rates = {
        ttl: sum(h for h, w in zip(served(asked, ttl), within, strict=True) if w) / sum(within) for ttl in (300, *TTLS)
    }
    for ttl in TTLS:
        assert found.at[ttl].uplift == pytest.approx(rates[ttl] - rates[300], abs=0.0005)


@pytest.mark.parametrize("seed", range(4))
def test_a_sample_of_the_keys_tells_all_of_them_within_its_interval(seed: int) -> None:
    asked = requests(seed, keys=3000, count=20_000)
    found = known(replayed(pieces(asked, below=1 << 31), MIDNIGHT, MIDNIGHT + A_DAY, 300, (900,)))
    assert found.hit_rate == pytest.approx(truth(asked, 300), abs=0.06)
    error = abs(found.at[900].uplift - (truth(asked, 900) - truth(asked, 300)))
    assert 0 < found.at[900].half < 0.2
    assert error < 2 * found.at[900].half
    aged = found.at[900].staleness - (hours_old(asked, 900) - hours_old(asked, 300))
    assert abs(aged) < 2 * found.at[900].staleness_half < 0.1


def test_the_check_sees_another_ttl_than_was_said() -> None:
    asked = requests()
    right = compared(pieces(asked), MIDNIGHT, MIDNIGHT + A_DAY, 300)
    assert (right.agreement, right.residual) == (1.0, 0.0)
    assert compared(pieces(asked), MIDNIGHT, MIDNIGHT + A_DAY, 900).residual > 0.02
    assert compared(pieces(asked), MIDNIGHT + 5 * A_DAY, MIDNIGHT + 6 * A_DAY, 300).compared == 0


def test_nothing_asked_is_no_day() -> None:
    empty = [Piece(DAY), Piece(DAY + A_DAY)]
    assert replayed(empty, MIDNIGHT, MIDNIGHT + A_DAY, 300, TTLS) is None
    assert compared(empty, MIDNIGHT, MIDNIGHT + A_DAY, 300).compared == 0
    assert first_access(empty[0]) is None
    assert first_access(pieces([(8_000, 5)])[0]) == datetime(2026, 3, 1, 0, 0, 8, tzinfo=UTC)
