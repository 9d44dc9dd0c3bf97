"""The cache by the table of docs/scores.md."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.exporters.cache import (
    CacheRange,
    assess_cache,
    cache_figures,
    grade_evictions,
    grade_hit_rate,
    grade_memory,
    grade_p95,
    grade_ttl,
    grades_of,
)
from lumen.model.assessment import CacheAction, CacheHealth, Grade
from lumen.model.messages import NoData, message
from lumen.policies.size import SizeFigures, size_figures
from lumen.use_cases.advice import SizeReadout
from lumen.wording.catalogue import Catalogue
from tests.snapshots import GONE, SERVICE, cache, snapshot, ttl

G, W, B = Grade.GOOD, Grade.WATCH, Grade.BAD


@pytest.mark.parametrize(("ratio", "grade"), [(0.801, G), (0.80, W), (0.60, W), (0.599, B), (0.0, B)])
def test_hit_rate(ratio: float, grade: Grade) -> None:
    assert grade_hit_rate(ratio) is grade


@pytest.mark.parametrize(
    ("ratio", "grade"),
    [(0.49, B), (0.50, W), (0.69, W), (0.70, G), (0.85, G), (0.851, W), (0.899, W), (0.90, B), (1.0, B)],
)
def test_memory(ratio: float, grade: Grade) -> None:
    assert grade_memory(ratio) is grade


@pytest.mark.parametrize(("ms", "grade"), [(99.9, G), (100, W), (200, W), (200.1, B)])
def test_p95(ms: float, grade: Grade) -> None:
    assert grade_p95(ms) is grade


@pytest.mark.parametrize(("count", "grade"), [(49, G), (50, W), (150, W), (151, B)])
def test_evictions(count: int, grade: Grade) -> None:
    assert grade_evictions(count) is grade


@pytest.mark.parametrize(
    ("seconds", "grade"), [(119, B), (120, W), (299, W), (300, G), (600, G), (601, W), (1800, W), (1801, B)]
)
def test_ttl(seconds: int, grade: Grade) -> None:
    assert grade_ttl(seconds) is grade


def test_a_known_example() -> None:
    found = assess_cache(snapshot())
    assert (found.health, found.action) == (CacheHealth.GOOD, CacheAction.INCREASE_TTL)


@pytest.mark.parametrize(
    ("changes", "health"),
    [
        ({"cache": cache(0.9, 0.75, 10)}, CacheHealth.OPTIMAL),
        ({"cache": cache(0.9, 0.75, 10, p95_ms=GONE)}, CacheHealth.GOOD),
        ({"cache": cache(0.55, 0.75, 10)}, CacheHealth.DEGRADED),
        ({"cache": cache(0.55, 0.95, 10)}, CacheHealth.POOR),
        ({"cache": cache(0.39, 0.75, 10)}, CacheHealth.POOR),
        ({"cache": cache(0.0, 0.75, 10)}, CacheHealth.FAILED),
        ({"cache": cache(0.9, 0.30, 10)}, CacheHealth.GOOD),
        ({"cache": cache(0.7, 0.30, 10)}, CacheHealth.DEGRADED),
        ({"cache": cache(0.9, 0.75, 10, lookups=10)}, CacheHealth.NO_DATA),
        ({"cache": GONE}, CacheHealth.NO_DATA),
        ({"cache": NoData(message("a.b"), message("a.c"), unreachable=True)}, CacheHealth.FAILED),
    ],
)
def test_health(changes: dict[str, object], health: CacheHealth) -> None:
    assert assess_cache(snapshot(**changes)).health is health


@pytest.mark.parametrize(
    ("hit_rate", "memory", "evictions", "ttl_seconds", "action"),
    [
        (0.70, 0.94, 150, 300, CacheAction.SCALE_UP),
        (0.95, 0.60, 151, 300, CacheAction.SCALE_UP),
        (0.70, 0.60, 120, 300, CacheAction.MAINTAIN),
        (0.70, 0.88, 10, 300, CacheAction.MAINTAIN),
        (0.85, 0.88, 10, 300, CacheAction.DECREASE_TTL),
        (0.85, 0.45, 10, 300, CacheAction.SCALE_DOWN),
        (0.85, 0.75, 10, 300, CacheAction.MAINTAIN),
        (0.50, 0.45, 10, 300, CacheAction.INCREASE_TTL),
        (0.50, 0.45, 10, 3600, CacheAction.MAINTAIN),
    ],
)
def test_action(hit_rate: float, memory: float, evictions: int, ttl_seconds: int, action: CacheAction) -> None:
    found = assess_cache(snapshot(cache=cache(hit_rate, memory, evictions), ttl=ttl(ttl_seconds)))
    assert found.action is action


@pytest.mark.parametrize("changes", [{"cache": GONE}, {"ttl": GONE}])
def test_missing_data_asks_for_nothing(changes: dict[str, object]) -> None:
    assert assess_cache(snapshot(**changes)).action is CacheAction.MAINTAIN


@pytest.mark.parametrize(
    ("hit_rate", "memory", "ttl_seconds", "ttl_range", "action"),
    [
        (0.50, 0.45, 3600, (60, 7200), CacheAction.INCREASE_TTL),
        (0.50, 0.45, 600, (60, 600), CacheAction.MAINTAIN),
        (0.85, 0.88, 120, (120, 3600), CacheAction.MAINTAIN),
        (0.85, 0.88, 121, (120, 3600), CacheAction.DECREASE_TTL),
    ],
)
def test_the_action_knows_how_far_the_ttl_may_go(
    hit_rate: float, memory: float, ttl_seconds: int, ttl_range: tuple[int, int], action: CacheAction
) -> None:
    found = assess_cache(snapshot(cache=cache(hit_rate, memory, 10), ttl=ttl(ttl_seconds)), CacheRange(*ttl_range))
    assert found.action is action


@given(
    st.floats(0, 1),
    st.floats(0, 1.2),
    st.integers(0, 400),
    st.sampled_from([59, 60, 300, 3600, 3601]),
    st.sampled_from([9.0, 10.0, 256.0, 1024.0, 2048.0]),
)
def test_the_action_is_one_that_the_limits_allow(
    hit_rate: float, memory: float, evictions: int, ttl_seconds: int, size_mb: float
) -> None:
    seen = cache(hit_rate, memory, evictions, max_mb=size_mb, lookups=1_000_000)
    found = assess_cache(snapshot(cache=seen, ttl=ttl(ttl_seconds)), CacheRange())
    possible = {
        CacheAction.INCREASE_TTL: ttl_seconds < 3600,
        CacheAction.DECREASE_TTL: ttl_seconds > 60,
        CacheAction.SCALE_UP: size_mb < 1024,
        CacheAction.SCALE_DOWN: size_mb > 10,
        CacheAction.MAINTAIN: True,
    }
    assert possible[found.action]
    assert all(Catalogue(locale).plain(found.action_reason) for locale in ("en", "ko"))


@pytest.mark.parametrize(
    ("size_mb", "ttl_seconds", "action", "why"),
    [
        (256, 300, CacheAction.SCALE_UP, "assess.action_scale_up"),
        (1024, 300, CacheAction.DECREASE_TTL, "assess.action_at_largest"),
        (1024, 60, CacheAction.MAINTAIN, "assess.action_at_largest"),
    ],
)
def test_at_its_largest_size_the_action_is_another_one_and_says_why(
    size_mb: float, ttl_seconds: int, action: CacheAction, why: str
) -> None:
    found = assess_cache(snapshot(cache=cache(0.85, 0.95, 200, max_mb=size_mb), ttl=ttl(ttl_seconds)))
    assert (found.action, found.action_reason.code) == (action, why)


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_size_and_the_cache_grade_memory_alike(hit_rate: float, memory: float) -> None:
    seen = cache(hit_rate, memory, 10, lookups=1_000_000)
    figures = size_figures(seen)
    assert not isinstance(figures, NoData)
    size = SizeReadout(SERVICE, None, figures, GONE)
    assert size.grades is not None
    assert size.grades[0] is grades_of(cache_figures(seen, ttl()))["memory_ratio"]


def test_little_memory_beside_many_hits_is_a_saving() -> None:
    size = SizeReadout(SERVICE, None, SizeFigures(256, 100, 0.85, 0), GONE)
    assert size.grades == (Grade.WATCH, Grade.GOOD, Grade.GOOD)
