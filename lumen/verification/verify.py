"""`lumen verify`: the same seed with and without Lumen, and the comparison of both."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from threadpoolctl import threadpool_limits

from lumen.backtest.score import BacktestScore, score
from lumen.model.history import SLICES_A_DAY
from lumen.verification.incidents import DAY, SimulatedIncident, draw_incidents
from lumen.verification.judge import Adjustment, Figures, figures_of, judge
from lumen.verification.lumen_in_world import SimulatedLumen, settings_for
from lumen.verification.traffic import Demand, Profile, draw_profile
from lumen.verification.week import SimulatedWeek, WeekResult
from lumen.verification.world import ORIGIN, World

#: What Lumen reads of the past when it is installed.
WARM_DAYS = 14
#: The last of these are those in which a new installation only observes: accesses are read from then on.
OBSERVED_DAYS = 7
#: Changes are judged over the day after them.
JUDGED_DAYS = 1
WEEK = 7
#: Of the seeds, one in so many is hard.
HARD_EVERY = 4


@dataclass(frozen=True, slots=True)
class Verification:
    """`before` is the week before Lumen began; `with_lumen` and `without` are the same days twice."""

    seed: int
    days: int
    profile: Profile
    started_at: datetime
    alerts: BacktestScore
    before: Figures
    without: Figures
    with_lumen: Figures
    #: The same days where nobody turns a knob.
    untuned: Figures
    #: What went on in those days, by start.
    incidents: Sequence[SimulatedIncident]
    #: Whether incidents overlap and the on-call is hard to work with.
    is_hard: bool
    #: Without Lumen, and with it.
    runs: tuple[WeekResult, WeekResult]

    @property
    def adjustments(self) -> Sequence[Adjustment]:
        return self.runs[1].adjustments


def verify(
    days: int, seed: int, incidents: Sequence[SimulatedIncident] | None = None, profile: Profile | None = None
) -> Verification:
    """`incidents` in seconds since Lumen began; None draws them from the seed, of which each fourth is hard."""
    is_hard = incidents is None and seed % HARD_EVERY == 0
    profile = profile or draw_profile(seed)
    total = WARM_DAYS + days + JUDGED_DAYS
    if incidents is None:
        planned = draw_incidents(seed, total, overlapping=is_hard)
    else:
        planned = tuple(_later(one, WARM_DAYS * 86_400.0) for one in incidents)
    world = World(profile, planned, Demand(profile, planned, total))
    warm = [world.step() for _ in range((WARM_DAYS - OBSERVED_DAYS) * SLICES_A_DAY)]
    world.reports = True
    warm += [world.step() for _ in range(OBSERVED_DAYS * SLICES_A_DAY)]
    slices = days * SLICES_A_DAY
    # Threads that wait for each other cost more than they spare on matrices of a few hundred rows.
    with threadpool_limits(limits=1):
        untuned = SimulatedWeek(world.fork(), seed, None, tunes=False, is_hard=is_hard).run(slices, warm)
        without = SimulatedWeek(world.fork(), seed, None, is_hard=is_hard).run(slices, warm)
        told = profile.stale_usd_at_an_hour if profile.staleness_told else 0.0
        lumen = SimulatedLumen(settings_for(profile), told)
        helped = SimulatedWeek(world, seed, lumen, is_hard=is_hard).run(slices, warm)
        for adjustment in helped.adjustments:
            adjustment.judgement = judge(adjustment.before, adjustment.change)
    started = ORIGIN + timedelta(days=WARM_DAYS)
    return Verification(
        seed=seed,
        days=days,
        profile=profile,
        started_at=started,
        alerts=score(helped.alerts, helped.labels, started + timedelta(days=days)),
        before=figures_of(warm[-WEEK * SLICES_A_DAY :]),
        without=figures_of(without.slices),
        with_lumen=figures_of(helped.slices),
        untuned=figures_of(untuned.slices),
        incidents=_within(planned, WARM_DAYS, days),
        is_hard=is_hard,
        runs=(without, helped),
    )


def _within(planned: Sequence[SimulatedIncident], first: int, days: int) -> Sequence[SimulatedIncident]:
    """Those that begin in these days."""
    return tuple(one for one in planned if first * DAY <= one.released < (first + days) * DAY)


def _later(one: SimulatedIncident, seconds: float) -> SimulatedIncident:
    return replace(one, start=one.start + seconds, end=one.end + seconds)
