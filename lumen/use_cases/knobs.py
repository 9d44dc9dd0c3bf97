"""The knobs of each service: where the value of each lives, and how far a person may turn it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lumen.model.messages import Message, NotPossible, with_remedy
from lumen.model.proposal import Change, Knob, Value
from lumen.model.service import ServiceId
from lumen.ports.actuators import Actuator, Forgetful, HoldingBack


@dataclass(frozen=True, slots=True)
class Turnable:
    """One knob. The first place's value is the premise of a proposal; the other places only follow it.

    `lowest` and `highest` bound a number; a knob of another kind (the traffic) has no bounds.
    """

    places: tuple[Actuator, ...]
    unit: str
    lowest: int | None = None
    highest: int | None = None
    #: The first place, where it may lose what was set.
    forgets: Forgetful | None = None
    #: The first place, where it can keep the old value for a share of keys.
    holding_back: HoldingBack | None = None
    #: Sentences on the cost of a change, where it has one that whoever decides should know.
    cost: Callable[[Change], Sequence[Message]] | None = None

    #: A change makes a new revision with the same image.
    deploys: bool = False

    def cost_of(self, change: Change) -> Sequence[Message]:
        """Empty where there is nothing to say of it."""
        return self.cost(change) if self.cost else ()

    def check_range(self, knob: Knob, wanted: Value) -> None:
        """Raises NotPossible, which says what is allowed."""
        if self.lowest is None or self.highest is None or not isinstance(wanted, int):
            return
        problem = out_of_range(knob, wanted, self.unit, self.lowest, self.highest)
        if problem:
            raise NotPossible(*problem)


def out_of_range(knob: Knob, wanted: int, unit: str, lowest: int, highest: int) -> tuple[Message, Message] | None:
    """What is allowed, and why no more; None where `wanted` is."""
    if lowest <= wanted <= highest:
        return None
    why = Message(f"approval.range_{knob}", {})
    return with_remedy(
        "approval.out_of_range", knob=knob.value, wanted=wanted, unit=unit, lowest=lowest, highest=highest, why=why
    )


#: Of one service. A knob that is not there cannot be turned.
Knobs = Mapping[Knob, Turnable]
_NONE: Knobs = {}


def looked_up(knobs: Mapping[ServiceId, Knobs], service: ServiceId, knob: Knob) -> Turnable | None:
    """None where the service has no such knob, or is not watched any more."""
    return knobs.get(service, _NONE).get(knob)


def find(knobs: Mapping[ServiceId, Knobs], service: ServiceId, knob: Knob) -> Turnable:
    """Raises NotPossible for a knob that the service does not have."""
    found = looked_up(knobs, service, knob)
    if found is None:
        raise NotPossible(*with_remedy("approval.no_such_knob", knob=knob.value))
    return found
