"""The simulated world: the same for a seed, whatever is asked of it in between, and moved by what is done to it."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from lumen.model.proposal import Change, Knob
from lumen.model.snapshot import SLICE_SECONDS
from lumen.verification.incidents import APART, DRAWN, SimulatedIncident, Trouble, draw_incidents
from lumen.verification.judge import Figures, Outcome, figures_of, judge, outcome_of, turn
from lumen.verification.traffic import Demand, Profile, draw_profile
from lumen.verification.world import World

HOUR = 3600.0


def profile(seed: int = 1, **changes: object) -> Profile:
    return replace(draw_profile(seed), **changes)  # type: ignore[arg-type]


def world(of: Profile, *incidents: SimulatedIncident) -> World:
    return World(of, incidents, Demand(of, incidents, 4))


def hours(of: World, count: int) -> Figures:
    return figures_of([of.step() for _ in range(12 * count)])


def known(value: float | None) -> float:
    assert value is not None
    return value


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
    ranges = {(kind.trouble, kind.quiet_hours is not None): kind for kind in DRAWN}
    found = draw_incidents(seed, 21)
    for before, after in pairwise(found):
        assert after.released >= before.end + APART
    for one in found:
        kind = ranges[one.trouble, one.quiet > 0]
        shortest, longest = kind.quiet_hours or (0.0, 0.0)
        assert kind.hours[0] - 1e-9 <= (one.end - one.start) / HOUR <= kind.hours[1] + 1e-9
        assert kind.sizes[0] - 1e-9 <= one.size <= kind.sizes[1] + 1e-9
        assert shortest - 1e-9 <= one.quiet / HOUR <= longest + 1e-9


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


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.prove) for seed in (4, 7))])
def test_a_much_shorter_ttl_harms_and_a_longer_one_hits_more(seed: int) -> None:
    of = profile(seed, ttl_seconds=300, cache_mb=1024)
    here = world(of)
    for _ in range(24):
        here.step()
    assert judge(here, Change(Knob.TTL, 300, 60, "s")).outcome is Outcome.HARMED
    longer = judge(here, Change(Knob.TTL, 300, 600, "s"))
    assert known(longer.with_it.hit_rate) > known(longer.without_it.hit_rate)


def test_answers_that_change_within_minutes_make_a_long_ttl_dear() -> None:
    of = profile(1, ttl_seconds=300, answer_life_seconds=240.0, asks_again=0.9)
    here = world(of)
    for _ in range(24):
        here.step()
    judged = judge(here, Change(Knob.TTL, 300, 1800, "s"))
    assert known(judged.with_it.hit_rate) > known(judged.without_it.hit_rate)
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
    well, ill = world(of), world(of, SimulatedIncident(trouble, HOUR, 4 * HOUR, size))
    hours(well, 1), hours(ill, 1)
    assert getattr(hours(ill, 3), moved) > 1.3 * getattr(hours(well, 3), moved)


def test_emptying_the_cache_costs_hits() -> None:
    of = profile(3)
    well, ill = world(of), world(of, SimulatedIncident(Trouble.CACHE_FLUSHED, HOUR, 4 * HOUR, 30.0))
    hours(well, 1), hours(ill, 1)
    assert known(hours(ill, 3).hit_rate) < known(hours(well, 3).hit_rate) - 0.05


def test_a_rollback_ends_a_bad_release_and_nothing_else() -> None:
    bad = SimulatedIncident(Trouble.BAD_RELEASE_ERRORS, HOUR + 100, 9 * HOUR, 0.5)
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
    bad = SimulatedIncident(Trouble.BAD_RELEASE_ERRORS, 100.0, 9 * HOUR, 1.0)
    found = world(profile(), bad).step()
    old, new = found.by_revision
    assert old.revision < new.revision
    assert new.errors_5xx == new.requests > 0
    assert old.requests + new.requests == found.requests


def test_blind_slices_have_no_figures() -> None:
    here = world(profile(), SimulatedIncident(Trouble.BLIND, 0.0, HOUR, 1.0))
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
    assert outcome_of(replace(base, hit_rate=known(base.hit_rate) + 0.1), base) is Outcome.HELPED
    dear = replace(base, hit_rate=known(base.hit_rate) + 0.1, cost_month_usd=1.03 * base.cost_month_usd)
    assert outcome_of(dear, base) is Outcome.HARMED
    assert outcome_of(base, base) is Outcome.NO_DIFFERENCE


def test_where_nobody_asks_nothing_got_better_or_worse() -> None:
    silent = hours(world(profile(cached_share=0.0, requests_per_second=0.001)), 1)
    assert silent.hit_rate is None
    assert outcome_of(silent, silent) is Outcome.NO_DIFFERENCE
    assert outcome_of(replace(silent, cost_month_usd=silent.cost_month_usd * 2), silent) is Outcome.HARMED


def late() -> World:
    """A release of an hour ago (in an hour from the start) that fails an hour later."""
    return world(profile(), SimulatedIncident(Trouble.BAD_RELEASE_ERRORS, 2 * HOUR, 4 * HOUR, 0.2, quiet=HOUR))


def test_a_release_may_be_fine_at_first() -> None:
    of = late()
    before, quiet, failing, after = (known(hours(of, count).error_rate) for count in (1, 1, 2, 1))
    assert max(before, quiet, after) < 0.01 < 0.1 < failing
    of = late()
    serving = [of.step().revision for _ in range(60)]
    assert [serving[i] == serving[0] for i in (0, 11, 12, 24, 47, 48)] == [True, True, False, False, False, True]


@pytest.mark.parametrize(("after_hours", "ends"), [(0.5, False), (1.5, False), (2.5, True)])
def test_a_rollback_spares_what_was_to_come(after_hours: float, *, ends: bool) -> None:
    of = late()
    for _ in range(round(12 * after_hours)):
        of.step()
    assert of.release_fails() is ends
    assert of.roll_back() is ends
    if after_hours > 1:
        assert known(hours(of, 4).error_rate) < 0.01
