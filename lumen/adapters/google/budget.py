"""Money of the project's month: the budget's amount, an estimate of the spend, and the budget's notifications.

The Budgets API tells amounts and rules, never spend; the estimate is our own, over a month of UTC (Google's billing
months begin at midnight US Pacific time). Notifications tell the real spend: Cloud Billing's "programmatic
notifications", schema 1.0, from a Pub/Sub subscription.
"""

import asyncio
import json
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from google.api_core import exceptions
from google.cloud.billing.budgets_v1 import BudgetServiceAsyncClient, CalendarPeriod, ListBudgetsRequest

from lumen.adapters.checks import no_data
from lumen.adapters.google.clients import PATIENCE, Patience
from lumen.adapters.google.errors import BUDGETS, PUBSUB, reading
from lumen.adapters.google.hourly_cost import HourlyCosts
from lumen.model.billing import BudgetNotice
from lumen.model.day_cost import Amount, exactly, filled_hours, sum_of
from lumen.model.messages import NoData, SourceUnavailable, message, with_remedy
from lumen.model.service import ServiceId, by_project, names_of
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


#: A project's number by its id; "" where nobody can tell.
ProjectNumbers = Callable[[str], Awaitable[str]]


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
    `numbers`: the project numbers, by which Google names projects in a budget's filter.
    """

    client: BudgetServiceAsyncClient
    account: str
    display_name: str
    patience: Patience = PATIENCE
    numbers: ProjectNumbers | None = None

    async def budget(self, project: str) -> Budget | NoData:
        """The budget with our name, else the only one of `project` alone; NoData with the reason otherwise.

        Only what all of the project costs in a calendar month counts: an amount for a year, for several projects or
        for some services is another one's.
        """
        if not self.account:
            return NoData(*with_remedy("source.no_billing_account"))
        try:
            listed = await self._list()
        except SourceUnavailable as error:
            return no_data(error)
        number = await self.numbers(project) if self.numbers else ""
        chosen = self._choose(listed, project, number)
        if isinstance(chosen, NoData):
            return chosen
        money = chosen.amount.specified_amount
        amount, budget_id = money.units + money.nanos / 1e9, chosen.name.rpartition("/")[2]
        return Budget(chosen.display_name, amount, money.currency_code, budget_id)

    async def own_id(self, project: str) -> str | None:
        """Its id as notifications give it; "" where nobody can tell, None where there is none that fits."""
        found = await self.budget(project)
        if isinstance(found, Budget):
            return found.id
        return None if found.reason.code.startswith("source.budget_") else ""

    def _choose(self, listed: Sequence[Any], project: str, number: str) -> Any:
        """NoData names what speaks against the one that bears our name, or that covers the project."""
        known = {f"projects/{one}" for one in (project, number) if one}
        named = [b for b in listed if b.display_name == self.display_name]
        covering = [b for b in listed if known.intersection(b.budget_filter.projects)]
        ours = [b for b in named if unfit(b, known, by_name=True) is None]
        alone = [b for b in covering if unfit(b, known, by_name=False) is None]
        for group in (ours, alone):
            if len(group) == 1:
                return group[0]
        for budget in () if ours or alone else (*named, *covering):
            why = unfit(budget, known, by_name=budget in named)
            if why is not None:
                return NoData(*with_remedy(f"source.budget_{why}", name=budget.display_name, own=self.display_name))
        return NoData(*with_remedy("source.no_budget", account=self.account, name=self.display_name))

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


_MONTHLY = (CalendarPeriod.CALENDAR_PERIOD_UNSPECIFIED, CalendarPeriod.MONTH)


def unfit(budget: Any, known: Set[str], *, by_name: bool) -> str | None:
    """Why a budget is not of all that one project costs in a calendar month; None: it is.

    `known`: the project as "projects/ID" and, where it is known, "projects/NUMBER". A budget that is ours `by_name` may
    leave its projects open, or name one by a number that nobody could look up.
    """
    covers, money = budget.budget_filter, budget.amount.specified_amount
    projects = set(covers.projects)
    unknown_number = len(known) < 2 and projects and all(one.rpartition("/")[2].isdigit() for one in projects)
    is_ours = projects <= known if projects or not by_name else True
    found = {
        "no_amount": money.units <= 0 and money.nanos <= 0,
        "other_period": covers.calendar_period not in _MONTHLY or "custom_period" in covers,
        "several_projects": len(projects) > (2 if projects <= known else 1) or bool(covers.resource_ancestors),
        "some_services": bool(covers.services or covers.labels or covers.subaccounts),
        "other_project": not is_ours and not (by_name and unknown_number),
    }
    return next((why for why, is_so in found.items() if is_so), None)


#: What Google says of a budget for good, not merely for now.
_SAID = ("source.no_billing_account", "source.no_budget", "source.budget_")


@dataclass(frozen=True, slots=True)
class BudgetInForce:
    """The budget of a month in USD, the same for reports, policies and alerts; implements the MonthBudget port.

    `settings_usd`, by project, holds where no budget in USD can be read. An amount that was read holds while Google
    gives no answer.
    """

    budgets: GoogleBudgets
    clock: Clock
    settings_usd: Mapping[str, float]
    _read: dict[str, tuple[datetime, Budget | NoData]] = field(default_factory=dict, init=False)

    async def usd(self, project: str) -> float:
        """An amount in another currency is not converted: the setting holds, and doctor says so."""
        now = self.clock.now()
        read_at, known = self._read.get(project, (None, None))
        if known is None or read_at is None or now - read_at >= BUDGET_AGE:
            told = await self.budgets.budget(project)
            if not (isinstance(told, NoData) and isinstance(known, Budget)) or told.reason.code.startswith(_SAID):
                known = told
            self._read[project] = (now, known)
        return self.settings_usd[project] if isinstance(known, NoData) or known.currency != "USD" else known.amount


@dataclass(frozen=True, slots=True)
class GoogleSpend:
    """Implements the SpendSource port.

    `watched`: all services of the project that are watched; the budget is for all of them, whoever asks for one.
    """

    budget: BudgetInForce
    hourly: HourlyCosts
    clock: Clock
    watched: Sequence[ServiceId] = ()

    async def spend(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, Spend | NoData]:
        """Month to date, estimated from the hours that Monitoring knows."""
        now = self.clock.now()
        window = _month_to_date(now)
        everybody = tuple(dict.fromkeys((*self.watched, *services)))
        costs = await self.hourly.history(everybody, window) if window else dict.fromkeys(everybody, _just_begun())
        as_of, told = window.end if window else now, dict[str, Spend]()
        for project, mates in by_project(everybody).items():
            told[project] = _spend(mates, costs, await self.budget.usd(project), as_of)
        return {service: told[service.project] for service in services}


def _spend(
    mates: Sequence[ServiceId], costs: Mapping[ServiceId, HourlyHistory | NoData], budget_usd: float, as_of: datetime
) -> Spend:
    """A project's, of all these services; each of them has the same."""
    names, sums = names_of(mates), [_sum(costs[mate]) for mate in mates]
    parts = tuple(_part(names[mate], month) for mate, month in zip(mates, sums, strict=True))
    amounts = [month for month in sums if not isinstance(month, NoData)]
    together = sum_of(amounts) if len(amounts) == len(parts) else exactly(0.0)
    return Spend(
        month_to_date_usd=_together(parts),
        is_estimate=True,
        budget_usd=budget_usd,
        as_of=as_of,
        parts=parts,
        filled=together if together.estimated else None,
    )


