"""What a detector sees in the newest slice."""

from dataclasses import dataclass

from lumen.model.alert import Severity
from lumen.model.message import Message


@dataclass(frozen=True, slots=True)
class Finding:
    """A condition that holds now. `slices` is how far back its evidence reaches."""

    severity: Severity
    slices: int
    reason: Message
