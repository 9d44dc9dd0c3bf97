"""What Google bills: budgets' notifications as they come, and where the one that counts is remembered."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lumen.model.billed import BudgetNotice, Heard
from lumen.model.nodata import NoData
from lumen.model.service import ServiceId


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that waits to be acknowledged; NoData: what it says is no notice."""

    ack_id: str
    notice: BudgetNotice | NoData


class BudgetNews(Protocol):
    """A subscription: at least once, in any order. Both may raise SourceUnavailable."""

    @property
    def name(self) -> str:
        """Of the subscription, for people."""

    async def pull(self, limit: int) -> Sequence[Delivery]:
        """At most `limit` of those that wait; it never waits for one to come."""

    async def acknowledge(self, ack_ids: Sequence[str]) -> None:
        """They need not come again."""


class OwnBudget(Protocol):
    """Which budget is meant for a project."""

    async def own_id(self, project: str) -> str:
        """Its id as notifications give it, or "" where nobody can tell. Never raises."""


class Bills(Protocol):
    """Kept beside the first service that is watched. All may raise StoreUnavailable, changes OutcomeUnknown too."""

    async def heard(self, home: ServiceId) -> Heard:
        """What counts now."""

    async def keep(self, home: ServiceId, notice: BudgetNotice) -> bool:
        """Let it count from now on, if it is the greatest so far. Atomic, whatever came before and comes beside it."""

    async def trouble(self, home: ServiceId, why: NoData | None) -> None:
        """Why nothing that counts has come; None: nothing is wrong."""
