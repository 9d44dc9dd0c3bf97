"""Logs of accesses or misses as lines of CSV, read in blocks of bytes: `time_s,key[,bytes][,hit]`.

A first line that begins with no number names the columns, in any order; others are passed over. Without one the columns
are those above, and a third one that holds only 0 and 1 is `hit`. Most lines are read as arrays; those with quotes, and
those that look odd, one by one. A key is kept as 64 bits of a hash, never as text.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf, isfinite, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lumen.prediction.accesses import Bytes, Floats, Integers, Words

#: Odd lines of a kind that are named; the others are only counted.
NAMED = 20
#: A time further than this from the middle of all is no time of this log, and one beyond the other is in no seconds.
FAR_S = 190 * 86_400.0
NO_SECONDS = 1e11
#: A line is not longer, and a figure not either.
LONGEST_LINE, LONGEST_FIGURE = 1 << 20, 24
NEWLINE, RETURN, COMMA, QUOTE = 10, 13, 44, 34
KNOWN = ("time_s", "key", "bytes", "hit")
#: Those of `_Rows`.
COLUMNS = {"line": np.uint32, "at_s": np.float64, "key": np.uint64, "size": np.float64, "hit": np.float64}
SAME = {"time": "time_s", "timestamp": "time_s", "size": "bytes"}
HITS = {"1": 1.0, "0": 0.0, "true": 1.0, "false": 0.0, "hit": 1.0, "miss": 0.0, "yes": 1.0, "no": 0.0}


class Oddity(StrEnum):
    """Faults of a line; it is left out."""

    COLUMNS = "columns"
    TIME = "time"
    KEY = "key"
    BYTES = "bytes"
    HIT = "hit"
    FAR = "far"


class NoColumns(Exception):
    """The first line names columns, but not those that are needed. `args[0]`: the missing ones."""


class NotSeconds(Exception):
    """The times are those of milliseconds or finer."""


@dataclass(slots=True)
class Faults:
    """Odd lines, counted by kind, and the first of each kind by their numbers."""

    counts: dict[Oddity, int] = field(default_factory=dict)
    lines: dict[Oddity, list[int]] = field(default_factory=dict)

    def add(self, oddity: Oddity, lines: Iterable[int]) -> None:
        """Count these lines."""
        for line in lines:
            self.counts[oddity] = self.counts.get(oddity, 0) + 1
            named = self.lines.setdefault(oddity, [])
            if len(named) < NAMED:
                named.append(line)

    @property
    def total(self) -> int:
        """All odd lines."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Log:
    """Lines that could be read, in the order of the file. `size` and `hit` are None where no line tells them; a size
    that one line lacks is NaN. `late`: lines with an earlier time than one before them; `step_s`, `step_line`: the
    longest way back, and where."""

    at_s: Floats
    key: Words
    size: Floats | None
    hit: NDArray[np.bool_] | None
    faults: Faults
    late: int = 0
    step_s: float = 0.0
    step_line: int = 0

    def __len__(self) -> int:
        return len(self.at_s)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of a block: line numbers (32 bits), times, keys; sizes and hits where there is such a column."""

    line: NDArray[np.uint32]
    at_s: Floats
    key: Words
    size: Floats | None
    hit: Floats | None

    def taken(self, places: NDArray[np.bool_] | Integers) -> "_Rows":
        """Those of them, in that order."""
        size, hit = (None if one is None else one[places] for one in (self.size, self.hit))
        return _Rows(self.line[places], self.at_s[places], self.key[places], size, hit)


class _Table:
    """Rows of block after block, each column in one piece of memory that grows: pieces of a long log would leave holes
    behind, and be there twice when they are put together."""

    def __init__(self) -> None:
        self._columns: dict[str, bytearray | None] = {name: bytearray() for name in COLUMNS}

    def add(self, rows: _Rows) -> None:
        """All blocks have the same columns."""
        for name, column in self._columns.items():
            more = getattr(rows, name)
            if more is None or column is None:
                self._columns[name] = None
            else:
                column.extend(more.tobytes())

    def whole(self) -> _Rows:
        """Everything so far."""

        def array(name: str) -> Any:
            column = self._columns[name]
            return None if column is None else np.frombuffer(column, COLUMNS[name])

        return _Rows(*map(array, COLUMNS))


def read_log(blocks: Iterable[bytes], needed: Sequence[str] = ("time_s", "key")) -> Log:
    """Read a whole log. Raises NoColumns and NotSeconds."""
    faults, table = Faults(), _Table()
    columns: Mapping[str, int] | None = None
    positional = False
    number = 1
    for block in _whole_lines(blocks):
        if columns is None:
            first, _, rest = block.partition(b"\n")
            columns, positional = _columns(first.decode("utf-8-sig", "replace"), needed)
            if not positional:
                block, number = rest, 2  # noqa: PLW2901 the names are no line of the log
            elif first.startswith(b"\xef\xbb\xbf"):
                block = block[3:]  # noqa: PLW2901
        table.add(_read(block, columns, number, faults))
        number += block.count(b"\n")
    return _log(table.whole(), faults, positional)


def _whole_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes, cut behind line ends; the last one ends with one too."""
    left = b""
    for block in blocks:
        whole, newline, rest = block.rpartition(b"\n")
        if newline:
            yield left + whole + newline
            left = rest
        else:
            left += rest
    if left:
        yield left + b"\n"


