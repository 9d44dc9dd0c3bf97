"""The simulated world: the same for a seed, whatever is asked of it in between, and moved by what is done to it."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from lumen.model.proposal import Change, Knob
from lumen.verification.arrivals import SLICE_SECONDS, Demand
from lumen.verification.figures import Figures, figures_of
from lumen.verification.incident import Incident, Trouble
from lumen.verification.incidents import APART, DRAWN, draw_incidents
from lumen.verification.judge import Outcome, judge, outcome_of, turn
from lumen.verification.profile import Profile, draw_profile
from lumen.verification.world import World

HOUR = 3600.0


def profile(seed: int = 1, **changes: object) -> Profile:
    return replace(draw_profile(seed), **changes)  # type: ignore[arg-type]


def world(of: Profile, *incidents: Incident) -> World:
    return World(of, incidents, Demand(of, incidents, 4))


def hours(of: World, count: int) -> Figures:
    return figures_of([of.step() for _ in range(12 * count)])


def test_a_seed_is_a_world() -> None:
    one, other = world(profile()), world(profile())
    for _ in range(24):
        first, second = one.step(), other.step()
        assert first.seen == second.seen
        assert np.array_equal(first.latencies_ms, second.latencies_ms)


def test_seeds_differ() -> None:
    assert draw_profile(1) != draw_profile(2)
    assert draw_incidents(1, 21) != draw_incidents(2, 21)


def test_a_longer_world_begins_like_a_shorter_one() -> None:
    short, long = draw_incidents(5, 14), draw_incidents(5, 28)
    assert long[: len(short)] == short


@pytest.mark.parametrize("seed", range(20))
def test_incidents_stay_apart_and_within_their_ranges(seed: int) -> None:
    ranges = {trouble: (length, size) for trouble, _, length, size in DRAWN}
    found = draw_incidents(seed, 21)
    for before, after in pairwise(found):
        assert after.start >= before.end + APART
    for one in found:
        length, size = ranges[one.trouble]
        assert length[0] - 1e-9 <= (one.end - one.start) / HOUR <= length[1] + 1e-9
        assert size[0] - 1e-9 <= one.size <= size[1] + 1e-9


def test_forks_see_the_same_requests_and_bad_luck() -> None:
    one = world(profile())
    for _ in range(12):
        one.step()
    other = one.fork()
    assert hours(one, 2) == hours(other, 2)


def test_nothing_done_is_no_difference() -> None:
    of = profile()
    here = world(of)
    for _ in range(24):
        here.step()
    judged = judge(here, Change(Knob.TTL, of.ttl_seconds, of.ttl_seconds, "s"))
    assert judged.outcome is Outcome.NO_DIFFERENCE
    assert judged.with_it == judged.without_it
    assert here.index == 24


@pytest.mark.parametrize("seed", [1, 4, 7])
def test_a_much_shorter_ttl_harms_and_a_longer_one_hits_more(seed: int) -> None:
    of = profile(seed, ttl_seconds=300, cache_mb=1024)
    here = world(of)
    for _ in range(24):
        here.step()
    assert judge(here, Change(Knob.TTL, 300, 60, "s")).outcome is Outcome.HARMED
    longer = judge(here, Change(Knob.TTL, 300, 600, "s"))
    assert longer.with_it.hit_rate > longer.without_it.hit_rate


def test_answers_that_change_within_minutes_make_a_long_ttl_dear() -> None:
    of = profile(1, ttl_seconds=300, answer_life_seconds=240.0, asks_again=0.9)
    here = world(of)
    for _ in range(24):
        here.step()
    judged = judge(here, Change(Knob.TTL, 300, 1800, "s"))
    assert judged.with_it.hit_rate > judged.without_it.hit_rate
    assert judged.with_it.cost_month_usd > judged.without_it.cost_month_usd
    assert judged.outcome is Outcome.HARMED


@pytest.mark.parametrize(
    ("trouble", "size", "moved"),
    [
        (Trouble.BAD_RELEASE_ERRORS, 0.1, "error_rate"),
        (Trouble.PLATFORM_ERRORS, 0.1, "error_rate"),
        (Trouble.BAD_RELEASE_SLOW, 3.0, "p95_ms"),
        (Trouble.MODEL_SLOW, 4.0, "p95_ms"),
        (Trouble.COST_SURGE, 50.0, "cost_month_usd"),
        (Trouble.CACHE_SQUEEZED, 0.05, "evictions_per_hour"),
    ],
)
def test_each_trouble_shows_where_it_should(trouble: Trouble, size: float, moved: str) -> None:
    of = profile(3)
    well, ill = world(of), world(of, Incident(trouble, HOUR, 4 * HOUR, size))
    hours(well, 1), hours(ill, 1)
    assert getattr(hours(ill, 3), moved) > 1.3 * getattr(hours(well, 3), moved)


def test_emptying_the_cache_costs_hits() -> None:
    of = profile(3)
    well, ill = world(of), world(of, Incident(Trouble.CACHE_FLUSHED, HOUR, 4 * HOUR, 30.0))
    hours(well, 1), hours(ill, 1)
    assert hours(ill, 3).hit_rate < hours(well, 3).hit_rate - 0.05


def test_a_rollback_ends_a_bad_release_and_nothing_else() -> None:
    bad = Incident(Trouble.BAD_RELEASE_ERRORS, HOUR + 100, 9 * HOUR, 0.5)
    here = world(profile(), bad)
    before = here.step().revision
    for _ in range(23):
        here.step()
    assert here.revision(here.seconds) > before
    assert here.roll_back()
    assert here.revision(here.seconds) == before
    assert sum(here.step().errors_5xx for _ in range(6)) < 10
    assert not here.roll_back()


def test_a_slice_with_a_release_is_counted_for_both_revisions() -> None:
    bad = Incident(Trouble.BAD_RELEASE_ERRORS, 100.0, 9 * HOUR, 1.0)
    found = world(profile(), bad).step()
    old, new = found.by_revision
    assert old.revision < new.revision
    assert new.errors_5xx == new.requests > 0
    assert old.requests + new.requests == found.requests


def test_blind_slices_have_no_figures() -> None:
    here = world(profile(), Incident(Trouble.BLIND, 0.0, HOUR, 1.0))
    found = here.step()
    assert found.requests > 0
    assert found.seen.requests is None
    assert found.by_revision == ()


def test_what_cannot_be_turned_is_refused() -> None:
    with pytest.raises(ValueError, match="memory"):
        turn(world(profile()), Change(Knob.MEMORY, 512, 1024, "MB"))


def test_demand_keeps_its_mean() -> None:
    of = profile(2)
    at = np.arange(0, 7 * 86_400, SLICE_SECONDS, dtype=np.float64)
    assert Demand(of, (), 7).per_second(at).mean() == pytest.approx(of.requests_per_second, rel=0.3)


def test_harm_outweighs_what_got_better() -> None:
    base = figures_of([world(profile()).step()])
    assert outcome_of(replace(base, hit_rate=base.hit_rate + 0.1), base) is Outcome.HELPED
    dear = replace(base, hit_rate=base.hit_rate + 0.1, cost_month_usd=1.03 * base.cost_month_usd)
    assert outcome_of(dear, base) is Outcome.HARMED
    assert outcome_of(base, base) is Outcome.NO_DIFFERENCE
