"""How far from the usual is far: by how much means scatter, not single slices, and never of what is always low."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from lumen.alerts.hit_rate import HitRateAlert
from lumen.model.alert import AlertChange

START = datetime(2026, 11, 2, tzinfo=UTC)
SLICE = timedelta(minutes=5)
DAY = 288


def openings(usual: float, drops: list[float], lookups: int) -> int:
    """Alerts about `drops`, slice by slice, after three days at `usual` with as many lookups a slice."""
    dice = random.Random(11)
    alert = HitRateAlert("svc", 0.70)
    found = 0
    for index, drop in enumerate([*[0.0] * (3 * DAY), *drops, *[0.0] * 24]):
        at = START + index * SLICE
        hits = sum(dice.random() < usual - drop for _ in range(lookups))
        event = alert.step(at, at + SLICE, hits, lookups)
        found += event is not None and event.change is AlertChange.OPENED
    return found


@pytest.mark.parametrize(
    ("usual", "drops", "lookups", "alerts"),
    [
        (0.85, [0.0], 90, 0),
        (0.85, [0.15] * 18, 90, 1),  # four spreads of a slice, and fifteen of an hour's mean
        (0.85, [0.03] * 18, 90, 0),
        (0.85, [0.25, 0.25], 900, 1),  # Cache_HitRate_Low: ten minutes below the limit
        (0.60, [0.10, 0.06], 900, 0),  # always below it: a cold cache after a deployment is no news
        (0.60, [0.15] * 4, 900, 1),
    ],
)
def test_a_hit_rate_that_drops(usual: float, drops: list[float], lookups: int, alerts: int) -> None:
    assert openings(usual, drops, lookups) == alerts