def _columns(first: str, needed: Sequence[str]) -> tuple[Mapping[str, int], bool]:
    """The place of each column, and whether that goes by position."""
    names = [SAME.get(one.strip().strip('"').lower(), one.strip().strip('"').lower()) for one in first.split(",")]
    if isfinite(_number(names[0])) or not set(names) & set(KNOWN):
        return {name: place for place, name in enumerate(KNOWN[: min(max(len(names), 2), 4)])}, True
    missing = [name for name in needed if name not in names]
    if missing:
        raise NoColumns(missing)
    return {name: place for place, name in enumerate(names) if name in KNOWN} | {"": len(names) - 1}, False


def _read(block: bytes, columns: Mapping[str, int], number: int, faults: Faults) -> _Rows:
    """All lines of a block."""
    text = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(text == NEWLINE)
    starts = np.append(0, ends[:-1] + 1) if len(ends) else ends
    lines = (number + np.arange(len(ends))).astype(np.uint32)
    ends = ends - ((ends > starts) & (text[np.maximum(ends - 1, 0)] == RETURN))
    filled = ends > starts
    starts, ends, lines = starts[filled], ends[filled], lines[filled]
    commas = np.flatnonzero(text == COMMA)
    before = np.searchsorted(commas, starts)
    wide = max(columns.values())
    plain = (np.searchsorted(commas, ends) - before == wide) & (ends - starts < LONGEST_LINE)
    if QUOTE in block:
        quotes = np.flatnonzero(text == QUOTE)
        plain &= np.searchsorted(quotes, ends) == np.searchsorted(quotes, starts)
    fields = _Fields(text, starts[plain], ends[plain], commas, before[plain], wide)
    at_s = fields.numbers(columns["time_s"])
    size, hit = (fields.numbers(columns[name]) if name in columns else None for name in ("bytes", "hit"))
    key_starts, key_ends = fields.bounds(columns["key"])
    rows = _Rows(lines[plain], at_s, hashed(text, key_starts, key_ends), size, hit)
    good = np.isfinite(at_s) & (key_ends > key_starts)
    if size is not None:
        good &= (size >= 0) | fields.empty(columns["bytes"])
    if hit is not None:
        good &= (hit == 0) | (hit == 1)
    odd = np.flatnonzero(~plain)
    odd_lines = [(lines[n], starts[n], ends[n]) for n in odd]
    odd_lines += [(rows.line[n], fields.starts[n], fields.ends[n]) for n in np.flatnonzero(~good)]
    return _together(rows if good.all() else rows.taken(good), _singly(block, odd_lines, columns, faults))


class _Fields:
    """Fields of lines that have as many commas as they should."""

    def __init__(self, text: Bytes, starts: Integers, ends: Integers, commas: Integers, before: Integers, wide: int):
        self.text, self.starts, self.ends = text, starts, ends
        self._commas, self._before, self._wide = commas, before, wide

    def bounds(self, column: int) -> tuple[Integers, Integers]:
        """The begin and end of the field in each line."""
        starts = self.starts if column == 0 else self._commas[self._before + column - 1] + 1
        return starts, self.ends if column == self._wide else self._commas[self._before + column]

    def empty(self, column: int) -> NDArray[np.bool_]:
        """Whether the field is empty."""
        starts, ends = self.bounds(column)
        found: NDArray[np.bool_] = ends == starts
        return found

    def numbers(self, column: int) -> Floats:
        """The field as a number, NaN where it is none."""
        starts, ends = self.bounds(column)
        if not len(starts):
            return np.empty(0)
        width = int(min(max((ends - starts).max(), 1), LONGEST_FIGURE))
        place = np.arange(width)
        inside = place < (ends - starts)[:, None]
        letters = np.where(inside, self.text[np.minimum(starts[:, None] + place, len(self.text) - 1)], 0)
        words = np.ascontiguousarray(letters.astype(np.uint8)).view(f"S{width}").ravel()
        words[(ends == starts) | (ends - starts > LONGEST_FIGURE)] = b"x"
        try:
            return words.astype(np.float64)
        except ValueError:
            return np.array([_number(word.decode("latin-1")) for word in words])


def _number(text: str) -> float:
    """NaN where it is none."""
    try:
        return float(text)
    except ValueError:
        return nan


