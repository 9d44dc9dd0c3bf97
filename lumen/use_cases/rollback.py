"""Automatic rollback (docs/methods.md): a countdown on an availability page, and what it comes to when its time is up.

The countdown itself is a proposal in the store, so it survives everything that the store survives. Nothing here acts:
a countdown that nobody stopped becomes APPROVED_BY_TIMER, and `execution` carries it out like any other approval.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from lumen.model.alert import Alert, AlertKind, Severity
from lumen.model.incident import Pause, Pinned, RevisionRecord, StoredAlert
from lumen.model.messages import Message, NoData, NotPossible, message
from lumen.model.proposal import Change, Choice, Decision, Draft, Knob, Origin, Priority, Proposal, State
from lumen.model.service import ServiceId
from lumen.policies.auto_apply import End, RollbackAtEnd, rollback_end
from lumen.policies.blamed import still_blamed
from lumen.policies.protection import PageFacts, Step, may_ask, plan, told
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
HOUR = timedelta(hours=1)
#: Enough proposals to find those of an incident among.
_RECENT = 50


@dataclass(frozen=True, slots=True)
class _Held:
    """Restrictions on automation, and the revisions that are remembered."""

    reasons: tuple[Message, ...]
    records: dict[str, RevisionRecord]
    pinned: Pinned | None = None


@dataclass(frozen=True, slots=True)
class RollbackRules:
    """`countdown`: ROLLBACK_TIMEOUT_SECONDS. `needed`: how many people it takes to hasten it, or to approve where it
    asks; its own time, a rejection and a snooze need nobody, or one. `services`: all that are watched.
    `dry_run`: DRY_RUN.
    """

    countdown: timedelta
    needed: int = 1
    services: Sequence[ServiceId] = ()
    dry_run: bool = False


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
        #: The open page of each service at the last look, and what its message tells of.
        self._pages: dict[ServiceId, StoredAlert | None] = {}
        self._told: dict[ServiceId, object] = {}

    async def consider(self, service: ServiceId) -> None:
        """After each look: begin a countdown where a page calls for one, or say why there is none.

        Where a release has only made the service slow, people are asked.
        """
        open_alerts, held = await self._alerts.open(service), await self._held(service)
        for pending in await self._of_traffic(service):
            await self._withdraw_when_over(pending, open_alerts, held)
        page = next((stored for stored in open_alerts if _is_page(stored.alert)), None)
        self._pages[service] = page
        slow = next((stored for stored in open_alerts if self._is_newly_slow(stored.alert)), None)
        if page is not None:
            await self._protect(service, page, held)
        elif slow is not None:
            await self._ask_about(service, slow, held)
        else:
            await self._offer_unpin(service, held)

    async def _protect(self, service: ServiceId, page: StoredAlert, held: _Held) -> None:
        """A countdown, a question, or the reason for neither; where somebody was quicker, the next look says it."""
        self._told[service] = await self._standing(service, page)
        earlier = await self._of_incident(service, page.alert)
        waiting = next(iter(await self._of_traffic(service)), None)
        found = await self._finding(service, page.alert, held)
        if found.seen is not None:
            earlier_look = await self._alerts.revisions(service, page.incident)
            await self._alerts.saw(service, page.incident, still_blamed(earlier_look, found.seen))
        planned = plan(PageFacts(earlier, waiting, found.advice, found.failing, held.reasons))
        if planned.step is Step.TELL:
            await self._alerts.note(service, page.incident, planned.notes)
            return
        request_id = f"rollback:{page.alert.id}:{len(earlier)}"
        draft = replace(
            _draft(service, page.alert, found, planned.target, request_id), approvals_needed=self._rules.needed
        )
        with suppress(NotPossible):
            if planned.step is Step.ASK:
                await self._ask(draft, planned.notes, is_held=bool(held.reasons))
            elif waiting is not None and _becomes(waiting, planned.target, page.alert):
                await self._proposals.arm(waiting.id, _armed(waiting.draft, draft), EXPIRES_IN, self._rules.countdown)
            else:
                await self._proposals.propose(draft, EXPIRES_IN, self._rules.countdown)
        await self._tell(service, page, planned.notes)

    async def _ask_about(self, service: ServiceId, slow: StoredAlert, held: _Held) -> None:
        """What is slow has seldom to do with a release: only the one that it began right after is asked about."""
        earlier = await self._of_incident(service, slow.alert)
        await self._tell(service, slow)
        if any(p.state is not State.WITHDRAWN for p in earlier) or await self._of_traffic(service):
            return
        found = await self._finding(service, slow.alert, held)
        target = found.advice.asked
        if target is None or found.present is None:
            return
        if not may_ask(held.reasons):
            notes = (message("rollback.note_held", target=target), *held.reasons)
            await self._alerts.note(service, slow.incident, notes)
            return
        draft = _draft(service, slow.alert, found, target, f"rollback:{slow.alert.id}:{len(earlier)}")
        why = (*held.reasons, *found.advice.against)
        await self._ask(replace(draft, approvals_needed=self._rules.needed), why, is_held=bool(held.reasons))
        await self._tell(service, slow)

    async def _offer_unpin(self, service: ServiceId, held: _Held) -> None:
        """Once a revision that is newer than what was taken out has served well; asked once for each such one."""
        if held.pinned is None or held.reasons or await self._of_traffic(service):
            return
        offer = await self._releases.offer(service, held.records, EXPECTED)
        if offer is not None:
            with suppress(NotPossible):
                await self._proposals.propose(replace(offer, approvals_needed=self._rules.needed), EXPIRES_IN)

    async def _ask(self, draft: Draft, why: Sequence[Message], *, is_held: bool) -> None:
        """`is_held`: a freeze or OBSERVE_ONLY is among the reasons, and an approval is carried out all the same."""
        all_the_same = (message("rollback.asked_held"),) if is_held else ()
        reasons = (*draft.reasons, message("rollback.asked_because"), *why, *all_the_same)
        await self._proposals.propose(replace(draft, reasons=reasons), EXPIRES_IN)

    def _is_newly_slow(self, alert: Alert) -> bool:
        return alert.kind is AlertKind.LATENCY and self._clock.now() - alert.opened_at <= ASKED_FOR

    async def settle(self, service: ServiceId) -> bool:
        """Whether a countdown that was over has led to anything. Safe to call as often as one likes.

        While a page is open its message follows what people do with the countdown at once, not with the next look.
        """
        has_ended = await self._countdowns.settle(service)
        page = self._pages.get(service)
        if page is not None and not has_ended and self._told.get(service) != await self._standing(service, page):
            await self.consider(service)
        return has_ended

    async def _standing(self, service: ServiceId, page: StoredAlert) -> object:
        """What people did last about the traffic, for comparison."""
        concerned = (*(await self._of_incident(service, page.alert))[:1], *await self._of_traffic(service))
        return [(one.id, one.state, one.acts_at) for one in concerned]

    async def _finding(self, service: ServiceId, alert: Alert | None, held: _Held) -> Finding:
        elsewhere = "" if alert is None else await self._elsewhere(service, alert)
        newest = await self._alerts.newest(service)
        stored = await self._alerts.observations(service, newest - HOUR) if newest and alert else ()
        return await self._releases.finding(service, alert, held.records, elsewhere, stored)

    async def _elsewhere(self, service: ServiceId, alert: Alert) -> str:
        """Another service whose requests began to fail at the same time."""
        others = [other for other in self._rules.services if other != service]
        for other, standing in (await self._alerts.standings(others)).items():
            kinds = [one.alert for one in standing.open if one.alert.kind is AlertKind.AVAILABILITY]
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
            why = ending.reasons if ending.end is End.ASK and ending.target is not None else ()
            await self._tell(draft.service, page, why)

    async def _tell(self, service: ServiceId, page: StoredAlert, why: Sequence[Message] = ()) -> None:
        """On the incident's message, from what is stored: a crash in between is made good at the next look."""
        found = await self._of_incident(service, page.alert)
        if found:
            await self._alerts.note(service, page.incident, (*told(found[0]), *why))

    async def _of_traffic(self, service: ServiceId) -> Sequence[Proposal]:
        return [p for p in await self._proposals.unfinished(service) if _is_traffic(p)]

    async def _withdraw_when_over(self, pending: Proposal, open_alerts: Sequence[StoredAlert], held: _Held) -> None:
        """A question is not left lying about: of a rollback once its incident has closed, of an unpin without a pin."""
        incident = pending.draft.incident
        is_over = incident and all(stored.alert.id != incident for stored in open_alerts)
        is_moot = _is_offer(pending) and held.pinned is None
        if pending.state is not State.PENDING or not (is_over or is_moot):
            return
        note = message("rollback.recovered" if is_over else "rollback.moved")
        decision = Decision(Choice.WITHDRAW, None, f"{Choice.WITHDRAW}:{pending.id}", note)
        await self._proposals.decide(pending.draft.service, pending.id, decision)

    async def _of_incident(self, service: ServiceId, page: Alert) -> list[Proposal]:
        return [p for p in await self._proposals.recent(service, _RECENT) if p.draft.incident == page.id]

    async def _held(self, service: ServiceId) -> _Held:
        restraint = await self._restraints.now(service)
        reasons = (*(_by_whom(one, restraint.pause) for one in restraint.against_automation()), *self._dry())
        return _Held(reasons, dict(restraint.controls.revisions or {}), restraint.controls.pinned)

    def _dry(self) -> tuple[Message, ...]:
        return (message("rollback.dry_run"),) if self._rules.dry_run else ()


