"""Services whose TTL is changed, at the level of accesses: what comes, what each TTL makes of it, and what is reported.

The change comes at hour 6 of the traffic, and what a `kind` adds 1-20 h after it. Of all lookups 1 % miss for reasons
that nobody reports; caches are flushed, evict and lose reports as the kind says. Times are in ms.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from bench.access_world import World, when, zipf
from lumen.model.accesses import ALL_KEYS, HELD, HIT, KIND_MASK, MISS, WRITE
from lumen.model.observed import HASH_BITS, MOST_KEYS, TIME_BITS, UNIT_MS, Piece, Tally
from lumen.prediction.lives import Requests, packed
from lumen.prediction.replay import missed

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Dice = np.random.Generator

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
CHANGED_MS = 6 * HOUR_MS
#: The TTL before the change (s), and the share of the lookups that miss for no known reason.
OLD_TTL, STRAY = 300, 0.01
BATCH_MS, INSTANCES, ANSWER_MS = 10_000, 4, 50
START = datetime(2026, 3, 2, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Traffic:
    """Lookups sorted by key and time. `stray`: misses whatever is cached; `flushed`: how many flushes came before;
    `reported`: what Lumen gets to see; `room`: entries that fit into the cache, 0 for all."""

    key: Integers
    at_ms: Integers
    stray: Flags
    flushed: Integers
    reported: Flags
    room: int = 0

    def __len__(self) -> int:
        return len(self.key)


@dataclass(frozen=True, slots=True)
class Place:
    """The base that a kind adds to: its keys and inequality, when the event happens, and when all ends (ms)."""

    keys: int
    exponent: float
    event_ms: int
    end_ms: int


Added = tuple[Floats, Integers]
Kind = Callable[[Dice, Place, Floats, Integers], Added]


def steady(_dice: Dice, _place: Place, at: Floats, key: Integers) -> Added:
    """Days and nights."""
    return at, key


def crawler(dice: Dice, place: Place, at: Floats, key: Integers) -> Added:
    """From the event on 12 % more, each of a key of its own."""
    more = _copies(dice, place, at, 0.12)
    return np.append(at, more), np.append(key, place.keys + np.arange(len(more)))


def hot_set(dice: Dice, place: Place, at: Floats, key: Integers) -> Added:
    """From the event on 15 % more, for thirty keys."""
    more = _copies(dice, place, at, 0.15)
    return np.append(at, more), np.append(key, place.keys + dice.integers(0, 30, len(more)))


def mix(dice: Dice, place: Place, at: Floats, key: Integers) -> Added:
    """Within twelve hours of the event another population makes up half of what comes."""
    share = 0.5 * np.clip((at - place.event_ms) / (12 * HOUR_MS), 0, 1)
    other = dice.random(len(at)) < share
    return at, np.where(other, place.keys + zipf(dice, len(at), place.keys, 0.6), key)


def drift(dice: Dice, place: Place, at: Floats, key: Integers) -> Added:
    """In the day after the event each key's share becomes up to three times as large, or as small."""
    weight = np.cumsum(np.arange(1, place.keys + 1) ** -place.exponent * 3.0 ** dice.uniform(-1, 1, place.keys))
    other = np.searchsorted(weight, dice.random(len(at)) * weight[-1])
    moved = dice.random(len(at)) < np.clip((at - place.event_ms) / DAY_MS, 0, 1)
    return at, np.where(moved, other, key)


def weekend(dice: Dice, place: Place, at: Floats, key: Integers) -> Added:
    """From the event on half as much comes, and for other things."""
    free = at > place.event_ms
    kept = ~free | (dice.random(len(at)) < 0.5)
    other = zipf(dice, len(at), place.keys, place.exponent - 0.15) + place.keys // 2
    return at[kept], np.where(free, other, key)[kept]


def deployment(_dice: Dice, place: Place, at: Floats, key: Integers) -> Added:
    """A release at the event gives every key another name."""
    return at, key + place.keys * (at > place.event_ms)


def fading(dice: Dice, place: Place, at: Floats, key: Integers) -> Added:
    """Keys asked for again within minutes give way, day by day, to keys asked for once."""
    gone = dice.random(len(at)) < 0.8 * at / place.end_ms
    return at, np.where(gone, place.keys + np.arange(len(at)), key)


def ramping(dice: Dice, place: Place, at: Floats, key: Integers) -> Added:
    """The other way round."""
    gone = dice.random(len(at)) < 0.8 * (1 - at / place.end_ms)
    return at, np.where(gone, place.keys + np.arange(len(at)), key)


