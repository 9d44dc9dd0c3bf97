"""Logs in CSV are read as a plain reader would, wherever blocks are cut, and what is odd is named by line."""

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lumen.prediction.answers import Info, Verdict, sizes_from_accesses, ttls_from_accesses, ttls_from_misses
from lumen.prediction.logs import NoColumns, NotSeconds, Oddity, read_log

LINES = st.lists(
    st.sampled_from(
        [
            "1,a,10,1",
            "2,b,,0",
            "2.5,a,7,hit",
            '3,"c,d",1,0',
            "x,a,1,1",
            "4,,1,1",
            "5,a,-1,1",
            "6,a,1,9",
            "7,a",
            "",
            "1e1,é,3,1",
        ]
    ),
    min_size=1,
    max_size=12,
)
ODD = {"x,a,1,1": "time", "4,,1,1": "key", "5,a,-1,1": "bytes", "6,a,1,9": "hit", "7,a": "columns"}


def blocks(text: bytes, size: int) -> Iterable[bytes]:
    return [text[at : at + size] for at in range(0, len(text), size)]


@settings(max_examples=30, deadline=None)
@given(LINES, st.integers(1, 60), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_odd_lines_are_named_and_the_others_read(lines: list[str], size: int, end: str, named: bool) -> None:
    """With or without names of columns, by any line ends, in blocks of any size."""
    head = ["time_s,key,bytes,hit"] if named else ["0,z,1,1"]
    log = read_log(blocks((end.join(head + lines)).encode(), size))
    good = [one for one in ([] if named else ["0,z,1,1"]) + lines if one and one not in ODD]
    assert log.at_s.tolist() == [float(one.split(",")[0]) for one in good]
    keys = [one.replace('"c,d"', "c;d").split(",")[1] for one in good]
    assert [log.key.tolist().index(one) for one in log.key.tolist()] == [keys.index(one) for one in keys]
    wanted: dict[str, list[int]] = {}
    for number, line in enumerate(lines, 2):
        if line in ODD:
            wanted.setdefault(ODD[line], []).append(number)
    assert {kind.value: found for kind, found in log.faults.lines.items()} == wanted


def test_columns_by_name_in_any_order() -> None:
    log = read_log([b"\xef\xbb\xbfregion, Key ,time_s\neu,a,5\nus,b,4\n"])
    assert log.at_s.tolist() == [5, 4]
    assert (log.late, log.step_s, log.step_line) == (1, 1.0, 3)
    assert log.size is None
    assert log.hit is None
    with pytest.raises(NoColumns) as missing:
        read_log([b"time_s,url\n1,a\n"])
    assert missing.value.args == (["key"],)


def test_a_third_column_of_noughts_and_ones_is_hit() -> None:
    hits = read_log([b"1,a,0\n2,a,1\n"])
    assert hits.hit is not None
    assert hits.hit.tolist() == [False, True]
    assert hits.size is None
    sizes = read_log([b"1,a,0\n2,a,17\n"]).size
    assert sizes is not None
    assert sizes.tolist() == [0, 17]


def test_a_time_of_another_age_is_no_time_of_this_log() -> None:
    log = read_log([b"1700000000,a\n1700000001,b\n1700000001000,c\n1700000002,d\n"])
    assert len(log) == 3
    assert log.faults.lines == {Oddity.FAR: [3]}


def test_times_in_milliseconds_are_refused() -> None:
    with pytest.raises(NotSeconds):
        read_log([b"1700000000000,a\n1700000001000,b\n"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text('019.,-enai"\r\x00 kh:', max_size=12), max_size=8), st.booleans())
def test_whatever_stands_in_a_log_it_is_answered(lines: list[str], named: bool) -> None:
    """A number of predictions or a refusal, and never another error."""
    try:
        log = read_log(blocks("\n".join(["time_s,key,bytes,hit"] * named + lines).encode(), 40))
    except NotSeconds:
        return
    found = [*ttls_from_accesses(log, 300, [60, 600], 1000.0), *sizes_from_accesses(log, 300, 1000.0, [2000.0])]
    counters = Info(np.array([0.0, 600.0]), np.array([0.0, 9.0]), np.array([0.0, 400.0]))
    found += ttls_from_misses(log, counters, 300, [60, 600])
    assert len(found) == 5
    assert all((one.hit_rate is None) == (one.verdict is not Verdict.PREDICTED) for one in found)


def test_many_odd_lines_are_counted_and_some_named() -> None:
    log = read_log([b"1,a\n" + b"nothing\n" * 50])
    assert log.faults.counts == {Oddity.COLUMNS: 50}
    assert len(log.faults.lines[Oddity.COLUMNS]) == 20


def test_an_empty_log_is_empty() -> None:
    assert [len(read_log(given)) for given in ([], [b""], [b"\n\n"], [b"time_s,key\n"])] == [0, 0, 0, 0]


def test_keys_that_differ_are_told_apart() -> None:
    """Twenty thousand names that are much alike."""
    names = [f"user:{n}:profile" for n in range(10_000)] + [f"{n}" for n in range(10_000)]
    log = read_log([("\n".join(f"1,{name}" for name in names)).encode()])
    assert len(np.unique(log.key)) == len(names)
