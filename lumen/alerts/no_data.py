"""Alerts on missing data, a state of its own, never good or bad: after three misses, or where silence is unusual."""

import math
from array import array
from datetime import datetime
from statistics import median

from lumen.alerts.evidence import Breach
from lumen.alerts.lifecycle import Lifecycle
from lumen.alerts.stretch import Mask
from lumen.model.alert import AlertEvent, AlertKind, Observation, Severity
from lumen.model.history import SLICES_A_DAY
from lumen.model.messages import message

MISSES = 3
#: Costs are judged by the day.
COST_MISSES = 36
#: A silence is unusual that chance makes once in so many, ...
CHANCE = 1e-5
#: ... where requests come in at most this share of the slices: so three in a row are enough of a service that never
#: sleeps. Of one that does an hour is.
MOST_SHARE = 0.98
LEAST_OF_SLEEPER = 12
#: The share is that of the same stretch on other days, and of the hour before it with it.
HOUR_BEFORE = 12
DAYS, WEEK = 14, 7
#: Who sleeps so long may oversleep by one of so many parts.
PUNCTUAL = 24


class NoDataAlert:
    """One signal of one service. A signal that never came is not configured, and is not missed."""

    def __init__(self, service: str, signal: str, misses: int = MISSES) -> None:
        self._enough = misses
        self._signal = signal
        self._seen = False
        self._missing_since: datetime | None = None
        self._misses = 0
        self.lifecycle = Lifecycle(service, AlertKind.NO_DATA, signal, clear_slices=1)

    @property
    def is_missed(self) -> bool:
        """Whether it came once and is missing now."""
        return self._missing_since is not None

    def step(self, start: datetime, end: datetime, *, present: bool) -> AlertEvent | None:
        """After each slice."""
        if present:
            self._seen, self._missing_since, self._misses = True, None, 0
            return self.lifecycle.close(end, message("alert.data_back"))
        if not self._seen:
            return None
        self._missing_since = self._missing_since or start
        self._misses += 1
        if self._misses < self._enough or self.lifecycle.open is not None:
            return None
        reason = message("alert.no_data", signal=self._signal, since_at=self._missing_since.isoformat())
        return self.lifecycle.step(end, Breach(Severity.NOTICE, self._enough, reason))

    def is_calm(self, present: Mask) -> bool:
        """Whether nothing changes in slices in which it came, or not: always or never."""
        return self.lifecycle.open is None and bool(present.all() or not (self._seen or present.any()))

    def pass_calm(self, present: Mask) -> None:
        """Learn from such slices."""
        if present.any():
            self._seen, self._missing_since, self._misses = True, None, 0


class NoRequestsAlert:
    """No requests of a service: told where that is unusual at this hour, and where nobody could be asked."""

    def __init__(self, service: str) -> None:
        self._silence = Silence()
        self._since: datetime | None = None
        self._refused = 0
        #: Whether what is open says only that nobody could be asked.
        self._is_of_refusals = False
        self.lifecycle = Lifecycle(service, AlertKind.NO_DATA, "traffic", clear_slices=1)

    def step(self, seen: Observation, end: datetime) -> AlertEvent | None:
        """After each slice."""
        is_unusual = self._silence.feed(present=bool(seen.requests))
        self._refused = self._refused + 1 if seen.is_refused else 0
        if seen.requests:
            return self._over(end)
        if not self._silence.is_known:
            return None
        self._since = self._since or seen.start
        if is_unusual:
            self._is_of_refusals = False
        elif self._is_of_refusals and not seen.is_refused:
            return self._over(end)
        if self.lifecycle.open is not None or not (is_unusual or self._refused >= MISSES):
            return None
        self._is_of_refusals = not is_unusual
        since = self._since.isoformat()
        reason = message("alert.no_data", signal="traffic", since_at=since)
        if seen.requests == 0:
            reason = message("alert.no_requests", since_at=since)
        return self.lifecycle.step(end, Breach(Severity.NOTICE, MISSES, reason))

    @property
    def is_calm(self) -> bool:
        """Whether nothing changes in slices with requests."""
        return self.lifecycle.open is None and not self._silence.is_silent

    def pass_calm(self, count: int) -> None:
        """Learn from so many slices with requests."""
        self._silence.pass_present(count)
        self._refused, self._since, self._is_of_refusals = 0, None, False

    def _over(self, end: datetime) -> AlertEvent | None:
        self._since, self._is_of_refusals = None, False
        return self.lifecycle.close(end, message("alert.data_back"))


#: Slices after which what is older than is needed is forgotten.
KEPT = 2 * (DAYS + 1) * SLICES_A_DAY


class Silence:
    """How long no requests have come, and whether that is unusual at this time of the day and of the week.

    It is compared with the same stretch of each of the last 14 days: in how many of its slices requests came. The day
    with the second fewest counts (in the first week the fewest), between what came a week and a fortnight ago.
    """

    def __init__(self) -> None:
        self._with = array("i", [0])  # slices with requests so far
        self._length = 0
        self._since_sleep = DAYS * SLICES_A_DAY

    @property
    def is_known(self) -> bool:
        """Whether any request ever came."""
        return self._with[-1] > 0

    def feed(self, *, present: bool) -> bool:
        """Whether the silence is unusual after this slice."""
        if len(self._with) > KEPT:
            del self._with[: -(DAYS + 1) * SLICES_A_DAY - 1]
        self._with.append(self._with[-1] + int(present))
        slept = present and self._length >= MISSES and self._with[-1] > 1
        self._since_sleep = 0 if slept else self._since_sleep + 1
        self._length = 0 if present else self._length + 1
        sleeps = self._since_sleep < DAYS * SLICES_A_DAY
        return self._length >= (LEAST_OF_SLEEPER if sleeps else MISSES) and self._is_unusual()

    @property
    def is_silent(self) -> bool:
        """Whether the newest slice had no requests."""
        return self._length > 0

    def pass_present(self, count: int) -> None:
        """`feed` of so many slices with requests, after one that had some."""
        self._since_sleep += count
        while count > 0:
            if len(self._with) > KEPT:
                del self._with[: -(DAYS + 1) * SLICES_A_DAY - 1]
            some, newest = min(count, KEPT + 1 - len(self._with)), self._with[-1]
            self._with.extend(range(newest + 1, newest + some + 1))
            count -= some

    def _is_unusual(self) -> bool:
        late = self._length // PUNCTUAL
        known = {days: seen for days in range(1, DAYS + 1) if (seen := self._share(days, late)) is not None}
        if not known:
            return False
        usual = sorted(known.values())[1] if len(known) >= WEEK else min(known.values())
        if WEEK in known:
            usual = median((usual, known[WEEK], known.get(DAYS, 0.0)))
        return -(self._length - late) * math.log(1 - min(usual, MOST_SHARE)) >= -math.log(CHANCE)

    def _share(self, days: int, late: int) -> float | None:
        """Of the same stretch so many days ago, but for its last `late` slices: how many of them had requests."""
        end = len(self._with) - 1 - days * SLICES_A_DAY
        begin = end - self._length
        if begin < 0:
            return None
        before = max(0, begin - HOUR_BEFORE)
        ended = end - late
        alone = (self._with[ended] - self._with[begin]) / (ended - begin)
        return min(alone, (self._with[ended] - self._with[before]) / (ended - before))
