"""The sandbox's clock (docs/adr/0001): the only place in the sandbox that asks for the time.

Service time equals the wall's at `origin` and runs `scale` times as fast: now = origin + (wall - origin) * scale.
The bot that runs against the sandbox is given the same two numbers and so lives in the same time.
"""

import time
from datetime import UTC, datetime
from math import inf

_LATEST_ORIGIN = datetime(9999, 1, 1, tzinfo=UTC).timestamp()


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
        return self._at(time.time())

    def _at(self, wall: float) -> float:
        return self._origin_seconds + (wall - self._origin_seconds) * self.scale

    def now(self) -> datetime:
        """Service time now, UTC."""
        return datetime.fromtimestamp(self.seconds(), UTC)

    def run_at(self, scale: float) -> None:
        """Another pace from now on. Service time goes on from where it is, so the origin moves: whoever shares this
        clock must be given both numbers again. Raises ValueError for a pace that no origin makes continuous."""
        if not scale > 0 or scale == inf:
            raise ValueError(f"the clock's scale must be above 0, not {scale}")
        wall = time.time()
        service = self._at(wall)  # of one reading: what passes between two would be counted twice
        ahead = service - wall
        if scale == 1:
            if abs(ahead) > 0.001:
                raise ValueError(
                    f"service time is {ahead:.0f} s ahead of the wall's, and at scale 1 it would be the wall's: choose "
                    "another scale, such as 1.01, or start anew"
                )
            self.scale = 1.0
            return
        origin = wall - ahead / (scale - 1)
        if not 0 <= origin <= _LATEST_ORIGIN:
            raise ValueError(
                f"at scale {scale} the origin would lie outside the years 1970 to 9999: choose another scale"
            )
        self.scale, self._origin_seconds = scale, origin

    def wall_seconds(self, service_seconds: float) -> float:
        """Seconds on the wall that a duration of service time takes."""
        return service_seconds / self.scale

    @staticmethod
    def wall_now() -> datetime:
        """The wall's time, UTC; for the few things that stay in it."""
        return datetime.now(UTC)
