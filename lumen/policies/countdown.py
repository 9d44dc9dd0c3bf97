"""What a countdown comes to when its time is up: here a rollback's; `unasked` has that of other changes.

Everything is judged afresh; silence alone is no reason.
"""

from dataclasses import dataclass
from enum import StrEnum

from lumen.model.message import Message, message
from lumen.model.proposal import Value
from lumen.policies.rollback import RollbackAdvice


class End(StrEnum):
    """ACT: do it. WITHDRAW: there is nothing to do any more. ASK: a person must decide, and nothing happens."""

    ACT = "act"
    WITHDRAW = "withdraw"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Ending:
    """`target`: the value that a person is asked for; None where there is nothing to ask."""

    end: End
    reasons: tuple[Message, ...]
    target: Value | None = None


@dataclass(frozen=True, slots=True)
class AtTheEnd:
    """`moved`: the traffic is no longer as it was when the countdown began (a deploy, a rollback by hand).

    `failing`: whether the newest minutes still fail; None without fresh data. `held`: what keeps automation back.
    """

    wanted: str
    moved: bool
    page_open: bool
    data_complete: bool
    failing: bool | None
    held: tuple[Message, ...]
    advice: RollbackAdvice
    good_revision: str | None


def at_the_end(now: AtTheEnd) -> Ending:  # noqa: PLR0911 - a return a row of the table
    """The first of these that applies (docs/states.md shows the same table)."""
    if now.moved:
        return Ending(End.WITHDRAW, (message("rollback.moved"),))
    if now.page_open and (not now.data_complete or now.failing is None):
        return Ending(End.ASK, (message("rollback.no_data"),), now.wanted)
    if not now.page_open or not now.failing:
        return Ending(End.WITHDRAW, (message("rollback.recovered"),))
    if now.good_revision is None:
        return Ending(End.ASK, (message("rollback.nothing_good"),))
    if now.held:
        return Ending(End.ASK, now.held, now.good_revision)
    if now.advice.target is None:
        return Ending(End.ASK, now.advice.against, now.good_revision)
    if now.advice.target != now.wanted:
        return Ending(End.WITHDRAW, (message("rollback.other_target", target=now.advice.target),))
    return Ending(End.ACT, ())
