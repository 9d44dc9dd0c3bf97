"""Take a change back that did harm, or as a precaution: people are asked, or it is done at once where that is set.

Proposed from what is stored, so a crash between the verdict and the proposal is made good by the next call; done at
once is a countdown without any time, so it has its one decision, its audit and its execution like every other change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from lumen.model.messages import Message, NoData, NotPossible, SourceUnavailable, message, with_remedy
from lumen.model.proposal import (
    OPEN,
    Change,
    Choice,
    Decision,
    Draft,
    Knob,
    Origin,
    Priority,
    Proposal,
    State,
    Value,
    not_predictable,
)
from lumen.model.service import ServiceId
from lumen.policies.auto_apply import End, Ending
from lumen.ports.actuators import Reading
from lumen.ports.clock import FaultPoint
from lumen.ports.store import Lease, Proposals
from lumen.use_cases.approvals import EXPIRES_IN
from lumen.use_cases.auto_apply import Countdowns, conclude
from lumen.use_cases.knobs import Knobs, find
from lumen.use_cases.leases import Claims
from lumen.use_cases.restrictions import Restraints

#: Enough proposals to find the verdicts of the last days among, and what was made of them.
RECENT = 100
#: A verdict that nothing was made of for so long (automation was held back) is left to people.
FOR = timedelta(days=7)
#: A precaution only helps while its page is young.
PRECAUTION_FOR = timedelta(hours=2)
AT_ONCE = timedelta(0)
PRECAUTION = "effect.back_precaution"
#: A TTL that is taken back is judged by what was measured of it.
TAKEN_BACK = NoData(*with_remedy("forecast.taken_back"))


@dataclass(frozen=True, slots=True)
class UndoHarmful:
    """`by_itself`: UNDO_HARMFUL=auto. What Lumen's own policy wanted goes so, after harm or as a precaution."""

    proposals: Proposals
    knobs: Mapping[ServiceId, Knobs]
    restraints: Restraints
    claims: Claims
    fault: FaultPoint
    by_itself: bool
    needed: int = 1

    async def propose(self, service: ServiceId) -> None:
        """Whatever is wanted back and nobody has proposed yet. Safe to call as often as one likes."""
        recent = await self.proposals.recent(service, RECENT)
        for made in recent:
            undos = [one for one in recent if one.draft.undo_of == made.id]
            await self._withdraw_when_spared(made, undos)
            if not _is_answered(made, undos) and self._is_wanted_back(made):
                try:
                    await self._propose_one(made, recent)
                except (NotPossible, SourceUnavailable):
                    continue  # another change of the knob is under way, or nobody can tell how it stands: later

    async def settle(self, service: ServiceId) -> bool:
        """Whether something was to be taken back at once and has been decided on."""
        return await Countdowns(self.proposals, self.claims, "taking-back", _is_undo, self._end).settle(service)

    def _is_wanted_back(self, made: Proposal) -> bool:
        measured = made.measured
        if measured is None or not measured.undo:
            return False
        wanted_in = State.APPLIED if measured.is_precaution else State.HARMFUL
        within = PRECAUTION_FOR if measured.is_precaution else FOR
        return made.state is wanted_in and self.claims.clock.now() - measured.at <= within

    async def _withdraw_when_spared(self, made: Proposal, undos: Sequence[Proposal]) -> None:
        """Something else has turned out to be to blame for the page, and nobody has decided yet."""
        measured = made.measured
        if measured is None or measured.undo:
            return
        for undo in undos:
            if undo.state is State.PENDING and _is_precaution(undo):
                decision = Decision(Choice.WITHDRAW, None, f"{Choice.WITHDRAW}:{undo.id}", measured.reason)
                await self.proposals.decide(made.draft.service, undo.id, decision)

    async def _propose_one(self, made: Proposal, recent: Sequence[Proposal]) -> None:
        draft = made.draft
        change, service = draft.change, draft.service
        if any(_is_a_persons(other, change.knob) for other in recent) or await self._held(draft, change.old):
            return
        present = await find(self.knobs, service, change.knob).places[0].read(service)
        if present.value != change.new:
            return  # somebody has set another value since: theirs holds
        wanted = self._draft(made, present)
        at_once = self.by_itself and draft.origin is Origin.POLICY
        await self.proposals.propose(wanted, EXPIRES_IN, AT_ONCE if at_once else None)
        self.fault("effect.proposed_back")

    def _draft(self, made: Proposal, present: Reading) -> Draft:
        draft, measured = made.draft, made.measured
        change = draft.change
        told = (measured.reason,) if measured else ()
        is_precaution = measured is not None and measured.is_precaution
        code = PRECAUTION if is_precaution else "effect.back_harmful"
        existing = (message("approval.existing_too"),) if draft.existing else ()
        back = Change(change.knob, present.value, change.old, change.unit)
        return Draft(
            service=draft.service,
            change=back,
            premise_version=present.version,
            origin=Origin.UNDO,
            asked_by=None,
            reasons=(
                message(code, proposal_id=made.id),
                *told,
                *existing,
                *find(self.knobs, draft.service, change.knob).cost_of(back),
            ),
            expected=TAKEN_BACK if change.knob in (Knob.TTL, Knob.CACHE_SIZE) else not_predictable(change.knob),
            priority=Priority.HIGH,
            undo_of=made.id,
            request_id=f"{'precaution' if is_precaution else 'back'}:{made.id}",
            approvals_needed=self.needed,
            existing=draft.existing,
            deploys=draft.deploys,
        )

    async def _held(self, draft: Draft, wanted: Value) -> tuple[Message, ...]:
        """A new installation that only watches asks back what a person approved all the same."""
        restraint = await self.restraints.now(draft.service)
        against = restraint.against(draft.change.knob, wanted)
        return restraint.against_automation(observing=False) or (() if against is None else (against.reason,))

    async def _end(self, proposal: Proposal, lease: Lease) -> None:
        """Act, or ask people where they have stopped automation since."""
        wanted = proposal.draft.change.new
        held = await self._held(proposal.draft, wanted)
        by_itself = Ending(End.ACT, (message("effect.back_by_itself"),))
        await conclude(self.proposals, proposal, Ending(End.ASK, held, wanted) if held else by_itself, lease)


def _is_precaution(undo: Proposal) -> bool:
    return undo.draft.reasons[0].code == PRECAUTION


def _is_answered(made: Proposal, undos: Sequence[Proposal]) -> bool:
    """Whether it was asked already; that a precaution was is no answer to harm that was measured since."""
    is_measured = made.measured is not None and not made.measured.is_precaution
    return any(not (is_measured and _is_precaution(undo)) for undo in undos)


def _is_undo(proposal: Proposal) -> bool:
    return proposal.draft.origin is Origin.UNDO


def _is_a_persons(proposal: Proposal, knob: Knob) -> bool:
    """A person's open proposal is not pushed aside."""
    return proposal.state in OPEN and proposal.draft.change.knob is knob and proposal.draft.asked_by is not None
