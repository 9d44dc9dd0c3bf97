"""The clocks, real and scaled (docs/adr/0001-clock.md): the only place in the product that asks for the time."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


class SystemClock:
    """Real time."""

    scale = 1.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class ScaledClock:
    """Service time that equals the wall's at `origin` and runs `scale` times as fast; only against a sandbox."""

    scale: float
    origin: datetime

    def now(self) -> datetime:
        elapsed = datetime.now(UTC) - self.origin
        return self.origin + timedelta(seconds=elapsed.total_seconds() * self.scale)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.scale)


def apart(before: float, said: float, after: float) -> float:
    """Seconds by which a clock that was read `before` and `after` is ahead of one that `said` so in between."""
    return before - said if said < before else after - said if said > after else 0.0
