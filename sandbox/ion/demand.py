"""The arrival rate of requests: a daily and a weekly curve, slow noise, and the factor of an incident."""

from math import cos, pi, sin
from random import Random

DAY = 86400
_PEAK_HOUR = 11.0  # UTC: the evening of users in Seoul
_WEEKEND = 0.85
_NOISE = 0.04  # standard deviation of the hourly noise
_NOISE_HOURS = 8192  # the noise repeats after 341 days


class Demand:
    """Requests a second of service time."""

    def __init__(self, mean_per_second: float, seed: int) -> None:
        self.mean_per_second = mean_per_second
        self.factor = 1.0  # set by incidents (a flash, a quiet spell)
        random = Random(seed)  # noqa: S311 - a simulation must be repeatable
        self._noise = [random.gauss(0.0, _NOISE) for _ in range(_NOISE_HOURS)]

    def usual_level(self, at: float) -> float:
        """Demand relative to its mean, without incidents: about 0.6 at night to 1.35 in the evening."""
        angle = 2 * pi * (at % DAY / DAY - _PEAK_HOUR / 24)
        daily = 1.0 + 0.30 * cos(angle) + 0.07 * sin(2 * angle)
        weekday = (at // DAY + 3) % 7  # day 0 of the epoch was a Thursday; 0 = Monday
        hour, part = divmod(at / 3600, 1)
        index = int(hour) % _NOISE_HOURS
        noise = self._noise[index] * (1 - part) + self._noise[(index + 1) % _NOISE_HOURS] * part
        return daily * (_WEEKEND if weekday >= 5 else 1.0) * (1.0 + noise)

    def level(self, at: float) -> float:
        """The same with incidents."""
        return self.usual_level(at) * self.factor

    def per_second(self, at: float) -> float:
        return self.mean_per_second * self.level(at)
