"""What Lumen can turn. An actuator reads the real value, compares, sets an absolute value, and reads back."""

from dataclasses import dataclass
from typing import Protocol

from lumen.model.proposal import Change
from lumen.model.service import ServiceId


@dataclass(frozen=True, slots=True)
class Reading:
    """The real value of a knob now. `version` counts changes of this very value ("" where the place does not count).

    An etag is no version in this sense (it moves with every other edit): the adapter that needs one reads it itself.
    """

    value: int
    version: str


class Actuator(Protocol):
    """One place where a knob's value lives. Raises ValueMoved, ActuatorFailed; each says what and how to mend it."""

    @property
    def name(self) -> str:
        """For people and the audit: "redis", "cloud_run"."""

    async def read(self, service: ServiceId) -> Reading:
        """The real value. Raises SourceUnavailable."""

    async def set(self, service: ServiceId, change: Change, expected: Reading, proposal_id: str) -> Reading:
        """Set `change.new` if the value still is `expected`; return what was read back.

        Effectively once: a second call after a lost answer finds the new value in place and changes nothing.
        """

    async def followed(self, service: ServiceId, wanted: Reading) -> bool:
        """Whether the running service is known to use `wanted` (acknowledged, or a ready revision that serves)."""
