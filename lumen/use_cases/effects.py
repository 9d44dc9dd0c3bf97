"""The effects of applied changes, looked at after 6, 24, 48 and 72 hours by the keys that kept the old value.

A change without such a control is looked at once, for what coincides with it. A page right after a change is a
precaution.

A look is stored with the proposal in one step with the verdict, the audit and the outbox mark, so no look is made
twice, whatever falls in between. Too little data waits for the next look, and in the end says so.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lumen.effects.disturbance import PageAfter, Surroundings, begun_anew, disturbed, judge_pages, spoiled
from lumen.effects.experiment import Experiment, experiment_of, judge, suspended
from lumen.effects.hours import BEFORE, HOUR, Hours
from lumen.effects.verdict import EffectVerdict, Judgement, LookFinding, guardrail
from lumen.exporters.deployments import deployments
from lumen.model.alert import Alert, Observation, Severity
from lumen.model.cost import Caches, beside
from lumen.model.incident import StoredAlert
from lumen.model.messages import Message, NoData, NotPossible
from lumen.model.observed import KEEP_DAYS
from lumen.model.proposal import CHANGED_SOMETHING, Change, Knob, Proposal, State
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, Deployment
from lumen.policies.deployment_history import moves
from lumen.policies.protection import BLAMES, UNSURE
from lumen.policies.size import HOURS_A_MONTH, SizeLimits, added_cost_usd
from lumen.ports.clock import FaultPoint, Numerics
from lumen.ports.incidents import Alerts
from lumen.ports.sources import DeploymentSource
from lumen.ports.store import Lease, Proposals, Turns
from lumen.use_cases.held_effects import LASTS_AFTER, HeldEffects
from lumen.use_cases.holding_back import HoldBacks
from lumen.use_cases.leases import Claims, hour_of
from lumen.use_cases.on_call import newest_incidents
from lumen.use_cases.rollback import TOGETHER
from lumen.use_cases.undo_harmful import UndoHarmful

TURN_OF_SLICES = 500


@dataclass(frozen=True, slots=True)
class EffectEstimates:
    """`lacking`: why nothing can be estimated in this installation (None: it can).

    `uncounted_calls_usd`: by service what a call costs that misses the cache, where the slices' costs are without
    those (0 where they are with them). `sizes`: what a MB costs, for slices are priced by a size that nobody changes
    in them.
    Of both a service pays its part, by requests, as in its slices; `caches`: of all services that are watched.
    """

    alerts: Alerts
    numerics: Numerics
    uncounted_calls_usd: Mapping[ServiceId, float]
    sizes: Mapping[ServiceId, SizeLimits]
    held: HeldEffects
    caches: Caches
    lacking: NoData | None = None

    async def without_control(
        self, service: ServiceId, experiment: Experiment, look: int, end: datetime
    ) -> LookFinding:
        """Look at what coincides with the change, on all that is known up to `end`."""
        return await self.numerics.run(judge, experiment, look, await self.hours(service, experiment, end), end)

    async def hours(self, service: ServiceId, experiment: Experiment, end: datetime) -> Hours:
        """From a fortnight before the change up to `end`."""
        changed = experiment.started_at.replace(minute=0, second=0, microsecond=0)
        more_usd = self._more_usd_an_hour(service, experiment.change) * (SLICE / HOUR)
        since, hours = changed - BEFORE - SLICE, Hours()
        beside = await self._requests_beside(service, since)
        for count, seen in enumerate(await self.alerts.observations(service, since)):
            if count % TURN_OF_SLICES == 0:
                await asyncio.sleep(0)  # clicks get their turn
            if seen.start < end:
                together = (seen.requests or 0) + beside.get(seen.start, 0)
                share = seen.requests / together if seen.requests is not None and together else 1.0
                hours.add(self._priced(service, seen, more_usd if seen.start > changed else 0.0, share))
        return hours

    async def _requests_beside(self, service: ServiceId, since: datetime) -> Mapping[datetime, int]:
        """Of the other services in its cache, by slice."""
        found: dict[datetime, int] = {}
        for other in beside([service], self.caches):
            for seen in await self.alerts.observations(other, since):
                found[seen.start] = found.get(seen.start, 0) + (seen.requests or 0)
        return found

    def _priced(self, service: ServiceId, seen: Observation, more_usd: float, share: float) -> Observation:
        call_usd = self.uncounted_calls_usd[service]
        if seen.cost_usd is None or (call_usd and seen.misses is None):
            return replace(seen, cost_usd=None)
        of_cache = more_usd + (seen.misses or 0) * call_usd
        return replace(seen, cost_usd=seen.cost_usd + share * of_cache)

    def _more_usd_an_hour(self, service: ServiceId, change: Change) -> float:
        """The cost of the new size above the old one."""
        if change.knob is not Knob.CACHE_SIZE or not isinstance(change.old, int) or not isinstance(change.new, int):
            return 0.0
        return added_cost_usd(change.old, change.new, self.sizes[service]) / HOURS_A_MONTH


EFFECTS_SCHEDULE = "effects"
#: Enough proposals to find those of the last days among.
RECENT = 100
#: Enough turns to find what they said of a setting since the change.
TURNS_BACK = 100
#: The newest slices come this much after their time.
SLICES_LATE = 2 * SLICE
#: A look waits this long for data that is late, then it judges what there is.
PATIENCE = timedelta(hours=96)
#: Enough incidents to find those of the last days among.
INCIDENTS_BACK = 20
#: The accesses of the first day after a change are kept so long after it.
ACCESSES_KEPT = timedelta(days=KEEP_DAYS - 1)


@dataclass(frozen=True, slots=True)
class BesideChange:
    """Tells what else happened, which may be to blame for what a look sees."""

    alerts: Alerts
    turns: Turns
    deployed: DeploymentSource


@dataclass(frozen=True, slots=True)
class Effects:
    """Looks at applied changes, and stores what each look found."""

    proposals: Proposals
    beside: BesideChange
    estimates: EffectEstimates
    undo_harmful: UndoHarmful
    hold_backs: HoldBacks
    claims: Claims
    fault: FaultPoint

    async def due(self, services: Sequence[ServiceId]) -> None:
        """Once an hour and service, across replicas: make the looks whose time has come.

        What fails is tried again with the next call. Raises SomeFailed, after the others had their turn.
        """
        slot = hour_of(self.claims.clock.now())
        await self.claims.share(services, EFFECTS_SCHEDULE, slot, lambda batch: batch.each(self._look))

    async def guard(self, service: ServiceId, services: Sequence[ServiceId] = ()) -> None:
        """After each look of the watch: a page within two hours of a change has it taken back as a precaution.

        Where something else is to blame it stays, and its verdict waits. `services`: all that are watched.
        """
        found = await self._paged(service, services)
        if found:
            await self.claims.alone(service, "guardrail", lambda lease: self._store_all(found, lease))
        await self.undo_harmful.propose(service)

    async def _look(self, service: ServiceId, lease: Lease) -> None:
        now = self.claims.clock.now()
        recent = await self.proposals.recent(service, RECENT)
        for proposal in recent:
            experiment = experiment_of(proposal, now)
            done = proposal.measured.look_hours if proposal.measured else 0
            look = experiment.overdue(now, done) if experiment else None
            if experiment is None or look is None:
                continue
            found = await self._found(proposal, experiment, look, recent)
            self.fault("effect.judged")
            if found is not None:
                await self._store(proposal, look, found, lease)
        await self.hold_backs.end_settled(service)
        await self.undo_harmful.propose(service)
        await self._tell_what_lasts(recent, lease)

    async def _found(
        self, proposal: Proposal, experiment: Experiment, look: int, recent: Sequence[Proposal]
    ) -> LookFinding | None:
        """None: what it needs is not there yet, the next hour asks again."""
        service, now = proposal.draft.service, self.claims.clock.now()
        end = experiment.end_of(look, now)
        deployment = (await self.beside.deployed.deployments((service,)))[service]
        newest = await self.beside.alerts.newest(service)
        is_late = newest is None or newest + SLICE < end - SLICES_LATE
        is_awaited = now - experiment.started_at < PATIENCE
        if (is_late or isinstance(deployment, NoData)) and is_awaited:
            return None
        if isinstance(deployment, NoData):
            return _nothing(deployment.reason)
        drift = await self._drift_since(service, experiment.started_at)
        around = Surroundings(recent, _deployed(deployment, recent), drift)
        if self.estimates.lacking is not None:
            return suspended(look, experiment, self.estimates.lacking.reason)
        if not experiment.is_controlled:
            disturbance = disturbed(proposal.id, experiment, around, end)
            if disturbance is not None:
                return _nothing(disturbance)
            return await self.estimates.without_control(service, experiment, look, end)
        return await self._by_control(proposal, experiment, look, around, is_awaited=is_awaited)

    async def _by_control(
        self, proposal: Proposal, experiment: Experiment, look: int, around: Surroundings, *, is_awaited: bool
    ) -> LookFinding | None:
        service, end = proposal.draft.service, experiment.end_of(look, self.claims.clock.now())
        spoilt = spoiled(proposal.id, experiment, around, end)
        if spoilt is not None:
            return _nothing(spoilt)
        around = replace(around, pages=await self._pages(service))
        since = begun_anew(proposal.id, experiment, look, around, end)
        if isinstance(since, LookFinding):
            return since
        found = await self.estimates.held.look(service, experiment, look, since)
        return None if is_awaited and await self.estimates.held.is_late(service, experiment, found, end) else found

    async def _tell_what_lasts(self, recent: Sequence[Proposal], lease: Lease) -> None:
        """A week after a change that helped, and stands: what a replay says of it, which teaches nothing."""
        now, turned = self.claims.clock.now(), set[Knob]()
        for made in recent:
            measured, at, knob = made.measured, made.finished_at, made.draft.change.knob
            if made.state not in CHANGED_SOMETHING or at is None or knob in turned:
                continue
            turned.add(knob)
            is_news = made.state is State.KEPT and measured is not None and measured.helped and not measured.lasting
            if measured is not None and is_news and at + LASTS_AFTER <= now < at + ACCESSES_KEPT:
                told = await self.estimates.held.lasting(made.draft.service, Experiment(made.draft.change, at))
                again = replace(measured, lasting=told)
                with suppress(NotPossible):
                    await self.proposals.advance(made.draft.service, made.id, lease, State.KEPT, told, again)

    async def _drift_since(self, service: ServiceId, since: datetime) -> Sequence[Message]:
        turns = await self.beside.turns.latest(service, TURNS_BACK)
        return [told for turn in turns if turn.started_at >= since for told in turn.drift]

    async def _pages(self, service: ServiceId) -> Sequence[Alert]:
        """The newest pages, open or over."""
        incidents = await newest_incidents(self.beside.alerts, service, INCIDENTS_BACK)
        told = [one.alert for incident in incidents for one in incident.alerts]
        return [alert for alert in told if alert.severity is Severity.PAGE]

    async def _paged(self, service: ServiceId, services: Sequence[ServiceId]) -> Sequence[tuple[Proposal, Judgement]]:
        """Judgements of pages right after a change; nothing where nobody knows what was deployed, or it was said."""
        stored = [one for one in await self.beside.alerts.open(service) if one.alert.severity is Severity.PAGE]
        if not stored:
            return ()
        recent = await self.proposals.recent(service, RECENT)
        found: list[tuple[Proposal, Judgement]] = []
        for proposal in recent:
            experiment = experiment_of(proposal, self.claims.clock.now())
            followed = [one for one in stored if experiment and guardrail(experiment.started_at, [one.alert])]
            if experiment is None or not followed:
                continue
            deployment = (await self.beside.deployed.deployments((service,)))[service]
            if isinstance(deployment, NoData):
                continue
            around = Surroundings(recent, _deployed(deployment, recent))
            pages = [(one.alert, await self._page(service, one, recent, services)) for one in followed]
            judgement = judge_pages(proposal.id, experiment, around, pages)
            if judgement is not None and _is_news(proposal, judgement):
                found.append((proposal, judgement))
        return found

    async def _page(
        self, service: ServiceId, page: StoredAlert, recent: Sequence[Proposal], services: Sequence[ServiceId]
    ) -> PageAfter:
        incident = await self.beside.alerts.incident(service, page.incident)
        notes = incident.notes if incident else ()
        own = any(p.draft.incident == page.alert.id and p.draft.change.knob is Knob.TRAFFIC for p in recent)
        blamed = own or any(note.code in BLAMES for note in notes)
        unsure = any(note.code in UNSURE for note in notes)
        return PageAfter(page.alert.opened_at, blamed, await self._elsewhere(service, page.alert, services), unsure)

    async def _elsewhere(self, service: ServiceId, page: Alert, services: Sequence[ServiceId]) -> str:
        """Another service whose page opened at the same time: the two have more in common than this change."""
        for other in services:
            if other != service:
                opened = [
                    one.alert for one in await self.beside.alerts.open(other) if one.alert.severity is Severity.PAGE
                ]
                if any(abs(one.opened_at - page.opened_at) <= TOGETHER for one in opened):
                    return other.name
        return ""

    async def _store_all(self, found: Sequence[tuple[Proposal, Judgement]], lease: Lease) -> None:
        for proposal, judgement in found:
            await self._store(proposal, 0, LookFinding(judgement), lease)

    async def _store(self, proposal: Proposal, look: int, found: LookFinding, lease: Lease) -> None:
        """One step. Where a person took the change back in this very moment, there is nothing to say any more."""
        measured = found.measured(look, self.claims.clock.now())
        state = State(measured.verdict.value) if measured.verdict else State.APPLIED
        try:
            await self.proposals.advance(proposal.draft.service, proposal.id, lease, state, measured.reason, measured)
        except NotPossible:
            return
        self.fault("effect.stored")


def _deployed(deployment: Deployment, recent: Sequence[Proposal]) -> Sequence[datetime]:
    """The moments when other code began to serve, but for what a proposal did, which is told of by itself."""
    by_proposal = {proposal.finished_at for proposal in recent}
    return sorted({*deployments(deployment), *moves(deployment.served)} - by_proposal)


def _is_news(proposal: Proposal, judgement: Judgement) -> bool:
    """Said once; a precaution gives way when something else turns out to be to blame, and nothing else does."""
    measured = proposal.measured
    if measured is None:
        return True
    return measured.is_of_a_page and measured.undo and not judgement.undo


def _nothing(reason: Message) -> LookFinding:
    """Nothing that comes later will tell, so it is settled at once."""
    return LookFinding(Judgement(EffectVerdict.INCONCLUSIVE, False, reason))
