"""Which service the commands of a channel speak of, where several are watched."""

from dataclasses import dataclass
from datetime import datetime

from lumen.model.service import Person, ServiceId


@dataclass(frozen=True, slots=True)
class Chosen:
    """By whom, and when; without one it is the first service that is watched."""

    service: ServiceId
    by: Person
    at: datetime
