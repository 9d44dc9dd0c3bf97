"""Troubles of the simulated world: kinds, labels, and the draw from a published distribution (docs/verify.md)."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from lumen.model.alert import AlertKind


class Trouble(StrEnum):
    """The names that scenario files use. `size` is what each one's strength means."""

    #: A release that answers a share `size` of its requests with 5xx; ends when it is rolled back.
    BAD_RELEASE_ERRORS = "bad_release_errors"
    #: A release that takes `size` times as long; ends when it is rolled back.
    BAD_RELEASE_SLOW = "bad_release_slow"
    #: The platform fails a share `size` of all requests, whatever release serves; nobody here can mend it.
    PLATFORM_ERRORS = "platform_errors"
    #: The model takes `size` times as long to answer.
    MODEL_SLOW = "model_slow"
    #: Other data leaves the answers a share `size` of their usual room in the cache.
    CACHE_SQUEEZED = "cache_squeezed"
    #: Somebody empties the cache every `size` seconds.
    CACHE_FLUSHED = "cache_flushed"
    #: A job burns `size` USD a day on the same bill.
    COST_SURGE = "cost_surge"
    #: `size` times as many people come. No incident: nothing is broken.
    FLASH = "flash"
    #: A share `size` of requests fails for a minute or two. No incident: over before anybody could look.
    BLIP = "blip"
    #: The measurements do not come. No incident of the service.
    BLIND = "blind"
    #: A release that is fine.
    RELEASE = "release"


LABEL_OF = {
    Trouble.BAD_RELEASE_ERRORS: AlertKind.AVAILABILITY,
    Trouble.BAD_RELEASE_SLOW: AlertKind.LATENCY,
    Trouble.PLATFORM_ERRORS: AlertKind.AVAILABILITY,
    Trouble.MODEL_SLOW: AlertKind.LATENCY,
    Trouble.CACHE_SQUEEZED: AlertKind.CACHE,
    Trouble.CACHE_FLUSHED: AlertKind.CACHE,
    Trouble.COST_SURGE: AlertKind.COST,
}

RELEASES = frozenset({Trouble.BAD_RELEASE_ERRORS, Trouble.BAD_RELEASE_SLOW, Trouble.RELEASE})
#: What a person ends by rolling back; everything else ends by itself.
ROLLED_BACK = frozenset({Trouble.BAD_RELEASE_ERRORS, Trouble.BAD_RELEASE_SLOW})


@dataclass(frozen=True, slots=True)
class SimulatedIncident:
    """One trouble, half-open [start, end), in seconds since the world began. A rollback may end a bad release sooner.

    `quiet`: for so many seconds before `start` a bad release serves and is fine.
    """

    trouble: Trouble
    start: float
    end: float
    size: float
    quiet: float = 0.0

    @property
    def released(self) -> float:
        """Start of serving, for a release; the start of anything else."""
        return self.start - self.quiet

    def covers(self, at: float) -> bool:
        return self.start <= at < self.end


HOUR = 3600.0
DAY = 86_400.0
#: An incident begins only when the last one has been over for so long, so that each can be told apart.
APART = 4 * HOUR
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Drawn:
    """Frequency a week, duration (hours), strength, and the quiet time at first (hours): log-uniform."""

    trouble: Trouble
    a_week: float
    hours: Span
    sizes: Span
    quiet_hours: Span | None = None


DRAWN = (
    Drawn(Trouble.BAD_RELEASE_ERRORS, 1.5, (2.0, 8.0), (0.015, 0.25)),
    Drawn(Trouble.BAD_RELEASE_SLOW, 0.4, (2.0, 8.0), (1.6, 4.0)),
    Drawn(Trouble.PLATFORM_ERRORS, 0.4, (0.3, 3.0), (0.01, 0.3)),
    Drawn(Trouble.MODEL_SLOW, 0.4, (0.5, 5.0), (2.0, 5.0)),
    Drawn(Trouble.CACHE_SQUEEZED, 0.5, (0.7, 6.0), (0.04, 0.2)),
    Drawn(Trouble.CACHE_FLUSHED, 0.3, (0.5, 3.0), (20.0, 60.0)),
    Drawn(Trouble.COST_SURGE, 0.2, (14.0, 20.0), (30.0, 80.0)),
    Drawn(Trouble.FLASH, 1.0, (0.3, 2.0), (1.4, 2.5)),
    Drawn(Trouble.BLIP, 1.0, (0.017, 0.05), (0.01, 0.10)),
    Drawn(Trouble.BLIND, 0.5, (0.25, 1.0), (1.0, 1.0)),
    Drawn(Trouble.RELEASE, 3.0, (0.1, 0.1), (1.0, 1.0)),
    # One bad release in six is well for a while: a leak, a nightly job, a case that comes up in the evening.
    Drawn(Trouble.BAD_RELEASE_ERRORS, 0.3, (2.0, 8.0), (0.015, 0.25), quiet_hours=(0.2, 12.0)),
)


