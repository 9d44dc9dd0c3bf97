"""What was measured of a change that was applied (docs/methods.md, what a change really did)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lumen.model.message import Message


class Verdict(StrEnum):
    """How a change is judged in the end; the names are those of the states that it leads to."""

    KEPT = "KEPT"
    INCONCLUSIVE = "INCONCLUSIVE"
    HARMFUL = "HARMFUL"


@dataclass(frozen=True, slots=True)
class MeasuredEffect:
    """The effect on one metric as ratios (0.10: ten per cent more), with its interval."""

    metric: str
    effect: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Measured:
    """The newest look at a change. `verdict` None: it is looked at again.

    `look_hours`: after how many hours, 0 for a page that opened right after the change. `effects`: the metric that
    the change is for comes first; empty where there was no honest estimate. `undo`: it should be taken back.
    """

    look_hours: int
    at: datetime
    verdict: Verdict | None
    reason: Message
    effects: tuple[MeasuredEffect, ...] = ()
    undo: bool = False
