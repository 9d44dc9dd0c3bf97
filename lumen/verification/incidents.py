"""The incidents of a seed: drawn from a published distribution (docs/verify.md)."""

import numpy as np

from lumen.verification.incident import RELEASES, Incident, Trouble

HOUR = 3600.0
DAY = 86_400.0
#: An incident begins only when the last one has been over for so long, so that each can be told apart.
APART = 4 * HOUR
#: How often a week, how long (hours, log-uniform), and how strong (log-uniform).
DRAWN: tuple[tuple[Trouble, float, tuple[float, float], tuple[float, float]], ...] = (
    (Trouble.BAD_RELEASE_ERRORS, 1.5, (2.0, 8.0), (0.015, 0.25)),
    (Trouble.BAD_RELEASE_SLOW, 0.4, (2.0, 8.0), (1.6, 4.0)),
    (Trouble.PLATFORM_ERRORS, 0.4, (0.3, 3.0), (0.01, 0.3)),
    (Trouble.MODEL_SLOW, 0.4, (0.5, 5.0), (2.0, 5.0)),
    (Trouble.CACHE_SQUEEZED, 0.5, (0.7, 6.0), (0.04, 0.2)),
    (Trouble.CACHE_FLUSHED, 0.3, (0.5, 3.0), (20.0, 60.0)),
    (Trouble.COST_SURGE, 0.2, (14.0, 20.0), (30.0, 80.0)),
    (Trouble.FLASH, 1.0, (0.3, 2.0), (1.4, 2.5)),
    (Trouble.BLIP, 1.0, (0.017, 0.05), (0.01, 0.10)),
    (Trouble.BLIND, 0.5, (0.25, 1.0), (1.0, 1.0)),
    (Trouble.RELEASE, 3.0, (0.1, 0.1), (1.0, 1.0)),
)


def draw_incidents(seed: int, days: float) -> tuple[Incident, ...]:
    """In order of their start. Releases come on working hours (UTC 7-17), everything else at any time.

    Drawn week by week: a longer world begins like a shorter one of the same seed.
    """
    found: list[Incident] = []
    for week in range(int(np.ceil(days / 7))):
        dice = np.random.default_rng([seed, 2, week])
        for trouble, a_week, hours, sizes in DRAWN:
            for _ in range(int(dice.poisson(a_week))):
                one = _placed(dice, trouble, hours, sizes, week, found)
                if one is not None:
                    found.append(one)
    return tuple(sorted((one for one in found if one.start < days * DAY), key=lambda one: one.start))


def _placed(
    dice: np.random.Generator,
    trouble: Trouble,
    hours: tuple[float, float],
    sizes: tuple[float, float],
    week: int,
    others: list[Incident],
) -> Incident | None:
    """None where the calendar has no room left for it."""
    length = float(np.exp(dice.uniform(np.log(hours[0]), np.log(hours[1])))) * HOUR
    size = float(np.exp(dice.uniform(np.log(sizes[0]), np.log(sizes[1]))))
    for _ in range(40):
        start = _start(dice, trouble, week)
        if not any(start < other.end + APART and other.start < start + length + APART for other in others):
            return Incident(trouble, start, start + length, size)
    return None


def _start(dice: np.random.Generator, trouble: Trouble, week: int) -> float:
    day = (7 * week + int(dice.integers(0, 7))) * DAY
    if trouble in RELEASES:
        return day + float(dice.uniform(7, 17)) * HOUR
    if trouble is Trouble.COST_SURGE:
        # Bills are read by the day: one that is split over two may be noticed on neither.
        return day + float(dice.uniform(0, 6)) * HOUR
    return day + float(dice.uniform(0, 24)) * HOUR
