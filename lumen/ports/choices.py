"""Where it is remembered of which service a channel speaks."""

from typing import Protocol

from lumen.model.chosen import Chosen
from lumen.model.service import ServiceId


class Choices(Protocol):
    """Kept beside the first service that is watched. Both may raise StoreUnavailable, `put` OutcomeUnknown too."""

    async def of(self, home: ServiceId, channel: str) -> Chosen | None:
        """What was chosen for `channel`."""

    async def put(self, home: ServiceId, channel: str, chosen: Chosen) -> None:
        """Remember it instead of what was chosen before; audited."""
