"""The sums of a service's batches: pieces of days, what was lost between them, and how many keys it shall report."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from sys import byteorder

from lumen.model.accesses import ALL_KEYS, Batch, Malformed
from lumen.model.history import midnight
from lumen.model.observed import HASH_BITS, MOST_ACCESSES, MOST_KEYS, TIME_BITS, UNIT_MS, Piece, Progress, Tally

#: A batch from further ahead, or from longer ago, bears no time that can be believed.
MOST_AHEAD, OLDEST = timedelta(minutes=10), timedelta(days=2)
#: An instance that has sent nothing for so long is forgotten.
FORGET_INSTANCE = timedelta(days=2)
#: Less of a day says little of its whole.
LEAST_SHARE = 1 / 24

Entry = tuple[str, Batch | Malformed]


@dataclass(slots=True)
class _Growing:
    """A piece while batches are added to it."""

    day: date
    tally: Tally = field(default_factory=Tally)
    below: int = ALL_KEYS
    packed: "array[int]" = field(default_factory=lambda: array("Q"))
    kinds: bytearray = field(default_factory=bytearray)
    sizes: bytearray = field(default_factory=bytearray)

    def add(self, batch: Batch, below: int) -> None:
        start = round(midnight(self.day).timestamp() * 1000)
        self.below = min(self.below, batch.below, below)
        for hashed, at_ms, kind, size in batch:
            if hashed >> 16 < below:
                self.packed.append(hashed >> 48 - HASH_BITS << TIME_BITS | (at_ms - start) // UNIT_MS)
                self.kinds.append(kind)
                self.sizes.append(size)

    def piece(self) -> Piece:
        if byteorder == "big":
            self.packed.byteswap()
        return Piece(self.day, self.tally, self.below, self.packed.tobytes(), bytes(self.kinds), bytes(self.sizes))


def fold(entries: Sequence[Entry], progress: Progress, now: datetime) -> tuple[list[Piece], Progress]:
    """Pieces of the days that the entries are of, the older day first, and the progress once they are stored.

    An entry counts once, however often it was sent or is read; a number that is left out is a batch that was lost.
    """
    growing: dict[date, _Growing] = {}
    instances = dict(progress.instances)
    for _, batch in entries:
        day, tally = now.date(), Tally(malformed=1)
        if isinstance(batch, Batch):
            seen, _ = instances.get(batch.instance, (-1 if progress.last_id else batch.sequence - 1, 0))
            if batch.sequence <= seen:
                tally = Tally(doubled=1)
            else:
                instances[batch.instance] = batch.sequence, round(now.timestamp() * 1000)
                tally = Tally(*batch.counts, batches=1, lost=batch.sequence - seen - 1)
                if _is_misdated(batch, now):
                    tally = Tally(lost=tally.lost, misdated=1)
                else:
                    day = datetime.fromtimestamp(batch.began_ms / 1000, UTC).date()
        part = growing.setdefault(day, _Growing(day))
        part.tally = part.tally.plus(tally)
        if tally.batches and isinstance(batch, Batch):
            part.add(batch, progress.below)
    forgotten = round((now - FORGET_INSTANCE).timestamp() * 1000)
    kept = {name: seen for name, seen in instances.items() if seen[1] > forgotten}
    last_id = entries[-1][0] if entries else progress.last_id
    return [growing[day].piece() for day in sorted(growing)], replace(progress, last_id=last_id, instances=kept)


def _is_misdated(batch: Batch, now: datetime) -> bool:
    earliest, latest = (round(at.timestamp() * 1000) for at in (now - OLDEST, now + MOST_AHEAD))
    return not earliest < batch.began_ms < latest


def thinned(progress: Progress, now: datetime) -> int:
    """The `below` that suits the newest day as it is so far: lowered at once for too many keys or accesses."""
    day = progress.days[-1] if progress.days else now.date()
    passed = (now - midnight(day)) / timedelta(days=1)
    projected = progress.accesses / min(max(passed, LEAST_SHARE), 1.0)  # after midnight the newest is still yesterday
    return _fitting(progress.below, progress.keys, projected, most=progress.below)


def next_day(progress: Progress) -> int:
    """The `below` for a new day, from the one that has ended: at most twice as many keys."""
    if not progress.keys:
        return progress.below
    return _fitting(progress.below, progress.keys, progress.accesses, most=min(ALL_KEYS, progress.below * 2))


def _fitting(below: int, keys: int, accesses: float, most: int) -> int:
    by_keys = below * MOST_KEYS // keys if keys else most
    by_count = int(below * MOST_ACCESSES / accesses) if accesses else most
    return max(1, min(most, by_keys, by_count))
