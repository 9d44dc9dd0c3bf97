"""Evaluation of a snapshot: its assessment, the advice, and what keeps Lumen from acting on that now.

Asked by each turn, and again when a countdown that would act by itself is over. It goes by the snapshot, by the sums,
trends and turns of the time before, and by all that is stored of proposals, alerts and controls. Changes nothing.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from lumen.alerts.budget import of_days
from lumen.alerts.burn_rate import TrafficLevel
from lumen.alerts.lookups import doubted
from lumen.effects.experiment import measuring
from lumen.effects.track_record import was_precaution
from lumen.effects.trends import CORRECTED, KeptHours, Readings, hours_of_the_week, kept_of, trends_of, week_before
from lumen.exporters.assess import AssessmentSettings, assess
from lumen.exporters.deployments import deployments
from lumen.exporters.error_budgets import budget_window
from lumen.exporters.score_moves import before, moves
from lumen.model.alert import Observation, Severity
from lumen.model.assessment import Assessment, Before, ScoreMove
from lumen.model.billing import Billed
from lumen.model.day_cost import whole_days
from lumen.model.forecast import Forecast
from lumen.model.history import SLICES_A_DAY, Day, DayOfCost, cache_day_of, day_of
from lumen.model.incident import Pause, StoredAlert
from lumen.model.messages import Message, NoData, NotPossible, SourceUnavailable, with_remedy
from lumen.model.past_turn import PastTurn
from lumen.model.proposal import CHANGED_SOMETHING, Change, Knob, Proposal, State, Verdict, direction
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, CacheDay, CacheStats, Deployment, Snapshot, Spend
from lumen.model.turn import Turn
from lumen.model.week import MetricTrend
from lumen.policies.choose import Wanted, change_of, first_of, next_of, only_up
from lumen.policies.deployment_history import with_history
from lumen.policies.guard import Restraint, Situation, held_back
from lumen.policies.instances import recommend_l1, recommend_min_instances
from lumen.policies.plans import reach
from lumen.policies.predicted import predicted
from lumen.policies.predicted_size import predicted_size
from lumen.policies.size import SizeLimits, recommend_size
from lumen.policies.ttl import TtlLimits, cost_change, recommend_ttl
from lumen.ports.clock import Numerics
from lumen.ports.incidents import Alerts
from lumen.ports.store import Days, Proposals, Turns
from lumen.use_cases.forecasting import Forecasts
from lumen.use_cases.knobs import Knobs, find, looked_up
from lumen.use_cases.restrictions import Restraints


@dataclass(frozen=True, slots=True)
class Advised:
    """`ttl` as it is shown by itself, and `first`: the one of all knobs that would be proposed now (or a hold)."""

    ttl: Wanted
    first: Wanted


@dataclass(frozen=True, slots=True)
class Policies:
    """Asks every policy whose knob the service has. `ttl` and `size` without what people pinned or locked."""

    knobs: Mapping[ServiceId, Knobs]
    ttl: Mapping[ServiceId, TtlLimits]
    size: Mapping[ServiceId, SizeLimits]

    async def of(
        self, snapshot: Snapshot, assessment: Assessment, restraint: Restraint, forecast: Forecast | NoData | None
    ) -> Advised:
        """Changes nothing. What is missing for one knob does not stop another."""
        service, override = snapshot.service, restraint.override
        limits = replace(self.ttl[service], override_seconds=override.ttl_seconds if override else None)
        ttl = recommend_ttl(snapshot, limits)
        ttl = predicted(ttl, snapshot.ttl, forecast, limits)
        size = recommend_size(snapshot, replace(self.size[service], locked=restraint.size_lock is not None))
        size = predicted_size(size, forecast)
        first = first_of(ttl, size)
        if change_of(first) is not None:
            return Advised(ttl, first)
        others: list[Wanted] = []
        if looked_up(self.knobs, service, Knob.MIN_INSTANCES):
            others.append(recommend_min_instances(snapshot, assessment))
        if looked_up(self.knobs, service, Knob.L1_ENTRIES):
            others.append(only_up(recommend_l1(await self._l1_entries(service), snapshot.cache)))
        return Advised(ttl, next_of(first, *others))

    async def _l1_entries(self, service: ServiceId) -> int | NoData:
        try:
            reading = await find(self.knobs, service, Knob.L1_ENTRIES).places[0].read(service)
        except (SourceUnavailable, NotPossible) as error:
            return NoData(error.reason, error.remedy)
        return int(reading.value)


#: Three days, and as many again as people may have asked for.
TURNS_BACK = 100


@dataclass(frozen=True, slots=True)
class Past:
    """The time before a turn. `cache`: as it was read, where it fits the requests; `spend` with the month's end.

    `low_traffic`: why percentages say little now; None where they do. `cache_day`: None where too little of the day is
    known.
    """

    days: Sequence[Day]
    cache: CacheStats | NoData
    cache_day: CacheDay | None
    spend: Spend | NoData
    cost_change: float | None
    low_traffic: Message | None
    trends: tuple[MetricTrend, ...] | NoData
    #: Of the last days, the newest first.
    turns: Sequence[PastTurn]
    #: The turn before this one; None on the first.
    before: Turn | None

    def moves_to(self, assessment: Assessment) -> tuple[ScoreMove, ...]:
        """The parts that moved the scores since the turn before; none on the first one."""
        return () if self.before is None else moves(self.before.assessment, self.before.started_at, assessment)

    def found_before(self) -> Before | None:
        """Health, return, rhythm and cache of the turn before."""
        return None if self.before is None else before(self.before.assessment, self.before.started_at)


@dataclass(frozen=True, slots=True)
class _Month:
    """Of a project's services at the end of a window, on a day. `forecast_usd` without `spend` is not known."""

    end: datetime
    today: date
    is_spent: bool
    #: How far the cost of each has risen.
    changes: Mapping[ServiceId, float | None]
    forecast_usd: float | None

    def serves(self, snapshot: Snapshot) -> bool:
        """Whether nothing else would come of reading the days anew."""
        is_now = (self.end, self.today) == (snapshot.window.end, day_of(snapshot.taken_at))
        return is_now and snapshot.service in self.changes and (self.is_spent or not _is_spent(snapshot.spend))

    def with_forecast(self, spend: Spend | NoData) -> Spend | NoData:
        """`spend` with the month's end, where it tells of the month so far."""
        if isinstance(spend, NoData) or not _is_spent(spend):
            return spend
        return replace(spend, forecast_usd=self.forecast_usd)


