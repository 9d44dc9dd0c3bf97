"""The effect of a change of which a share of the keys was spared: found from what is kept, or one reason why not."""

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product
from math import erf, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lumen.effects.arms import Keys, drawn, keys_of, measured
from lumen.effects.hold_back import SHARED, effect_by_replay, lasts
from lumen.model.accesses import ALL_KEYS, HELD, HIT, MISS, WRITE, is_held
from lumen.model.hold_back import EffectByReplay, HoldBack, Lasting
from lumen.model.messages import NoData
from lumen.model.observed import HASH_BITS, TIME_BITS, UNIT_MS, Piece, Tally

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
HOUR, A_DAY = timedelta(hours=1), timedelta(days=1)
CHANGED = MIDNIGHT + 10 * HOUR
CHANGE = HoldBack(300, 900, 100, CHANGED, CHANGED + 72 * HOUR)
END = CHANGED + 25 * HOUR
DAYS = 3
#: Lookups that miss for reasons that no replay knows.
STRAY = 0.01


def kept(
    change: HoldBack = CHANGE, *, version: int = 7, seed: int = 1, keys: int = 4000, obeys: bool = True
) -> list[Piece]:
    """Three days from the one before the change on, as an honest service reports them; `obeys`: it does what it is
    told, not only says so."""
    dice = random.Random(seed)
    names = [dice.getrandbits(48) for _ in range(keys)]
    start, changed_ms = MIDNIGHT - A_DAY, (change.changed_at - MIDNIGHT + A_DAY) / timedelta(milliseconds=1)
    until_ms = (change.until - MIDNIGHT + A_DAY) / timedelta(milliseconds=1)
    lines: list[list[tuple[int, int]]] = [[] for _ in range(DAYS)]
    cached: dict[int, float] = {}
    for at in sorted(dice.randrange(0, DAYS * 86_400_000, UNIT_MS) for _ in range(40_000 * DAYS)):
        key, stray = names[int(keys * dice.random() ** 3)], dice.random() < STRAY
        held = changed_ms <= at < until_ms and is_held(key, version, change.permille)
        hit = cached.get(key, 0) > at and not stray
        day, word = at // 86_400_000, key >> 48 - HASH_BITS << TIME_BITS | at % 86_400_000 // UNIT_MS
        lines[day].append((word, (HIT if hit else MISS) + HELD * held))
        if not hit:
            lines[day].append((word, WRITE + HELD * held))
            cached[key] = at + 1000 * (change.old_ttl if held or at < changed_ms or not obeys else change.new_ttl)
    return [
        Piece(
            (start + number * A_DAY).date(),
            _tally(of_day),
            ALL_KEYS,
            np.array([word for word, _ in of_day], "<u8").tobytes(),
            bytes(kind for _, kind in of_day),
            bytes(len(of_day)),
        )
        for number, of_day in enumerate(lines)
    ]


def _tally(lines: list[tuple[int, int]]) -> Tally:
    count = Counter(kind & ~HELD for _, kind in lines)
    return Tally(count[MISS], count[HIT], count[WRITE], batches=100)


@cache
def truth(change: HoldBack) -> float:
    """By how much more hits when all keys have the new TTL than when all keep the old one."""
    rates = []
    for ttl in (change.new_ttl, change.old_ttl):
        kinds = []
        for piece in kept(replace(change, new_ttl=ttl, permille=0))[1:]:
            at_ms = (np.frombuffer(piece.packed, "<u8") & np.uint64((1 << TIME_BITS) - 1)).astype(np.int64) * UNIT_MS
            at_ms += round((piece.day - MIDNIGHT.date()) / timedelta(milliseconds=1))
            start, end = (round((at - MIDNIGHT) / timedelta(milliseconds=1)) for at in change.window(END))
            kinds.append(np.frombuffer(piece.kinds, np.uint8)[(at_ms >= start) & (at_ms < end)])
        kind = np.concatenate(kinds)
        rates.append(float(np.count_nonzero(kind == HIT) / np.count_nonzero(kind <= HIT)))
    return rates[0] - rates[1]


