"""The month's cost as Google bills it: a budget's notification, and how long it counts."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lumen.model.messages import NoData, message, with_remedy

#: Google publishes several times a day, whatever the thresholds: after half a day without, something is wrong.
FRESH = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class BudgetNotice:
    """One notification, which may come twice, late and in any order. `cost` since `interval_start`, in `currency`."""

    budget_id: str
    budget_name: str
    interval_start: datetime
    published_at: datetime
    cost: float
    currency: str

    @property
    def order(self) -> tuple[datetime, datetime, float]:
        """Sort key: the greatest notice counts. A new interval begins anew, a late notice never lowers the cost."""
        return self.interval_start, self.published_at, self.cost


@dataclass(frozen=True, slots=True)
class BudgetState:
    """The notice that counts of all that came, and what was wrong with the newest of what did not count."""

    notice: BudgetNotice | None = None
    trouble: NoData | None = None


@dataclass(frozen=True, slots=True)
class Billed:
    """The month's cost up to `as_of`. When it is not fresh, the cost by now is at least `usd`."""

    usd: float
    as_of: datetime
    is_fresh: bool = True


def billed_month(state: BudgetState, now: datetime) -> Billed | NoData:
    """The bill of this month; NoData with the reason where there is none.

    Google's months begin at midnight US Pacific time, so in its first hours a (UTC) month has no notice of its own.
    """
    notice = state.notice
    if notice is None:
        return state.trouble or NoData(*with_remedy("source.billed_none"))
    wrong = in_another_currency(notice)
    if wrong is not None:
        return wrong
    since, today = notice.interval_start.astimezone(UTC), now.astimezone(UTC)
    if (since.year, since.month) != (today.year, today.month):
        reason = message("source.billed_other_month", name=notice.budget_name, start_at=since.isoformat())
        return NoData(reason, message("source.billed_other_month_remedy"))
    return Billed(notice.cost, notice.published_at, now - notice.published_at < FRESH)


def in_another_currency(notice: BudgetNotice) -> NoData | None:
    """The reason why a notice in another currency counts for nothing (amounts are not converted), or None."""
    if notice.currency == "USD":
        return None
    return NoData(*with_remedy("source.billed_currency", name=notice.budget_name, currency=notice.currency))


def stale(found: Billed, state: BudgetState) -> NoData:
    """The reason why `found`, which is not fresh, is no sum."""
    if state.trouble is not None:
        return state.trouble
    return NoData(
        message("source.billed_stale", spent_usd=found.usd, as_of_at=found.as_of.isoformat()),
        message("source.billed_none_remedy"),
    )