def _is_spent(spend: Spend | NoData) -> bool:
    return not isinstance(spend, NoData) and not isinstance(spend.month_to_date_usd, NoData)


def _month_of(costs: Mapping[ServiceId, Sequence[DayOfCost]], snapshot: Snapshot) -> _Month:
    """By the days of all services of its project."""
    end, today, spend, forecast_usd = snapshot.window.end, day_of(snapshot.taken_at), snapshot.spend, None
    if isinstance(spend, Spend) and not isinstance(spend.month_to_date_usd, NoData):
        bill = None if spend.is_estimate else Billed(spend.month_to_date_usd, spend.as_of)
        of_each = {service.key: days for service, days in costs.items()}
        month, _ = of_days(snapshot.service.key, 0.0, of_each, end, bill)  # without a budget nothing is judged
        forecast_usd = month.forecast_usd()
    changes = {
        service: cost_change(whole_days(day.cost for day in days if day.date < today), today)
        for service, days in costs.items()
    }
    return _Month(end, today, _is_spent(spend), changes, forecast_usd)


@dataclass(frozen=True, slots=True)
class TurnHistory:
    """Only reads. Arithmetic is done in the numerics worker."""

    alerts: Alerts
    days: Days
    turns: Turns
    numerics: Numerics
    #: All services that are watched: the month is of all of them.
    watched: Sequence[ServiceId] = ()
    _months: dict[str, _Month] = field(default_factory=dict, init=False)
    _weeks: dict[ServiceId, KeptHours] = field(default_factory=dict, init=False)
    _adding_up: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def of(self, snapshot: Snapshot) -> Past:
        """Raises StoreUnavailable."""
        service, now = snapshot.service, snapshot.taken_at
        observations, week = await self._week(service, snapshot.window.end)
        level = TrafficLevel()
        for one in observations[-SLICES_A_DAY:]:
            level.add(one.requests)
        trends: tuple[MetricTrend, ...] | NoData
        try:
            trends = await self.numerics.run(trends_of, week)
        except ImportError:
            trends = NoData(*with_remedy("trend.no_numerics"))
        past = await self.turns.past(service, TURNS_BACK)
        cache = doubted(snapshot.cache, snapshot.traffic, observations[-2 * SLICES_A_DAY :], snapshot.window.start)
        days, month = await self.days.days(service, budget_window(now)), await self._month(snapshot)
        return Past(
            days,
            cache,
            cache_day_of((replace(snapshot, cache=cache), *(turn.snapshot for turn in past.turns))),
            month.with_forecast(snapshot.spend),
            month.changes[service],
            level.low(),
            trends,
            past.turns,
            past.newest,
        )

    async def _week(self, service: ServiceId, end: datetime) -> tuple[Sequence[Observation], Sequence[Readings]]:
        """The slices of two days at least, and the hours of the week. Those that stay as they are are read once."""
        start, kept = week_before(end), self._weeks.get(service)
        if kept is not None and not kept.start <= start < kept.end:
            kept = None
        observations = await self.alerts.observations(service, (start if kept is None else kept.end) - SLICE)
        if kept is not None and (not observations or observations[-1].start - kept.end < CORRECTED):
            kept = None  # the store has been restored from a copy of before
            observations = await self.alerts.observations(service, start - SLICE)
        week = hours_of_the_week(observations, end, kept)
        if observations:
            self._weeks[service] = kept_of(week, start, observations[-1].start)
        return observations, week

    async def _month(self, snapshot: Snapshot) -> _Month:
        """Worked out once for all services of the project, beside the loop: the days of a fleet are many."""
        service = snapshot.service
        async with self._adding_up:
            known = self._months.get(service.project)
            if known is None or not known.serves(snapshot):
                mates = [one for one in self.watched if one.project == service.project] or [service]
                costs = await self.days.costs_of(mates)
                known = self._months[service.project] = await asyncio.to_thread(_month_of, costs, snapshot)
            return known