#: Half of the incidents of a hard world have one of these beside them, which begins while they go on.
BESIDE = (Trouble.PLATFORM_ERRORS, Trouble.MODEL_SLOW, Trouble.CACHE_SQUEEZED, Trouble.CACHE_FLUSHED, Trouble.FLASH)
BESIDE_SHARE = 0.5


def draw_incidents(seed: int, days: float, *, overlapping: bool = False) -> tuple[SimulatedIncident, ...]:
    """The incidents of a seed by start. Releases come on working hours (UTC 7-17), everything else at any time.

    Drawn week by week: a longer world begins like a shorter one of the same seed. `overlapping`: further ones that
    begin while another goes on.
    """
    found: list[SimulatedIncident] = []
    for week in range(int(np.ceil(days / 7))):
        dice = np.random.default_rng([seed, 2, week])
        for kind in DRAWN:
            for _ in range(int(dice.poisson(kind.a_week))):
                one = _placed(dice, kind, week, found)
                if one is not None:
                    found.append(one)
        if overlapping:
            found += _beside(seed, week, found)
    return tuple(sorted((one for one in found if one.released < days * DAY), key=lambda one: one.start))


def _placed(
    dice: np.random.Generator, kind: Drawn, week: int, others: list[SimulatedIncident]
) -> SimulatedIncident | None:
    """None where the calendar has no room left for it."""
    length = log_uniform(dice, *kind.hours) * HOUR
    size = log_uniform(dice, *kind.sizes)
    quiet = log_uniform(dice, *kind.quiet_hours) * HOUR if kind.quiet_hours else 0.0
    for _ in range(40):
        begin = _start(dice, kind.trouble, week)
        end = begin + quiet + length
        if not any(begin < other.end + APART and other.released < end + APART for other in others):
            return SimulatedIncident(kind.trouble, begin + quiet, end, size, quiet)
    return None


def _beside(seed: int, week: int, others: list[SimulatedIncident]) -> list[SimulatedIncident]:
    """What goes wrong during the incidents of a week."""
    dice = np.random.default_rng([seed, 9, week])
    first, found = week * 7 * DAY, []
    for one in others:
        if one.trouble in LABEL_OF and first <= one.released < first + 7 * DAY and dice.random() < BESIDE_SHARE:
            kinds = [kind for kind in DRAWN if kind.trouble in BESIDE and kind.trouble is not one.trouble]
            kind = kinds[int(dice.integers(0, len(kinds)))]
            start = float(dice.uniform(one.start, one.end))
            length, size = log_uniform(dice, *kind.hours) * HOUR, log_uniform(dice, *kind.sizes)
            found.append(SimulatedIncident(kind.trouble, start, start + length, size))
    return found


def log_uniform(dice: np.random.Generator, low: float, high: float) -> float:
    """A draw whose logarithm is uniform."""
    return float(np.exp(dice.uniform(np.log(low), np.log(high))))


def _start(dice: np.random.Generator, trouble: Trouble, week: int) -> float:
    day = (7 * week + int(dice.integers(0, 7))) * DAY
    if trouble in RELEASES:
        return day + float(dice.uniform(7, 17)) * HOUR
    if trouble is Trouble.COST_SURGE:
        # Bills are read by the day: one that is split over two may be noticed on neither.
        return day + float(dice.uniform(0, 6)) * HOUR
    return day + float(dice.uniform(0, 24)) * HOUR
