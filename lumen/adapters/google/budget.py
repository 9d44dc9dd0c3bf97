"""Money of the project's month: the budget's amount, an estimate of the spend, and the budget's notifications.

The Budgets API tells amounts and rules, never spend; the estimate is our own, over a month of UTC (Google's billing
months begin at midnight US Pacific time). Notifications tell the real spend: Cloud Billing's "programmatic
notifications", schema 1.0, from a Pub/Sub subscription.
"""

import asyncio
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from google.api_core import exceptions
from google.cloud.billing.budgets_v1 import BudgetServiceAsyncClient, ListBudgetsRequest

from lumen.adapters.checks import no_data
from lumen.adapters.google.clients import PATIENCE, Patience
from lumen.adapters.google.errors import BUDGETS, PUBSUB, reading
from lumen.adapters.google.hourly_cost import HourlyCosts
from lumen.model.billing import BudgetNotice
from lumen.model.messages import NoData, SourceUnavailable, message, with_remedy
from lumen.model.service import ServiceId
from lumen.model.snapshot import HourlyHistory, ServiceSpend, Spend, Window
from lumen.ports.clock import Clock
from lumen.ports.sources import Delivery

#: Cloud Run's metrics are complete after this (Google: visible within 120 to 180 s).
INGEST_DELAY = timedelta(minutes=4)
#: Below this share of known hours a month's sum would be a fiction.
LEAST_COVERAGE = 0.8
#: An amount changes rarely; no need to ask in every turn.
BUDGET_AGE = timedelta(hours=1)
MOST_BUDGETS = 1000
#: On the wall. A pull waits for messages until then; none after it is no failure.
PULL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Budget:
    """One budget's amount in its own currency."""

    display_name: str
    amount: float
    currency: str
    id: str


@dataclass(frozen=True, slots=True)
class GoogleBudgets:
    """Reads the budget of one billing account that is meant for one project.

    `account`: "0X0X0X-…" or its full name; "": none is set. `display_name`: that of the budget which is looked for.
    """

    client: BudgetServiceAsyncClient
    account: str
    display_name: str
    patience: Patience = PATIENCE

    async def budget(self, project: str) -> Budget | NoData:
        """The budget with our name, else the only one that covers `project`; NoData with the reason otherwise."""
        if not self.account:
            return NoData(*with_remedy("source.no_billing_account"))
        try:
            listed = await self._list()
        except SourceUnavailable as error:
            return no_data(error)
        chosen = self._choose(listed, project)
        if chosen is None:
            return NoData(*with_remedy("source.no_budget", account=self.account, name=self.display_name))
        money = chosen.amount.specified_amount
        amount, budget_id = money.units + money.nanos / 1e9, chosen.name.rpartition("/")[2]
        return Budget(chosen.display_name, amount, money.currency_code, budget_id)

    async def own_id(self, project: str) -> str:
        """Its id as notifications give it, or ""; the OwnBudget port."""
        found = await self.budget(project)
        return "" if isinstance(found, NoData) else found.id

    def _choose(self, listed: Sequence[Any], project: str) -> Any:
        """Look at told amounts only: a budget "as last month's spend" has none."""
        told = [b for b in listed if b.amount.specified_amount.units > 0 or b.amount.specified_amount.nanos > 0]
        ours = [b for b in told if b.display_name == self.display_name]
        covering = [b for b in told if f"projects/{project}" in b.budget_filter.projects]
        for group in (ours, covering):
            if len(group) == 1:
                return group[0]
        return None

    @property
    def _parent(self) -> str:
        return f"billingAccounts/{self.account.removeprefix('billingAccounts/')}"

    async def _list(self) -> Sequence[Any]:
        budgets: list[Any] = []
        with reading(BUDGETS, "budgets", self._parent):
            async with asyncio.timeout(self.patience.whole_seconds):
                pager = await self.client.list_budgets(ListBudgetsRequest(parent=self._parent), **self.patience.options)
                async for budget in pager:
                    budgets.append(budget)
                    if len(budgets) >= MOST_BUDGETS:
                        break
        return budgets


@dataclass(frozen=True, slots=True)
class GoogleSpend:
    """Implements the SpendSource port. `budget_usd` is the setting, used where no budget in USD can be read.

    `watched`: all services of the project that are watched; the budget is for all of them, whoever asks for one.
    """

    budgets: GoogleBudgets
    hourly: HourlyCosts
    clock: Clock
    budget_usd: float
    watched: Sequence[ServiceId] = ()
    _read: dict[str, tuple[datetime, Budget | NoData]] = field(default_factory=dict, init=False)

    async def spend(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, Spend | NoData]:
        """Month to date, estimated from the hours that Monitoring knows."""
        now = self.clock.now()
        window = _month_to_date(now)
        everybody = tuple(dict.fromkeys((*self.watched, *services)))
        costs = await self.hourly.history(everybody, window) if window else dict.fromkeys(everybody, _just_begun())
        found: dict[ServiceId, Spend | NoData] = {}
        for service in services:
            mates = [one for one in everybody if one.project == service.project]
            parts = tuple(ServiceSpend(one.name, _sum(costs[one])) for one in mates)
            found[service] = Spend(
                month_to_date_usd=_together(parts),
                is_estimate=True,
                budget_usd=await self._budget(service.project, now),
                as_of=window.end if window else now,
                parts=parts,
            )
        return found

    async def _budget(self, project: str, now: datetime) -> float:
        """In USD; a budget in another currency is not converted: the setting holds, and doctor says so."""
        read_at, budget = self._read.get(project, (None, None))
        if budget is None or read_at is None or now - read_at >= BUDGET_AGE:
            budget = await self.budgets.budget(project)
            self._read[project] = (now, budget)
        return self.budget_usd if isinstance(budget, NoData) or budget.currency != "USD" else budget.amount


