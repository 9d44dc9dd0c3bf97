"""Changes of the hourly policy that are made without asking, and countdowns of every kind.

A change is made unasked where AUTO_APPLY names its knob and the stored record of such changes allows it. Like a
rollback it is a proposal with a countdown, which anybody with the right may hasten, stop or put off. When the time is
up, one replica judges everything afresh, and the outcome is one transition in the store. Nothing here acts: a countdown
that nobody stopped becomes APPROVED_BY_TIMER, and `execution` carries it out.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from lumen.effects.track_record import record_of, spoken_against
from lumen.model.alert import Severity
from lumen.model.answers import InSteps, Trusted
from lumen.model.forecast import expectation_of
from lumen.model.incident import TtlOverride
from lumen.model.messages import Message, NotPossible, message
from lumen.model.override import pinned_by
from lumen.model.proposal import Change, Choice, Decision, Direction, Knob, Origin, Proposal, direction
from lumen.model.service import ServiceId
from lumen.policies.auto_apply import NAMES, AutoApplySettings, End, Ending, Grounds, Weighed, auto_apply_end, weigh
from lumen.policies.plans import Present, not_measurable, plan_of, running
from lumen.ports.clock import Clock, FaultPoint
from lumen.ports.incidents import Alerts
from lumen.ports.store import Lease, Outbox, Proposals, Surface
from lumen.use_cases.approvals import EXPIRES_IN, REMEMBERED
from lumen.use_cases.collect import Collector
from lumen.use_cases.evaluate import Evaluation, Evaluator
from lumen.use_cases.holding_back import with_hold_back
from lumen.use_cases.leases import Claims
from lumen.use_cases.on_call import newest_incidents
from lumen.use_cases.restrictions import Restraints


@dataclass(frozen=True, slots=True)
class Countdowns:
    """Those of one kind: `is_ours` tells which, `end` judges one and concludes it; `name` is that of the lease."""

    proposals: Proposals
    claims: Claims
    name: str
    is_ours: Callable[[Proposal], bool]
    end: Callable[[Proposal, Lease], Awaitable[None]]

    async def settle(self, service: ServiceId) -> bool:
        """Whether a countdown that was over has led to anything. Safe to call as often as one likes."""
        if not await self._due(service):
            return False
        return await self.claims.alone(service, self.name, partial(self._settle_alone, service)) or False

    async def _settle_alone(self, service: ServiceId, lease: Lease) -> bool:
        for proposal in await self._due(service):  # as it is now that the lease is ours
            await self.end(proposal, lease)
        return True

    async def _due(self, service: ServiceId) -> Sequence[Proposal]:
        return [p for p in await self.proposals.countdowns_due(service) if self.is_ours(p)]


async def conclude(proposals: Proposals, proposal: Proposal, ending: Ending, lease: Lease) -> bool:
    """False: a person decided, snoozed or asked for something else in this very moment, and theirs holds."""
    draft = proposal.draft
    try:
        if ending.end is End.ASK and ending.target is not None:
            now = await proposals.get(draft.service, proposal.id)
            if now is None or now.version != proposal.version:
                return False  # what somebody did with it is not pushed aside; the next round looks again
            change = replace(draft.change, new=ending.target)
            reasons = (*draft.reasons, message("rollback.asked_because"), *ending.reasons)
            asked = replace(draft, change=change, reasons=reasons, request_id=f"ask:{proposal.id}", step_of="")
            await proposals.propose(asked, EXPIRES_IN)  # the countdown is superseded in the same step
            return True
        choice = Choice.TIMER if ending.end is End.ACT else Choice.WITHDRAW
        note = ending.reasons[0] if ending.reasons else None
        await proposals.decide(
            draft.service, proposal.id, Decision(choice, None, f"{choice}:{proposal.id}", note), lease
        )
    except NotPossible:
        return False
    return True


#: The watch looks every five minutes, at what ended four minutes before. After this, no open alert says nothing.
WATCHED_WITHIN = timedelta(minutes=30)
#: So many incidents are looked through for a page while something counted down.
INCIDENTS_BACK = 5


@dataclass(frozen=True, slots=True)
class AutoApplyRules:
    """Changes nothing. Raises StoreUnavailable."""

    setting: AutoApplySettings
    restraints: Restraints
    proposals: Proposals
    alerts: Alerts
    clock: Clock

    async def weighed(self, service: ServiceId, change: Change) -> Weighed:
        """Whether a change that the policy wants now is made unasked."""
        stored = await self._stored(service)
        plan = plan_of(stored.past, change, self._present(stored))
        return weigh(change.knob, self.setting, replace(stored.grounds(direction(change)), plan=plan))

    async def shown(self, service: ServiceId) -> tuple[Trusted, ...]:
        """Of each knob that AUTO_APPLY names, and of those that have earned it, what became of either direction."""
        stored, found = await self._stored(service), []
        for setting, knob in NAMES.items():
            named = knob in self.setting.knobs
            both = [(up, stored.grounds((knob, up))) for up in (True, False)]
            for up, on in [(up, on) for up, on in both if on.trials] or both[:1]:
                if named or (on.earned and not on.spoken_against):
                    against = weigh(knob, self.setting, on).against
                    found.append(Trusted(knob, up, on.helped, on.trials, on.chance, setting, named, against))
        return tuple(found)

    async def running(self, service: ServiceId) -> InSteps | None:
        """What was approved in steps, and goes on by itself."""
        stored = await self._stored(service)
        return running(stored.past, self._present(stored))

    def _present(self, stored: "_Stored") -> Present:
        return Present(self.clock.now(), stored.paused_at, self.setting.approvals_needed)

    async def _stored(self, service: ServiceId) -> "_Stored":
        newest, now, restraint = await self.alerts.newest(service), self.clock.now(), await self.restraints.now(service)
        return _Stored(
            await self.proposals.recent(service, REMEMBERED),
            [stored.alert.id for stored in await self.alerts.open(service)],
            newest is not None and now - newest <= WATCHED_WITHIN,
            restraint.override,
            restraint.controls.paused_at,
        )


@dataclass(frozen=True, slots=True)
class _Stored:
    """Of one service: its newest proposals first, and the ids of open alerts."""

    past: Sequence[Proposal]
    alerts: Sequence[str]
    is_watched: bool
    override: TtlOverride | None
    #: When somebody paused last.
    paused_at: datetime | None

    def grounds(self, of: Direction) -> Grounds:
        record, pin = record_of(self.past, of), self.override
        return Grounds(
            helped=record.helped,
            trials=record.trials,
            chance=record.mean,
            earned=record.may_offer_automation,
            spoken_against=spoken_against(self.past, of),
            alert=self.alerts[0] if self.alerts else "",
            is_watched=self.is_watched,
            pinned=pinned_by(pin) if pin is not None and of[0] is Knob.TTL else None,
        )


@dataclass(frozen=True, slots=True)
class AutoApplyCountdowns:
    """Begun by a turn; here is their end."""

    collector: Collector
    evaluator: Evaluator
    rules: AutoApplyRules
    proposals: Proposals
    claims: Claims
    outbox: Outbox
    fault: FaultPoint

    async def settle(self, service: ServiceId) -> bool:
        """Whether a countdown that was over has led to anything. Safe to call as often as one likes."""
        return await Countdowns(self.proposals, self.claims, "unasked", _is_ours, self._end).settle(service)

    async def _end(self, proposal: Proposal, lease: Lease) -> None:
        change, service = proposal.draft.change, proposal.draft.service
        evaluation = await self.evaluator.of((await self.collector.snapshots((service,)))[service])
        held = await self.evaluator.held_back(evaluation, change, apart_from=proposal.id)
        held = (*held, *await self._since_it_began(proposal))
        if proposal.draft.step_of:
            held = (*held, *await self._against_step(proposal, evaluation))
        weighed = await self.rules.weighed(service, change)
        self.fault("unasked.judged")
        ending = auto_apply_end(change, evaluation.advised.first, held, weighed)
        await conclude(self.proposals, proposal, ending, lease)
        self.fault("unasked.ended")

    async def _since_it_began(self, proposal: Proposal) -> tuple[Message, ...]:
        """A page that was open meanwhile, also one that has closed: what was announced was for quieter times."""
        incidents = await newest_incidents(self.evaluator.alerts, proposal.draft.service, INCIDENTS_BACK)
        for alert in (one.alert for incident in incidents for one in incident.alerts):
            closed_at = alert.closed_at
            if alert.severity is Severity.PAGE and closed_at is not None and closed_at >= proposal.created_at:
                return (message("policy.held_page", page=alert.id),)
        return ()

    async def _against_step(self, step: Proposal, evaluation: Evaluation) -> tuple[Message, ...]:
        """What a person approved was: forecast, announced, and measured against a control."""
        draft, forecast = step.draft, evaluation.forecast
        afresh = replace(draft, expected=expectation_of(forecast, draft.change))
        afresh = replace(afresh, change=replace(draft.change, held_permille=0))
        afresh = await with_hold_back(self.evaluator.policies.knobs, afresh, forecast)
        lacking = not_measurable(afresh)
        shown = await self.outbox.where(Surface(draft.service, "proposal", step.id, step.mark))
        return (
            *(() if lacking is None else (lacking.reason,)),
            *(() if shown is not None else (message("plan.not_announced"),)),
        )


def _is_ours(proposal: Proposal) -> bool:
    return proposal.draft.origin is Origin.POLICY and proposal.draft.change.knob is not Knob.TRAFFIC
