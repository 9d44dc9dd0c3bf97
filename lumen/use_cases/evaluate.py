"""Evaluation of a snapshot: its assessment, the advice, and what keeps Lumen from acting on that now.

Asked by each turn, and again when a countdown that would act by itself is over. It goes by the snapshot, by the sums,
trends and turns of the time before, and by all that is stored of proposals, alerts and controls. Changes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from lumen.effects.experiment import measuring
from lumen.effects.track_record import was_precaution
from lumen.exporters.assess import AssessmentSettings, assess
from lumen.exporters.deployments import deployments
from lumen.model.alert import Severity
from lumen.model.assessment import Assessment
from lumen.model.forecast import Forecast
from lumen.model.incident import Pause, StoredAlert
from lumen.model.messages import Message, NoData, NotPossible, SourceUnavailable
from lumen.model.proposal import CHANGED_SOMETHING, Change, Knob, Proposal, State, Verdict, direction
from lumen.model.service import ServiceId
from lumen.model.snapshot import Deployment, Snapshot
from lumen.policies.choose import Wanted, change_of, first_of, next_of, only_up
from lumen.policies.deployment_history import with_history
from lumen.policies.guard import Restraint, Situation, held_back
from lumen.policies.instances import recommend_l1, recommend_min_instances
from lumen.policies.plans import reach
from lumen.policies.predicted import predicted
from lumen.policies.predicted_size import predicted_size
from lumen.policies.size import SizeLimits, recommend_size
from lumen.policies.ttl import TtlLimits, recommend_ttl
from lumen.ports.incidents import Alerts
from lumen.ports.store import Proposals
from lumen.use_cases.forecasting import Forecasts
from lumen.use_cases.knobs import Knobs, find, looked_up
from lumen.use_cases.restrictions import Restraints
from lumen.use_cases.turn_history import Past, TurnHistory


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
        assessment = assess(snapshot, self.assessment[snapshot.service], past.days)
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
