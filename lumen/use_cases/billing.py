"""The month as Google bills it: the budget's notices are remembered, and while fresh they replace the estimate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lumen.model.billing import Billed, BudgetNotice, BudgetState, billed_month, stale
from lumen.model.messages import NoData, SourceUnavailable, with_remedy
from lumen.model.service import ServiceId
from lumen.model.snapshot import Spend
from lumen.ports.clock import Clock
from lumen.ports.sources import Bills, BudgetNews, OwnBudget, SpendSource

#: Bounds of one taking: what is left waits for the next.
MOST_MESSAGES, MOST_PULLS = 100, 10


@dataclass(frozen=True, slots=True)
class TakingNews:
    """Any replica may take them, at any time. `home`: the first service; `own_name`: of the budget that is meant."""

    news: BudgetNews
    bills: Bills
    budgets: OwnBudget
    own_name: str
    home: ServiceId

    async def take(self) -> None:
        """All that waits. Acknowledged once it is remembered, or of no use. Raises StoreUnavailable, OutcomeUnknown."""
        try:
            for _ in range(MOST_PULLS):
                found = await self.news.pull(MOST_MESSAGES)
                if found:
                    await self.remember([one.notice for one in found], self.news.name)
                    await self.news.acknowledge([one.ack_id for one in found])
                if len(found) < MOST_MESSAGES:
                    break
        except SourceUnavailable as error:
            await self.bills.trouble(self.home, NoData(error.reason, error.remedy, unreachable=True))
            return
        known = (await self.bills.budget_state(self.home)).trouble
        if known is not None and known.unreachable:
            await self.bills.trouble(self.home, None)

    async def remember(self, found: Sequence[BudgetNotice | NoData], subscription: str) -> None:
        """A topic may carry other budgets' news too; they are trouble only where none of our own comes.

        Raises StoreUnavailable, OutcomeUnknown.
        """
        own_id = await self.budgets.own_id(self.home.project)
        trouble: NoData | None = None
        own: list[BudgetNotice] = []
        for notice in found:
            wrong = notice if isinstance(notice, NoData) else foreign(notice, own_id, self.own_name, subscription)
            if isinstance(notice, BudgetNotice) and wrong is None:
                own.append(notice)
            else:
                trouble = wrong
        if own:
            await self.bills.keep(self.home, max(own, key=lambda one: one.order))
            await self.bills.trouble(self.home, None)
        elif trouble is not None:
            await self.bills.trouble(self.home, trouble)


def foreign(notice: BudgetNotice, own_id: str | None, own_name: str, subscription: str) -> NoData | None:
    """Why a notice is of no use here: it is of another budget.

    Where the id is "" the name tells; where it is None there is no budget that the cost could be of.
    """
    if own_id is not None and (notice.budget_id == own_id if own_id else notice.budget_name == own_name):
        return None
    name = notice.budget_name
    return NoData(*with_remedy("source.news_other_budget", subscription=subscription, name=name, own=own_name))


@dataclass(frozen=True, slots=True)
class BilledSpend:
    """Implements the SpendSource port over an estimate: actual where Google told it of this month, and lately."""

    estimate: SpendSource
    bills: Bills
    clock: Clock
    home: ServiceId

    async def spend(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, Spend | NoData]:
        """Raises StoreUnavailable."""
        found = await self.estimate.spend(services)
        state = await self.bills.budget_state(self.home)
        known = billed_month(state, self.clock.now())
        return {service: with_bill(one, known, state) for service, one in found.items()}


def with_bill(spend: Spend | NoData, known: Billed | NoData, state: BudgetState) -> Spend | NoData:
    """The estimate stays beside the actual; without one it says why there is none."""
    if isinstance(spend, NoData):
        return spend
    if isinstance(known, NoData):
        return replace(spend, not_billed=known)
    if not known.is_fresh:
        return replace(spend, not_billed=stale(known, state))
    return replace(
        spend,
        month_to_date_usd=known.usd,
        is_estimate=False,
        as_of=known.as_of,
        estimate_usd=spend.month_to_date_usd,
    )
