"""The clocks (docs/adr/0001): the only place in the product that asks for the time."""

import asyncio
from datetime import UTC, datetime, timedelta


class SystemClock:
    """Real time."""

    scale = 1.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ScaledClock:
    """Service time that equals the wall's at `origin` and runs `scale` times as fast; only against a sandbox."""

    def __init__(self, scale: float, origin: datetime) -> None:
        self.scale = scale
        self._origin = origin

    def now(self) -> datetime:
        elapsed = datetime.now(UTC) - self._origin
        return self._origin + timedelta(seconds=elapsed.total_seconds() * self.scale)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.scale)
