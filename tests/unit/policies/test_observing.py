"""Batches as pieces of days: whatever is lost, doubled, late or damaged on the way, each access counts once."""

import struct
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.model.accesses import ALL_KEYS, Batch, Malformed
from lumen.model.observed import MOST_ACCESSES, MOST_KEYS, Piece, Progress, joined
from lumen.policies.observing import Entry, fold, next_day, thinned
from lumen.prediction.accesses import Kind, pack

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def batch(
    instance: str, number: int, at: datetime = NOON, hashes: tuple[int, ...] = (1,), below: int = ALL_KEYS
) -> Batch:
    """One with a hit of each hash, a millisecond apart."""
    records = b"".join(struct.pack("<QBB", hashed << 16 | n, 1, 0) for n, hashed in enumerate(hashes))
    return Batch(instance, number, round(at.timestamp() * 1000), 1, below, (0, len(hashes), 0, 0), records)


def folded(entries: list[Entry], sizes: list[int], progress: Progress) -> tuple[list[Piece], Progress]:
    """Read in as many looks as `sizes` says, and the rest in one."""
    found: list[Piece] = []
    for size in [*sizes, len(entries)]:
        some, entries = entries[:size], entries[size:]
        pieces, progress = fold(some, progress, NOON)
        found += pieces
    return found, progress


@given(
    sent=st.lists(st.lists(st.booleans(), min_size=1, max_size=8), min_size=1, max_size=3),
    twice=st.lists(st.integers(0, 20), max_size=6),
    sizes=st.lists(st.integers(0, 5), max_size=6),
)
def test_each_batch_counts_once_and_each_that_is_left_out_is_lost(
    sent: list[list[bool]], twice: list[int], sizes: list[int]
) -> None:
    """`sent`: of each instance, whether each of its batches came through; `twice`: which of them came again later."""
    came = [
        batch(f"i{who}", number, hashes=(who << 20 | number,))
        for who, batches in enumerate(sent)
        for number, arrived in enumerate(batches)
        if arrived
    ]
    again = [came[n % len(came)] for n in twice] if came else []
    entries: list[Entry] = [(f"{at + 1}-0", each) for at, each in enumerate([*came, *again])]
    pieces, progress = folded(entries, sizes, Progress(last_id="0-1"))
    whole = joined(NOON.date(), pieces)
    newest = [max((n for n, arrived in enumerate(one) if arrived), default=-1) for one in sent]
    assert whole.tally.hits == len(whole) == len(came)
    assert whole.tally.batches == len(came)
    assert whole.tally.doubled == len(again)
    assert whole.tally.lost == sum(
        not arrived for one, last in zip(sent, newest, strict=True) for arrived in one[: last + 1]
    )
    assert len(set(struct.unpack(f"<{len(whole)}Q", whole.packed))) <= len(came)
    assert progress.last_id == (entries[-1][0] if entries else "0-1")


def test_what_was_sent_before_anybody_looked_is_not_lost() -> None:
    pieces, _ = fold([("1-0", batch("a", 70)), ("2-0", batch("a", 72))], Progress(), NOON)
    assert pieces[0].tally.lost == 1


def test_accesses_lie_in_the_day_in_which_their_batch_began() -> None:
    midnight = datetime(2026, 3, 1, tzinfo=UTC)
    late, early = batch("a", 0, midnight - timedelta(seconds=5)), batch("a", 1, midnight + timedelta(seconds=1))
    pieces, _ = fold([("1-0", late), ("2-0", early)], Progress(), NOON)
    assert [piece.day for piece in pieces] == [date(2026, 2, 28), date(2026, 3, 1)]
    (word,) = struct.unpack("<Q", pieces[1].packed)
    assert word & (1 << 28) - 1 == 250  # a second, in units of 4 ms
    (word,) = struct.unpack("<Q", pieces[0].packed)
    assert word & (1 << 28) - 1 == (86_400 - 5) * 250


