"""Sums by day straight from columns, for what nobody wants to know slice by slice: as `folded` makes them."""

from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np

from lumen.adapters.google.monitoring_series import Floats, Ints, Mask
from lumen.adapters.google.slice_columns import SliceColumns
from lumen.model.day_cost import PARTS, PartCost
from lumen.model.history import Day
from lumen.model.snapshot import BAD_SLICE_ERROR_RATE, SLICE_SECONDS, Bucket

DAY_SECONDS = 86_400


def days_of(slices: SliceColumns) -> tuple[Day, ...]:
    """Ascending."""
    begun = int(slices.start.timestamp()) + SLICE_SECONDS * np.arange(len(slices.there))
    of = begun // DAY_SECONDS
    days = np.unique(of[slices.there]).tolist()
    lost, unsure = np.zeros((2, len(slices.there)), dtype=np.bool_)
    lost[[row for row, doubt in slices.doubts.items() if doubt.is_exact and doubt.is_lost]] = True
    unsure[[row for row, doubt in slices.doubts.items() if not (doubt.is_counted and doubt.is_judged)]] = True
    rows = {day: np.flatnonzero(slices.there & (of == day)) for day in days}
    return tuple(_day(slices, day, rows[day], begun, lost[rows[day]], unsure[rows[day]]) for day in days)


def _day(slices: SliceColumns, day: int, rows: Ints, begun: Ints, is_lost: Mask, is_unsure: Mask) -> Day:
    """Of its rows; `is_lost` and `is_unsure` are of them."""
    known, requests, errors = (of[rows] for of in (slices.known, slices.requests, slices.errors_5xx))
    counted = known & ~is_unsure & ~is_lost
    busy = counted & (requests > 0)
    good = busy & (errors <= BAD_SLICE_ERROR_RATE * requests)
    timed = slices.is_timed[rows] & ~is_unsure
    told = counted | is_lost
    looked_up = slices.looked_up[rows]
    cost_usd, parts = _costs(slices.cost_usd[rows], begun[rows])
    return Day(
        datetime.fromtimestamp(day * DAY_SECONDS, UTC).date(),
        slices=len(rows),
        known_slices=int(told.sum()),
        good_slices=int(good.sum()),
        bad_slices=int((busy & ~good).sum() + is_lost.sum()),
        requests=int(requests[told].sum()),
        errors_5xx=int(errors[told].sum()),
        errors_4xx=int(slices.errors_4xx[rows][counted].sum()),
        lookup_slices=int(looked_up.sum()),
        hits=int(slices.hits[rows][looked_up].sum()),
        misses=int(slices.misses[rows][looked_up].sum()),
        cost_slices=sum(int(count) for count, _ in parts.values()),
        cost_usd=cost_usd,
        timed_slices=int((timed | (known & (requests == 0))).sum()),
        latencies=_latencies(slices, rows[timed]),
        cost_parts=parts,
    )


def _costs(usd: Floats, begun: Ints) -> tuple[float, Mapping[int, PartCost]]:
    """All that is known, one slice after the other, and by twelfths of the day."""
    known = ~np.isnan(usd)
    part, costs = begun[known] % DAY_SECONDS * PARTS // DAY_SECONDS, usd[known]
    counts, sums = np.bincount(part, minlength=PARTS), np.bincount(part, costs, PARTS)
    parts = {at: (int(counts[at]), float(sums[at])) for at in np.flatnonzero(counts).tolist()}
    return float(np.cumsum(costs)[-1]) if len(costs) else 0.0, parts


def _latencies(slices: SliceColumns, rows: Ints) -> dict[Bucket, int]:
    wanted = np.zeros(len(slices.there), dtype=np.bool_)
    wanted[rows] = True
    sums: dict[Bucket, int] = {}
    for first, of in slices.latencies:
        for bucket, count in of.buckets(wanted[first : first + len(of.counts)]):
            sums[bucket] = sums.get(bucket, 0) + count
    return sums