def _singly(block: bytes, lines: Sequence[tuple[int, int, int]], columns: Mapping[str, int], faults: Faults) -> _Rows:
    """Lines that were not read as arrays, one by one; what is wrong with them is counted."""
    found: list[tuple[int, float, float, float]] = []
    keys: list[bytes] = []
    for line, start, end in lines:
        cells = cells_of(block[start:end].decode("utf-8", "replace"))
        row = _row(cells, columns)
        if isinstance(row, Oddity):
            faults.add(row, (int(line),))
        else:
            keys.append(cells[columns["key"]].encode())
            found.append((line, *row))
    numbers, at_s, size, hit = (np.array(column) for column in zip(*found, strict=True)) if found else np.empty((4, 0))
    ends = np.cumsum([len(key) for key in keys]).astype(np.int64)
    starts = ends - [len(key) for key in keys]
    hashes = hashed(np.frombuffer(b"".join(keys) or b" ", np.uint8), starts.astype(np.int64), ends)
    told_size, told_hit = (one if name in columns else None for name, one in (("bytes", size), ("hit", hit)))
    return _Rows(numbers.astype(np.uint32), at_s, hashes, told_size, told_hit)


def cells_of(line: str) -> list[str]:
    """The cells of a line; none where quotes and line ends are in disorder."""
    try:
        return next(csv.reader((line,)), [])
    except csv.Error:
        return []


def _row(cells: Sequence[str], columns: Mapping[str, int]) -> tuple[float, float, float] | Oddity:
    """Time, size and hit of a line, or what is wrong with it."""
    if len(cells) != max(columns.values()) + 1:
        return Oddity.COLUMNS
    told = {name: cells[place].strip() for name, place in columns.items()}
    at_s = _number(told["time_s"])
    if not isfinite(at_s):
        return Oddity.TIME
    if not told["key"]:
        return Oddity.KEY
    size = _number(told["bytes"]) if told.get("bytes") else nan
    if told.get("bytes") and not 0 <= size < inf:
        return Oddity.BYTES
    hit = HITS.get(told["hit"].lower(), nan) if "hit" in told else nan
    if "hit" in told and not isfinite(hit):
        return Oddity.HIT
    return at_s, size, hit


_POWERS: list[Words] = []
_LETTERS = np.random.default_rng(20).integers(1, 1 << 63, 256, np.uint64) | np.uint64(1)
_BASE = 0x9E3779B97F4A7C15 | 1


def hashed(text: Bytes, starts: Integers, ends: Integers) -> Words:
    """64 bits of each piece of `text`: a polynomial over its bytes modulo 2**64, from one running sum over all."""
    if not len(starts):
        return np.empty(0, np.uint64)
    up, down = _powers(len(text) + 1)
    sums = np.zeros(len(text) + 1, np.uint64)
    np.cumsum(_LETTERS[text] * up[: len(text)], out=sums[1:])
    mixed = (sums[ends] - sums[starts]) * down[starts]
    return mixed ^ mixed >> np.uint64(29)


def _powers(count: int) -> tuple[Words, Words]:
    """Powers of a base and of its inverse, from 0 on."""
    if not _POWERS or len(_POWERS[0]) < count:
        _POWERS[:] = [
            np.cumprod(np.append(np.uint64(1), np.full(count, one, np.uint64)), dtype=np.uint64)
            for one in (np.uint64(_BASE), np.uint64(pow(_BASE, -1, 1 << 64)))
        ]
    return _POWERS[0], _POWERS[1]


def _together(rows: _Rows, more: _Rows) -> _Rows:
    """Both in the order of their lines."""
    if not len(more.line):
        return rows
    table = _Table()
    table.add(rows)
    table.add(more)
    both = table.whole()
    return both.taken(np.argsort(both.line, kind="stable"))


def _log(whole: _Rows, faults: Faults, positional: bool) -> Log:
    """All rows as a log, without times that belong to another one. Raises NotSeconds."""
    if len(whole.at_s):
        middle = float(np.median(whole.at_s))
        if abs(middle) > NO_SECONDS:
            raise NotSeconds
        far = np.abs(whole.at_s - middle) > FAR_S
        if far.any():
            faults.add(Oddity.FAR, whole.line[far].tolist())
            whole = whole.taken(~far)
    size, hit = (None if one is None or np.isnan(one).all() else one for one in (whole.size, whole.hit))
    if positional and hit is None and size is not None and np.isin(size, (0, 1)).all():
        size, hit = None, size
    return Log(whole.at_s, whole.key, size, None if hit is None else hit == 1, faults, *_disorder(whole))


def _disorder(rows: _Rows) -> tuple[int, float, int]:
    """Lines with an earlier time than one before them; the longest way back in seconds, and its line."""
    back = np.maximum.accumulate(rows.at_s) - rows.at_s if len(rows.at_s) else rows.at_s
    late = int(np.count_nonzero(back))
    place = int(np.argmax(back)) if late else 0
    return late, float(back[place]) if late else 0.0, int(rows.line[place]) if late else 0
