"""The answers that requests ask for: Zipf popularity over topics that slowly change."""

from bisect import bisect_right
from itertools import accumulate
from random import Random

TOPICS = 820  # asked for at the mean level of demand
EXPONENT = 0.8  # of Zipf's law
# More users ask for more different things: topics in play ~ level ** BREADTH.
BREADTH = 0.95
_MOST = 6000
_LIFE_DAYS = 5  # a topic is replaced by another one after so long


class Population:
    """Draws cache keys, without the cache's prefix."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._cumulative = list(accumulate(rank**-EXPONENT for rank in range(1, _MOST + 1)))

    @staticmethod
    def topics(level: float) -> int:
        """The number of topics in play at a level of demand."""
        return max(50, min(_MOST, round(TOPICS * float(level**BREADTH))))

    def ranks(self, count: int, level: float) -> list[int]:
        """Popularity ranks (0 = most asked) of `count` requests."""
        cumulative, uniform = self._cumulative, self._random.random
        top = cumulative[self.topics(level) - 1]
        return [bisect_right(cumulative, uniform() * top) for _ in range(count)]

    def shares(self, level: float) -> list[float]:
        """Each rank's share of the requests, most asked first."""
        count = self.topics(level)
        top = self._cumulative[count - 1]
        return [(rank + 1) ** -EXPONENT / top for rank in range(count)]

    @staticmethod
    def key(rank: int, day: int) -> str:
        """The topic that has a rank on a day (days since the epoch); topics are replaced one by one."""
        return f"answer:{rank:04d}:{(day + rank * 2) // _LIFE_DAYS}"
