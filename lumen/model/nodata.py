"""No data is never a value: what could not be measured says why, and how to mend it."""

from dataclasses import dataclass

from lumen.model.message import Message


@dataclass(frozen=True, slots=True)
class NoData:
    """Stands where a measurement would stand. Nothing automatic is ever done on it."""

    reason: Message
    remedy: Message