def test_a_time_that_cannot_be_is_counted_and_never_an_access() -> None:
    ahead, ago = batch("a", 0, NOON + timedelta(hours=1)), batch("a", 1, NOON - timedelta(days=3))
    pieces, progress = fold([("1-0", ahead), ("2-0", ago), ("3-0", batch("a", 2))], Progress(), NOON)
    whole = joined(NOON.date(), pieces)
    assert (whole.tally.misdated, whole.tally.hits, len(whole), whole.tally.lost) == (2, 1, 1, 0)
    assert progress.instances["a"][0] == 2


def test_what_is_no_batch_is_counted() -> None:
    pieces, _ = fold([("1-0", Malformed("b", None))], Progress(), NOON)
    assert (pieces[0].tally.malformed, len(pieces[0])) == (1, 0)


def test_the_least_share_of_a_day_holds_for_its_pieces() -> None:
    half = ALL_KEYS // 2
    low, high = 1 << 40, (1 << 48) - 1
    pieces, _ = fold([("1-0", batch("a", 0, hashes=(low, high)))], Progress(below=half), NOON)
    assert (pieces[0].below, len(pieces[0]), pieces[0].tally.hits) == (half, 1, 2)
    pieces, _ = fold([("1-0", batch("a", 0, hashes=(low,), below=1 << 30))], Progress(below=half), NOON)
    assert pieces[0].below == 1 << 30


@given(st.lists(st.integers(0, (1 << 48) - 1), min_size=1, max_size=50))
def test_a_day_is_packed_as_the_replay_reads_it(hashes: list[int]) -> None:
    pieces, _ = fold([("1-0", batch("a", 0, hashes=tuple(hashes)))], Progress(), NOON)
    times = np.arange(len(hashes)) + 12 * 3_600_000
    packed = np.frombuffer(pieces[0].packed, "<u8")
    assert (packed == pack(np.array(hashes, np.uint64), times)).all()
    assert set(pieces[0].kinds) == {Kind.HIT}


@given(
    below=st.integers(1, ALL_KEYS),
    keys=st.integers(0, 10_000_000),
    accesses=st.integers(0, 100_000_000),
    hour=st.integers(0, 23),
)
def test_too_many_keys_or_accesses_lower_the_share_and_a_new_day_at_most_doubles_it(
    below: int, keys: int, accesses: int, hour: int
) -> None:
    progress = Progress(below=below, keys=keys, accesses=accesses)
    lowered, next_one = thinned(progress, NOON.replace(hour=hour)), next_day(progress)
    assert 1 <= lowered <= below
    assert 1 <= next_one <= min(ALL_KEYS, 2 * below)
    if keys > MOST_KEYS:
        assert lowered * keys <= max(below * MOST_KEYS, keys)
        assert next_one <= max(1, below * MOST_KEYS // keys)
    elif accesses <= MOST_ACCESSES / 24:
        assert lowered == below


@pytest.mark.parametrize(
    ("present", "keys", "wanted"),
    [
        (ALL_KEYS, 1000, ALL_KEYS),
        (ALL_KEYS, 2 * MOST_KEYS, ALL_KEYS // 2),
        (ALL_KEYS // 8, MOST_KEYS // 8, ALL_KEYS // 4),
        (ALL_KEYS // 8, 4 * MOST_KEYS, ALL_KEYS // 32),
        (ALL_KEYS, 0, ALL_KEYS),
    ],
)
def test_the_limit_is_doubled_at_most_and_lowered_at_once(present: int, keys: int, wanted: int) -> None:
    assert next_day(Progress(below=present, keys=keys)) == wanted


@pytest.mark.parametrize("minutes", [0, 1, 20, 24 * 60])
def test_what_is_read_after_midnight_of_the_day_before_is_of_a_whole_day(minutes: int) -> None:
    """Its last batches come when the next day has hardly begun: what they add up to is no pace of a few minutes."""
    midnight = NOON.replace(hour=0) + timedelta(days=1)
    yesterday = Progress(days=(NOON.date(),), keys=1000, accesses=MOST_ACCESSES - 1)
    assert thinned(yesterday, midnight + timedelta(minutes=minutes)) == ALL_KEYS
