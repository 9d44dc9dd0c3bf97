"""Who asks for what, and when: the same requests whatever Lumen does, so that two worlds differ by its deeds alone."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lumen.verification.incident import Incident, Trouble
from lumen.verification.profile import Profile, popularity

SLICE_SECONDS = 300
SLICES_A_DAY = 288
DAY_SECONDS = 86_400
#: Days are drawn whole; so many are kept.
DAYS_KEPT = 4
#: Standard deviation of the demand of an hour, and how long such a mood lasts.
MOOD = 0.08
MOOD_HOURS = 6.0
#: Demand of a single slice: gamma noise of this coefficient of variation.
SCATTER = 0.06
#: Topics of a rank are replaced at different times; keys of the same rank differ by this many in number.
GENERATIONS = 1_000_000


@dataclass(frozen=True, slots=True)
class Arrivals:
    """One slice of five minutes, in order of time. `keys` is -1 where the cache is not asked."""

    times: NDArray[np.float64]
    keys: NDArray[np.int64]


class Demand:
    """Draws a day of requests at a time."""

    def __init__(self, profile: Profile, incidents: Sequence[Incident], days: int) -> None:
        self._profile = profile
        self._flashes = [one for one in incidents if one.trouble is Trouble.FLASH]
        self._popular = np.cumsum(popularity(profile.topics, profile.zipf))
        self._mood = _mood(profile.seed, 24 * (days + 2))
        self._days: OrderedDict[int, list[Arrivals]] = OrderedDict()

    def slice(self, index: int) -> Arrivals:
        """The requests of slice `index` since the world began."""
        day, of_day = divmod(index, SLICES_A_DAY)
        if day not in self._days:
            self._days[day] = self._draw(day)
            while len(self._days) > DAYS_KEPT:
                self._days.popitem(last=False)
        return self._days[day][of_day]

    def per_second(self, at: NDArray[np.float64]) -> NDArray[np.float64]:
        """The mean rate at each instant (seconds since the world began, which was a Monday at midnight)."""
        p = self._profile
        angle = 2 * np.pi * (at / 3600 - p.peak_hour) / 24
        shape = 1 + p.daily_swing * np.cos(angle) + 0.2 * p.daily_swing * np.sin(2 * angle)
        shape *= np.where((at // DAY_SECONDS) % 7 >= 5, p.weekend, 1.0)
        shape *= np.exp(np.interp(at / 3600, np.arange(len(self._mood)), self._mood))
        for flash in self._flashes:
            shape *= np.where((at >= flash.start) & (at < flash.end), flash.size, 1.0)
        return np.asarray(p.requests_per_second * shape, dtype=np.float64)

    def _draw(self, day: int) -> list[Arrivals]:
        p = self._profile
        dice = np.random.default_rng([p.seed, 3, day])
        starts = day * DAY_SECONDS + np.arange(SLICES_A_DAY, dtype=np.float64) * SLICE_SECONDS
        noise = dice.gamma(SCATTER**-2, SCATTER**2, SLICES_A_DAY)
        counts = dice.poisson(self.per_second(starts + SLICE_SECONDS / 2) * SLICE_SECONDS * noise)
        times = np.sort(np.repeat(starts, counts) + dice.random(counts.sum()) * SLICE_SECONDS)
        ranks = np.searchsorted(self._popular, dice.random(len(times)), side="right")
        ranks = np.minimum(ranks, p.topics - 1)
        life = p.topic_life_seconds
        generation = ((times + (ranks * 0.618034 % 1) * life) // life).astype(np.int64)
        keys = np.where(dice.random(len(times)) < p.cached_share, ranks + GENERATIONS * generation, -1)
        ends = np.cumsum(counts)
        return [Arrivals(times[e - n : e], keys[e - n : e]) for e, n in zip(ends, counts, strict=True)]


def _mood(seed: int, hours: int) -> NDArray[np.float64]:
    """Slow noise on the logarithm of demand."""
    memory = float(np.exp(-1 / MOOD_HOURS))
    values, value = np.empty(hours), 0.0
    for i, step in enumerate(np.random.default_rng([seed, 4]).normal(0, MOOD * np.sqrt(1 - memory**2), hours)):
        value = memory * value + step
        values[i] = value
    return values
