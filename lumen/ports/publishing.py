"""Where figures are published."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from lumen.model.nodata import NoData
from lumen.model.published import Published


class FigureSink(Protocol):
    """Takes the figures of one instant, those of all services at once."""

    async def publish(self, figures: Sequence[Published], at: datetime) -> None:
        """Write them as of `at`. What is written for that instant already stays as it is.

        Raises SourceUnavailable (nobody knows whether they arrived) or ActuatorFailed (refused).
        """

    async def lacking(self) -> NoData | None:
        """Why nothing can be published from here, or None. Writes nothing."""
