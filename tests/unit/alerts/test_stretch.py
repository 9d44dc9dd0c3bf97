"""Many slices at once leave the watch as they do one after the other: the same events, and everything it remembers."""

import math
import random
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lumen.alerts.usual import UsualLevel
from lumen.alerts.watch import AlertTargets, ServiceWatch
from lumen.model.alert import AlertEvent, Observation
from lumen.model.witnesses import Bounds, exactly

START = datetime(2026, 11, 2, 7, 35, tzinfo=UTC)
SLICE = timedelta(minutes=5)
DAY = 288
#: What may befall a service for a while.
NOTHING = dict.fromkeys(("requests", "errors_5xx", "errors_4xx", "p95_ms", "p99_ms", "hits", "misses", "cost_usd"))
Fault = Callable[[Observation, random.Random], Mapping[str, Any]]
FAULTS: Mapping[str, Fault] = {
    "errors": lambda one, dice: {"errors_5xx": int((one.requests or 0) * dice.choice((0.002, 0.02, 0.4)))},
    "slow": lambda one, dice: {"p95_ms": (one.p95_ms or 1) * 1.6, "p99_ms": (one.p99_ms or 1) * 4},
    "cold": lambda one, dice: {"hits": int((one.hits or 0) * 0.6), "misses": (one.misses or 0) + (one.hits or 0) // 3},
    "silent": lambda one, dice: NOTHING,
    "asleep": lambda one, dice: {**NOTHING, "requests": 0, "errors_5xx": 0, "hits": 0, "misses": 0},
    "blind": lambda one, dice: {"hits": None, "misses": None, "cost_usd": None},
    "doubted": lambda one, dice: {"doubt": Bounds((one.requests or 1) // 2, one.requests or 1, 0, dice.randrange(3))},
    "lost": lambda one, dice: {"doubt": exactly(one.requests or 1, one.requests or 1)},
    "refused": lambda one, dice: {"requests": None, "errors_5xx": None, "is_refused": True},
    "fewer": lambda one, dice: {"requests": (one.requests or 0) // 5},
}
GAP = "gap"
LAZY = {"_of_scatter", "_scattered", "_averaged"}


def history(seed: int, days: float, *, busy: int, faults: int, hit_rate: float = 0.85) -> list[Observation]:
    """A service with a pulse, and what befalls it; `busy`: requests of a slice."""
    dice = random.Random(seed)
    count = round(days * DAY)
    of: dict[int, list[str]] = {}
    for _ in range(faults):
        at, length, name = dice.randrange(count), dice.choice((1, 2, 5, 20, 80, 400)), dice.choice([*FAULTS, GAP])
        for index in range(at, min(count, at + length)):
            of.setdefault(index, []).append(name)
    found = []
    for index in range(count):
        pulse = 1 + 0.4 * math.cos(2 * math.pi * index / DAY)
        requests = max(0, round(busy * pulse * math.exp(dice.gauss(0, 0.1))))
        hits = round(requests * min(1.0, hit_rate + dice.gauss(0, 0.01)))
        p95 = 120 * pulse * math.exp(dice.gauss(0, 0.06))
        errors = int(dice.random() < 0.05)
        one = Observation(
            START + index * SLICE, requests, errors, 5, p95 / 3, p95, 2 * p95, hits, requests - hits, cost_usd=0.02
        )
        names = of.get(index, [])
        for name in names:
            one = one if name == GAP else replace(one, **FAULTS[name](one, dice))
        if GAP not in names:
            found.append(one)
    return found


def both(slices: Sequence[Observation], cuts: Sequence[int], *, days: bool = False) -> Iterator[tuple[Any, Any]]:
    """What each way tells, and then remembers."""
    one, other = (ServiceWatch("svc", AlertTargets(), days=days) for _ in range(2))
    for since, until in zip((0, *cuts), (*cuts, len(slices)), strict=True):
        expected: list[AlertEvent] = [event for seen in slices[since:until] for event in one.feed(seen)]
        yield [event for some in other.feed_all(slices[since:until]) for event in some], expected
        yield other.open_alerts(), one.open_alerts()
        yield remembered(other), remembered(one)


def remembered(value: Any) -> Any:
    """All that it is made of, but for what is worked out only where it is asked for (`test_scatter.py`)."""
    if isinstance(value, np.ndarray):
        return value.dtype.name, value.shape, value.tobytes()
    if isinstance(value, list | tuple | deque):
        return [remembered(one) for one in value]
    if isinstance(value, dict):
        return {str(name): remembered(one) for name, one in value.items()}
    if isinstance(value, str) or not type(value).__module__.startswith("lumen."):
        return repr(value)
    names = getattr(type(value), "__slots__", None) or vars(value)
    fields = {name: getattr(value, name) for name in names if name not in LAZY}
    if isinstance(value, UsualLevel):
        fields["_means"] = fields["_means"][0]  # those of longer windows are made of it
    return type(value).__name__, remembered(fields)


@pytest.mark.parametrize(
    ("seed", "days", "busy", "faults", "hit_rate"),
    [(1, 4, 600, 0, 0.7), (2, 4, 600, 12, 0.85), (3, 3, 25, 6, 0.72), (4, 3, 600, 40, 0.85)],
)
def test_many_slices_leave_what_one_after_the_other_does(
    seed: int, days: float, busy: int, faults: int, hit_rate: float
) -> None:
    dice = random.Random(seed)
    slices = history(seed, days, busy=busy, faults=faults, hit_rate=hit_rate)
    for found, expected in both(slices, sorted(dice.sample(range(len(slices)), 2))):
        assert found == expected


@pytest.mark.prove
@settings(deadline=None, max_examples=12)
@given(
    st.integers(0, 10**6),
    st.sampled_from((0.5, 6, 12, 25)),
    st.sampled_from((3, 25, 600, 30_000)),
    st.sampled_from((0, 3, 12, 60)),
    st.sampled_from((0.2, 0.69, 0.85)),
    st.lists(st.floats(0, 1), max_size=4),
    st.booleans(),
)
def test_any_history_leaves_the_same(
    seed: int, days: float, busy: int, faults: int, hit_rate: float, cuts: list[float], counts_days: bool
) -> None:
    slices = history(seed, days, busy=busy, faults=faults, hit_rate=hit_rate)
    at = sorted(int(cut * len(slices)) for cut in cuts)
    for found, expected in both(slices, at, days=counts_days):
        assert found == expected
