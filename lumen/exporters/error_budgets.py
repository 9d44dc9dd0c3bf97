"""Error budgets: what an objective allows over thirty days, and how much of it is spent (docs/scores.md).

Counted on the sums of the days. Nothing is scaled up to days that are not known: what they allowed and what they spent
are both left out, and below three quarters of the window there is no budget to speak of.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from lumen.exporters.slo import LEAST_SAMPLES, SloTargets, too_few
from lumen.model.assessment import NO_PACE, ErrorBudget
from lumen.model.history import SLICES_A_DAY, Day, day_of
from lumen.model.messages import Message, NoData, with_remedy
from lumen.model.snapshot import SLICE

WINDOW_DAYS = 30
LEAST_COVERAGE = 0.75
#: Of today and yesterday, before anything is said of their pace: a quarter of a day.
LEAST_SLICES_OF_LATE = 72


@dataclass(frozen=True, slots=True)
class _Counts:
    """Events of one objective; `slices`: how many slices they are known of. `bad` is interpolated for latencies."""

    slices: int
    valid: int
    bad: float


@dataclass(frozen=True, slots=True)
class _Kind:
    """An objective, and its counts on a day. `threshold_ms` is that of a latency."""

    name: str
    target: float
    of: Callable[[Day], _Counts]
    threshold_ms: float | None = None


def budget_window(now: datetime) -> date:
    """The first of the days that count at `now`: today (UTC) and the 29 before."""
    return day_of(now) - timedelta(days=WINDOW_DAYS - 1)


def error_budgets(days: Sequence[Day], now: datetime, targets: SloTargets) -> tuple[ErrorBudget, ...]:
    """The budgets of all objectives, in their order."""
    since = budget_window(now)
    known = {day.date: day for day in days if since <= day.date <= day_of(now)}
    return tuple(_budget(kind, {of: kind.of(day) for of, day in known.items()}, now) for kind in _kinds(targets))


def _kinds(targets: SloTargets) -> Iterator[_Kind]:
    """Availability by slices, latency and errors by requests, misses by lookups."""
    yield _Kind(
        "availability",
        targets.availability,
        lambda day: _Counts(day.known_slices, day.good_slices + day.bad_slices, day.bad_slices),
    )
    yield _latency("latency_p95", targets.p95_share, targets.p95_ms)
    yield _latency("latency_p99", targets.p99_share, targets.p99_ms)
    yield _Kind(
        "error_rate", 1 - targets.error_rate, lambda day: _Counts(day.known_slices, day.requests, day.errors_5xx)
    )
    yield _Kind(
        "cache_hit_rate", targets.hit_rate, lambda day: _Counts(day.lookup_slices, day.hits + day.misses, day.misses)
    )


def _latency(name: str, share: float, threshold_ms: float) -> _Kind:
    return _Kind(name, share, lambda day: _Counts(day.timed_slices, day.timed, day.slower(threshold_ms)), threshold_ms)


def _budget(kind: _Kind, days: Mapping[date, _Counts], now: datetime) -> ErrorBudget:
    whole = _sum(days.values())
    of_late = _sum(counts for of, counts in days.items() if of >= day_of(now) - timedelta(days=1))
    allowed = (1 - kind.target) * whole.valid
    known_days = whole.slices / SLICES_A_DAY
    left = _left(whole, allowed)
    remaining = left if whole.slices >= LEAST_COVERAGE * _slices_gone_by(now) else _few_days(known_days)
    burn = _burn(of_late, kind.target)
    is_told = not isinstance(remaining, NoData) and not isinstance(burn, NoData)
    turn = _turn(kind.target, days, of_late, now) if is_told else None
    is_spent = whole.bad >= allowed
    return ErrorBudget(
        name=kind.name,
        target=kind.target,
        window_days=WINDOW_DAYS,
        known_days=known_days,
        valid=whole.valid,
        bad=round(whole.bad),
        allowed=allowed,
        remaining=remaining,
        remaining_of_known=left,
        burn=burn,
        lasts_days=None if is_spent else turn,
        back_days=turn if is_spent else None,
        shown=remaining.reason if isinstance(remaining, NoData) else _shown(kind, whole, allowed, remaining),
    )


def _sum(days: Iterable[_Counts]) -> _Counts:
    given = tuple(days)
    return _Counts(sum(d.slices for d in given), sum(d.valid for d in given), sum(d.bad for d in given))


def _left(whole: _Counts, allowed: float) -> float | NoData:
    """The share left of what is known, however few days that is; NoData below one."""
    if whole.slices < SLICES_A_DAY:
        return _few_days(whole.slices / SLICES_A_DAY)
    return 1 - whole.bad / allowed if whole.valid >= LEAST_SAMPLES and allowed > 0 else too_few(whole.valid)


def _slices_gone_by(now: datetime) -> int:
    """Slices of the window up to now."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return (WINDOW_DAYS - 1) * SLICES_A_DAY + int((now - midnight) / SLICE)


def _burn(of_late: _Counts, target: float) -> float | NoData:
    if of_late.slices < LEAST_SLICES_OF_LATE or of_late.valid < LEAST_SAMPLES or target >= 1:
        return NO_PACE
    return of_late.bad / of_late.valid / (1 - target)


def _turn(target: float, days: Mapping[date, _Counts], of_late: _Counts, now: datetime) -> float | None:
    """Days until it is spent, or until an overspent one is back, at the pace of late; None: never.

    The oldest days leave the window meanwhile, with all that they allowed and spent.
    """
    whole = _sum(days.values())
    allowed_share, a_day = 1 - target, SLICES_A_DAY / of_late.slices
    left = allowed_share * whole.valid - whole.bad
    for nth in range(WINDOW_DAYS):
        leaving = days.get(budget_window(now) + timedelta(days=nth), _Counts(0, 0, 0))
        allowed = allowed_share * (a_day * of_late.valid - leaving.valid)
        spent = a_day * of_late.bad - leaving.bad
        before, left = left, left + allowed - spent
        if (before > 0) != (left > 0):
            return nth + before / (before - left)
    return None


def _shown(kind: _Kind, whole: _Counts, allowed: float, remaining: float) -> Message:
    params: dict[str, float] = {"bad": round(whole.bad), "allowed": allowed, "days": whole.slices / SLICES_A_DAY}
    if kind.threshold_ms is not None:
        params["threshold_ms"] = kind.threshold_ms
    if remaining < 0:
        return Message(f"budget.{kind.name}_over", {**params, "over": -remaining})
    return Message(f"budget.{kind.name}", {**params, "remaining": remaining})


def _few_days(known_days: float) -> NoData:
    least = LEAST_COVERAGE * WINDOW_DAYS
    return NoData(*with_remedy("budget.few_days", days=known_days, window=WINDOW_DAYS, least=least))