def known(found: EffectByReplay | NoData) -> EffectByReplay:
    assert isinstance(found, EffectByReplay), found
    return found


def reason(found: object) -> str:
    assert isinstance(found, NoData), found
    return found.reason.code


@pytest.fixture(scope="module")
def pieces() -> list[Piece]:
    return kept()


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5])
def test_the_law_of_the_draw_is_that_of_all_draws(share: float) -> None:
    """Of twelve keys, one of them hot, each subset with its chance."""
    values = np.array([40.0, -9, 5, 5, -4, 3, -3, 2, 2, -1, 1, -41])
    subsets = np.array(list(product([0, 1], repeat=len(values))))
    chance = np.prod(np.where(subsets == 1, share, 1 - share), axis=1)
    sums = (subsets - share) @ values
    found = drawn(values, share, own_error=1.0)
    for alpha in (0.4, 0.05, 0.016):
        for end, wanted in zip(found.quantiles(alpha), (alpha / 2, 1 - alpha / 2), strict=True):
            below = sum(p * (0.5 + 0.5 * erf((end - one) / sqrt(2))) for p, one in zip(chance, sums, strict=True))
            assert below == pytest.approx(wanted, abs=0.002)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0.0, 1.0, 1000.0]), st.sampled_from([1 << 30, 1 << 32]))
def test_whatever_the_keys_an_interval_is_finite_and_holds_its_effect(seed: int, hot: float, below: int) -> None:
    dice = np.random.default_rng(seed)
    lookups = 1 + dice.integers(0, 30, 4000).astype(np.float64)
    lookups[:3] += hot * dice.integers(1, 30, 3)
    seen, old, new = (np.floor(lookups * dice.random(4000) ** dice.integers(0, 5)) for _ in range(3))
    held = dice.random(4000) < 0.1
    found = known(measured(Keys(lookups, seen, old, new, held, below=below), 100, 0.016))
    assert -1 <= found.low <= found.effect <= found.high <= 1
    assert found.low < found.high


def test_it_finds_what_a_longer_ttl_did(pieces: list[Piece]) -> None:
    assert [piece.day for piece in pieces] == list(CHANGE.days(END))
    found = known(effect_by_replay(pieces, CHANGE, END, 0.016, 0.0))
    assert found.low < truth(CHANGE) < found.high
    assert found.effect == pytest.approx(0.1, abs=0.02)
    assert found.high - found.low < 0.025
    assert keys_of(pieces, CHANGE, END).lookups.sum() == pytest.approx(40_000 * 24.75 / 24, rel=0.02)
    wider = known(effect_by_replay(pieces, CHANGE, END, 0.01, 0.0))
    assert wider.low < found.low < found.high < wider.high


def test_a_service_that_does_not_do_it_gets_no_praise_for_it() -> None:
    """The replay alone would promise an effect; the arms say that there was none."""
    found = known(effect_by_replay(kept(obeys=False), CHANGE, END, 0.016, 0.0))
    assert found.replayed > 0.05
    assert found.low < 0 < found.high


def test_the_window_begins_when_older_entries_are_gone_and_ends_with_the_hold_back() -> None:
    assert CHANGE.window(END) == (CHANGED + timedelta(seconds=900), END)
    assert replace(CHANGE, old_ttl=1200).window(END + 99 * HOUR) == (CHANGED + timedelta(minutes=20), CHANGE.until)