def _copies(dice: Dice, place: Place, at: Floats, share: float) -> Floats:
    """Times of so many more, from the event on."""
    later = at[at > place.event_ms]
    return later[dice.random(len(later)) < share] + 0.5


@dataclass(frozen=True, slots=True)
class Kinds:
    """A kind of world: what it adds to the traffic, and what goes wrong in it."""

    adds: Kind = steady
    flush_hours: float = 0.0
    lost: float = 0.0
    #: Of the entries that would be cached at once at most, what fits.
    room: float = 0.0


KINDS: Mapping[str, Kinds] = {
    "steady": Kinds(),
    "crawler": Kinds(crawler),
    "hot set": Kinds(hot_set),
    "mix": Kinds(mix),
    "drift": Kinds(drift),
    "weekend": Kinds(weekend),
    "deployment": Kinds(deployment),
    "flush": Kinds(flush_hours=2),
    "flushes": Kinds(flush_hours=0.5),
    "lost": Kinds(lost=0.04),
    "evictions": Kinds(room=1.08),
    "full": Kinds(room=0.5),
    "fading": Kinds(fading),
    "ramping": Kinds(ramping),
}


@dataclass(frozen=True, slots=True)
class Service:
    """Of a kind, by seed, with so many lookups a day, watched until so many hours after the change."""

    kind: str
    seed: int
    a_day: int = 100_000
    hours: int = 72

    @property
    def end_ms(self) -> int:
        """The end of the traffic."""
        return CHANGED_MS + self.hours * HOUR_MS

    def traffic(self) -> Traffic:
        """Draw the lookups; the same for the same service."""
        dice, kind = np.random.default_rng([self.seed, *self.kind.encode()]), KINDS[self.kind]
        world = World(self.kind, self.seed, self.a_day, -(-self.end_ms // DAY_MS))
        place = Place(
            int(self.a_day * dice.uniform(0.05, 0.4)),
            dice.uniform(0.7, 1.1),
            CHANGED_MS + int(dice.uniform(1, 20) * HOUR_MS),
            self.end_ms,
        )
        at = when(world, dice, dice.uniform(0.4, 1.0)) * 1000
        at = (at - dice.uniform(0, DAY_MS)) % (world.days * DAY_MS)
        at, key = kind.adds(dice, place, at, zipf(dice, len(at), place.keys, place.exponent))
        at_ms = at.astype(np.int64)
        inside = at_ms < self.end_ms
        at_ms, key = at_ms[inside], key[inside]
        order = np.lexsort((at_ms, key))
        at_ms, key = at_ms[order], key[order]
        flushed = at_ms // int(kind.flush_hours * HOUR_MS) if kind.flush_hours else np.zeros(len(key), np.int64)
        lost = dice.random((INSTANCES, self.end_ms // BATCH_MS + 1)) < kind.lost
        reported = ~lost[dice.integers(0, INSTANCES, len(key)), at_ms // BATCH_MS]
        return Traffic(key, at_ms, dice.random(len(key)) < STRAY, flushed, reported)


def in_memory(traffic: Traffic, share: float) -> Traffic:
    """The same in a cache that holds that share of what would be cached at once at most."""
    fill = served(traffic, OLD_TTL)
    ends = traffic.at_ms[fill] + OLD_TTL * 1000
    moments = np.sort(traffic.at_ms[fill])
    alive = np.arange(1, len(moments) + 1) - np.searchsorted(np.sort(ends), moments)
    return replace(traffic, room=int(share * alive.max()))


def served(traffic: Traffic, ttl: int) -> Flags:
    """The lookups that really miss where the TTL becomes `ttl` at the change, for all keys."""
    life = np.cumsum(_begins(traffic)) - 1
    before = missed(Requests(packed(life, traffic.at_ms)), OLD_TTL * 1000)
    if ttl == OLD_TTL:
        return before
    late = traffic.at_ms >= CHANGED_MS
    place = np.arange(len(traffic))
    last = np.maximum.accumulate(np.where(before & ~late, place, -1))
    same = (last >= 0) & (life[last] == life)
    inherited = late & same & (traffic.at_ms < traffic.at_ms[last] + OLD_TTL * 1000)
    afresh = late & ~inherited
    found = before & ~late
    found[afresh] = missed(Requests(packed(life[afresh], traffic.at_ms[afresh])), ttl * 1000)
    return found


def _begins(traffic: Traffic) -> Flags:
    """The lookups before which nothing of the key is cached any more."""
    new = np.ones(len(traffic), np.bool_)
    new[1:] = (traffic.key[1:] != traffic.key[:-1]) | (traffic.flushed[1:] != traffic.flushed[:-1])
    return new | traffic.stray


def served_in_memory(traffic: Traffic, new_ttl: int, held: Flags) -> tuple[Flags, int]:
    """The lookups that really miss in a cache that evicts what was used least recently, and its evictions after the
    change. `held`: of each lookup whether its key keeps the old TTL."""
    order = np.argsort(traffic.at_ms, kind="stable")
    ends: OrderedDict[int, int] = OrderedDict()
    found, evicted = np.zeros(len(traffic), np.bool_), 0
    columns = (traffic.at_ms, traffic.key, traffic.stray, held)
    for place, at, key, stray, old in zip(order.tolist(), *(one[order].tolist() for one in columns), strict=True):
        if ends.get(key, 0) > at and not stray:
            ends.move_to_end(key)
            continue
        found[place] = True
        ends[key] = at + 1000 * (OLD_TTL if old or at < CHANGED_MS else new_ttl)
        ends.move_to_end(key)
        if len(ends) > traffic.room:
            _, end = ends.popitem(last=False)
            evicted += end > at >= CHANGED_MS
    return found, evicted


def replayed(traffic: Traffic, ttl: int) -> Flags:
    """The lookups that miss in the replay, by what is reported alone."""
    found = np.zeros(len(traffic), np.bool_)
    known = traffic.reported
    new = np.ones(int(known.sum()), np.bool_)
    new[1:] = np.diff(traffic.key[known]) != 0
    found[known] = missed(Requests(packed(np.cumsum(new) - 1, traffic.at_ms[known])), ttl * 1000)
    return found


def reported_share(traffic: Traffic) -> float:
    """The share of the keys that Lumen has reported, where a day has more than it keeps."""
    days = traffic.at_ms // DAY_MS
    return min(1.0, MOST_KEYS / max(len(np.unique(traffic.key[days == day])) for day in range(int(days.max()) + 1)))


def ttl_for(traffic: Traffic, points: float) -> int:
    """The TTL (s) that changes the hit rate of the first 24 hours by that much, as far as whole seconds tell."""
    window = (traffic.at_ms >= CHANGED_MS) & (traffic.at_ms < CHANGED_MS + DAY_MS) & (traffic.key % 2 == 0)
    some = Traffic(*(getattr(traffic, name)[window] for name in ("key", "at_ms", "stray", "flushed", "reported")))
    requests = Requests(packed(np.cumsum(_begins(some)) - 1, some.at_ms))
    base = int(missed(requests, OLD_TTL * 1000).sum())
    low, high = (OLD_TTL, 1500) if points > 0 else (60, OLD_TTL)
    while high - low > 1:
        middle = (low + high) // 2
        if (base - int(missed(requests, middle * 1000).sum())) / len(some) < points / 100:
            low = middle
        else:
            high = middle
    return high if points > 0 else low


def pieces_of(
    traffic: Traffic, miss: Flags, hashes: NDArray[np.uint64], held: Flags, below: int = ALL_KEYS
) -> list[Piece]:
    """The days as Lumen keeps them. `hashes`: 48 bits of each key; `held`: what is said of each lookup."""
    kind = np.where(miss, MISS, HIT) + HELD * (held & (traffic.at_ms >= CHANGED_MS))
    wrote = traffic.at_ms[miss] >= CHANGED_MS
    kind = np.append(kind, WRITE + HELD * (held[miss] & wrote))
    at_ms, key = np.append(traffic.at_ms, traffic.at_ms[miss] + ANSWER_MS), np.append(traffic.key, traffic.key[miss])
    known = np.append(traffic.reported, traffic.reported[miss])
    lost = round(100 * float((~traffic.reported).mean()))
    pieces = []
    for day in range(int(at_ms.max()) // DAY_MS + 1):
        of_day = known & (at_ms // DAY_MS == day)
        counts = np.bincount(kind[of_day] & KIND_MASK, minlength=4)
        tally = Tally(int(counts[MISS]), int(counts[HIT]), int(counts[WRITE]), batches=100 - lost, lost=lost)
        here = np.flatnonzero(of_day & (hashes[key] >> np.uint64(16) < below))
        here = here[np.argsort(at_ms[here], kind="stable")]
        words = hashes[key[here]] >> np.uint64(48 - HASH_BITS) << np.uint64(TIME_BITS)
        words |= (at_ms[here] % DAY_MS // UNIT_MS).astype(np.uint64)
        packed_words, kinds = words.astype("<u8").tobytes(), kind[here].astype(np.uint8).tobytes()
        date = START.date() + timedelta(days=day)
        pieces.append(Piece(date, tally, below, packed_words, kinds, bytes(len(here))))
    return pieces
