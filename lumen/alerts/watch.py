"""The five-minute watch of one service: every observation goes through the same alerts, live and in a back-test.

State is rebuilt by feeding the past again (three days for burn rates, a fortnight for what is usual and a few days
before it, to know how far that strays): alert ids come from the slices alone, so a restart finds the same alerts open.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from lumen.alerts.budget import ProjectSlices
from lumen.alerts.burn_rate import AvailabilityAlert, TrafficLevel
from lumen.alerts.hit_rate import HitRateAlert
from lumen.alerts.latency import LatencyAlert
from lumen.alerts.no_data import COST_MISSES, NoDataAlert, NoRequestsAlert
from lumen.alerts.spending import ReturnAlert, SpendingAlerts
from lumen.model.alert import Alert, AlertEvent, Observation
from lumen.model.day_cost import DayCost
from lumen.model.snapshot import SLICE

#: Feeding this much of the past rebuilds everything that alerts remember, but for the costs of eight weeks.
REPLAY = timedelta(days=18)
#: After a longer gap nothing before it is remembered slice by slice.
LONGEST_GAP_SLICES = 864


@dataclass(frozen=True, slots=True)
class AlertTargets:
    """Limits that the alerts compare with. Shares are 0-1, `roi_limit` a ratio, money USD."""

    error_free_share: float = 0.999
    p99_limit_ms: float = 1000.0
    hit_rate_limit: float = 0.70
    roi_limit: float = 3.0
    api_cost_per_call_usd: float = 0.01
    cache_cost_month_usd: float = 9.36
    budget_usd: float = 200.0


class ServiceWatch:
    """All alerts of one service. Feed observations in order of time; a slice that is skipped counts as missing."""

    def __init__(
        self, service: str, targets: AlertTargets, *, days: bool = True, budget: ProjectSlices | None = None
    ) -> None:
        """`days`: the days of the cost alerts are those of the slices; False: they are fed from elsewhere.

        `budget`: of several services that are fed beside this one; None: of this one alone.
        """
        self._service = service
        self._counts_days = days
        self._budget = budget or ProjectSlices((service,), targets.budget_usd)
        self._day = DayCost(date.min, 0, 0.0)
        self._availability = AvailabilityAlert(service, targets.error_free_share)
        self._latency = LatencyAlert(service, targets.p99_limit_ms)
        self._hit_rate = HitRateAlert(service, targets.hit_rate_limit)
        self._return = ReturnAlert(
            service, targets.roi_limit, targets.api_cost_per_call_usd, targets.cache_cost_month_usd
        )
        self._spending = SpendingAlerts(service)
        self._no_traffic = NoRequestsAlert(service)
        self._no_latency = NoDataAlert(service, "latency")
        self._no_cache = NoDataAlert(service, "cache")
        self._no_cost = NoDataAlert(service, "cost", COST_MISSES)
        self._next: datetime | None = None
        self.traffic = TrafficLevel()

    def feed(self, seen: Observation, opened_at: datetime | None = None) -> tuple[AlertEvent, ...]:
        """Judge a slice and return what changed. `opened_at`: the time of the look, by default the end of the slice.

        Raises ValueError when the slice is not after the last one.
        """
        if self._next is not None and seen.start < self._next:
            raise ValueError(f"slice {seen.start.isoformat()} is not after {self._next.isoformat()}")
        events: list[AlertEvent] = []
        if self._next is not None:
            gap = min(LONGEST_GAP_SLICES, int((seen.start - self._next) / SLICE))
            for index in range(gap, 0, -1):
                events += self._step(Observation(seen.start - index * SLICE), None)
        events += self._step(seen, opened_at)
        self._next = seen.end
        return tuple(events)

    def open_alerts(self) -> tuple[Alert, ...]:
        """All that is open now."""
        lifecycles = (
            self._availability.lifecycle,
            self._latency.lifecycle,
            self._hit_rate.lifecycle,
            self._return.lifecycle,
            self._no_traffic.lifecycle,
            self._no_latency.lifecycle,
            self._no_cache.lifecycle,
            self._no_cost.lifecycle,
        )
        money = (*self._spending.open_alerts(), *self._budget.open_alerts())
        return (*(one.open for one in lifecycles if one.open is not None), *money)

    def _step(self, seen: Observation, opened_at: datetime | None) -> list[AlertEvent]:
        end = opened_at or seen.end
        found = [
            # A service that is asleep shows neither that it fails nor that it does no more.
            self._availability.step(
                end, seen.bounds if seen.requests or seen.doubt else None, is_unreachable=seen.is_unreachable
            ),
            *self._levels(seen, end),
            *self._spent(seen, end),
            *self._missing(seen, end),
        ]
        self.traffic.add(seen.requests or None)
        for one in (self._availability, self._latency, self._hit_rate, self._return):
            one.lifecycle.pass_over(end)
        return [event for event in found if event is not None]

    def _spent(self, seen: Observation, end: datetime) -> Iterator[AlertEvent]:
        if not self._counts_days:
            return
        of = seen.start.date()
        if of != self._day.date:
            if self._day.known:
                yield from self._spending.closed(self._day)
            self._day = DayCost(of, 0, 0.0)
        if seen.cost_usd is not None:
            self._day = self._day.plus(seen.start, seen.cost_usd)
        yield from self._budget.feed(self._service, seen, end)

    def _levels(self, seen: Observation, end: datetime) -> Iterator[AlertEvent | None]:
        bounds = seen.bounds
        if seen.p95_ms is not None and seen.requests is not None and (bounds is None or bounds.is_counted):
            yield self._latency.step(seen.start, end, seen.requests, seen.p95_ms, seen.p99_ms)
        if seen.hits is not None and seen.lookups is not None:
            yield self._hit_rate.step(seen.start, end, seen.hits, seen.lookups)
            yield self._return.step(end, seen.hits, is_asleep=seen.requests == 0)

    def _missing(self, seen: Observation, end: datetime) -> Iterator[AlertEvent | None]:
        yield self._no_traffic.step(seen, end)
        # Without traffic there is no latency to miss: one silence is told once.
        if seen.requests:
            yield self._no_latency.step(seen.start, end, present=seen.p95_ms is not None)
        if seen.requests or seen.lookups is not None:
            yield self._no_cache.step(seen.start, end, present=seen.lookups is not None)
        # What a slice cost is worked out from its traffic and its misses.
        if (seen.requests or seen.cost_usd is not None) and not self._no_cache.is_missed:
            yield self._no_cost.step(seen.start, end, present=seen.cost_usd is not None)
