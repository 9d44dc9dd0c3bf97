"""The five-minute watch: newest slices in, alerts that open and close out, once across replicas and restarts.

The alert machine is the fold of the stored slices, and for money of the stored days. What people were told is stored
with each look; where the two differ (a crash in between, late points, another version of the machine), the difference
is told. The last hour is read again at each look, and a day once an hour: what has come since corrects what is stored,
and the machine is folded anew.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from lumen.alerts.budget import of_days
from lumen.alerts.lifecycle import leader_of
from lumen.alerts.lookups import UsualLookups
from lumen.alerts.spending import SpendingAlerts
from lumen.alerts.watch import REPLAY, AlertTargets, ServiceWatch
from lumen.model.alert import (
    Alert,
    AlertChange,
    AlertEvent,
    AlertKind,
    Correction,
    Observation,
    Severity,
    corrected,
    in_doubt_of,
)
from lumen.model.billing import Billed, billed_month
from lumen.model.history import Day, DayOfCost, day_of, folded, less, together
from lumen.model.incident import Silence, StoredAlert, in_force, silence_over
from lumen.model.messages import Message, NoData, SomeFailed, message
from lumen.model.service import ServiceId, homes_of, mates_of, names_of
from lumen.model.snapshot import SLICE, Window
from lumen.policies.labels import told_late, waits
from lumen.ports.incidents import Alerts, Look, Silences, SliceSource, Standing
from lumen.ports.sources import Bills, MonthBudget
from lumen.ports.store import Days, Lease
from lumen.use_cases.collect import INGEST_DELAY, window_before
from lumen.use_cases.leases import BATCHES, MOST_AT_ONCE, TOGETHER, Batch, Claims, hour_of
from lumen.use_cases.reading import READ_AGAIN, Read, Reading, as_stored

WATCH_SCHEDULE = "watch"
#: Cloud Monitoring keeps the metrics of Cloud Run for six weeks.
REMEMBERED = timedelta(days=42)
WEEK = timedelta(days=7)
#: The slices of REPLAY with all that is known of them are some 5 MB.
FRESH_AT_ONCE = 10
#: The days of so many other services are read once an hour, of fewer at each look.
MANY_MATES = 20
#: As many as are read again at each look.
KEPT_SLICES = round(READ_AGAIN / SLICE)
#: One of each kind and signal is open at a time, from what slices say; money's alerts are known by their day or month.
_OF_SLICES = frozenset({AlertKind.AVAILABILITY, AlertKind.LATENCY, AlertKind.CACHE, AlertKind.ROI, AlertKind.NO_DATA})


class _Fold:
    """One service's machine, and how far it has been fed: with slices, and with the days that outlive them."""

    def __init__(self, service: ServiceId, targets: AlertTargets) -> None:
        self._machine = ServiceWatch(service.name, targets, days=False)
        self._spending = SpendingAlerts(service.name)
        self._lookups = UsualLookups()
        self._service = service
        self._of_budget: Sequence[Alert] = ()
        self._billed: Billed | None = None
        self._budget_judged_at: datetime | None = None
        self.fed_until: datetime | None = None  # start of the newest slice
        self.closed_until: date | None = None  # the newest day that is over and was fed
        #: As they are stored, from the newest closed one on; empty where only the store knows.
        self.newest_days: Sequence[Day] = ()
        #: The newest slices as they are stored.
        self.newest: deque[Observation] = deque(maxlen=KEPT_SLICES)
        self.closed: dict[str, Alert] = {}
        self.corrections = 0  # as many as the stored slices had seen when it was fed

    def open_alerts(self) -> tuple[Alert, ...]:
        return (*self._machine.open_alerts(), *self._spending.open_alerts(), *self._of_budget)

    async def feed(self, observations: Sequence[Observation]) -> Sequence[AlertEvent]:
        events: list[AlertEvent] = []
        for told in self._machine.feed_all(observations):
            events += told
            await asyncio.sleep(0)  # clicks get their turn
        self._lookups.feed_all(observations)
        self.fed_until = observations[-1].start if observations else self.fed_until
        self.newest.extend(map(as_stored, observations[-KEPT_SLICES:]))
        self._remember(events)
        return events

    def correct(self, corrections: Iterable[Correction]) -> None:
        """Know the newest slices as they are stored from now on."""
        now = {one.now.start: as_stored(one.now) for one in corrections}
        for at, one in enumerate(self.newest):
            self.newest[at] = now.get(one.start, one)

    def checked(self, seen: Read) -> Read:
        """Leave out lookups that do not fit their requests."""
        return Read(
            [self._lookups.checked(one) for one in seen.new], [self._lookups.checked(one) for one in seen.again]
        )

    async def feed_days(self, days: Sequence[Day], told_until: datetime | None) -> Sequence[AlertEvent]:
        """`days` ascending, the newest of them not over. What changed after `told_until`, the newest slice before."""
        news: list[AlertEvent] = []
        for day in days[:-1]:
            if self.closed_until is None or day.date > self.closed_until:
                events = list(self._spending.closed(day.cost))
                self.closed_until = day.date
                self._remember(events)
                news += events if told_until is not None and day.date >= day_of(told_until) else ()
                await asyncio.sleep(0)
        return news

    def judges_budget(self, mates: int) -> bool:
        """Whether the days of so many others are to be read for it now: of many once an hour."""
        if self.fed_until is None or self._budget_judged_at is None or mates < MANY_MATES:
            return True
        return hour_of(self.fed_until + SLICE) != hour_of(self._budget_judged_at)

    def feed_budget(self, usd: float, days: Mapping[str, Sequence[Day | DayOfCost]], known: Billed | None) -> None:
        """The budget of a month, the days of all services for whose money it speaks, and what Google says of it."""
        if self.fed_until is not None:
            at = self.fed_until + SLICE
            budget, events = of_days(self._service.name, usd, days, at, known)
            self._of_budget, self._billed, self._budget_judged_at = budget.open_alerts(), budget.billed, at
            self._remember(events)

    def leaves_open(self, alert: Alert) -> bool:
        """A stale notice from Google neither opens nor closes a forecast."""
        known = self._billed
        if known is None or known.is_fresh or self._of_budget:
            return False
        return alert.kind is AlertKind.BUDGET and alert.id.endswith(f"forecast:{known.as_of:%Y-%m}")

    def as_closed(self, alert: Alert, now: datetime) -> Alert:
        """As the machine closed it; one that it no longer knows of is closed now, so that no message stays open."""
        by_machine = self.closed.get(alert.id) or self._closed_like(alert)
        if by_machine is not None:
            return replace(by_machine, id=alert.id, opened_at=alert.opened_at)
        why = message("alert.forgotten")
        known = self._billed
        if alert.kind is AlertKind.BUDGET and known is not None:
            why = message("alert.budget_billed_less", spent_usd=known.usd, as_of_at=known.as_of.isoformat())
        return replace(alert, closed_at=now, close_reason=why)

    def named(self, alerts: Iterable[Alert], known: Iterable[Alert]) -> Sequence[Alert]:
        """As people know them, oldest first: by corrected slices an alert may have begun at another time."""
        still = {alert.id for alert in self.open_alerts()} | self.closed.keys()
        orphans = {_sort(one): one for one in known if one.id not in still and one.kind in _OF_SLICES}
        found = []
        for alert in sorted(alerts, key=lambda one: (one.opened_at, one.id)):
            orphan = orphans.get(_sort(alert))
            if orphan is not None and (alert.closed_at is None or alert.closed_at > orphan.opened_at):
                del orphans[_sort(alert)]
                found.append(replace(alert, id=orphan.id, opened_at=orphan.opened_at))
            else:
                found.append(alert)
        return found

    def _closed_like(self, alert: Alert) -> Alert | None:
        """The newest of its kind that closed after it was told."""
        if alert.kind not in _OF_SLICES:
            return None
        alike = [one for one in self.closed.values() if _sort(one) == _sort(alert) and _ended(one) > alert.opened_at]
        return max(alike, key=_ended, default=None)

    def _remember(self, events: Iterable[AlertEvent]) -> None:
        self.closed |= {e.alert.id: e.alert for e in events if e.change is AlertChange.CLOSED}


