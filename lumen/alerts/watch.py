"""The five-minute watch of one service: every observation goes through the same alerts, live and in a back-test.

State is rebuilt by feeding the past again (three days for burn rates, a fortnight for what is usual and a few days
before it, to know how far that strays): alert ids come from the slices alone, so a restart finds the same alerts open.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from operator import itemgetter

import numpy as np

from lumen.alerts.budget import ProjectSlices
from lumen.alerts.burn_rate import AvailabilityAlert, TrafficLevel
from lumen.alerts.hit_rate import HitRateAlert
from lumen.alerts.latency import LatencyAlert
from lumen.alerts.no_data import COST_MISSES, NoDataAlert, NoRequestsAlert
from lumen.alerts.spending import ReturnAlert, SpendingAlerts
from lumen.alerts.stretch import UNKNOWN, Judge, Stretch, events_of, stretches
from lumen.model.alert import Alert, AlertEvent, Observation
from lumen.model.day_cost import DayCost
from lumen.model.snapshot import SLICE

#: Feeding this much of the past rebuilds everything that alerts remember, but for the costs of eight weeks.
REPLAY = timedelta(days=18)
#: So few are judged one by one: to pass over them at once costs more.
FEW_SLICES = 12
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
        self._judges: Sequence[Judge] = (self._availability, self._latency, self._hit_rate, self._return)
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
        events: list[AlertEvent] = []
        for missing in self._missing_before(seen):
            events += self._step(missing, None)
        events += self._step(seen, opened_at)
        self._next = seen.end
        return tuple(events)

    def feed_all(self, observations: Iterable[Observation]) -> Iterator[tuple[AlertEvent, ...]]:
        """`feed` of one after the other, some milliseconds at a time: the same events and the same state, for less.

        Raises ValueError as `feed` does.
        """
        for stretch in stretches(self._without_gaps(observations)):
            if len(stretch) <= FEW_SLICES:
                yield tuple(event for seen in stretch.slices for event in self._step(seen, None))
                continue
            found = list[tuple[int, int, AlertEvent]]()
            for nth, alert in enumerate(self._judges):
                found += [(row, nth, event) for row, event in events_of(alert, stretch)]
                yield ()
            if not self._passes_missing(stretch):
                for row, seen in enumerate(stretch.slices):
                    others = (*self._spent(seen, seen.end), *self._missing(seen, seen.end))
                    found += [(row, len(self._judges), event) for event in others if event is not None]
            self.traffic.extend(stretch.requests)
            yield tuple(event for _, _, event in sorted(found, key=itemgetter(0, 1)))

    def _missing_before(self, seen: Observation) -> Iterator[Observation]:
        """The slices that were skipped."""
        if self._next is None:
            return
        if seen.start < self._next:
            raise ValueError(f"slice {seen.start.isoformat()} is not after {self._next.isoformat()}")
        gap = min(LONGEST_GAP_SLICES, int((seen.start - self._next) / SLICE))
        for index in range(gap, 0, -1):
            yield Observation(seen.start - index * SLICE)

    def _without_gaps(self, observations: Iterable[Observation]) -> Iterator[Observation]:
        for seen in observations:
            yield from self._missing_before(seen)
            self._next = seen.end
            yield seen

    def open_alerts(self) -> tuple[Alert, ...]:
        """All that is open now."""
        lifecycles = [one.lifecycle for one in self._judges]
        lifecycles += [self._no_traffic.lifecycle, self._no_latency.lifecycle]
        lifecycles += [self._no_cache.lifecycle, self._no_cost.lifecycle]
        money = (*self._spending.open_alerts(), *self._budget.open_alerts())
        return (*(one.open for one in lifecycles if one.open is not None), *money)

    def _step(self, seen: Observation, opened_at: datetime | None) -> list[AlertEvent]:
        end = opened_at or seen.end
        found = [
            *(one.judge(seen, end) for one in self._judges),
            *self._spent(seen, end),
            *self._missing(seen, end),
        ]
        self.traffic.add(seen.requests or None)
        for one in self._judges:
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

    def _passes_missing(self, stretch: Stretch) -> bool:
        """Whether each signal came all along or never, and none is missed: then that is learnt, and nothing changes."""
        if self._counts_days or not self._no_traffic.is_calm or (stretch.requests <= 0).any():
            return False
        signals = (
            (self._no_latency, ~np.isnan(stretch.p95_ms)),
            (self._no_cache, stretch.lookups != UNKNOWN),
            (self._no_cost, stretch.is_priced),
        )
        if not all(one.is_calm(present) for one, present in signals):
            return False
        self._no_traffic.pass_calm(len(stretch))
        for one, present in signals:
            one.pass_calm(present)
        return True
