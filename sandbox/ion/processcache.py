"""ION's first cache (L1), in the memory of each instance: an LRU of answers with a lifetime of its own.

What it holds is answered without asking Redis. It counts entries as L1_CACHE_MAX_ENTRIES does: an answer lies in it as
its pieces, about two hundred.
"""

from collections import OrderedDict
from random import Random

ENTRIES_PER_ANSWER = 200
LIFETIME_SECONDS = 60.0  # of service time: short, for nobody can clear it from outside
DEFAULT_ENTRIES = 1000  # where the environment says nothing that is valid


def entries_of(environment: dict[str, str]) -> int:
    """A revision's L1_CACHE_MAX_ENTRIES; 0 switches the cache off."""
    given = environment.get("L1_CACHE_MAX_ENTRIES", "").strip()
    return int(given) if given.isdecimal() else DEFAULT_ENTRIES


class ProcessCache:
    """One instance's."""

    __slots__ = ("_answers",)

    def __init__(self) -> None:
        self._answers: OrderedDict[str, float] = OrderedDict()  # key → when it was put in, least used first

    def __len__(self) -> int:
        return len(self._answers)

    def asked(self, key: str, at: float, most: int) -> bool:
        """Whether the instance still has the answer at `at` (seconds). Where not, it has it from then on: the caller
        gets it from Redis or Vertex. Holds at most `most` answers."""
        since = self._answers.get(key)
        if since is not None and at - since < LIFETIME_SECONDS:
            self._answers.move_to_end(key)
            return True
        if most > 0:
            self._answers[key] = at
            self._answers.move_to_end(key)
        while len(self._answers) > most:
            self._answers.popitem(last=False)
        return False


class ProcessCaches:
    """Those of one revision's instances; an instance that ends takes its own along."""

    def __init__(self, random: Random, entries: int) -> None:
        self.entries = entries
        self._random = random
        self._most = entries // ENTRIES_PER_ANSWER
        self._caches = [ProcessCache()]

    @property
    def instances(self) -> int:
        return len(self._caches)

    @property
    def answers(self) -> int:
        """The number of entries in all instances together, expired ones included."""
        return sum(map(len, self._caches))

    def run(self, instances: int) -> None:
        """So many instances run from now on, at least one: new ones begin empty, the last ones end first."""
        wanted = max(1, instances)
        del self._caches[wanted:]
        self._caches += [ProcessCache() for _ in range(wanted - len(self._caches))]

    def asked(self, key: str, at: float) -> bool:
        """One request, on whichever instance it lands."""
        return self._caches[int(self._random.random() * len(self._caches))].asked(key, at, self._most)
