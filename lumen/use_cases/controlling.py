"""Controls that people set, as their lines in the channel show them: ended by a button or by time, reminded before.

Waiting proposals are reminded here too: once, before they expire.
"""

from dataclasses import dataclass
from datetime import datetime

from lumen.model.control import ControlKind, ControlLine
from lumen.model.incident import SizeLock, TtlOverride
from lumen.model.messages import NotPossible, with_remedy
from lumen.model.proposal import State
from lumen.model.service import Permit, ServiceId
from lumen.policies.reminders import remind_at
from lumen.ports.clock import Clock
from lumen.ports.incidents import Controls
from lumen.ports.store import Outbox, Proposals, Surface
from lumen.use_cases.emergency import EmergencyActions
from lumen.use_cases.on_call import Silencing
from lumen.use_cases.overrides import Overrides
from lumen.use_cases.queries import Choosing
from lumen.use_cases.restrictions import ReportMarker

#: Surfaces of a line, and of what is said about it in its thread: the line's id, `#`, and one of the two words.
LINE, NOTE = "control", "control_note"
ENDS, ENDED = "ends", "ended"
#: The surface of a proposal's reminder.
REMINDER = "reminder"


@dataclass(frozen=True, slots=True)
class Ending:
    """Ends the control that a line tells of, and no newer one, the way that its command does."""

    controls: Controls
    emergency: EmergencyActions
    overrides: Overrides
    silencing: Silencing
    choosing: Choosing

    async def end(
        self, service: ServiceId, line_id: str, permit: Permit
    ) -> tuple[ControlLine, TtlOverride | SizeLock | None]:
        """The line as it was found (one that had ended already stays as it is), and the setting that holds still.

        Raises NotPossible (not known any more, or ended by somebody else in this very moment).
        """
        still: TtlOverride | SizeLock | None = None
        line = await self.controls.line(service, line_id)
        if line is None:
            raise NotPossible(*with_remedy("control.gone"))
        if line.ended is not None:
            return line, None
        match line.kind:
            case ControlKind.PAUSE | ControlKind.STOP:
                await self.emergency.resume(service, permit, line_id)
            case ControlKind.OVERRIDE:
                still = await self.overrides.lift_ttl(service, permit, line_id)
            case ControlKind.SIZE_LOCK:
                still = await self.overrides.unlock_size(service, permit, line_id)
            case ControlKind.SILENCE:
                await self.silencing.end_line(service, line, permit)
            case ControlKind.SERVICE:
                await self.choosing.end(line, permit)
        return line, still


@dataclass(frozen=True, slots=True)
class Reminding:
    """What ends by itself is told once before, in its thread, and once it has ended."""

    controls: Controls
    proposals: Proposals
    outbox: Outbox
    report: ReportMarker
    clock: Clock

    async def due(self, service: ServiceId) -> None:
        """Safe to call as often as one likes, by every replica. Raises StoreUnavailable, OutcomeUnknown."""
        for line in await self.controls.lines(service):
            if line.until is not None and line.until <= self.clock.now():
                await self._run_out(service, line)
            elif line.until is not None and self._is_time(remind_at(line.at, line.until)):
                await self._remind(service, line)
        for waiting in await self.proposals.unfinished(service):
            is_asked = waiting.state is State.PENDING and waiting.acts_at is None
            if is_asked and self._is_time(remind_at(waiting.created_at, waiting.expires_at)):
                await self.outbox.mark(Surface(service, REMINDER, waiting.id), once=True)

    def _is_time(self, at: datetime | None) -> bool:
        return at is not None and at <= self.clock.now()

    async def _remind(self, service: ServiceId, line: ControlLine) -> None:
        """In its thread, and on the line itself."""
        if await self.outbox.mark(Surface(service, NOTE, f"{line.id}#{ENDS}"), once=True):
            await self.outbox.mark(Surface(service, LINE, line.id))

    async def _run_out(self, service: ServiceId, line: ControlLine) -> None:
        """Silences are ended by the watch, which tells what they held back."""
        match line.kind:
            case ControlKind.PAUSE | ControlKind.STOP:
                await self.controls.resume(service, None, line.id)
            case ControlKind.OVERRIDE:
                await self.controls.lift_override(service, None, line.id)
            case ControlKind.SIZE_LOCK:
                await self.controls.unlock_size(service, None, line.id)
            case _:
                return
        await self.report.mark_report(service)
