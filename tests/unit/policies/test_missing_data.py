"""Missing data never triggers anything: what Lumen would not propose, it does not propose for knowing less."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from lumen.exporters.assess import AssessmentSettings, assess
from lumen.model.messages import NoData
from lumen.model.proposal import Change
from lumen.model.snapshot import CacheDay, CacheStats, Snapshot, Traffic
from lumen.policies.choose import first_of
from lumen.policies.guard import Automation, Situation, held_back
from lumen.policies.size import SizeLimits, recommend_size
from lumen.policies.ttl import TtlLimits, recommend_ttl
from tests.snapshots import GONE, NOW, cache, history, snapshot, traffic

AUTOMATION = Automation(after_deployment=timedelta(hours=24))
PARTS = ("traffic", "cache", "ttl", "deployment", "spend", "history")
WITHIN = ("latency", "max_mb", "p95_ms", "cache_day")

COUNTS = st.integers(0, 10**6)
SEEN = st.builds(
    lambda hit, memory, evictions, rise, day: snapshot(
        cache=cache(hit, memory, evictions),
        history=history(cost_usd=(0.5,) * 144 + (0.5 * (1 + rise),) * 24),
        traffic=traffic(),
        cache_day=day,
    ),
    st.floats(0, 1),
    st.floats(0, 1),
    st.integers(0, 300),
    st.sampled_from((0.0, 0.1)),
    st.builds(
        CacheDay,
        st.just(86_400),
        st.integers(1, 10**6),
        st.integers(1, 10**6),
        st.integers(0, 10**6),
        st.floats(0, 256),
    ),
)


def proposed(seen: Snapshot) -> Change | None:
    """As a turn would, with nothing else in the way."""
    found = assess(seen, AssessmentSettings())
    wanted = first_of(recommend_ttl(seen, TtlLimits()), recommend_size(seen, SizeLimits()))
    if isinstance(wanted, NoData) or held_back(seen, found, AUTOMATION, Situation(), NOW):
        return None
    return wanted.change


def without(seen: Snapshot, gone: set[str]) -> Snapshot:
    """The same with some of it missing."""
    assert isinstance(seen.traffic, Traffic)
    assert isinstance(seen.cache, CacheStats)
    if "latency" in gone:
        seen = replace(seen, traffic=replace(seen.traffic, latency=GONE))
    if "cache_day" in gone:
        seen = replace(seen, cache_day=None)
    stats = {name: GONE for name in ("max_mb", "p95_ms") if name in gone}
    seen = replace(seen, cache=replace(seen.cache, **stats))  # type: ignore[arg-type]
    return replace(seen, **{name: GONE for name in PARTS if name in gone})  # type: ignore[arg-type]


@settings(max_examples=60)
@given(SEEN, st.sets(st.sampled_from((*PARTS, *WITHIN)), min_size=1, max_size=3))
def test_knowing_less_proposes_nothing_else(seen: Snapshot, gone: set[str]) -> None:
    assert proposed(without(seen, gone)) in (None, proposed(seen))
