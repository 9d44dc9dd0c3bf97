"""What is kept of the days after their slices are forgotten."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from lumen.model.day import Day
from lumen.model.service import ServiceId


class Days(Protocol):
    """Sums by UTC day, kept for a hundred days. `Alerts.look` adds each slice to them in the step that stores it."""

    async def days(self, service: ServiceId, since: date) -> Sequence[Day]:
        """Those from `since` on, ascending. A day without a look is absent; the newest one is not over yet.

        Raises StoreUnavailable.
        """