@dataclass(frozen=True, slots=True)
class Stored:
    """The stored circumstances of a service: `recent` the newest proposals first, `unfinished` what is open."""

    recent: Sequence[Proposal]
    unfinished: Sequence[Proposal]
    alerts: Sequence[StoredAlert]
    pause: Pause | None


def situation_of(change: Change, stored: Stored, deployment: Deployment | NoData, now: datetime) -> Situation:
    """For a wish to make `change` now."""
    page = next((one.alert for one in stored.alerts if one.alert.severity is Severity.PAGE), None)
    deployed = () if isinstance(deployment, NoData) else deployments(deployment)
    return Situation(
        paused=stored.pause is not None,
        paused_until=stored.pause.until if stored.pause else None,
        last_change_at=_newest(p.finished_at for p in stored.recent if p.state in CHANGED_SOMETHING),
        measuring=measuring(stored.recent, now),
        taken_back_at=_newest(_taken_back(change, stored.recent)),
        harmed_at=_newest(_harmed(change, stored.recent)),
        rejected_at=_newest(_rejected(change, stored.recent)),
        no_effect_at=_newest(_without_effect(change, stored.recent)),
        open_proposal=next((p.id for p in stored.unfinished), None),
        page_open=page.id if page else None,
        last_deployment_at=deployed[-1] if deployed else None,
    )


def _taken_back(change: Change, recent: Sequence[Proposal]) -> Sequence[datetime | None]:
    """Times at which undos of changes of this knob in this direction were applied."""
    made = {proposal.id: proposal for proposal in recent}
    of = {proposal.id: proposal.draft.change for proposal in recent}
    return [
        proposal.finished_at
        for proposal in recent
        if proposal.draft.undo_of is not None and proposal.state in CHANGED_SOMETHING - {State.FAILED}
        if not was_precaution(made.get(proposal.draft.undo_of), proposal)
        if direction(of.get(proposal.draft.undo_of) or _reversed(proposal.draft.change)) == direction(change)
    ]


