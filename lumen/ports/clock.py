"""The one clock. Nothing else in Lumen asks for the time."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Service time: real by default; against a sandbox it may run `scale` times faster than the wall."""

    @property
    def scale(self) -> float:
        """Seconds of service time in one second on the wall (1.0 in production)."""

    def now(self) -> datetime:
        """Service time, timezone-aware UTC."""

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds` of service time."""
