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
    """Any replica may take them, at any time. `homes`: the first service of each project, beside which its money is
    remembered; `own_name`: of the budgets that are meant."""

    news: BudgetNews
    bills: Bills
    budgets: OwnBudget
    own_name: str
    homes: Mapping[str, ServiceId]

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
            await self._trouble(NoData(error.reason, error.remedy, unreachable=True))
            return
        for home in self.homes.values():
            known = (await self.bills.budget_state(home)).trouble
            if known is not None and known.unreachable:
                await self.bills.trouble(home, None)

    async def remember(self, found: Sequence[BudgetNotice | NoData], subscription: str) -> None:
        """A topic may carry other budgets' news too; they are trouble only where none of our own comes.

        Raises StoreUnavailable, OutcomeUnknown.
        """
        own_ids = {project: await self.budgets.own_id(project) for project in self.homes}
        trouble: NoData | None = None
        own: dict[str, list[BudgetNotice]] = {}
        for notice in found:
            project = notice if isinstance(notice, NoData) else self._of(notice, own_ids, subscription)
            if isinstance(project, str) and isinstance(notice, BudgetNotice):
                own.setdefault(project, []).append(notice)
            elif isinstance(project, NoData):
                trouble = project
        for project, notices in own.items():
            await self.bills.keep(self.homes[project], max(notices, key=lambda one: one.order))
            await self.bills.trouble(self.homes[project], None)
        if trouble is not None and not own:
            await self._trouble(trouble)

    def _of(self, notice: BudgetNotice, own_ids: Mapping[str, str | None], subscription: str) -> str | NoData:
        """The project whose budget it is of; by its name only where that leaves no doubt."""
        wrong = {of: foreign(notice, own_id, self.own_name, subscription) for of, own_id in own_ids.items()}
        fits = [project for project, why in wrong.items() if why is None]
        by_id = [project for project in fits if own_ids[project]]
        if by_id or len(fits) == 1:
            return (by_id or fits)[0]
        return next(iter(wrong.values())) or foreign_to_all(notice, self.own_name, subscription)

    async def _trouble(self, why: NoData) -> None:
        for home in self.homes.values():
            await self.bills.trouble(home, why)


def foreign(notice: BudgetNotice, own_id: str | None, own_name: str, subscription: str) -> NoData | None:
    """Why a notice is of no use here: it is of another budget.

    Where the id is "" the name tells; where it is None there is no budget that the cost could be of.
    """
    if own_id is not None and (notice.budget_id == own_id if own_id else notice.budget_name == own_name):
        return None
    return foreign_to_all(notice, own_name, subscription)


def foreign_to_all(notice: BudgetNotice, own_name: str, subscription: str) -> NoData:
    """It is of another budget, as far as anybody can tell."""
    name = notice.budget_name
    return NoData(*with_remedy("source.news_other_budget", subscription=subscription, name=name, own=own_name))


@dataclass(frozen=True, slots=True)
class BilledSpend:
    """Implements the SpendSource port over an estimate: actual where Google told it of this month, and lately."""

    estimate: SpendSource
    bills: Bills
    clock: Clock
    homes: Mapping[str, ServiceId]

    async def spend(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, Spend | NoData]:
        """Raises StoreUnavailable."""
        found = await self.estimate.spend(services)
        now, states = self.clock.now(), dict[str, BudgetState]()
        for project in dict.fromkeys(service.project for service in found):
            states[project] = await self.bills.budget_state(self.homes[project])
        return {
            service: with_bill(one, billed_month(states[service.project], now), states[service.project])
            for service, one in found.items()
        }


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