def _month_to_date(now: datetime) -> Window | None:
    end = (now - INGEST_DELAY).astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    start = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Window(start, end) if end > start else None


def _sum(history: HourlyHistory | NoData) -> float | NoData:
    """From the first hour that is known: before it there was no service, as far as anybody can tell."""
    if isinstance(history, NoData):
        return history
    known = [hour for hour, cost in enumerate(history.cost_usd) if cost is not None]
    since = history.cost_usd[known[0] :] if known else history.cost_usd
    if len(known) < LEAST_COVERAGE * len(since):
        return NoData(*with_remedy("source.month_incomplete", known=len(known), hours=len(since)))
    return sum(cost for cost in since if cost is not None)


def _together(parts: Sequence[ServiceSpend]) -> float | NoData:
    """The sum; where a part is unknown, why there is none and what is known all the same."""
    usd = [part.month_to_date_usd for part in parts]
    unknown = [one for one in usd if isinstance(one, NoData)]
    if len(unknown) == len(usd):
        return unknown[0]
    known_usd = sum(one for one in usd if not isinstance(one, NoData))
    if not unknown:
        return known_usd
    names = ", ".join(part.service for part in parts if isinstance(part.month_to_date_usd, NoData))
    return NoData(message("source.month_partial", services=names, known_usd=known_usd), unknown[0].remedy)


def _just_begun() -> NoData:
    return NoData(*with_remedy("source.month_just_begun"))


@dataclass(frozen=True, slots=True)
class PubSubBudgetNews:
    """`lumen.ports.sources.BudgetNews`. `client`: a SubscriberAsyncClient; None: the extra `pubsub` is not installed.

    `subscription`: projects/…/subscriptions/…; `topic`: what it is of, for the sentence that says how to make it.
    """

    client: Any
    subscription: str
    topic: str
    pull_seconds: float = PULL_SECONDS

    @property
    def name(self) -> str:
        return self.subscription

    async def pull(self, limit: int) -> Sequence[Delivery]:
        client = self._usable()
        with reading(PUBSUB, "pubsub", self.subscription):
            try:
                answer = await client.pull(
                    subscription=self.subscription, max_messages=limit, retry=None, timeout=self.pull_seconds
                )
            except exceptions.DeadlineExceeded:
                return ()
            except exceptions.NotFound as error:
                raise self._not_there() from error
        return tuple(self._delivery(received) for received in answer.received_messages)

    async def acknowledge(self, ack_ids: Sequence[str]) -> None:
        client = self._usable()
        with reading(PUBSUB, "pubsub", self.subscription):
            await client.acknowledge(
                subscription=self.subscription, ack_ids=list(ack_ids), retry=None, timeout=self.pull_seconds
            )

    async def peek(self) -> BudgetNotice | NoData | None:
        """The notification that waits, given back at once; None: nothing waits. Raises SourceUnavailable."""
        found = await self.pull(1)
        if not found:
            return None
        with reading(PUBSUB, "pubsub", self.subscription):
            await self._usable().modify_ack_deadline(
                subscription=self.subscription,
                ack_ids=[found[0].ack_id],
                ack_deadline_seconds=0,
                retry=None,
                timeout=self.pull_seconds,
            )
        return found[0].notice

    def _usable(self) -> Any:
        if self.client is None:
            raise SourceUnavailable(*with_remedy("source.news_no_client"))
        return self.client

    def _not_there(self) -> SourceUnavailable:
        return SourceUnavailable(
            *with_remedy("source.news_no_subscription", subscription=self.subscription, topic=self.topic)
        )

    def _delivery(self, received: Any) -> Delivery:
        told = received.message
        try:
            notice: BudgetNotice | NoData = parsed(told.data, told.attributes, told.publish_time)
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            detail = f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
            notice = NoData(*with_remedy("source.news_unreadable", subscription=self.subscription, detail=detail))
        return Delivery(received.ack_id, notice)


def parsed(data: bytes, attributes: Mapping[str, str], published_at: datetime) -> BudgetNotice:
    """Raises one of several built-in errors for what is no notification of a budget."""
    said = json.loads(data)
    cost, since = said["costAmount"], datetime.fromisoformat(said["costIntervalStart"])
    if isinstance(cost, bool) or not isinstance(cost, int | float) or not math.isfinite(cost):
        raise ValueError(f"costAmount {cost!r}")
    if since.tzinfo is None:
        raise ValueError(f"costIntervalStart {said['costIntervalStart']!r}")
    name, currency = said["budgetDisplayName"], said["currencyCode"]
    if not isinstance(name, str) or not isinstance(currency, str):
        raise TypeError("budgetDisplayName, currencyCode")
    (name + currency).encode()  # half a character is text for JSON, and for nothing else
    # The client's datetimes are of a class of their own.
    at = datetime.fromtimestamp(published_at.timestamp(), UTC)
    if since > at:
        raise ValueError(f"costIntervalStart {said['costIntervalStart']!r} is after {at.isoformat()}")
    return BudgetNotice(attributes["budgetId"], name, since.astimezone(UTC), at, float(cost), currency)
