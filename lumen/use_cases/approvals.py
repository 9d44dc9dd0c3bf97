"""Proposals: what a wish comes to, proposing it, and the one decision on it, by whoever holds a permit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from lumen.effects.track_record import record_of
from lumen.model.answers import forecast_now
from lumen.model.forecast import Forecast, expectation_of
from lumen.model.messages import (
    ActuatorFailed,
    Message,
    NoData,
    NotPermitted,
    NotPossible,
    OutcomeUnknown,
    StoreUnavailable,
    ValueMoved,
    message,
    with_remedy,
)
from lumen.model.proposal import (
    UNDOABLE,
    Change,
    Choice,
    Decided,
    Decision,
    Draft,
    Expectation,
    Knob,
    Origin,
    Priority,
    Proposal,
    State,
    Value,
    direction,
    number,
)
from lumen.model.service import Permit, Person, ServiceId
from lumen.model.turn import Recommendation
from lumen.policies.deployment_history import revision_record
from lumen.policies.plans import not_measurable
from lumen.policies.ttl import notes_on_ttl
from lumen.ports.actuators import Actuator, Reading
from lumen.ports.sources import DeploymentSource
from lumen.ports.store import Audit, Proposals, Turns
from lumen.use_cases.feedback import FeedbackGraphs
from lumen.use_cases.holding_back import with_hold_back
from lumen.use_cases.knobs import Knobs, find
from lumen.use_cases.restrictions import Restraints
from lumen.use_cases.taken_back import goes_over

#: Nobody decided within a day, so nothing happens.
EXPIRES_IN = timedelta(hours=24)

#: A countdown that is snoozed acts so much later.
SNOOZE_BY = timedelta(minutes=15)

#: So many proposals are looked back over for what became of such changes.
REMEMBERED = 300


@dataclass(frozen=True, slots=True)
class Wish:
    """A value that a person wants, in range and held back by nothing; `present` is what it would replace.

    `notes`: what to know before it is set. `same`: the open proposal that would do just that, which the notes name too.
    """

    knob: Knob
    present: Reading
    wanted: Value
    unit: str
    notes: tuple[Message, ...]
    same: Proposal | None = None

    @property
    def change(self) -> Change:
        """Raises NotPossible where it is so already."""
        if self.is_so:
            raise NotPossible(self.already, message("approval.already_remedy"))
        return Change(self.knob, self.present.value, self.wanted, self.unit)

    @property
    def is_so(self) -> bool:
        """Whether there is nothing to change."""
        return self.present.value == self.wanted

    @property
    def already(self) -> Message:
        """The sentence for that."""
        return message("approval.already", knob=self.knob.value, wanted=self.wanted, unit=self.unit)


@dataclass(frozen=True, slots=True)
class Approvals:
    """Propose, and decide once. Carrying out what was approved is `execution`'s work.

    `needed`: how many different people must approve; `needed_in_emergency`: of an emergency step, if that is more.
    `restraints`: what people have set against changes. `deployed`: what revisions did before; None: nobody knows.
    `turns`: where the forecast is found; None: there is none. `graphs`: what follows a change; None: nobody says.
    """

    proposals: Proposals
    knobs: Mapping[ServiceId, Knobs]
    restraints: Restraints
    needed: int = 1
    needed_in_emergency: int = 1
    deployed: DeploymentSource | None = None
    turns: Turns | None = None
    graphs: FeedbackGraphs | None = None

    async def judge_wish(
        self,
        service: ServiceId,
        knob: Knob,
        wanted: Value,
        *,
        in_freeze: bool = False,
        existing: bool = False,
        emergency: bool = False,
    ) -> Wish:
        """Judge a value that a person wants; `in_freeze`: a freeze is no obstacle. The others as for `propose`.

        Raises NotPossible (out of range, no such knob, a freeze, an override, a lock), SourceUnavailable.
        """
        turnable = find(self.knobs, service, knob)
        turnable.check_range(knob, wanted)
        await self._check(service, knob, wanted, emergency=in_freeze or emergency)
        # A place that does not tell its value (it comes from a secret) would not take another one either.
        present, *_ = [await place.read(service) for place in turnable.places]
        if present.value == wanted:
            return Wish(knob, present, wanted, turnable.unit, ())
        change = Change(knob, present.value, wanted, turnable.unit)
        if knob is Knob.MIN_INSTANCES:
            await _check_possible(turnable.places[0], service, change, present)
        notes = [*notes_on_ttl(number(present.value), number(wanted))] if knob is Knob.TTL else []
        notes += turnable.cost_of(change)
        same = await self._same(service, change, existing=existing, emergency=emergency)
        if same is not None:
            notes.append(message("approval.same_open", proposal_id=same.id))
        return Wish(knob, present, wanted, turnable.unit, tuple(notes), same)

    async def propose(
        self,
        service: ServiceId,
        knob: Knob,
        wanted: Value,
        person: Person,
        request_id: str,
        *,
        why: Sequence[Message] = (),
        emergency: bool = False,
        existing: bool = False,
    ) -> Proposal:
        """A person wants this value, `why` beside their name; `existing`: a TTL for the cached keys too.

        The open proposal that wants just that already is the answer, where there is one.

        Raises NotPossible (out of range, already so, no such knob, a freeze, an override, a lock), SourceUnavailable.
        """
        wish = await self.judge_wish(service, knob, wanted, existing=existing, emergency=emergency)
        change, asked = wish.change, message("approval.asked_by_person", person=person.name)
        if wish.same is not None:
            return wish.same
        too = (message("approval.existing_too"),) if existing else ()
        known, before = await self.known_of(service, change), await self._seen_before(service, change)
        why = (asked, *known, *why, *wish.notes, *too, *before)
        draft = _draft(service, change, wish.present, Origin.PERSON, person, why, Priority.MEDIUM, request_id)
        needed = max(self.needed, self.needed_in_emergency) if emergency else self.needed
        deploys, expected = find(self.knobs, service, knob).deploys, await self._expected(service, change)
        draft = replace(draft, approvals_needed=needed, existing=existing, emergency=emergency)
        draft = replace(draft, deploys=deploys, expected=expected)
        return await self.proposals.propose(await with_hold_back(self.knobs, draft), EXPIRES_IN)

    async def propose_recommended(
        self,
        service: ServiceId,
        wanted: Recommendation,
        request_id: str,
        told: Sequence[Message] = (),
        acts_in: timedelta | None = None,
        *,
        forecast: Forecast | NoData | None = None,
        steps_to: int = 0,
        step_of: str = "",
    ) -> Proposal | None:
        """A policy wants a change; None when the value has meanwhile moved away from what it was judged on.

        `told` beside its reasons and its record; with `acts_in` it is a countdown; `forecast` is as new as `wanted`.
        `steps_to`: how far the TTL may go if it is approved in steps, which is offered where this one has a control and
        one person decides; `step_of`: the plan that it is a step of, which is nothing without a forecast and a control.

        Raises NotPossible (out of range, no such knob, another one under way, no such step), SourceUnavailable.
        """
        change = wanted.change
        if change is None:
            return None
        turnable = find(self.knobs, service, change.knob)
        turnable.check_range(change.knob, change.new)
        present = await turnable.places[0].read(service)
        if present.value != change.old:
            return None
        reasons = (*wanted.reasons, *await self._seen_before(service, change), *told)
        draft = _draft(service, change, present, Origin.POLICY, None, reasons, wanted.priority, request_id)
        draft = replace(draft, approvals_needed=self.needed, deploys=turnable.deploys, step_of=step_of)
        draft = replace(draft, expected=expectation_of(forecast, change))
        draft = await with_hold_back(self.knobs, draft, forecast)
        lacking = not_measurable(draft)
        if step_of and lacking is not None:
            raise lacking
        if self.needed == 1 and lacking is None:
            draft = replace(draft, steps_to=steps_to)
        return await self.proposals.propose(draft, EXPIRES_IN, acts_in)

    async def propose_undo(
        self, service: ServiceId, proposal_id: str, person: Person, request_id: str, mark: str = ""
    ) -> Proposal:
        """A person wants the recorded old value back, through the same path.

        `mark`: the one on the card that was clicked; "" where the id was typed.

        Raises NotPossible (another mark among it), SourceUnavailable.
        """
        wrong = message("approval.undo_unknown", proposal_id=proposal_id)
        remedy = message("approval.undo_remedy")
        change_made = await self.proposals.get(service, proposal_id)
        if change_made is None:
            raise NotPossible(wrong, remedy)
        if mark not in ("", change_made.mark):
            raise NotPossible(*with_remedy("state.other_proposal", proposal_id=proposal_id))
        if change_made.state not in UNDOABLE:
            undone = message("approval.undo_not_applied", proposal_id=proposal_id, state=change_made.state.value)
            raise NotPossible(undone, remedy)
        made = change_made.draft.change
        await self._check(service, made.knob, made.old)
        present = await find(self.knobs, service, made.knob).places[0].read(service)
        if present.value == made.old:
            already = message("approval.undo_already", proposal_id=proposal_id, value=made.old, unit=made.unit)
            raise NotPossible(already, remedy)
        change = Change(made.knob, present.value, made.old, made.unit)
        existing = change_made.draft.existing
        if (same := await self._same(service, change, existing=existing, undo_of=proposal_id)) is not None:
            return same
        later = await self._later(change_made)
        asked = message("approval.undo_of", person=person.name, proposal_id=proposal_id)
        reasons = [asked, *goes_over(change_made, later, present)]
        reasons += await self.known_of(service, change)
        if existing:
            reasons.append(message("approval.existing_too"))
        reasons += find(self.knobs, service, made.knob).cost_of(change)
        reasons += () if self.graphs is None else await self.graphs.follows(service, change)
        draft = _draft(service, change, present, Origin.UNDO, person, tuple(reasons), Priority.MEDIUM, request_id)
        draft = replace(draft, undo_of=proposal_id, approvals_needed=self.needed, existing=existing)
        draft = replace(draft, replaces=tuple(one.id for one in later), deploys=change_made.draft.deploys)
        draft = replace(draft, expected=await self._expected(service, change))
        return await self.proposals.propose(draft, EXPIRES_IN)

    async def _later(self, made: Proposal) -> list[Proposal]:
        """Changes of the same knob that came after `made` and stand, the newest first."""
        recent = list(await self.proposals.recent(made.draft.service, REMEMBERED))
        at = next((index for index, one in enumerate(recent) if one.id == made.id), 0)
        return [one for one in recent[:at] if one.draft.change.knob is made.draft.change.knob and one.can_be_undone]

    async def decide(
        self,
        service: ServiceId,
        proposal_id: str,
        choice: Choice,
        permit: Permit,
        click_id: str,
        reply_to: str = "",
        mark: str = "",
        *,
        in_steps: bool = False,
    ) -> Decided:
        """One atomic, durable transition; whoever comes second is told who was first.

        `in_steps`: an approval of the further steps too, where the card offered that.
        `reply_to`: whom the answer is owed to, as the edge writes it; kept until it is given (lumen/ports/store.py).
        `mark`: the one on the card that was clicked; "" where the proposal itself was read.

        Raises NotPossible (unknown id, another mark, an approval in a freeze), StoreUnavailable (nothing happened),
        OutcomeUnknown (`settle` tells).
        """
        if choice is Choice.APPROVE and self.restraints.is_frozen:
            await self._check_frozen(service, proposal_id)
        decision = Decision(choice, permit.person, click_id, in_steps=in_steps)
        return await self.proposals.decide(service, proposal_id, decision, reply_to=reply_to, mark=mark)

    async def snooze(
        self,
        service: ServiceId,
        proposal_id: str,
        permit: Permit,
        click_id: str,
        reply_to: str = "",
        mark: str = "",
        seen: str = "",
    ) -> Decided:
        """A person wants a countdown to wait a quarter of an hour longer than the moment that they have `seen`.

        No decision; raises as `decide` does.
        """
        person, by = permit.person, SNOOZE_BY
        return await self.proposals.snooze(service, proposal_id, person, click_id, by, reply_to, mark, seen)

    async def known_of(self, service: ServiceId, change: Change) -> tuple[Message, ...]:
        """Tell what is known of the revision that the traffic would go to; nothing for another knob."""
        if self.deployed is None or change.knob is not Knob.TRAFFIC:
            return ()
        deployment = (await self.deployed.deployments((service,)))[service]
        return () if isinstance(deployment, NoData) else revision_record(deployment, str(change.new))

    async def _expected(self, service: ServiceId, change: Change) -> Expectation | NoData:
        """By the forecast of the last turn."""
        turns = [] if self.turns is None else await self.turns.latest(service, 1)
        return expectation_of(forecast_now(turns, self.restraints.clock.now()), change)

    async def _same(
        self,
        service: ServiceId,
        change: Change,
        *,
        existing: bool,
        emergency: bool = False,
        undo_of: str | None = None,
    ) -> Proposal | None:
        """The open proposal that would do just that, on the premise of now."""
        for proposal in await self.proposals.unfinished(service):
            draft = proposal.draft
            is_sound = proposal.state is not State.PENDING or draft.change.old == change.old
            is_alike = draft.existing == existing and (draft.emergency or not emergency)
            wants_it = (draft.change.knob, draft.change.new) == (change.knob, change.new)
            if wants_it and is_sound and is_alike and undo_of in (None, draft.undo_of):
                return proposal
        return None

    async def _seen_before(self, service: ServiceId, change: Change) -> tuple[Message, ...]:
        """The record of such changes, for whoever decides on this one, and what usually follows them."""
        record = record_of(await self.proposals.recent(service, REMEMBERED), direction(change))
        shown = message("effect.record", helped=record.helped, trials=record.trials, chance=record.mean)
        told = (shown,) if record.trials else ()
        return told if self.graphs is None else (*told, *await self.graphs.follows(service, change))

    async def _check(self, service: ServiceId, knob: Knob, wanted: Value, *, emergency: bool = False) -> None:
        against = (await self.restraints.now(service)).against(knob, wanted, emergency=emergency)
        if against is not None:
            raise against

    async def _check_frozen(self, service: ServiceId, proposal_id: str) -> None:
        """Only what waits can be refused for it: of what is decided already, the store tells who was first."""
        found = await self.proposals.get(service, proposal_id)
        if found is not None and found.state is State.PENDING:
            change = found.draft.change
            await self._check(service, change.knob, change.new, emergency=found.draft.emergency)

    async def settle(self, service: ServiceId, click_id: str) -> Decided | None:
        """The outcome of a click whose answer was lost; None: it never arrived, and now never will."""
        return await self.proposals.settle(service, click_id)


async def _check_possible(place: Actuator, service: ServiceId, change: Change, present: Reading) -> None:
    """Raises NotPossible where the approval of such a card would come to nothing."""
    try:
        await place.rehearse(service, change, present)
    except (ActuatorFailed, ValueMoved) as error:
        raise NotPossible(error.reason, error.remedy) from error


def _draft(
    service: ServiceId,
    change: Change,
    present: Reading,
    origin: Origin,
    asked_by: Person | None,
    reasons: tuple[Message, ...],
    priority: Priority,
    request_id: str,
) -> Draft:
    return Draft(
        service=service,
        change=change,
        premise_version=present.version,
        origin=origin,
        asked_by=asked_by,
        reasons=reasons,
        expected=expectation_of(None, change),
        priority=priority,
        undo_of=None,
        request_id=request_id,
    )


#: The remedy of a refusal that could not be audited; it holds the one of the refusal itself.
UNAUDITED = "approval.refused_unaudited"
Refusal = TypeVar("Refusal", bound=NotPossible)


async def permit_or_refuse(
    audit: Audit, service: ServiceId, person: Person, what: str, refusal: NotPermitted | None
) -> Permit:
    """A permit for what not everybody may do, made here alone; a refusal is audited, whichever door was tried.

    `refusal`: why the door that `person` came through says no; None when they may. `what`: "pause", "apply ttl 420".
    Raises NotPermitted, which says so where the refusal cannot be audited now.
    """
    if refusal is None:
        return Permit(person)
    raise await audited(audit, service, person, what, refusal)


async def audited(audit: Audit, service: ServiceId, person: Person, what: str, refusal: Refusal) -> Refusal:
    """The refusal, once it is audited; where the store does not answer it says that it is not."""
    try:
        await audit.add(service, "refused", person.user_id, f"{what}: {refusal.reason.code}")
    except (StoreUnavailable, OutcomeUnknown):
        return type(refusal)(refusal.reason, Message(UNAUDITED, {"remedy": refusal.remedy}))
    return refusal
