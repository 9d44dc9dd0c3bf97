"""When the report is posted anew."""

from dataclasses import replace
from datetime import timedelta

import pytest

from lumen.exporters.assess import AssessmentSettings, assess
from lumen.model.messages import message
from lumen.model.snapshot import Snapshot
from lumen.model.turn import Missing, Occasion, Turn
from lumen.policies.repost import should_repost
from lumen.policies.ttl import TtlLimits, recommend_ttl
from tests.snapshots import GONE, NOW, cache, snapshot, traffic

HOUR = timedelta(hours=1)


def turn(seen: Snapshot) -> Turn:
    assessment = assess(seen, AssessmentSettings())
    return Turn("t", Occasion.SLOT, NOW, NOW, seen, assessment, recommend_ttl(seen, TtlLimits()), (), (), ())


CALM = turn(snapshot())


@pytest.mark.parametrize(
    ("now", "anew"),
    [
        (CALM, False),
        (turn(snapshot(cache=cache(0.73))), False),
        (turn(snapshot(cache=cache(0.85))), True),
        (turn(snapshot(cache=cache(0.55))), True),
        (turn(snapshot(traffic=traffic(bad_slices=12))), True),
        (replace(CALM, missing=(Missing("spend", GONE),)), True),
        (replace(CALM, drift=(message("drift.set_again"),)), True),
    ],
)
def test_changes_of_health_recommendation_or_data(now: Turn, anew: bool) -> None:
    assert should_repost(CALM, now, NOW - HOUR, NOW) is anew


def test_daily_and_first() -> None:
    assert should_repost(None, CALM, None, NOW)
    assert should_repost(CALM, CALM, None, NOW)
    assert should_repost(CALM, CALM, NOW - timedelta(hours=24), NOW)
