"""Container instances of one revision: they follow the load, start cold, and linger idle for a while."""

from dataclasses import dataclass
from math import ceil
from random import Random

PER_SECOND = 1.9  # requests a second that one instance serves before another one is started
IDLE_MINUTES = 12  # how long an instance is kept without work
CRASH_CHANCE = 0.0015  # a minute and instance: the platform replaces instances now and then
BUSY_SHARE = 0.62  # share of an active instance's time in which at least one request is on it


@dataclass(frozen=True, slots=True)
class Minute:
    """Sums of one minute. Billable time leaves idle instances out (request-based billing)."""

    active: int
    idle: int
    cold_starts: int
    billable_seconds: float


class Instances:
    """One revision's instances, minute by minute."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._running = 0
        self._idle_minutes = 0

    @property
    def running(self) -> int:
        """The number of instances, busy or not."""
        return self._running

    def pinned(self, count: int) -> Minute:
        """A minute in which just so many instances are busy all the time, whatever the load."""
        cold = max(0, count - self._running)
        self._running = count
        return Minute(count, 0, cold, 60.0 * count)

    def minute(self, requests: int, minimum: int) -> Minute:
        """A minute with so many requests; `minimum` instances are kept warm."""
        needed = ceil(requests / 60 / PER_SECOND) if requests else 0
        lost = sum(self._random.random() < CRASH_CHANCE for _ in range(self._running))
        running = max(self._running - lost, minimum)
        # What the minimum keeps warm was started before anybody waited for it.
        cold = max(0, needed - running)
        running += cold
        self._idle_minutes = self._idle_minutes + 1 if running > max(needed, minimum) else 0
        if self._idle_minutes > IDLE_MINUTES:
            running -= 1
            self._idle_minutes = 0
        self._running = running
        load = min(1.0, requests / 60 / PER_SECOND / needed) if needed else 0.0
        billable = 60.0 * needed * (BUSY_SHARE + (1 - BUSY_SHARE) * load)
        return Minute(needed, max(0, running - needed), cold, billable)
