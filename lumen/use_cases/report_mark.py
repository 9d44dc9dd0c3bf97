"""The report that stands in the channel says what stands over a service; when that changes, it is marked."""

from lumen.model.service import ServiceId
from lumen.ports.store import Outbox, Surface, Turns


class ReportMarker:
    """Nothing is shown here: the outbox does that."""

    def __init__(self, turns: Turns, outbox: Outbox) -> None:
        self._turns = turns
        self._outbox = outbox

    async def mark_report(self, service: ServiceId) -> None:
        """Nothing before the first report. Raises StoreUnavailable, OutcomeUnknown."""
        shown_on = await self._turns.report_surface(service)
        if shown_on is not None:
            await self._outbox.mark(Surface(service, "report", shown_on))
