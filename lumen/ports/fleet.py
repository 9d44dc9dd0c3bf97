"""Many services at once, as the store tells of them: for lists, App Home and the digest of a channel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from lumen.model.incident import Incident, Pause, Pinned, StoredAlert
from lumen.model.proposal import Proposal
from lumen.model.service import ServiceId
from lumen.model.turn import Turn


@dataclass(frozen=True, slots=True)
class StoredNow:
    """Of one service: its newest turn, its proposals that are not finished (oldest first), and its open alerts.

    `pause` as people stored it, in force or run out.
    """

    turn: Turn | None
    unfinished: tuple[Proposal, ...]
    alerts: tuple[StoredAlert, ...]
    pinned: Pinned | None
    pause: Pause | None


@dataclass(frozen=True, slots=True)
class StoredLately:
    """Of one service: its newest proposals and incidents, the newest first."""

    proposals: tuple[Proposal, ...]
    incidents: tuple[Incident, ...]


class FleetStore(Protocol):
    """Each method asks for a hundred services in one round trip or two. All raise StoreUnavailable."""

    async def now(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, StoredNow]:
        """What is true of each."""

    async def lately(
        self, services: Sequence[ServiceId], proposals: int, incidents: int
    ) -> Mapping[ServiceId, StoredLately]:
        """So many of each at most."""

    async def state(self, services: Sequence[ServiceId]) -> str:
        """Another one whenever what `now` tells of any of them is another; without reading the turns."""
