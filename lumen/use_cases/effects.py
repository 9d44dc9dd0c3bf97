"""What applied changes really did: looked at after 24, 48 and 72 hours, and taken for harm when a page follows at once.

A look is stored with the proposal in one step with the verdict, the audit and the outbox mark, so no look is made
twice, whatever falls in between. Too little data waits for the next look, and in the end says so.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from lumen.effects.disturbance import Surroundings, blamed_elsewhere, disturbed
from lumen.effects.experiment import Experiment, Finding, experiment_of, judge
from lumen.effects.verdict import EffectVerdict, Judgement, guardrail, undecided
from lumen.exporters.operations import deployments
from lumen.model.alert import Severity
from lumen.model.errors import LumenError, NotPossible
from lumen.model.message import Message
from lumen.model.nodata import NoData
from lumen.model.proposal import Proposal, State
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE
from lumen.model.verdict import Measured, MeasuredEffect, Verdict
from lumen.ports.clock import Clock
from lumen.ports.faults import FaultPoint
from lumen.ports.measurements import DeploymentSource
from lumen.ports.numerics import Numerics
from lumen.ports.state import Lease, Leases, Proposals, Slots, Turns
from lumen.ports.watching import Alerts
from lumen.use_cases.holding import LEASE, kept_alive, while_holding
from lumen.use_cases.hourly_figures import HourlyFigures
from lumen.use_cases.taking_back import TakingBack

EFFECTS_SCHEDULE = "effects"
#: Enough proposals to find those of the last days among.
RECENT = 100
#: Enough turns to find what they said of a setting since the change.
TURNS_BACK = 100
#: The newest slices come this much after their time.
SLICES_LATE = 2 * SLICE
#: A look waits this long for data that is late, then it judges what there is.
PATIENCE = timedelta(hours=96)

#: WAIT has none: the change is looked at again.
_VERDICTS = {
    EffectVerdict.KEPT: Verdict.KEPT,
    EffectVerdict.INCONCLUSIVE: Verdict.INCONCLUSIVE,
    EffectVerdict.HARMFUL: Verdict.HARMFUL,
    EffectVerdict.REVERT: Verdict.HARMFUL,
}


class Effects:
    """`lacking`: why nothing can be estimated in this installation (None: it can)."""

    def __init__(
        self,
        proposals: Proposals,
        alerts: Alerts,
        turns: Turns,
        figures: HourlyFigures,
        deployed: DeploymentSource,
        taking_back: TakingBack,
        leases: Leases,
        slots: Slots,
        clock: Clock,
        numerics: Numerics,
        fault: FaultPoint,
        lacking: NoData | None,
    ) -> None:
        self._proposals = proposals
        self._alerts = alerts
        self._turns = turns
        self._figures = figures
        self._deployed = deployed
        self._taking_back = taking_back
        self._leases = leases
        self._slots = slots
        self._clock = clock
        self._numerics = numerics
        self._fault = fault
        self._lacking = lacking

    async def due(self, services: Sequence[ServiceId]) -> None:
        """Once an hour and service, across replicas: make the looks whose time has come.

        What fails is tried again with the next call. Raises the first LumenError, after the others had their turn.
        """
        slot = self._clock.now().replace(minute=0, second=0, microsecond=0)
        claimed: dict[ServiceId, Lease] = {}
        for service in services:
            lease = await self._slots.claim(service, EFFECTS_SCHEDULE, slot, LEASE)
            if lease is not None:
                claimed[service] = lease
        failed: list[LumenError] = []
        async with kept_alive(self._leases, claimed):
            for service, lease in claimed.items():
                try:
                    await self._look(service, lease)
                    await self._slots.done(service, EFFECTS_SCHEDULE, slot, lease)
                except LumenError as error:
                    failed.append(error)
        if failed:
            raise failed[0]

    async def guard(self, service: ServiceId) -> None:
        """After each look of the watch: a page within two hours of a change is taken for its harm (methods 3)."""
        found = await self._broken(service)
        if found:
            lease = await self._leases.acquire(service, "guardrail", LEASE)
            if lease is not None:
                await while_holding(self._leases, service, lease, lambda held: self._store_all(found, held), LEASE)
        await self._taking_back.propose(service)

    async def _look(self, service: ServiceId, lease: Lease) -> None:
        now = self._clock.now()
        recent = await self._proposals.recent(service, RECENT)
        for proposal in recent:
            experiment = experiment_of(proposal, now)
            done = proposal.measured.look_hours if proposal.measured else 0
            look = experiment.overdue(now, done) if experiment else None
            if experiment is None or look is None:
                continue
            found = await self._found(proposal, experiment, look, recent)
            self._fault("effect.judged")
            if found is not None:
                await self._store(proposal, look, found, lease)
        await self._taking_back.propose(service)

    async def _found(
        self, proposal: Proposal, experiment: Experiment, look: int, recent: Sequence[Proposal]
    ) -> Finding | None:
        """None: what it needs is not there yet, the next hour asks again."""
        service, now = proposal.draft.service, self._clock.now()
        end = experiment.end_of(look, now)
        deployment = (await self._deployed.deployments((service,)))[service]
        newest = await self._alerts.newest(service)
        is_late = newest is None or newest + SLICE < end - SLICES_LATE
        if (is_late or isinstance(deployment, NoData)) and now - experiment.started_at < PATIENCE:
            return None
        if isinstance(deployment, NoData):
            return _nothing(deployment.reason)
        drift = await self._drift_since(service, experiment.started_at)
        around = Surroundings(recent, deployments(deployment), drift)
        disturbance = disturbed(proposal.id, experiment, around, end)
        if disturbance is not None:
            return _nothing(disturbance)
        if self._lacking is not None:
            return Finding(undecided(look, None, self._lacking.reason))
        hours = await self._figures.of(service, experiment, end)
        return await self._numerics.run(judge, experiment, look, hours, end)

    async def _drift_since(self, service: ServiceId, since: datetime) -> Sequence[Message]:
        turns = await self._turns.latest(service, TURNS_BACK)
        return [told for turn in turns if turn.started_at >= since for told in turn.drift]

    async def _broken(self, service: ServiceId) -> Sequence[tuple[Proposal, Judgement]]:
        """Changes that a page followed at once, unless something nearer to the page did, or nobody can tell."""
        alerts = [stored.alert for stored in await self._alerts.open(service)]
        pages = [alert for alert in alerts if alert.severity is Severity.PAGE]
        if not pages:
            return ()
        recent = await self._proposals.recent(service, RECENT)
        found: list[tuple[Proposal, Judgement]] = []
        for proposal in recent:
            experiment = experiment_of(proposal, self._clock.now())
            followed = [p for p in pages if experiment and guardrail(experiment.started_at, [p])]
            if experiment is None or not followed:
                continue
            deployment = (await self._deployed.deployments((service,)))[service]
            if isinstance(deployment, NoData):
                continue
            around = Surroundings(recent, deployments(deployment))
            ours = [p for p in followed if not blamed_elsewhere(proposal.id, experiment, around, p.opened_at)]
            judgement = guardrail(experiment.started_at, ours)
            if judgement is not None:
                found.append((proposal, judgement))
        return found

    async def _store_all(self, found: Sequence[tuple[Proposal, Judgement]], lease: Lease) -> None:
        for proposal, judgement in found:
            await self._store(proposal, 0, Finding(judgement), lease)

    async def _store(self, proposal: Proposal, look: int, found: Finding, lease: Lease) -> None:
        """One step. Where a person took the change back in this very moment, there is nothing to say any more."""
        judgement = found.judgement
        verdict = _VERDICTS.get(judgement.verdict)
        effects = tuple(MeasuredEffect(one.metric, one.effect, one.low, one.high) for one in found.effects)
        measured = Measured(look, self._clock.now(), verdict, judgement.reason, effects, judgement.undo)
        state = State(verdict.value) if verdict else State.APPLIED
        try:
            await self._proposals.advance(proposal.draft.service, proposal.id, lease, state, judgement.reason, measured)
        except NotPossible:
            return
        self._fault("effect.stored")


def _nothing(reason: Message) -> Finding:
    """Nothing that comes later will tell, so it is settled at once."""
    return Finding(Judgement(EffectVerdict.INCONCLUSIVE, False, reason))
