"""Google Cloud's resources, one kind at a time."""

from collections.abc import Sequence
from typing import Protocol

from lumen.model.setup import Body, Found, Kind


class CloudResources(Protocol):
    """Those of one project (and of its billing account). A write is never repeated by itself."""

    async def read(self, kind: Kind) -> Sequence[Found]:
        """All of a kind, Lumen's and other people's. Raises SourceUnavailable."""

    def settled(self, kind: Kind, body: Body) -> Body:
        """The body as the API would give it back. Raises ValueError for one that does not fit the API's type."""

    async def create(self, kind: Kind, key: str, applied: str, body: Body) -> str:
        """Make it and mark it as Lumen's; its full name. Raises ActuatorFailed or SourceUnavailable."""

    async def update(self, found: Found, key: str, applied: str, body: Body, fields: Sequence[str]) -> None:
        """Write these fields of the body (and the mark) over what was found. Raises likewise; also where it has
        changed since, where the API can tell."""

    async def delete(self, found: Found) -> None:
        """It need not be there any more. Raises likewise."""