def _harmed(change: Change, recent: Sequence[Proposal]) -> Sequence[datetime | None]:
    return [
        proposal.measured.at
        for proposal in recent
        if proposal.measured is not None and proposal.measured.verdict is Verdict.HARMFUL
        if direction(proposal.draft.change) == direction(change)
    ]


def _rejected(change: Change, recent: Sequence[Proposal]) -> Sequence[datetime | None]:
    return [
        proposal.decided_at
        for proposal in recent
        if proposal.state is State.REJECTED and direction(proposal.draft.change) == direction(change)
    ]


def _without_effect(change: Change, recent: Sequence[Proposal]) -> Sequence[datetime]:
    """Those that were measured against a control; what merely coincided with them is no answer."""
    return [
        proposal.measured.at
        for proposal in recent
        if proposal.measured is not None and proposal.measured.verdict is Verdict.INCONCLUSIVE
        if proposal.measured.controlled and direction(proposal.draft.change) == direction(change)
    ]


def _reversed(change: Change) -> Change:
    return Change(change.knob, change.new, change.old, change.unit)


def _newest(times: Iterable[datetime | None]) -> datetime | None:
    return max((at for at in times if at is not None), default=None)


#: Enough proposals to find what was taken back in the last fortnight among.
_RECENT = 100


@dataclass(frozen=True, slots=True)
class Evaluation:
    """`snapshot` as it was taken, with what is remembered of the day before it and of the revisions."""

    snapshot: Snapshot
    past: Past
    assessment: Assessment
    advised: Advised
    forecast: Forecast | NoData | None = None


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Raises StoreUnavailable. `forecasts` None: nothing is predicted here."""

    turn_history: TurnHistory
    numerics: Numerics
    assessment: Mapping[ServiceId, AssessmentSettings]
    policies: Policies
    restraints: Restraints
    proposals: Proposals
    alerts: Alerts
    forecasts: Forecasts | None = None

    async def of(self, snapshot: Snapshot) -> Evaluation:
        """Evaluate `snapshot` now."""
        past, restraint = await self.turn_history.of(snapshot), await self.restraints.now(snapshot.service)
        deployment = snapshot.deployment
        if not isinstance(deployment, NoData):
            deployment = with_history(deployment, restraint.controls)
        snapshot = replace(
            snapshot,
            cache=past.cache,
            cache_day=past.cache_day,
            deployment=deployment,
            spend=past.spend,
            cost_change=past.cost_change,
        )
        assessment = await self.numerics.run(assess, snapshot, self.assessment[snapshot.service], past.days)
        forecast = None if self.forecasts is None else await self.forecasts.of(snapshot, past.turns)
        advised = await self.policies.of(snapshot, assessment, restraint, forecast)
        return Evaluation(snapshot, past, assessment, advised, forecast)

    async def reach(self, service: ServiceId, change: Change) -> int:
        """The TTL up to which steps may go that begin with `change`; 0: it is one of its own."""
        restraint = await self.restraints.now(service)
        return reach(change, self.policies.ttl[service] if restraint.override is None else None)

    async def held_back(self, evaluation: Evaluation, change: Change, apart_from: str = "") -> tuple[Message, ...]:
        """All reasons that keep Lumen from proposing `change` now; `apart_from`: the proposal that does already."""
        snapshot, service = evaluation.snapshot, evaluation.snapshot.service
        restraint = await self.restraints.now(service)
        stored = Stored(
            recent=await self.proposals.recent(service, _RECENT),
            unfinished=[p for p in await self.proposals.unfinished(service) if p.id != apart_from],
            alerts=await self.alerts.open(service),
            pause=restraint.controls.pause,
        )
        situation = situation_of(change, stored, snapshot.deployment, restraint.now)
        return held_back(snapshot, evaluation.assessment, restraint.automation, situation, restraint.now)