class Watch:
    """Looks at every service once in each slot of five minutes of service time.

    The month's budget is that of all services of a project: its first one speaks for them, and is looked at last.
    """

    def __init__(
        self,
        source: SliceSource,
        alerts: Alerts,
        claims: Claims,
        targets: Mapping[ServiceId, AlertTargets],
        silences: Silences,
        days: Days,
        bills: Bills | None = None,
        budget: MonthBudget | None = None,
    ) -> None:
        """`bills`: what Google says of the month's cost; None: nobody reads it. `budget`; None: that of `targets`."""
        self._source = source
        self._alerts = alerts
        self._claims = claims
        self._clock = claims.clock
        self._targets = targets
        self._silences = silences
        self._days = days
        self._bills = bills
        self._budget = budget
        self._folds: dict[ServiceId, _Fold] = {}

    async def due(
        self,
        services: Sequence[ServiceId],
        looked: Callable[[ServiceId], None],
        watched: Sequence[ServiceId] = (),
    ) -> None:
        """Look at every service whose slot nobody has taken; `looked` is told of each. A gap is caught up.

        `watched`: all that share the month's budget; empty: no more than `services`. Raises SomeFailed,
        StoreUnavailable, OutcomeUnknown.
        """
        watched = watched or services
        slot = window_before(self._clock.now(), SLICE).end
        reading, homes = Reading(self._source, services, slot, REPLAY), frozenset(homes_of(watched).values())

        async def look(batch: Batch) -> None:
            known = await self._alerts.standings(list(batch.leases))
            after = {service: of.newest for service, of in known.items()}
            read = await reading.newest(after)
            fresh = [service for service in after if after[service] is None and read[service].new]
            earlier = await self._earlier(fresh, slot)

            async def one(service: ServiceId, lease: Lease) -> None:
                mates = mates_of(service, watched) if service in homes else None
                if await self._look(service, lease, known[service], read[service], earlier.get(service, ()), mates):
                    looked(service)

            # A past takes long to feed: the sooner one is stored the better, and many together hold up the clicks.
            await batch.each(one, TOGETHER if batch.leases.keys() <= self._folds.keys() else 1)

        # What is new to this process takes long; the next slot of the others comes first.
        new, until = [one for one in services if one not in self._folds], slot + SLICE + INGEST_DELAY
        others = [one for one in services if one in self._folds and one not in homes]
        home = [one for one in services if one in self._folds and one in homes]
        failures: dict[str, Exception] = {}
        # Of a first look each question has its price, so that its batches are as large as they may be.
        parts = ((others, MOST_AT_ONCE, None, BATCHES), (home, 1, None, BATCHES), (new, FRESH_AT_ONCE, until, 1))
        for some, most, end, batches in parts:
            try:
                await self._claims.share(some, WATCH_SCHEDULE, slot, look, most, end, batches)
            except SomeFailed as failed:
                failures |= failed.failures
        if failures:
            raise SomeFailed(failures)

    async def _earlier(self, fresh: Sequence[ServiceId], end: datetime) -> Mapping[ServiceId, Sequence[Day]]:
        """On a fresh installation: the sums of the days before REPLAY, as far back as anybody remembers.

        Week by week, for the slices of six are much to hold. What cannot be asked is not known, then or later: the
        budgets of 30 days say how many they know.
        """
        found: dict[ServiceId, tuple[Day, ...]] = dict.fromkeys(fresh, ())
        start, until = end - REMEMBERED, end - REPLAY
        while fresh and start < until:
            week = Window(start, min(until, start + WEEK))
            for service, days in (await self._source.days(fresh, week)).items():
                found[service] = together(found[service], () if isinstance(days, NoData) else days)
            start = week.end
        return found

    async def _look(
        self,
        service: ServiceId,
        lease: Lease,
        known: Standing,
        seen: Read,
        earlier: Sequence[Day],
        mates: Sequence[ServiceId] | None,
    ) -> bool:
        """`mates`: the services for whose money it speaks too; None: another one speaks for its own.

        False where another replica was quicker; the slices are then its, and read from the store next time.
        """
        after = known.newest
        try:
            fold = await self._caught_up(service, known)
            seen, corrections = await self._corrections(service, fold, fold.checked(seen))
            if any(not _is_of_money(one) for one in corrections):
                fold = await self._caught_up(service, known, corrections)
            fold.correct(corrections)
            stored = fold.newest_days if mates is None else ()
            days = together(stored or await self._days.days(service, date.min), earlier, folded(seen.new))
            if corrections:
                days = less(together(days, folded(c.now for c in corrections)), folded(c.stored for c in corrections))
            events = [*await fold.feed(seen.new), *await fold.feed_days(days, after)]
            if mates is not None and fold.judges_budget(len(mates)):
                of_mates, names = await self._days.costs_of(mates), names_of([service, *mates])
                beside = {names[mate]: of_mates[mate] for mate in mates}
                usd = await self._budget.usd(service.project) if self._budget else self._targets[service].budget_usd
                fold.feed_budget(usd, {names[service]: days, **beside}, await self._billed(service))
            told = await self._to_tell(service, fold, known, () if after is None else events)
            look = Look(after, seen.new, told, earlier, corrections, fold.corrections)
            if await self._alerts.look(service, lease, look):
                fold.corrections, fold.newest_days = fold.corrections + bool(corrections), days[-2:]
                return True
        except BaseException:
            self._folds.pop(service, None)  # fed with what may not be stored: begin again from the store
            raise
        self._folds.pop(service, None)
        return False

    async def _billed(self, home: ServiceId) -> Billed | None:
        known = None if self._bills is None else billed_month(await self._bills.budget_state(home), self._clock.now())
        return None if isinstance(known, NoData) else known

    async def _corrections(self, service: ServiceId, fold: _Fold, seen: Read) -> tuple[Read, Sequence[Correction]]:
        """Find what is better known now than when it was stored; where it is not, what is new is in doubt."""
        if not seen.again:
            return seen, ()
        since = seen.again[0].start
        kept: Sequence[Observation] = fold.newest
        if not kept or kept[0].start > since:
            kept = await self._alerts.observations(service, since - SLICE)
        stored = {one.start: one for one in kept}
        pairs = [(stored[one.start], one) for one in seen.again if one.start in stored]
        of_late = [(before, again) for before, again in pairs[-KEPT_SLICES:] if before.doubt or before != again]
        found = [Correction(before, corrected(before, again)) for before, again in pairs if before != again]
        new = [in_doubt_of(one, of_late) for one in seen.new]
        return Read(new, seen.again), [one for one in found if one.now != one.stored]

    async def _caught_up(self, service: ServiceId, standing: Standing, corrections: Sequence[Correction] = ()) -> _Fold:
        """The machine after every stored slice, also those that another replica stored; anew after corrections."""
        fold = self._folds.get(service)
        if fold is None or fold.corrections != standing.corrections or corrections:
            fold = self._folds[service] = _Fold(service, self._targets[service])
            fold.corrections = standing.corrections
        if standing.newest is None or fold.fed_until == standing.newest:
            return fold
        instead = {one.now.start: one.now for one in corrections}
        # More is stored than alerts need: what applied changes did is measured on it.
        since = fold.fed_until or standing.newest - REPLAY
        stored = await self._alerts.observations(service, since)
        fold.newest_days = () if stored else fold.newest_days
        await fold.feed([instead.get(one.start, one) for one in stored])
        return fold

    async def _to_tell(
        self, service: ServiceId, fold: _Fold, standing: Standing, events: Sequence[AlertEvent]
    ) -> Sequence[StoredAlert]:
        """The alerts that people do not know of yet. On a fresh installation (no `events`) only what is open now."""
        silences, now_at = await self._silences_now(service, standing.silences), self._clock.now()
        late = told_late(standing.labels, now_at)
        known = {stored.alert.id: stored for stored in standing.open}
        now = {alert.id: alert for alert in fold.open_alerts()} | {event.alert.id: event.alert for event in events}
        named = fold.named(now.values(), [stored.alert for stored in known.values()])
        now_open = {alert.id for alert in named if alert.closed_at is None}
        told: dict[str, StoredAlert] = {}
        for alert in named:
            before = known.get(alert.id)
            if before is None:
                told[alert.id] = _first_told(
                    alert, [*known.values(), *told.values()], silences, late=waits(alert, late, now_at)
                )
                continue
            hushed = silence_over(alert, silences) is not None or (before.late and waits(alert, late, now_at))
            silenced = before.silenced and hushed
            after = replace(before, alert=_as_told(alert, before.alert), silenced=silenced)
            if after != before or _looks(after.alert) != _looks(before.alert):
                told[alert.id] = after
        for alert_id, stored in known.items():
            if alert_id not in now_open and alert_id not in told and not fold.leaves_open(stored.alert):
                told[alert_id] = replace(stored, alert=fold.as_closed(stored.alert, self._clock.now()))
        return tuple(told.values())

    async def _silences_now(self, service: ServiceId, stored: Sequence[Silence]) -> Sequence[Silence]:
        """Those in force; what has run out is forgotten, so that the audit says when people heard of it again."""
        now_in_force = in_force(stored, self._clock.now())
        for over in stored:
            if over not in now_in_force:
                await self._silences.end(service, over.kind, over.signal, None)
        return now_in_force


