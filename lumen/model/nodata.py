"""No data is never a value: what could not be measured says why, and how to mend it."""

from dataclasses import dataclass

from lumen.model.message import Message


@dataclass(frozen=True, slots=True)
class NoData:
    """Stands where a measurement would stand. Nothing automatic is ever done on it.

    `unreachable`: the measured thing itself did not answer (a dead Redis), not merely its measurement.
    `known_absent`: nothing is missing, for it is known that there is nothing to measure (no limit is set, nothing was
    deployed).
    """

    reason: Message
    remedy: Message
    unreachable: bool = False
    known_absent: bool = False
