"""Fields of the hash of controls, written each with its line in the channel in one step, and those lines read back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lumen.adapters.store.codec import decode, encode
from lumen.adapters.store.scripts import Calls, position
from lumen.model.control import ControlEnd, ControlLine
from lumen.model.service import Person, ServiceId
from lumen.ports.clock import Clock

#: How the audit names Lumen itself.
LUMEN = "lumen"
SILENCE = "silence/"


@dataclass(frozen=True, slots=True)
class Audited:
    """A line of the audit; `event` "" for none. `person` None: Lumen itself."""

    event: str = ""
    person: Person | None = None
    detail: str = ""


NOT_AUDITED = Audited()


@dataclass(frozen=True, slots=True)
class StandingFields:
    """Writes and reads them."""

    calls: Calls
    clock: Clock

    async def put(
        self,
        service: ServiceId,
        field: str,
        value: str,
        audited: Audited = NOT_AUDITED,
        line: ControlLine | None = None,
        only: str = "",
    ) -> bool:
        """Whether there was one before. `value` "": none from now on. `only`: where the line of that id tells of it."""
        now, person = self.clock.now(), audited.person
        end = ControlEnd(now, person, replaced=bool(value))
        reply = await self.calls.change(
            "control_put",
            service,
            *(field, value, now.isoformat(), person.user_id if person else LUMEN, audited.event, audited.detail),
            *(line.id if line else "", encode(line) if line else "", encode(end), only),
            makes_work=bool(audited.event),  # what is not audited is what Lumen has noticed, and has no line
        )
        return bool(reply.values[0])

    async def line(self, service: ServiceId, line_id: str) -> ControlLine | None:
        """One by its id; None when it is forgotten or never was."""
        return _line(await self._all(service), line_id)

    async def lines(self, service: ServiceId) -> Sequence[ControlLine]:
        """Those that have not ended, oldest first."""
        held = await self._all(service)
        found = (_line(held, line_id) for line_id in held.get("lines", "").split())
        return [line for line in found if line is not None and line.ended is None]

    async def _all(self, service: ServiceId) -> Mapping[str, str]:
        reply = await self.calls.read("read", service, "HGETALL", position("standing"))
        flat = reply.values[0]
        return dict(zip(flat[::2], flat[1::2], strict=True))


def _line(held: Mapping[str, str], line_id: str) -> ControlLine | None:
    stored, end = held.get(f"line/{line_id}"), held.get(f"line end/{line_id}")
    if stored is None:
        return None
    fields = held.get(f"line fields/{line_id}", "").split()
    if end is None:
        fields = [field for field in fields if held.get(f"line of/{field}") == line_id]
    names = tuple(field.removeprefix(SILENCE) for field in fields if field.startswith(SILENCE))
    return replace(decode(ControlLine, stored), names=names, ended=decode(ControlEnd, end) if end else None)
