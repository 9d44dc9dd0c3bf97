"""The clocks, real and scaled (docs/adr/0001-clock.md): the only place in the product that asks for the time.

A host's clock may step, and so may the store's. Service time goes on by the monotonic clock, and follows the host's and
the store's as far as two of the three agree.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from lumen.ports.clock import ClockOffsets

#: Clocks that differ by less agree: what a network and a pause of this process may take.
AGREE_WITHIN = timedelta(seconds=30)


def _host_time() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Wall:
    """Time on the wall that never steps with the host's clock alone. The functions are the machine's own clocks."""

    host: Callable[[], datetime] = _host_time
    monotonic: Callable[[], float] = time.monotonic
    _base: datetime = field(init=False)
    _base_at: float = field(init=False)
    _has_agreed: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self._begin_at(self.host())

    def now(self) -> datetime:
        return self._base + timedelta(seconds=self.monotonic() - self._base_at)

    def compare(self, store: datetime) -> ClockOffsets:
        """Follow the two of three clocks that agree; the store's before there was ever a third one to ask.

        `store`: its time just now. All replicas read that one, so they agree on what is due.
        """
        host, own = self.host(), self.now()
        if abs(host - store) <= AGREE_WITHIN:
            self._has_agreed = True
            self._begin_at(host)
        elif not self._has_agreed or abs(store - own) <= AGREE_WITHIN:
            self._has_agreed = True
            self._begin_at(store)
        elif abs(host - own) <= AGREE_WITHIN:
            self._begin_at(host)
        return ClockOffsets(_beyond(host - self.now()), _beyond(store - self.now()))

    def _begin_at(self, now: datetime) -> None:
        self._base, self._base_at = now, self.monotonic()


def _beyond(offset: timedelta) -> timedelta:
    return offset if abs(offset) > AGREE_WITHIN else timedelta()


@dataclass(frozen=True, slots=True)
class SystemClock:
    """Real time."""

    wall: Wall = field(default_factory=Wall)
    scale: float = field(init=False, default=1.0)

    def now(self) -> datetime:
        return self.wall.now()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class ScaledClock:
    """Service time that equals the wall's at `origin` and runs `scale` times as fast; only against a sandbox."""

    scale: float
    origin: datetime
    wall: Wall = field(default_factory=Wall)

    def now(self) -> datetime:
        elapsed = self.wall.now() - self.origin
        return self.origin + timedelta(seconds=elapsed.total_seconds() * self.scale)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.scale)


HostClock = SystemClock | ScaledClock


def apart(before: float, said: float, after: float) -> float:
    """Seconds by which a clock that was read `before` and `after` is ahead of one that `said` so in between."""
    return before - said if said < before else after - said if said > after else 0.0
