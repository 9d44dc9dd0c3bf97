"""Error budgets: what an objective allows over thirty days, and how much of it is spent (mission 3.1, docs/scores.md).

Counted on the sums of the days. Nothing is scaled up to days that are not known: what they allowed and what they spent
are both left out, and below three quarters of the window there is no budget to speak of.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from lumen.exporters.slo import LEAST_SAMPLES, SloTargets
from lumen.model.assessment import ErrorBudget
from lumen.model.day import SLICES_A_DAY, Day, day_of
from lumen.model.message import message
from lumen.model.nodata import NoData
from lumen.model.snapshot import SLICE

WINDOW_DAYS = 30
LEAST_COVERAGE = 0.75
#: Of today, before anything is said of its burn: an hour of slices, LEAST_SAMPLES of anything else.
LEAST_SLICES_TODAY = 12


@dataclass(frozen=True, slots=True)
class _Counts:
    """Events of one objective on one day; `slices`: in how many slices they are known."""

    date: date
    slices: int
    valid: int
    bad: int


def budget_window(now: datetime) -> date:
    """The first of the days that count at `now`: today (UTC) and the 29 before."""
    return day_of(now) - timedelta(days=WINDOW_DAYS - 1)


def error_budgets(days: Sequence[Day], now: datetime, targets: SloTargets) -> tuple[ErrorBudget, ...]:
    """Availability by slices, errors by requests, misses by lookups. Latency has none: its distribution is not kept."""
    since = budget_window(now)
    known = [day for day in days if since <= day.date <= day_of(now)]
    return tuple(_budgets(known, now, targets))


def _budgets(days: Sequence[Day], now: datetime, targets: SloTargets) -> Iterator[ErrorBudget]:
    slices = [_Counts(d.date, d.known_slices, d.good_slices + d.bad_slices, d.bad_slices) for d in days]
    yield _budget("availability", targets.availability, slices, now, LEAST_SLICES_TODAY)
    requests = [_Counts(d.date, d.known_slices, d.requests, d.errors_5xx) for d in days]
    yield _budget("error_rate", 1 - targets.error_rate, requests, now, LEAST_SAMPLES)
    lookups = [_Counts(d.date, d.lookup_slices, d.hits + d.misses, d.misses) for d in days]
    yield _budget("cache_hit_rate", targets.hit_rate, lookups, now, LEAST_SAMPLES)


def _budget(name: str, target: float, days: Sequence[_Counts], now: datetime, least_today: int) -> ErrorBudget:
    valid, bad, slices = (sum(getattr(day, what) for day in days) for what in ("valid", "bad", "slices"))
    known_days = slices / SLICES_A_DAY
    allowed = (1 - target) * valid
    left: float | NoData = _few_days(known_days)
    if known_days >= 1 and allowed > 0:
        left = 1 - bad / allowed
    remaining = left if slices >= LEAST_COVERAGE * _slices_gone_by(now) else _few_days(known_days)
    today = next((day for day in days if day.date == day_of(now)), None)
    return ErrorBudget(
        name=name,
        target=target,
        window_days=WINDOW_DAYS,
        known_days=known_days,
        valid=valid,
        bad=bad,
        allowed=allowed,
        remaining=remaining,
        remaining_of_known=left,
        burn_today=_burn(today, target, least_today),
        shown=remaining.reason
        if isinstance(remaining, NoData)
        else message(f"budget.{name}", bad=bad, allowed=allowed, remaining=remaining, days=known_days, target=target),
    )


def _slices_gone_by(now: datetime) -> int:
    """Of the window, up to now."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return (WINDOW_DAYS - 1) * SLICES_A_DAY + int((now - midnight) / SLICE)


def _burn(today: _Counts | None, target: float, least: int) -> float | NoData:
    if today is None or today.valid < least or target >= 1:
        return NoData(message("budget.today_just_begun"), message("budget.today_just_begun_remedy"))
    return today.bad / today.valid / (1 - target)


def _few_days(known_days: float) -> NoData:
    return NoData(
        message("budget.few_days", days=known_days, window=WINDOW_DAYS),
        message("budget.few_days_remedy", least=LEAST_COVERAGE * WINDOW_DAYS),
    )
