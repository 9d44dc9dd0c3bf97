"""What is read in bulk of Cloud Monitoring's answers is what the same answers tell point by point."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import numpy as np
from google.api.distribution_pb2 import Distribution
from google.cloud.monitoring_v3 import TimeSeries
from hypothesis import given, settings
from hypothesis import strategies as st

from lumen.adapters.google.histograms import added_up, histograms
from lumen.adapters.google.monitoring_query import RESPONSE_CLASS
from lumen.adapters.google.monitoring_series import Grid, Reader, Series, summed
from lumen.adapters.google.monitoring_witnesses import Witnesses
from lumen.adapters.google.slice_columns import columns_of, joined
from lumen.adapters.google.slice_days import days_of
from lumen.model.history import SLICES_A_DAY, folded
from lumen.model.snapshot import SLICE
from lumen.model.witnesses import Bounds, bounds_of, exactly, witnessed

BEGUN, PERIOD, PERIODS = 1_790_000_100, 300, 6
GRID = Grid(BEGUN, PERIOD, PERIODS, before=2)
RAW: Any = TimeSeries.pb()
AN_HOUR, LENGTH = 4, 21
MIDNIGHT = datetime(2026, 11, 2, tzinfo=UTC)
SHARES = (0.5, 0.95, 0.99)


values = st.one_of(
    st.builds(lambda count: {"int64_value": count}, st.integers(0, 2**53)),
    st.builds(lambda value: {"double_value": value}, st.floats(0, 1e12)),
    st.just({}),
)
#: When a point ends, how long it is, and what it tells.
points = st.tuples(
    st.sampled_from([BEGUN + at * PERIOD + off for at in range(-1, PERIODS + 2) for off in (-2, -1, 0, 1, 150)]),
    st.sampled_from([0, 10, PERIOD - 3, PERIOD, PERIOD + 1]),
    st.sampled_from([0, 400_000_000, 900_000_000]),
    values,
)


@settings(max_examples=40, deadline=None)
@given(st.lists(points, max_size=12))
def test_a_series_is_read_point_by_point(told: Sequence[tuple[int, int, int, dict[str, Any]]]) -> None:
    """Whole points on the grid that tell a value; of two of a period the later one counts."""
    given_series, expected = RAW(), dict[int, float]()
    for end, length, nanos, value in told:
        point = given_series.points.add(value=value)
        point.interval.end_time.seconds, point.interval.end_time.nanos = end, nanos
        point.interval.start_time.seconds = end - length
        rounded = end + round(nanos / 1e9)
        at = round((rounded - BEGUN) / PERIOD)
        is_whole = not 0 < rounded - (end - length) < 0.99 * PERIOD
        if value and is_whole and abs(rounded - BEGUN - at * PERIOD) <= 1 and 0 < at <= PERIODS:
            expected[at - 1 - GRID.before] = float(next(iter(value.values())))
    reader = Reader(GRID)
    found = reader.read(given_series)
    again = reader.read(given_series)
    assert (again.at.tolist(), again.numbers.tolist()) == (found.at.tolist(), found.numbers.tolist())
    assert dict(found.points()) == expected
    assert found.at.tolist() == sorted(expected)
    assert summed([found, found]) == {at: 2 * value for at, value in expected.items()}
    assert dict(found.since(0).points()) == {at: value for at, value in expected.items() if at >= 0}


LAYOUTS = (
    Distribution.BucketOptions(explicit_buckets={"bounds": [50, 100, 200]}),
    Distribution.BucketOptions(exponential_buckets={"num_finite_buckets": 3, "growth_factor": 2, "scale": 25}),
    Distribution.BucketOptions(linear_buckets={"num_finite_buckets": 2, "width": 50, "offset": 10}),
    Distribution.BucketOptions(),
)
distributions = st.builds(
    lambda layout, counts: Distribution(count=sum(counts), bucket_options=layout, bucket_counts=counts),
    st.sampled_from(LAYOUTS),
    st.lists(st.integers(0, 40), max_size=6),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.dictionaries(st.integers(0, PERIODS - 1), distributions), max_size=3))
def test_histograms_of_a_stretch_are_those_of_each_period(told: Sequence[Mapping[int, Distribution]]) -> None:
    series = [_series("r", "2xx", {at: one.count for at, one in each.items()}, each) for each in told]
    found = histograms(series, PERIODS)
    one_by_one = {at: added_up(each[at] for each in told if at in each) for at in range(PERIODS)}
    assert found.distributions() == {at: one for at, one in one_by_one.items() if one is not None}
    expected = [None if one is None else list(one.percentiles_ms(SHARES)) for one in one_by_one.values()]
    percentiles = found.percentiles_ms(SHARES)
    assert [None if np.isnan(row).all() else row.tolist() for row in percentiles] == expected


counts = st.dictionaries(st.integers(-AN_HOUR, 20), st.integers(0, 60), max_size=24)
series_of = st.dictionaries(
    st.tuples(st.sampled_from(["one", "two"]), st.sampled_from(["2xx", "4xx", "5xx", ""])), counts, max_size=6
)


@settings(max_examples=40, deadline=None)
@given(series_of, st.one_of(st.none(), series_of), st.booleans())
def test_doubts_of_a_stretch_are_those_of_each_period(
    counted: Mapping[tuple[str, str], Mapping[int, int]],
    timed: Mapping[tuple[str, str], Mapping[int, int]] | None,
    agree: bool,
) -> None:
    """Also where both tell the same, but for what one of them adds."""
    if agree and timed is not None:
        timed = {**counted, **dict(list(timed.items())[:1])}
    told = Witnesses(_all(counted), None if timed is None else _all(timed), AN_HOUR, LENGTH)
    parts: dict[int, list[Bounds]] = {}
    for bounds in witnessed(told.told, AN_HOUR).values() if told.told else ():
        for at, one in bounds.items():
            parts.setdefault(at, []).append(one)
    together = {at: bounds_of(several) for at, several in parts.items()}
    assert told.doubts == {at: one for at, one in together.items() if at >= 0 and not one.is_near}
    heard = {at for of in told.told.values() for at in of}
    assert told.silent() == set(range(21)) - heard
    classes = told.classes()
    assert told.counts.total.tolist() == [classes[at].total() if at in classes else 0 for at in range(21)]
    assert set(np.flatnonzero(told.counts.told)) == set(classes)


doubts = st.builds(
    lambda requests, errors, lacking, more: Bounds(max(errors, requests - lacking), requests, errors, errors + more),
    st.integers(0, 50), st.integers(0, 50), st.integers(0, 5), st.integers(0, 3),
) | st.builds(exactly, st.integers(0, 50), st.integers(0, 50))  # fmt: skip
rows = st.integers(0, 2 * LENGTH - 1)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, SLICES_A_DAY).map(lambda slices: MIDNIGHT + slices * SLICE),
    st.lists(st.tuples(series_of, series_of), min_size=2, max_size=2),
    st.dictionaries(st.integers(0, LENGTH - 1), distributions, max_size=8),
    st.dictionaries(rows, doubts, max_size=4),
    st.dictionaries(rows, st.floats(0, 5), max_size=8),
    st.dictionaries(st.integers(0, LENGTH - 1), st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=8),
)
def test_days_are_the_sums_of_their_slices(
    start: datetime,
    told: Sequence[Sequence[Mapping[tuple[str, str], Mapping[int, int]]]],
    timed: Mapping[int, Distribution],
    doubted: Mapping[int, Bounds],
    costs: Mapping[int, float],
    lookups: Mapping[int, tuple[int, int]],
) -> None:
    """Of two pieces, around midnight, with slices that were slept through."""
    pieces = []
    for nth, (counted, other) in enumerate(told):
        latencies = [*_all(other), _series("one", "2xx", {at: one.count for at, one in timed.items()}, timed)]
        heard = Witnesses(_all(counted), latencies, AN_HOUR, LENGTH)
        pieces.append(columns_of(heard, heard.silent(), lookups, start + nth * LENGTH * SLICE))
    whole = joined(pieces)
    cost_usd = np.array([costs.get(row, np.nan) for row in range(2 * LENGTH)])
    cost_usd[~whole.there] = np.nan
    more = {row: doubt for row, doubt in doubted.items() if whole.there[row]}
    whole = replace(whole, doubts={**whole.doubts, **more}, cost_usd=cost_usd)
    assert days_of(whole) == folded(chain.from_iterable(whole.observations()))


def _all(told: Mapping[tuple[str, str], Mapping[int, int]]) -> Sequence[Series]:
    return [_series(revision, kind, of) for (revision, kind), of in told.items()]


def _series(
    revision: str, kind: str, of: Mapping[int, float], distributions: Mapping[int, Distribution] | None = None
) -> Series:
    at = sorted(of)
    numbers = np.array([of[each] for each in at], dtype=np.float64)
    held = [distributions[each] for each in at] if distributions else ()
    return Series({"revision_name": revision}, {RESPONSE_CLASS: kind}, np.array(at, dtype=np.int64), numbers, held)
