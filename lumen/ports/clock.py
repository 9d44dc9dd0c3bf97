"""The one clock, the points where tests crash a process on purpose, and the process that does slow arithmetic."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ParamSpec, Protocol, TypeVar


class Clock(Protocol):
    """Service time: real by default; against a sandbox it may run `scale` times faster than the wall."""

    @property
    def scale(self) -> float:
        """Seconds of service time in one second on the wall (1.0 in production)."""

    def now(self) -> datetime:
        """Service time, timezone-aware UTC."""

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds` of service time."""


@dataclass(frozen=True, slots=True)
class ClockOffsets:
    """How far the host's and the store's clock are ahead of the time that counts; zero where they agree with it."""

    host: timedelta = timedelta()
    store: timedelta = timedelta()

    @property
    def all_agree(self) -> bool:
        """Whether there is nothing to say."""
        return not self.host and not self.store


class FaultPoint(Protocol):
    """Called with the name of the point that is passed; does nothing in production."""

    def __call__(self, name: str) -> None: ...


def no_fault(name: str) -> None:
    """The production implementation."""


P = ParamSpec("P")
T = TypeVar("T")


class Numerics(Protocol):
    """Runs a pure function apart from the event loop; the function and its values must be picklable."""

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The function's value, or what it raised."""
