"""The sandbox's clock (docs/adr/0001): the only place in the sandbox that asks for the time.

Service time equals the wall's at `origin` and runs `scale` times as fast: now = origin + (wall - origin) * scale.
The bot that runs against the sandbox is given the same two numbers and so lives in the same time.
"""

import time
from datetime import UTC, datetime


class Clock:
    """Service time, in seconds since the epoch and as UTC datetimes."""

    def __init__(self, scale: float = 1.0, origin: datetime | None = None) -> None:
        """`origin` None means now. Raises ValueError for a scale that is not above 0."""
        if scale <= 0:
            raise ValueError(f"the clock's scale must be above 0, not {scale}")
        self.scale = scale
        self._origin_seconds = time.time() if origin is None else origin.timestamp()

    @property
    def origin(self) -> datetime:
        """The instant at which service time and the wall agree."""
        return datetime.fromtimestamp(self._origin_seconds, UTC)

    def seconds(self) -> float:
        """Service time now, in seconds since the epoch."""
        return self._origin_seconds + (time.time() - self._origin_seconds) * self.scale

    def now(self) -> datetime:
        """Service time now, UTC."""
        return datetime.fromtimestamp(self.seconds(), UTC)

    def wall_seconds(self, service_seconds: float) -> float:
        """How long a duration of service time takes on the wall."""
        return service_seconds / self.scale

    @staticmethod
    def wall_now() -> datetime:
        """The wall's time, UTC; for the few things that stay in it."""
        return datetime.now(UTC)