def _month_to_date(now: datetime) -> Window | None:
    end = (now - INGEST_DELAY).astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    start = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Window(start, end) if end > start else None


def _part(service: str, month: Amount | NoData) -> ServiceSpend:
    return (
        ServiceSpend(service, month) if isinstance(month, NoData) else ServiceSpend(service, month.usd, month.estimated)
    )


def _sum(history: HourlyHistory | NoData) -> Amount | NoData:
    """From the first hour that is known: before it there was no service, as far as anybody can tell."""
    if isinstance(history, NoData):
        return history
    first = next((hour for hour, cost in enumerate(history.cost_usd) if cost is not None), 0)
    since = history.cost_usd[first:]
    known = sum(cost is not None for cost in since)
    if not known or known < LEAST_COVERAGE * len(since):
        return NoData(*with_remedy("source.month_incomplete", known=known, hours=len(since)))
    return filled_hours(since, history.requests[first:])


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
        return Delivery(received.ack_id, notice_of(told.data, told.attributes, told.publish_time, self.subscription))


def notice_of(
    data: bytes, attributes: Mapping[str, str], published_at: datetime, subscription: str
) -> BudgetNotice | NoData:
    """What a message of `subscription` says; NoData where that is no notification of a budget."""
    try:
        return parsed(data, attributes, published_at)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        detail = f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
        return NoData(*with_remedy("source.news_unreadable", subscription=subscription, detail=detail))


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
