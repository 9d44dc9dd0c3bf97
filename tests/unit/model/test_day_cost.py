"""Days and months of which a part is missing: filled with what is usual then, in an interval, never with nothing."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lumen.model.day_cost import (
    PART_SLICES,
    PARTS,
    Amount,
    DayCost,
    UsualCosts,
    exactly,
    filled_hours,
    sum_of,
    whole_days,
)
from lumen.model.snapshot import SLICE

FIRST = date(2026, 3, 2)
SLICES = PARTS * PART_SLICES


def day_of(number: int, parts: Sequence[float], lost: Iterable[int] = ()) -> DayCost:
    """A day whose slices cost as much as their twelfth says; of the lost ones nothing is known."""
    of, gone = FIRST + timedelta(days=number), set(lost)
    start, found = datetime.combine(of, time(), UTC), DayCost(of, 0, 0.0)
    for index in range(SLICES):
        if index not in gone:
            found = found.plus(start + index * SLICE, parts[index // PART_SLICES])
    return found


def fed(*days: DayCost) -> UsualCosts:
    usual = UsualCosts()
    for day in days:
        usual.learn(day)
    return usual


SHAPES = st.lists(st.lists(st.floats(0.01, 5), min_size=PARTS, max_size=PARTS), min_size=1, max_size=5)
LOST = st.sets(st.integers(0, SLICES - 1), max_size=round(0.15 * SLICES)) | st.integers(0, SLICES - 40).map(
    lambda begin: set(range(begin, begin + 40))
)


@settings(max_examples=40, deadline=None)
@given(SHAPES, st.data())
def test_a_hole_never_moves_a_sum_beyond_its_interval(shapes: list[list[float]], data: st.DataObject) -> None:
    """Any day that is a mixture of the days before, at any level, with any hole of up to 15 %."""
    mixed = data.draw(st.lists(st.floats(0.1, 10), min_size=len(shapes), max_size=len(shapes)))
    parts = [sum(share * shape[part] for share, shape in zip(mixed, shapes, strict=True)) for part in range(PARTS)]
    usual = fed(*(day_of(number, shape) for number, shape in enumerate(shapes)))
    whole, holed = day_of(len(shapes), parts), day_of(len(shapes), parts, lost := data.draw(LOST))
    found = usual.filled(holed)
    assert found.low_usd * (1 - 1e-9) <= whole.usd <= found.high_usd * (1 + 1e-9)
    assert found.low_usd <= found.usd <= found.high_usd
    assert found.estimated == len(lost)
    assert (found.usd > holed.usd) == bool(lost)  # never filled with nothing
    assert (found.low_usd > holed.usd) == bool(lost)


@settings(max_examples=40, deadline=None)
@given(SHAPES, st.sets(st.integers(0, SLICES - 1), min_size=44), st.integers(0, SLICES))
def test_of_a_day_that_does_not_count_what_is_known_is_certain(
    shapes: list[list[float]], lost: set[int], gone_by: int
) -> None:
    usual = fed(*(day_of(number, shape) for number, shape in enumerate(shapes)))
    holed = day_of(len(shapes), shapes[0], lost | set(range(gone_by, SLICES)))
    found = usual.filled(holed, gone_by)
    assert found.estimated == gone_by - holed.known
    if found.estimated > 0.16 * gone_by:
        assert found.low_usd == holed.usd
        assert found.usd > holed.usd


FLAT, EVENING = [1.0] * PARTS, [1.0] * 8 + [4.0] * 4
SUNDAY = [0.5] * PARTS


@pytest.mark.parametrize(
    ("before", "day", "missing", "low", "high"),
    [
        # What is usual then: the evening is four times as dear.
        ([EVENING] * 10, day_of(10, EVENING, range(264, 288)), 96.0, 96.0, 96.0),
        ([EVENING] * 10, day_of(10, EVENING, range(24)), 24.0, 24.0, 24.0),
        # At today's level, not at that of the days before.
        ([EVENING] * 10, day_of(10, [3 * usd for usd in EVENING], range(264, 288)), 288.0, 288.0, 288.0),
        # By its own weekday where two are known: two Mondays were flat.
        ([FLAT, *[EVENING] * 6, FLAT, *[EVENING] * 6], day_of(14, FLAT, range(264, 288)), 24.0, 24.0, 264 * 96 / 480),
        # Nothing before: its own slices, between the cheapest and the dearest.
        ([], day_of(0, EVENING, range(264, 288)), 24 * (192 + 288) / 264, 24.0, 96.0),
        # Of an older Lumen, which kept the sums alone: evenly.
        ([], DayCost(FIRST, 144, 144.0), 144.0, 0.0, 144.0),
        ([], DayCost(FIRST, 264, 264.0), 24.0, 24.0, 24.0),
        # Nothing at all is known: nothing is told of it.
        ([], DayCost(FIRST, 0, 0.0), 0.0, 0.0, 0.0),
    ],
)
def test_what_is_missing_costs_what_is_usual_then(
    before: list[list[float]], day: DayCost, missing: float, low: float, high: float
) -> None:
    found = fed(*(day_of(number, shape) for number, shape in enumerate(before))).filled(day)
    assert found.usd - day.usd == pytest.approx(missing)
    assert found.low_usd - day.usd == pytest.approx(low)
    assert found.high_usd - day.usd == pytest.approx(high)


@pytest.mark.parametrize(("known", "counts"), [(288, True), (245, True), (244, False), (0, False)])
def test_a_day_counts_from_85_percent_on(known: int, counts: bool) -> None:
    assert DayCost(FIRST, known, 1.0).is_whole == counts
    assert bool(whole_days([DayCost(FIRST, known, 1.0)])) == counts


def test_a_day_of_which_an_older_lumen_kept_a_part_is_spread_evenly() -> None:
    day = DayCost(FIRST, 200, 100.0, {3: (24, 50.0)})
    assert {known for known, _ in day.by_part} == {200 / PARTS}


DAY_OF_HOURS = [float(hour) for hour in range(1, 25)]


@pytest.mark.parametrize(
    ("costs", "requests", "usd", "low", "high", "estimated"),
    [
        (DAY_OF_HOURS, [1] * 24, 300.0, 300.0, 300.0, 0),
        # Requests are known: what as many cost at this hour of other days.
        ([*DAY_OF_HOURS, None], [*[10] * 24, 30], 303.0, 303.0, 303.0, 1),
        # Not even those: what this hour cost then.
        ([*DAY_OF_HOURS, *DAY_OF_HOURS, None], [None] * 49, 601.0, 601.0, 601.0, 1),
        ([1.0, *[2.0] * 23, 3.0, *[2.0] * 23, None], [None] * 49, 98.0, 97.0, 99.0, 1),
        # No day before: what any hour did.
        ([1.0, 2.0, 6.0, None], [None] * 4, 11.0, 10.0, 15.0, 1),
        ([1.0, 2.0, None], [0, 0, 5], 4.5, 4.0, 5.0, 1),
    ],
)
def test_hours_that_are_missing_cost_what_is_usual_then(
    costs: list[float | None], requests: list[int | None], usd: float, low: float, high: float, estimated: int
) -> None:
    found = filled_hours(costs, requests)
    assert [found.usd, found.low_usd, found.high_usd] == pytest.approx([usd, low, high])
    assert found.estimated == estimated


@given(st.lists(st.floats(0.01, 100) | st.none(), min_size=1, max_size=80), st.integers(0, 50))
def test_an_hour_is_never_filled_with_nothing(costs: list[float | None], asked: int) -> None:
    if all(usd is None for usd in costs):
        with pytest.raises(ValueError, match="no hour"):
            filled_hours(costs, [])
        return
    known = sum(usd for usd in costs if usd is not None)
    found = filled_hours(costs, [asked or None] * len(costs))
    assert found.low_usd - 1e-9 <= found.usd <= found.high_usd + 1e-9
    assert found.usd > known or None not in costs


def test_sums_add_up_with_their_intervals() -> None:
    assert sum_of([exactly(1.0), Amount(2.0, 1.5, 3.0, 7)]) == Amount(3.0, 2.5, 4.0, 7)
    assert sum_of([]) == exactly(0.0)
