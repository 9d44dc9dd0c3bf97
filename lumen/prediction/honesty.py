"""The check of every hour: what the replay says of the TTL in force, against the hits that were seen."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from lumen.prediction.accesses import Flags
from lumen.prediction.lives import MS_BITS, Requests, elapsed_ms
from lumen.prediction.replay import missed

LEAST_AGREEMENT, MOST_RESIDUAL, NO_NUMBER = 0.99, 0.005, 0.02


class Trust(StrEnum):
    """Whether predictions may be said: as they are, wider by the residual, or not at all."""

    FULL = "full"
    WIDER = "wider"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Honesty:
    """Requests that could be compared, the share that the replay tells right; seen less replayed misses (a share)."""

    compared: int
    agreement: float
    residual: float

    @property
    def trust(self) -> Trust:
        """Nothing to compare is no agreement."""
        if not self.compared or abs(self.residual) > NO_NUMBER:
            return Trust.NONE
        if self.agreement < LEAST_AGREEMENT or abs(self.residual) > MOST_RESIDUAL:
            return Trust.WIDER
        return Trust.FULL

    @property
    def widening(self) -> float:
        """What half of an interval grows by, as a share of the hit rate."""
        return abs(self.residual) if self.trust is Trust.WIDER else 0.0


def checked(requests: Requests, ttl_ms: int) -> Honesty:
    """Replay at the TTL in force and compare access by access.

    What was in the cache when the window began is not known: a key that is first seen to hit within the first TTL
    counts from its first miss on.
    """
    if requests.hit is None or not len(requests.elements):
        return Honesty(0, 0.0, 0.0)
    requests = _without_inherited(requests, requests.hit, ttl_ms)
    assert requests.hit is not None
    replayed = missed(requests, ttl_ms)
    asked = np.ones(len(replayed), np.bool_) if requests.asked is None else requests.asked
    seen = asked & ~requests.hit
    count = int(np.count_nonzero(asked))
    if not count:
        return Honesty(0, 0.0, 0.0)
    agreement = int(np.count_nonzero(asked & (seen == replayed))) / count
    return Honesty(count, agreement, (int(np.count_nonzero(seen)) - int(np.count_nonzero(replayed))) / count)


def _without_inherited(requests: Requests, hit: Flags, ttl_ms: int) -> Requests:
    """Without the requests up to a life's first miss, where the first one came within a TTL and hit."""
    life, place = requests.elements >> np.uint64(MS_BITS), np.arange(len(hit))
    first = np.maximum.accumulate(np.where(np.append(True, life[1:] != life[:-1]), place, 0))
    asked = np.ones(len(hit), np.bool_) if requests.asked is None else requests.asked
    known = np.maximum.accumulate(np.where(~(asked & hit), place, -1)) >= first
    kept = known | (elapsed_ms(requests.elements)[first] >= ttl_ms)
    return Requests(requests.elements[kept], asked[kept], hit[kept])
