"""How much was evicted while a change was measured, by the hours that turns know."""

from dataclasses import replace
from datetime import timedelta

import pytest

from lumen.model.messages import NoData, with_remedy
from lumen.model.snapshot import CacheStats, Window
from lumen.model.turn import Occasion, Turn
from lumen.use_cases.held_effects import evicted_share
from tests.snapshots import NOW, cache, snapshot

HOUR = timedelta(hours=1)
UNKNOWN = NoData(*with_remedy("source.no_budget"))
QUIET = replace(cache(0.6), misses=100, evictions=0)


def turn(ago: int, told: CacheStats | NoData = QUIET, occasion: Occasion = Occasion.SLOT) -> Turn:
    """Of the hour that began so many hours ago."""
    seen = replace(snapshot(), window=Window(NOW - ago * HOUR, NOW - (ago - 1) * HOUR), cache=told)
    return Turn("t", occasion, NOW, NOW, seen, None, None, (), (), ())  # type: ignore[arg-type]


DAY = [turn(ago) for ago in range(1, 25)]


@pytest.mark.parametrize(
    ("turns", "share"),
    [
        (DAY, 0.0),
        ([*DAY[:23], turn(24, replace(QUIET, evictions=48))], 0.02),
        (DAY[:18], 0.0),
        (DAY[:17], None),
        ([], None),
        ([turn(ago, replace(QUIET, evictions=UNKNOWN)) for ago in range(1, 25)], None),
        ([*DAY[:17], *(turn(ago, UNKNOWN) for ago in range(18, 25))], None),
        ([*DAY[:17], *(turn(ago, occasion=Occasion.ASKED) for ago in range(18, 25))], None),
        ([*DAY[:17], *(turn(ago, occasion=Occasion.CATCH_UP) for ago in range(18, 25))], 0.0),
        # What came before the window says nothing of it.
        ([*DAY, turn(30, replace(QUIET, evictions=900))], 0.0),
    ],
)
def test_evictions_to_misses_or_nobody_knows(turns: list[Turn], share: float | None) -> None:
    assert evicted_share(turns, NOW - 24 * HOUR, NOW) == share
