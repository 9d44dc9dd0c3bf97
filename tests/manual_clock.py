"""A clock that stands until the test moves it."""

from datetime import UTC, datetime, timedelta


class ManualClock:
    """Implements the Clock port."""

    scale = 1.0

    def __init__(self, now: datetime = datetime(2026, 11, 21, 12, tzinfo=UTC)) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self.move(timedelta(seconds=seconds))

    def move(self, by: timedelta) -> None:
        """Forward (or back)."""
        self._now += by
