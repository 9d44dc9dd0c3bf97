"""Automatic rollback (docs/methods.md): a countdown on an availability page, and what it comes to when its time is up.

The countdown itself is a proposal in the store, so it survives everything that the store survives. Nothing here acts:
a countdown that nobody stopped becomes APPROVED_BY_TIMER, and `execution` carries it out like any other approval.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from lumen.model.alert import Alert, AlertKind, Severity
from lumen.model.incident import RevisionRecord, StoredAlert
from lumen.model.messages import Message, NoData, Param, message
from lumen.model.proposal import Change, Choice, Decision, Draft, Knob, Origin, Priority, Proposal, State
from lumen.model.service import ServiceId
from lumen.policies.auto_apply import RollbackAtEnd, rollback_end
from lumen.policies.rollback import reasons_for
from lumen.ports.clock import FaultPoint
from lumen.ports.incidents import Alerts
from lumen.ports.store import Lease, Proposals
from lumen.use_cases.approvals import EXPIRES_IN
from lumen.use_cases.auto_apply import Countdowns, conclude
from lumen.use_cases.leases import Claims
from lumen.use_cases.releases import Finding, Releases
from lumen.use_cases.restrictions import Restraints

#: What a rollback does to hit rate and cost is not predicted: it is meant to end the errors.
EXPECTED = NoData(message("rollback.expected"), message("rollback.expected_remedy"))
#: For so long after a service has become slow it is looked at whether a release is to blame: data may come late.
ASKED_FOR = timedelta(minutes=30)
#: Alerts of two services this near to each other began together.
TOGETHER = timedelta(minutes=15)
#: Enough proposals to find those of an incident among.
_RECENT = 50


@dataclass(frozen=True, slots=True)
class _Held:
    """Restrictions on automation, and the revisions that are remembered."""

    reasons: tuple[Message, ...]
    records: dict[str, RevisionRecord]


@dataclass(frozen=True, slots=True)
class RollbackRules:
    """`countdown`: ROLLBACK_TIMEOUT_SECONDS. `needed`: how many people it takes to hasten it, or to approve where it
    asks; its own time, a rejection and a snooze need nobody, or one. `services`: all that are watched.
    """

    countdown: timedelta
    needed: int = 1
    services: Sequence[ServiceId] = ()


class Rollback:
    """Begins, withdraws and ends the countdowns of rollbacks."""

    def __init__(
        self,
        releases: Releases,
        alerts: Alerts,
        restraints: Restraints,
        proposals: Proposals,
        claims: Claims,
        fault: FaultPoint,
        rules: RollbackRules,
    ) -> None:
        self._releases = releases
        self._alerts = alerts
        self._restraints = restraints
        self._proposals = proposals
        self._clock = claims.clock
        self._fault = fault
        self._rules = rules
        self._countdowns = Countdowns(proposals, claims, "countdown", _is_traffic, self._end)

    async def consider(self, service: ServiceId) -> None:
        """After each look: begin a countdown where a page calls for one, or say why there is none.

        Where a release has only made the service slow, people are asked.
        """
        open_alerts = await self._alerts.open(service)
        unfinished = [p for p in await self._proposals.unfinished(service) if _is_traffic(p)]
        for pending in unfinished:
            await self._withdraw_when_over(pending, open_alerts)
        told = next((stored for stored in open_alerts if _is_page(stored.alert)), None)
        told = told or next((stored for stored in open_alerts if self._is_newly_slow(stored.alert)), None)
        if told is None:
            return
        await self._tell(service, told)
        earlier = await self._of_incident(service, told.alert)
        if any(p.state is not State.WITHDRAWN for p in earlier):
            return  # rejected for this incident, or done once already: the next step is a person's
        if not all(_gives_way(pending, told.alert) for pending in unfinished):
            return
        await self._begin(service, told, len(earlier))

    def _is_newly_slow(self, alert: Alert) -> bool:
        return alert.kind is AlertKind.LATENCY and self._clock.now() - alert.opened_at <= ASKED_FOR

    async def settle(self, service: ServiceId) -> bool:
        """Whether a countdown that was over has led to anything. Safe to call as often as one likes."""
        return await self._countdowns.settle(service)

    async def _begin(self, service: ServiceId, page: StoredAlert, attempt: int) -> None:
        held = await self._held(service)
        found = await self._finding(service, page.alert, held)
        advice, is_page = found.advice, _is_page(page.alert)
        target = advice.target or advice.asked
        if (found.failing is False and is_page) or (target is None and not is_page):
            return  # the page will close by itself; what is slow has seldom to do with a release
        if target is None or found.present is None or (found.failing is None and is_page):
            why = advice.against or (message("policy.rollback_no_data"),)
            await self._alerts.note(service, page.incident, (message("rollback.note_none"), *why))
        elif held.reasons:
            told = message("rollback.note_held", target=target)
            await self._alerts.note(service, page.incident, (told, *held.reasons))
        else:
            draft = _draft(service, page.alert, found, target, f"rollback:{page.alert.id}:{attempt}")
            draft = replace(draft, approvals_needed=self._rules.needed)
            if advice.target is None:
                reasons = (*draft.reasons, message("rollback.asked_because"), *advice.against)
                await self._proposals.propose(replace(draft, reasons=reasons), EXPIRES_IN)
            else:
                await self._proposals.propose(draft, EXPIRES_IN, self._rules.countdown)
            await self._tell(service, page)

    async def _finding(self, service: ServiceId, alert: Alert | None, held: _Held) -> Finding:
        elsewhere = "" if alert is None else await self._elsewhere(service, alert)
        return await self._releases.finding(service, alert, held.records, elsewhere)

    async def _elsewhere(self, service: ServiceId, alert: Alert) -> str:
        """Another service whose requests began to fail at the same time."""
        for other in self._rules.services:
            told = () if other == service else await self._alerts.open(other)
            kinds = [one.alert for one in told if one.alert.kind is AlertKind.AVAILABILITY]
            if any(abs(one.opened_at - alert.opened_at) <= TOGETHER for one in kinds):
                return other.name
        return ""

    async def _end(self, proposal: Proposal, lease: Lease) -> None:
        """Its time is up: judge everything afresh, also after a restart that came late."""
        draft = proposal.draft
        open_alerts = await self._alerts.open(draft.service)
        page = next((stored for stored in open_alerts if stored.alert.id == draft.incident), None)
        held = await self._held(draft.service)
        found = await self._finding(draft.service, page.alert if page else None, held)
        ending = rollback_end(
            RollbackAtEnd(
                wanted=str(draft.change.new),
                moved=_moved(proposal, found),
                page_open=page is not None,
                data_complete=found.facts.data_complete,
                failing=found.failing,
                held=held.reasons,
                advice=found.advice,
                good_revision=found.facts.good_revision,
            )
        )
        self._fault("rollback.judged")
        if not await conclude(self._proposals, proposal, ending, lease):
            return
        self._fault("rollback.ended")
        if page is not None:
            await self._tell(draft.service, page)

    async def _tell(self, service: ServiceId, page: StoredAlert) -> None:
        """On the incident's message, from what is stored: a crash in between is made good at the next look."""
        found = await self._of_incident(service, page.alert)
        if found:
            await self._alerts.note(service, page.incident, _told(found[0]))

    async def _withdraw_when_over(self, pending: Proposal, open_alerts: Sequence[StoredAlert]) -> None:
        """A rollback that waits for a person is not left lying about once its incident has closed."""
        incident = pending.draft.incident
        if pending.state is not State.PENDING or not incident:
            return
        if any(stored.alert.id == incident for stored in open_alerts):
            return
        note = message("rollback.recovered")
        decision = Decision(Choice.WITHDRAW, None, f"{Choice.WITHDRAW}:{pending.id}", note)
        await self._proposals.decide(pending.draft.service, pending.id, decision)

    async def _of_incident(self, service: ServiceId, page: Alert) -> list[Proposal]:
        return [p for p in await self._proposals.recent(service, _RECENT) if p.draft.incident == page.id]

    async def _held(self, service: ServiceId) -> _Held:
        restraint = await self._restraints.now(service)
        return _Held(restraint.against_automation(), dict(restraint.controls.revisions or {}))


