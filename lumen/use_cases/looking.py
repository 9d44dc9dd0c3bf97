"""How a knob stands at this moment, how far it may be turned, and what the last turn thinks of it."""

from lumen.model.errors import NotPossible, SourceUnavailable
from lumen.model.nodata import NoData
from lumen.model.proposal import Knob, Value
from lumen.model.readout import KnobReadout
from lumen.model.service import ServiceId
from lumen.model.turn import Recommendation
from lumen.ports.state import Turns
from lumen.use_cases.knobs import Knobs, find


class Looking:
    """Changes nothing."""

    def __init__(self, knobs: Knobs, turns: Turns) -> None:
        self._knobs = knobs
        self._turns = turns

    async def at(self, service: ServiceId, knob: Knob) -> KnobReadout:
        """Read where a change would set it. Raises NotPossible for a knob that is not there, StoreUnavailable."""
        turnable = find(self._knobs, knob)
        value: Value | NoData
        try:
            value = (await turnable.places[0].read(service)).value
        except (SourceUnavailable, NotPossible) as error:
            value = NoData(error.reason, error.remedy)
        turns = await self._turns.latest(service, 1)
        first = turns[0].first if turns else None
        return KnobReadout(
            service=service,
            knob=knob,
            value=value,
            unit=turnable.unit,
            lowest=turnable.lowest,
            highest=turnable.highest,
            wanted=_of(first, knob),
        )


def _of(wanted: Recommendation | NoData | None, knob: Knob) -> Recommendation | None:
    if not isinstance(wanted, Recommendation) or wanted.change is None or wanted.change.knob is not knob:
        return None
    return wanted
