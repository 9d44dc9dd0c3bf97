"""New messages in the channel in simulated weeks: `python -m bench.messages [FIRST] [SEEDS]`.

Of each seed a quiet week (releases that are fine, crowds, blips and gaps in the measurements, but nothing that is
wrong) and the same with five incidents. Prints them by kind, with the questions, and the fullest week of either.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from threadpoolctl import threadpool_limits

from lumen.model.history import SLICES_A_DAY
from lumen.verification.incidents import DAY, LABEL_OF, SimulatedIncident, draw_incidents
from lumen.verification.lumen_in_world import SimulatedLumen, settings_for
from lumen.verification.traffic import Demand, draw_profile
from lumen.verification.verify import WARM_DAYS, WEEK
from lumen.verification.week import SimulatedWeek, WeekResult
from lumen.verification.world import World

#: Days of the week on which the incidents begin.
INCIDENT_DAYS = (0, 1, 3, 4, 6)


def main(first: int = 101, seeds: int = 12) -> None:
    fullest: Counter[str] = Counter()
    for seed in range(first, first + seeds):
        beside = [_in_week(one, int(one.released // DAY)) for one in _drawn(seed, 0, wrong=False)]
        wrong = _five(seed)
        # Whatever would begin during an incident makes way for it.
        apart = [one for one in beside if all(one.released >= other.end or other.start >= one.end for other in wrong)]
        for name, incidents in (("quiet", beside), ("five incidents", [*apart, *wrong])):
            found = week_of(seed, incidents)
            fullest[name] = max(fullest[name], found.posts.total())
            kinds = ", ".join(f"{kind} {times}" for kind, times in found.posts.most_common())
            asked = ", ".join(
                f"{one.change.knob} {one.change.old} -> {one.change.new} {one.verdict or 'open'}"
                for one in found.adjustments
            )
            print(f"seed {seed}, {name}: {found.posts.total()} messages ({kinds}); {asked}", flush=True)
    print("fullest: " + ", ".join(f"{name} {most}" for name, most in fullest.items()))


def week_of(seed: int, incidents: Sequence[SimulatedIncident]) -> WeekResult:
    """A week with Lumen, which has read a fortnight. `incidents` in seconds since the world began."""
    profile, total = draw_profile(seed), WARM_DAYS + WEEK + 1
    world = World(profile, incidents, Demand(profile, incidents, total))
    warm = [world.step() for _ in range(WARM_DAYS * SLICES_A_DAY)]
    with threadpool_limits(limits=1):
        return SimulatedWeek(world, seed, SimulatedLumen(settings_for(profile))).run(WEEK * SLICES_A_DAY, warm)


def _five(seed: int) -> list[SimulatedIncident]:
    """The first five that the seed draws, each on a day of its own."""
    drawn = (one for week in count() for one in _drawn(seed, week, wrong=True))
    return [_in_week(one, day) for day, one in zip(INCIDENT_DAYS, drawn, strict=False)]


def _drawn(seed: int, week: int, *, wrong: bool) -> list[SimulatedIncident]:
    found = draw_incidents(seed, 7 * (week + 1))
    return [one for one in found if one.released >= week * WEEK * DAY and (one.trouble in LABEL_OF) is wrong]


def _in_week(one: SimulatedIncident, day: int) -> SimulatedIncident:
    """The same on this day of the week that is watched, at its hour."""
    by = (WARM_DAYS + day) * DAY - one.released // DAY * DAY
    return replace(one, start=one.start + by, end=one.end + by)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
