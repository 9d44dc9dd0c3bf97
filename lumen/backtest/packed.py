"""The slices of one service in columns: a year takes 12 MB, as observations it would take 60."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, overload

from lumen.model.alert import Observation

#: What a history tells of a slice, in the order of an observation's fields; the counts are whole.
COUNTS = ("requests", "errors_5xx", "errors_4xx", "hits", "misses", "evictions")
FIGURES = (*COUNTS[:3], "p50_ms", "p95_ms", "p99_ms", *COUNTS[3:], "memory_mb", "cost_usd")
#: No figure is negative.
UNKNOWN = -1


class PackedSlices(Sequence[Observation]):
    """Observations of a history; each is made anew when it is asked for."""

    def __init__(self, observations: Iterable[Observation] = ()) -> None:
        self._starts = array("q")  # seconds since the epoch
        self._columns = [array("q" if name in COUNTS else "d") for name in FIGURES]
        self._revisions: list[str | None] = []
        self._names: dict[str | None, str | None] = {}
        for one in observations:
            self.append(one)

    def append(self, seen: Observation) -> None:
        """Add a slice; which one is the caller's to know."""
        self._starts.append(round(seen.start.timestamp()))
        for name, column in zip(FIGURES, self._columns, strict=True):
            value = getattr(seen, name)
            column.append(UNKNOWN if value is None else value)
        self._revisions.append(self._names.setdefault(seen.revision, seen.revision))

    def start(self, index: int) -> int:
        """Seconds since the epoch."""
        return self._starts[index]

    def taken(self, indices: Iterable[int]) -> "PackedSlices":
        """Those slices in that order."""
        wanted, found = list(indices), PackedSlices()
        found._starts = array("q", [self._starts[i] for i in wanted])
        found._columns = [array(column.typecode, [column[i] for i in wanted]) for column in self._columns]
        found._revisions = [self._revisions[i] for i in wanted]
        return found

    def __len__(self) -> int:
        return len(self._starts)

    def __iter__(self) -> Iterator[Observation]:
        return map(_made, self._starts, self._revisions, *self._columns)

    @overload
    def __getitem__(self, index: int) -> Observation: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Observation]: ...
    def __getitem__(self, index: int | slice) -> Observation | Sequence[Observation]:
        if isinstance(index, slice):
            return self.taken(range(len(self))[index])
        return _made(self._starts[index], self._revisions[index], *(column[index] for column in self._columns))


def _made(start: int, revision: str | None, *figures: float) -> Observation:
    known: list[Any] = [None if value == UNKNOWN else value for value in figures]
    return Observation(datetime.fromtimestamp(start, UTC), *(*known, revision))
