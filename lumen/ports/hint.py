"""The hint of which services may have work (docs/adr/0024-only-services-with-work.md)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from lumen.model.service import ServiceId


@dataclass(frozen=True, slots=True)
class Hinted:
    """By a service's key: what its hint stands at, a number that grows with each change. `since` names the filling that
    it began with; None: it is empty."""

    services: Mapping[str, float]
    since: float | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A proposal that waits for people and is not reminded of yet, or is; it expires in so long, on the wall."""

    created_at: datetime
    expires_at: datetime
    expires_in: timedelta
    is_reminded: bool


class Hint(Protocol):
    """Tells which services may have work. Every change that may make some raises it first; it decides nothing."""

    async def active(self) -> Hinted:
        """All that may have work, of whoever shares the store, in one command."""

    async def refill(self, services: Sequence[ServiceId]) -> float:
        """These may have work, whatever was forgotten; the filling that the hint has begun with."""

    async def rest(self, seen: Mapping[ServiceId, float], soon: datetime) -> Mapping[ServiceId, Sequence[Waiting]]:
        """Take out those of which nothing stands, and nothing that is on its way can come to stand: each only where its
        hint is the one that was seen. `soon`: controls that end before that are waited for.

        The answer: those of which nothing stands but proposals that wait, until their hint is another one.
        """