def _gives_way(pending: Proposal, alert: Alert) -> bool:
    """A question about slowness does not stand in the way of a countdown; what a person asked for does."""
    own = pending.state is State.PENDING and pending.draft.origin is Origin.POLICY and pending.acts_at is None
    return own and _is_page(alert) and pending.draft.incident != alert.id


def _is_traffic(proposal: Proposal) -> bool:
    return proposal.draft.change.knob is Knob.TRAFFIC


def _is_page(alert: Alert) -> bool:
    return alert.kind is AlertKind.AVAILABILITY and alert.severity is Severity.PAGE


def _told(proposal: Proposal) -> tuple[Message, ...]:
    """The rollback in its incident's message; the proposal's own card says the rest."""
    params: dict[str, Param] = {"proposal_id": proposal.id, "target": str(proposal.draft.change.new)}
    decision = proposal.decision
    if proposal.state is State.PENDING and proposal.acts_at is not None:
        return (Message("rollback.note_countdown", {**params, "acts_at": proposal.acts_at.isoformat()}),)
    if proposal.state is State.PENDING:
        return (Message("rollback.note_ask", params),)
    if proposal.state is State.WITHDRAWN:
        why = (decision.note,) if decision and decision.note else ()
        return (Message("rollback.note_withdrawn", params), *why)
    by_timer = decision is not None and decision.choice is Choice.TIMER
    return (Message("rollback.note_acted" if by_timer else "rollback.note_decided", params),)


def _moved(proposal: Proposal, found: Finding) -> bool:
    draft, present = proposal.draft, found.present
    return present is not None and (present.value, present.version) != (draft.change.old, draft.premise_version)


def _draft(service: ServiceId, page: Alert, found: Finding, target: str, request_id: str) -> Draft:
    present, newest, previous = found.present, found.facts.newest, found.facts.previous
    assert present is not None and newest is not None and previous is not None  # else there would be no target
    why = reasons_for(newest, previous, target)
    if page.kind is AlertKind.LATENCY:
        why = why[1:]  # errors are not what is wrong
    return Draft(
        service=service,
        change=Change(Knob.TRAFFIC, present.value, target, ""),
        premise_version=present.version,
        origin=Origin.POLICY,
        asked_by=None,
        reasons=(page.reason, *why),
        expected=EXPECTED,
        priority=Priority.HIGH,
        undo_of=None,
        request_id=request_id,
        incident=page.id,
        emergency=True,
    )
