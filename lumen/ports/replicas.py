"""The processes that share the work of a fleet, as they know of each other."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol


class Replicas(Protocol):
    """Those that live; timed by the store's own clock, on the wall. Raises StoreUnavailable."""

    async def beat(self, name: str, lasts: timedelta) -> Sequence[str]:
        """Be known as alive for so long; the names of all that are."""

    async def leave(self, name: str) -> None:
        """Be known as alive no more."""