def test_a_clock_that_steps_moves_no_verdict(pieces: list[Piece]) -> None:
    """One instance of four is a minute and a half ahead for six hours: its accesses come in another order."""
    last = pieces[-2]
    words = np.frombuffer(last.packed, "<u8").copy()
    unit = (words & np.uint64((1 << TIME_BITS) - 1)).astype(np.int64)
    hour = unit * UNIT_MS // 3_600_000
    ahead = (np.random.default_rng(1).random(len(words)) < 0.25) & (hour >= 14) & (hour < 20)
    words[ahead] += np.uint64(90_000 // UNIT_MS)
    stepped = [*pieces[:-2], replace(last, packed=words.tobytes()), pieces[-1]]
    found = known(effect_by_replay(stepped, CHANGE, END, 0.016, 0.0))
    assert found.low < truth(CHANGE) < found.high


def test_half_of_the_share_does_for_half_the_cost() -> None:
    change = replace(CHANGE, permille=50)
    half = kept(change, keys=6000)
    found = known(effect_by_replay(half, change, END, 0.016, 0.0))
    assert found.low < found.replayed < found.high
    assert keys_of(half, change, END).held.mean() == pytest.approx(0.05, rel=0.15)


def test_a_change_between_equal_values_did_nothing() -> None:
    change = replace(CHANGE, new_ttl=CHANGE.old_ttl)
    found = known(effect_by_replay(kept(change), change, END, 0.016, 0.0))
    assert found.replayed == 0
    assert found.low < 0 < found.high


def lossy(pieces: list[Piece]) -> list[Piece]:
    return [replace(piece, tally=piece.tally.plus(Tally(lost=20))) for piece in pieces]


def forgetful(pieces: list[Piece]) -> list[Piece]:
    """From half of the window on the service holds nothing back."""
    last = pieces[-1]
    return [*pieces[:-1], replace(last, kinds=bytes(kind & ~HELD for kind in last.kinds))]


def test_where_the_cache_evicts_the_interval_is_wider(pieces: list[Piece]) -> None:
    roomy, full = (effect_by_replay(pieces, CHANGE, END, 0.016, evicted) for evicted in (0.01, 0.02))
    assert isinstance(roomy, EffectByReplay)
    assert isinstance(full, EffectByReplay)
    assert full == replace(roomy, low=roomy.low - SHARED, high=roomy.high + SHARED)


def test_without_enough_there_is_one_reason(pieces: list[Piece]) -> None:
    def refused(of: list[Piece], change: HoldBack = CHANGE, end: datetime = END, evicted: float | None = 0.0) -> str:
        return reason(effect_by_replay(of, change, end, 0.016, evicted))

    assert refused(pieces, evicted=None) == "hold_back.evictions_unknown"
    assert refused(lossy(pieces)) == "hold_back.lost"
    assert refused([replace(one, tally=Tally(batches=100, misdated=20)) for one in pieces]) == "hold_back.lost"
    assert refused(pieces[2:]) == "hold_back.not_kept"
    assert refused([Piece(piece.day) for piece in pieces]) == "hold_back.not_kept"
    assert refused(forgetful(pieces)) == "hold_back.not_held"
    assert refused(pieces, replace(CHANGE, permille=200)) == "hold_back.not_held"
    assert refused(pieces, end=CHANGED + 6 * HOUR) == "hold_back.few_lookups"
    assert refused(pieces, end=CHANGED + timedelta(minutes=5)) == "hold_back.few_keys"
    assert refused(kept(keys=1500)) == "hold_back.few_keys"


def test_an_effect_that_fades_is_told_from_one_that_lasts(pieces: list[Piece]) -> None:
    end = CHANGED + 37 * HOUR
    found = lasts(pieces, CHANGE, end)
    assert isinstance(found, Lasting)
    assert not found.is_fading
    assert found.effect == pytest.approx(found.at_first, abs=0.01)
    assert reason(lasts(pieces[:1], CHANGE, end)) == "hold_back.not_kept"
    assert reason(lasts(lossy(pieces), CHANGE, end)) == "hold_back.lost"


@pytest.mark.parametrize(
    ("at_first", "effect", "is_fading"),
    [
        (0.05, 0.05, False),
        (0.05, 0.041, False),
        (0.05, 0.03, True),
        (0.05, 0.08, False),
        (-0.05, -0.03, True),
        (-0.05, -0.05, False),
        (-0.05, -0.08, False),
        (0.002, 0.0, False),
        (0.01, -0.01, True),
    ],
)
def test_fading(at_first: float, effect: float, is_fading: bool) -> None:
    assert Lasting(effect, at_first, 1000).is_fading is is_fading


def test_the_days_that_are_needed() -> None:
    days = CHANGE.days_to_last(CHANGED + 7 * A_DAY)
    assert [(day - CHANGED.date()).days for day in days] == [-1, 0, 1, 5, 6, 7]
