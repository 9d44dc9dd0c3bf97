"""Sources of measurements, what Google bills, and the sink of published figures.

A source serves all services in one call and never raises for one of them: a service that cannot be measured gets
`NoData` with the reason and the remedy.
"""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from lumen.model.accesses import Batch, Malformed
from lumen.model.billing import BudgetNotice, BudgetState
from lumen.model.messages import NoData
from lumen.model.metrics import Published
from lumen.model.service import ServiceId
from lumen.model.snapshot import CacheStats, Deployment, HourlyHistory, Spend, Traffic, TtlSetting, Window


class Urgency(StrEnum):
    """What queries are for, the most urgent first: a look at alerts, a turn, the past of a service that is new."""

    LOOK = "look"
    TURN = "turn"
    PAST = "past"


@dataclass(frozen=True, slots=True)
class Asking:
    """A query to Cloud Monitoring: whose quota it uses, and what it asks for."""

    project: str
    urgency: Urgency
    metric: str


class QueryBudget(Protocol):
    """The quota of queries a minute and project, shared by all processes. Raises nothing for want of the store."""

    async def take(self, asking: Asking) -> None:
        """Called before each query: waits for the next minute where this one's is used up.

        Raises SourceUnavailable where there is no room for long.
        """

    async def pause(self, delay_seconds: float | None) -> bool:
        """Google says that the quota is used up: waits as long as it says, else for the next minute. False where that
        is too long."""


class NoBudget:
    """Of a command that asks a few times."""

    async def take(self, asking: Asking) -> None:
        """There is always room."""

    async def pause(self, delay_seconds: float | None) -> bool:
        """Nobody waits."""
        return delay_seconds == 0


NO_BUDGET = NoBudget()


class TrafficSource(Protocol):
    """Requests, latency, cold starts and instance time, one grouped query per metric."""

    async def traffic(self, services: Sequence[ServiceId], window: Window) -> Mapping[ServiceId, Traffic | NoData]:
        """The window in slices of five minutes."""

    async def history(
        self, services: Sequence[ServiceId], window: Window
    ) -> Mapping[ServiceId, HourlyHistory | NoData]:
        """Hourly demand and estimated cost, for the cost rhythm."""


class CacheSource(Protocol):
    """The cache's own counters over the window."""

    async def cache(self, services: Sequence[ServiceId], window: Window) -> Mapping[ServiceId, CacheStats | NoData]:
        """Hits, misses, evictions, memory, latency."""

    async def sample(self) -> None:
        """Between turns: look at counters that only grow, so that the next turn has a difference. Never raises."""


class TtlSource(Protocol):
    """The TTL setting that the service reads."""

    async def ttl(self, service: ServiceId) -> TtlSetting | NoData:
        """The present setting and what the service acknowledged."""


class DeploymentSource(Protocol):
    """Cloud Run's configuration and revisions."""

    async def deployments(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, Deployment | NoData]:
        """The present configuration of each service."""


class SpendSource(Protocol):
    """Budget and spend of the month."""

    async def spend(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, Spend | NoData]:
        """Actual where a notification told it, else an estimate that says so."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that waits to be acknowledged; NoData: what it says is no notice."""

    ack_id: str
    notice: BudgetNotice | NoData


@dataclass(frozen=True, slots=True)
class Pushed:
    """A message that Pub/Sub brings. `subscription`: its full name; `notice`: of a budget, None where it is of none."""

    id: str
    subscription: str
    notice: BudgetNotice | NoData | None
    data: bytes
    published_at: datetime


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
    """The budget of a project."""

    async def own_id(self, project: str) -> str | None:
        """Its id as notifications give it; "" where nobody can tell, None where none fits. Never raises."""


class MonthBudget(Protocol):
    """The budget of a project's calendar month."""

    async def usd(self, project: str) -> float:
        """As it holds now. Never raises."""


class Bills(Protocol):
    """Kept beside the first service of the project. All may raise StoreUnavailable, changes OutcomeUnknown too."""

    async def budget_state(self, home: ServiceId) -> BudgetState:
        """The notice that counts now."""

    async def keep(self, home: ServiceId, notice: BudgetNotice) -> bool:
        """Let it count from now on, if it is the greatest so far. Atomic, whatever came before and comes beside it."""

    async def trouble(self, home: ServiceId, why: NoData | None) -> None:
        """The reason why nothing that counts has come; None: nothing is wrong."""


class FigureSink(Protocol):
    """Takes the figures of one instant, those of all services at once."""

    async def publish(self, figures: Sequence[Published], at: datetime) -> None:
        """Write them as of `at`. What is written for that instant already stays as it is.

        Raises SourceUnavailable (nobody knows whether they arrived) or ActuatorFailed (refused).
        """

    async def lacking(self, project: str) -> NoData | None:
        """The reason why nothing can be published there from here, or None. Writes nothing."""


class AnnouncedMisses(Protocol):
    """The misses of a cache that its server announces. Never raises."""

    async def heard(self, secret: bytes) -> tuple["array[int]", "array[int]"]:
        """Hashes (48 bits) of the keys that missed since the last call, and when (Unix, ms); listens from the first
        call on."""

    async def stop(self) -> None:
        """Listen no more."""


class AccessStream(Protocol):
    """The accesses that services report. Raises SourceUnavailable."""

    async def read(self, service: ServiceId, after: str, limit: int) -> Sequence[tuple[str, Batch | Malformed]]:
        """Entries after that id ("": from the beginning), oldest first, with their ids; none from a service that has
        not acknowledged version 2. A stream that began anew is read from its beginning.
        """

    async def trim(self, service: ServiceId, upto: str) -> None:
        """Let the server drop what stands before that entry."""

    async def thin(self, service: ServiceId, below: int) -> None:
        """Have the service report only the keys whose upper 32 hash bits are below it."""
