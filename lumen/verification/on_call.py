"""The scripted on-call: approves what is proposed, and does by hand what nobody does for them.

The same person lives in both worlds. Without Lumen they notice trouble by complaints and by looking, mend what people
can mend, and tune the cache at their morning review. With Lumen they read what it says and answer what it asks; they
work by hand only where it did not tell or cannot help. A hard one sleeps at night (a page wakes them), rejects some of
what is proposed, and tunes by hand some mornings whatever Lumen is at.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from lumen.verification.incidents import ROLLED_BACK, SimulatedIncident, Trouble

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
#: A click: log-normal, never later than this; a page is answered sooner.
CLICK_MEDIAN, CLICK_SIGMA, CLICK_MOST = 8 * MINUTE, 0.7, 40 * MINUTE
PAGE_CLICK = 3 * MINUTE
#: Nobody told them: complaints come, or they look at the right graph. A bill is looked at after about a day.
NOTICES_AFTER = 90 * MINUTE
NOTICES_BILL_AFTER = DAY
#: ... and never sooner than this: somebody must have complained, and somebody read it.
NOTICES_NOT_BEFORE = 15 * MINUTE
#: From knowing to having mended.
MENDS_WITHIN = 15 * MINUTE
#: So long they leave a failing release to Lumen after an alert.
LEAVES_TO_LUMEN = 30 * MINUTE
REVIEW_HOUR = 9
#: Of the one who is hard to work with.
SLEEPS = 8 * HOUR
WAKES_WITHIN = 10 * MINUTE
REJECTS = 0.25
MEDDLES = 0.2
HIT_RATE_WANTED = 0.80
EVICTIONS_BORNE = 0.01
#: By hand: half more each time; up to here, and not again when it brought nothing.
BY_HAND_FACTOR = 1.5
TTL_BY_HAND_MOST = 1800
MB_BY_HAND_MOST = 1024
WORTH_IT = 0.01

#: What people can mend; the rest they can only look at.
MENDABLE = ROLLED_BACK | {Trouble.CACHE_SQUEEZED, Trouble.CACHE_FLUSHED, Trouble.COST_SURGE}


class ByHand(StrEnum):
    """Work that counts as a manual intervention; reading a message does not."""

    #: Had to find out by themselves what was wrong; mending it is another piece of work.
    LOOKED = "looked"
    #: Rolled a release back.
    ROLLED_BACK = "rolled_back"
    #: Stopped what did the harm (a job, a script).
    MENDED = "mended"
    #: Turned a knob of the cache.
    TUNED = "tuned"
    #: Answered a question of Lumen's by a click: a proposal, an undo, whether to go back to a revision.
    ANSWERED = "answered"
    #: Was called by an alert of any kind that was none, or put a wrong rollback right.
    CALLED_FOR_NOTHING = "called_for_nothing"


@dataclass(frozen=True, slots=True)
class Intervention:
    """`at`: seconds since the world began. `about`: of an answer the knob, `undo` or `rollback`."""

    at: float
    kind: ByHand
    about: str = ""


class ScriptedOnCall:
    """The on-call. Delays belong to the seed and to what they are about, not to the order of events."""

    def __init__(self, seed: int, *, is_hard: bool = False) -> None:
        self._seed = seed
        self._is_hard = is_hard
        self._clicks = 0
        self._bedtime = float(np.random.default_rng([seed, 12]).uniform(0, DAY))

    def answers_at(self, now: float) -> float:
        """The instant at which the next question is answered, in seconds since the world began."""
        self._clicks += 1
        dice = np.random.default_rng([self._seed, 6, self._clicks])
        return self.reads_at(now) + min(CLICK_MOST, CLICK_MEDIAN * float(np.exp(dice.normal(0, CLICK_SIGMA))))

    def reads_at(self, now: float) -> float:
        """The instant from `now` on at which a message that calls nobody is read."""
        asleep = (now - self._bedtime) % DAY
        return now + SLEEPS - asleep if self._is_hard and asleep < SLEEPS else now

    def called_at(self, now: float) -> float:
        """The instant at which a page is answered."""
        return now + PAGE_CLICK + (WAKES_WITHIN if self.reads_at(now) > now else 0.0)

    def rejects(self) -> bool:
        """Whether the proposal that was answered last is rejected."""
        return self._is_hard and np.random.default_rng([self._seed, 13, self._clicks]).random() < REJECTS

    def meddles(self, now: float) -> bool:
        """Whether they tune by hand this morning although Lumen is at it."""
        return self._is_hard and np.random.default_rng([self._seed, 14, int(now / DAY)]).random() < MEDDLES

    def notices_at(self, incident: SimulatedIncident) -> float:
        """Time at which they find out by themselves, in seconds since the world began."""
        dice = np.random.default_rng([self._seed, 7, int(incident.start)])
        mean = NOTICES_BILL_AFTER if incident.trouble is Trouble.COST_SURGE else NOTICES_AFTER
        return self.reads_at(incident.start + NOTICES_NOT_BEFORE + float(dice.exponential(mean - NOTICES_NOT_BEFORE)))


class Reviews:
    """The morning review of working days: one knob a day, by rule of thumb."""

    def __init__(self) -> None:
        self._last_hit_rate: float | None = None

    def ttl(self, hit_rate: float, ttl_seconds: int) -> int | None:
        """The TTL that they set by hand, or None when they leave it."""
        before, self._last_hit_rate = self._last_hit_rate, None
        if hit_rate >= HIT_RATE_WANTED or ttl_seconds >= TTL_BY_HAND_MOST:
            return None
        if before is not None and hit_rate < before + WORTH_IT:
            return None
        self._last_hit_rate = hit_rate
        return min(TTL_BY_HAND_MOST, round(ttl_seconds * BY_HAND_FACTOR / 60) * 60)

    @staticmethod
    def cache_mb(evictions_share: float, cache_mb: int) -> int | None:
        """The size that they set by hand when more than a hundredth of the lookups evicts something."""
        if evictions_share <= EVICTIONS_BORNE or cache_mb >= MB_BY_HAND_MOST:
            return None
        return min(MB_BY_HAND_MOST, round(cache_mb * BY_HAND_FACTOR))