def _is_of_money(one: Correction) -> bool:
    """Whether only the amount that the slice cost is another: the machine goes by whether it is known."""
    return one.stored.cost_usd is not None and replace(one.now, cost_usd=one.stored.cost_usd) == one.stored


def _sort(alert: Alert) -> tuple[AlertKind, str]:
    return alert.kind, alert.signal


def _ended(alert: Alert) -> datetime:
    assert alert.closed_at is not None
    return alert.closed_at


def _as_told(alert: Alert, known: Alert) -> Alert:
    """It opened when people were told so; its figures are those of the last look."""
    at, told_at = (one.clear_at or one.looked_at or one.opened_at for one in (alert, known))
    if alert.closed_at is None and alert.severity is known.severity and at <= told_at:
        return replace(known, waits=alert.waits)
    found_at = alert.looked_at or alert.opened_at
    return replace(alert, opened_at=known.opened_at, looked_at=found_at if found_at > known.opened_at else None)


def _looks(alert: Alert) -> tuple[datetime | None, datetime | None, Message | None]:
    return alert.looked_at, alert.clear_at, alert.waits


def _first_told(alert: Alert, others: Sequence[StoredAlert], silences: Sequence[Silence], *, late: bool) -> StoredAlert:
    is_silenced = late or silence_over(alert, silences) is not None
    is_called = alert.severity is Severity.PAGE and not is_silenced
    return StoredAlert(alert, _incident(alert, others), is_silenced, is_called, late)


def _incident(alert: Alert, others: Sequence[StoredAlert]) -> str:
    """The id of the incident whose message tells of a new alert."""
    known = {stored.alert.id: stored.incident for stored in others}
    leader = leader_of(alert, [stored.alert for stored in others if stored.alert.closed_at is None])
    return known.get(leader.id, leader.id)
