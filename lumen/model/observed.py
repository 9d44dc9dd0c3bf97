"""Accesses as Lumen keeps them: pieces of UTC days, what was lost of them, and how far a stream has been read.

An access is one uint64: the upper 36 bits of the key's hash << 28 | the time since the day's start in units of 4 ms.
Beside it stand one byte for its kind and one for its size.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime

from lumen.model.accesses import ALL_KEYS

#: What is kept of a service: so many days, keys a day, and accesses a day, which take 8 bytes each: 48 MB.
KEEP_DAYS, MOST_KEYS, MOST_ACCESSES = 10, 32_768, 600_000
UNIT_MS, HASH_BITS, TIME_BITS = 4, 36, 28


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of a piece. The first four are of all keys, reported or not; `lost` are batches that never came, `doubled`
    came twice and counted once, `malformed` are no batches, `misdated` bear a time that cannot be."""

    misses: int = 0
    hits: int = 0
    writes: int = 0
    deletes: int = 0
    batches: int = 0
    lost: int = 0
    doubled: int = 0
    malformed: int = 0
    misdated: int = 0

    def plus(self, other: "Tally") -> "Tally":
        return Tally(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(Tally)))


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a day, in the order in which it came; of a whole day all parts. `packed`: uint64, little-endian.

    Holds every access of the keys whose upper 32 hash bits are below `below`, but for what was lost.
    """

    day: date
    tally: Tally = Tally()
    below: int = ALL_KEYS
    packed: bytes = b""
    kinds: bytes = b""
    sizes: bytes = b""

    def __len__(self) -> int:
        return len(self.kinds)

    def hashes(self) -> set[int]:
        """The keys that were accessed, as the upper 36 bits of their hashes."""
        words = memoryview(self.packed).cast("Q")
        return {word >> TIME_BITS for word in words}


def joined(day: date, pieces: Iterable[Piece]) -> Piece:
    """All pieces of a day as one."""
    listed = list(pieces)
    tally = Tally()
    for piece in listed:
        tally = tally.plus(piece.tally)
    parts = (b"".join(getattr(piece, name) for piece in listed) for name in ("packed", "kinds", "sizes"))
    return Piece(day, tally, min((piece.below for piece in listed), default=ALL_KEYS), *parts)


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of reading a service's stream.

    `last_id` "": never. `instances`: of each the number of its newest batch, and when that came, in ms. `below`: what
    the service was told. `keys` and `accesses` of the newest of the `days`, so far. `secret` (hex): what names are
    hashed with where Lumen hears them itself; there `last_id` is the last moment that is kept, in ms.
    """

    last_id: str = ""
    instances: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    below: int = ALL_KEYS
    days: tuple[date, ...] = ()
    keys: int = 0
    accesses: int = 0
    secret: str = ""


@dataclass(frozen=True, slots=True)
class Counted:
    """Lookups that the cache's server counted from `start` until `end`, but for Lumen's own."""

    start: datetime
    end: datetime
    hits: int
    misses: int
