"""Proposals come into being here, and the one decision on each is taken here."""

from datetime import timedelta

from lumen.model.errors import NotPossible
from lumen.model.message import message
from lumen.model.nodata import NoData
from lumen.model.proposal import Change, Choice, Decided, Decision, Draft, Knob, Origin, Priority, Proposal, State
from lumen.model.service import Person, ServiceId
from lumen.model.turn import Recommendation
from lumen.policies.ttl import TtlLimits
from lumen.ports.actuators import Actuator
from lumen.ports.state import Proposals

#: Mission 6: nobody decided within a day, so nothing happens.
EXPIRES_IN = timedelta(hours=24)

#: Shown until predictions exist (docs/methods.md): an invented figure would be worse than none.
NOT_PREDICTABLE = NoData(message("approval.not_predictable"), message("approval.not_predictable_remedy"))


#: A failed change may have set the value too ("set, but not followed"), so it can be taken back as well.
UNDOABLE = frozenset({State.APPLIED, State.FAILED, State.KEPT, State.INCONCLUSIVE, State.HARMFUL})


class Approvals:
    """Propose, and decide once. Carrying out what was approved is `execution`'s work."""

    def __init__(self, proposals: Proposals, ttl_actuator: Actuator, ttl_limits: TtlLimits) -> None:
        self._proposals = proposals
        self._ttl = ttl_actuator
        self._limits = ttl_limits

    async def propose_ttl(self, service: ServiceId, ttl_seconds: int, person: Person, request_id: str) -> Proposal:
        """A person wants this TTL. Raises NotPossible (out of range, already so), SourceUnavailable."""
        self._check_range(ttl_seconds)
        present = await self._ttl.read(service)
        if present.value == ttl_seconds:
            raise NotPossible(
                message("approval.ttl_already", ttl_seconds=ttl_seconds), message("approval.ttl_already_remedy")
            )
        return await self._proposals.propose(
            Draft(
                service=service,
                change=Change(Knob.TTL, present.value, ttl_seconds, "s"),
                premise_version=present.version,
                origin=Origin.PERSON,
                asked_by=person,
                reasons=(message("approval.asked_by_person", person=person.name),),
                expected=NOT_PREDICTABLE,
                priority=Priority.MEDIUM,
                undo_of=None,
                request_id=request_id,
            ),
            EXPIRES_IN,
        )

    async def propose_recommended(self, service: ServiceId, wanted: Recommendation, request_id: str) -> Proposal | None:
        """A policy wants a change; None when the value has meanwhile moved away from what it was judged on."""
        if wanted.change is None:
            return None
        present = await self._ttl.read(service)
        if present.value != wanted.change.old:
            return None
        return await self._proposals.propose(
            Draft(
                service=service,
                change=wanted.change,
                premise_version=present.version,
                origin=Origin.POLICY,
                asked_by=None,
                reasons=wanted.reasons,
                expected=NOT_PREDICTABLE,
                priority=wanted.priority,
                undo_of=None,
                request_id=request_id,
            ),
            EXPIRES_IN,
        )

    async def propose_undo(self, service: ServiceId, proposal_id: str, person: Person, request_id: str) -> Proposal:
        """A person wants the recorded old value back, through the same path. Raises NotPossible, SourceUnavailable."""
        wrong = message("approval.undo_unknown", proposal_id=proposal_id)
        remedy = message("approval.undo_remedy")
        change_made = await self._proposals.get(service, proposal_id)
        if change_made is None:
            raise NotPossible(wrong, remedy)
        if change_made.state not in UNDOABLE:
            state = change_made.state.value
            raise NotPossible(message("approval.undo_not_applied", proposal_id=proposal_id, state=state), remedy)
        old = change_made.draft.change
        present = await self._ttl.read(service)
        if present.value == old.old:
            raise NotPossible(
                message("approval.undo_already", proposal_id=proposal_id, value=old.old, unit=old.unit), remedy
            )
        return await self._proposals.propose(
            Draft(
                service=service,
                change=Change(old.knob, present.value, old.old, old.unit),
                premise_version=present.version,
                origin=Origin.UNDO,
                asked_by=person,
                reasons=(message("approval.undo_of", person=person.name, proposal_id=proposal_id),),
                expected=NOT_PREDICTABLE,
                priority=Priority.MEDIUM,
                undo_of=proposal_id,
                request_id=request_id,
            ),
            EXPIRES_IN,
        )

    async def decide(
        self, service: ServiceId, proposal_id: str, choice: Choice, person: Person, click_id: str
    ) -> Decided:
        """One atomic, durable transition; whoever comes second is told who was first. Rights are checked before.

        Raises NotPossible (unknown id), StoreUnavailable (nothing happened), OutcomeUnknown (`settle` tells).
        """
        return await self._proposals.decide(service, proposal_id, Decision(choice, person, click_id))

    async def settle(self, service: ServiceId, click_id: str) -> Decided | None:
        """What became of a click whose answer was lost; None: it never arrived, and now never will."""
        return await self._proposals.settle(service, click_id)

    def _check_range(self, ttl_seconds: int) -> None:
        if not self._limits.min_seconds <= ttl_seconds <= self._limits.max_seconds:
            raise NotPossible(
                message("approval.ttl_out_of_range", ttl_seconds=ttl_seconds),
                message(
                    "approval.ttl_out_of_range_remedy",
                    min_seconds=self._limits.min_seconds,
                    max_seconds=self._limits.max_seconds,
                ),
            )
