"""Only real values are published: what is not known has no point."""

from dataclasses import replace
from datetime import timedelta

import pytest

from lumen.exporters.assess import AssessmentSettings, assess
from lumen.exporters.published import Known, published
from lumen.exporters.roi import Prices
from lumen.model.observation import Observation
from lumen.model.proposal import Change, Knob, Priority
from lumen.model.published import HEARTBEAT, UNITS
from lumen.model.snapshot import SLICE
from lumen.model.turn import Occasion, Recommendation, Turn
from tests.snapshots import GONE, NOW, SERVICE, cache, snapshot, ttl

UP = Recommendation(Change(Knob.TTL, 300, 420, "s"), "MODERATE", (), Priority.MEDIUM)
HOLD = Recommendation(None, "HOLD", (), Priority.LOW)


def turn(**changes: object) -> Turn:
    taken = snapshot(**changes)
    return Turn("t", Occasion.SLOT, NOW, NOW, taken, assess(taken, AssessmentSettings()), UP, (), (), ())


def slices(bad: int = 0, cost_usd: float | None = 0.02) -> list[Observation]:
    return [Observation(NOW - (12 - nth) * SLICE, 100, 50 if nth < bad else 0, cost_usd=cost_usd) for nth in range(12)]


def known(**changes: object) -> Known:
    base = Known(SERVICE, NOW, slices(), cache(0.72, 0.75), ttl(360), turn())
    return replace(base, **changes)  # type: ignore[arg-type]


def values(of: Known) -> dict[str, float]:
    found = published(of, Prices())
    assert {one.service for one in found} == {SERVICE}
    assert len({one.name for one in found}) == len(found)
    return {one.name: one.value for one in found}


def test_everything_that_the_mission_names_has_its_unit() -> None:
    found = values(known(slices=slices(bad=3)))
    assert set(found) == set(UNITS)
    assert found[HEARTBEAT] == 1.0
    assert found["slo_availability"] == 75.0
    assert found["cache_hit_rate"] == pytest.approx(72.0)
    assert found["cache_memory_ratio"] == pytest.approx(0.75)
    assert found["cost_per_request"] == pytest.approx(0.0002)
    assert (found["cache_ttl_seconds"], found["cache_ttl_recommended_seconds"]) == (360.0, 420.0)
    assert found["roi_percentage"] > 500


@pytest.mark.parametrize(
    ("changes", "absent"),
    [
        ({"slices": []}, {"slo_availability", "cost_per_request"}),
        ({"slices": slices(cost_usd=None)}, {"cost_per_request"}),
        ({"cache": GONE}, {"cache_hit_rate", "cache_memory_ratio", "roi_percentage"}),
        ({"cache": cache(lookups=10)}, {"cache_hit_rate", "roi_percentage"}),
        ({"cache": replace(cache(), max_mb=GONE)}, {"cache_memory_ratio", "roi_percentage"}),
        ({"ttl": GONE}, {"cache_ttl_seconds"}),
        ({"turn": None}, {"maturity_score", "unified_gate_score", "cache_ttl_recommended_seconds"}),
        ({"at": NOW + timedelta(hours=3)}, {"maturity_score", "unified_gate_score", "cache_ttl_recommended_seconds"}),
        ({"turn": replace(turn(), ttl=GONE)}, {"cache_ttl_recommended_seconds"}),
        ({"turn": turn(cache=GONE)}, {"unified_gate_score"}),
    ],
)
def test_what_is_not_known_has_no_point(changes: dict[str, object], absent: set[str]) -> None:
    assert set(UNITS) - set(values(known(**changes))) == absent


def test_to_hold_is_to_recommend_what_is_set() -> None:
    assert values(known(turn=replace(turn(), ttl=HOLD)))["cache_ttl_recommended_seconds"] == 300.0