def _by_whom(reason: Message, pause: Pause | None) -> Message:
    """Whoever reads of an outage is told whom to ask for the pause."""
    if pause is None or reason.code not in ("policy.held_paused", "policy.held_paused_until"):
        return reason
    who = pause.by.user_id
    if pause.until is None:
        return message("rollback.paused", who_mention=who)
    return message("rollback.paused_until", who_mention=who, until_at=pause.until.isoformat())


def _becomes(waiting: Proposal, target: str, page: Alert) -> bool:
    """Whether an open card becomes the countdown: it wants the same, and asks about nothing else."""
    return waiting.draft.change.new == target and waiting.draft.incident in ("", page.id)


def _armed(wish: Draft, countdown: Draft) -> Draft:
    """The same card, which acts by itself from now on: on the premises of now, for the incident.

    Why it did not act by itself so far is no longer so.
    """
    asked_because = message("rollback.asked_because")
    until = wish.reasons.index(asked_because) if asked_because in wish.reasons else None
    kept = wish.reasons[:until]
    reasons = (*kept, *(one for one in countdown.reasons if one not in kept))
    return replace(
        wish,
        change=countdown.change,
        premise_version=countdown.premise_version,
        reasons=reasons,
        priority=countdown.priority,
        incident=countdown.incident,
        emergency=True,
    )


def _is_traffic(proposal: Proposal) -> bool:
    return proposal.draft.change.knob is Knob.TRAFFIC


def _is_offer(proposal: Proposal) -> bool:
    return any(one.code == "rollback.offer" for one in proposal.draft.reasons)


def _is_page(alert: Alert) -> bool:
    return alert.kind is AlertKind.AVAILABILITY and alert.severity is Severity.PAGE


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
