"""The proposals of the simulated Lumen as its store would keep them: the newest first."""

from dataclasses import replace
from datetime import datetime, timedelta

from lumen.effects.verdict import LookFinding
from lumen.model.messages import Message
from lumen.model.proposal import (
    Change,
    Choice,
    Decision,
    Draft,
    Origin,
    Proposal,
    State,
    not_predictable,
)
from lumen.model.service import Person, ServiceId
from lumen.model.turn import Recommendation

SERVICE_ID = ServiceId("verify", "simulated", "ion-api")
ON_CALL = Person("U0", "on-call", "T0")
LASTS = timedelta(hours=24)


class Record:
    """Each proposal of the one service, and what became of it."""

    def __init__(self) -> None:
        self.past: list[Proposal] = []

    def proposed(self, wanted: Recommendation, change: Change, steps_to: int, step_of: str, at: datetime) -> Proposal:
        """A new one; one that still waits gives way."""
        self._settle(State.SUPERSEDED)
        draft = Draft(
            SERVICE_ID,
            change,
            "",
            Origin.POLICY,
            None,
            wanted.reasons,
            not_predictable(change.knob),
            wanted.priority,
            None,
            at.isoformat(),
            steps_to=steps_to,
            step_of=step_of,
        )
        number = str(len(self.past) + 1)
        made = Proposal(number, draft, State.PENDING, at, at + LASTS, None, None, None, None, 0)
        self.past.insert(0, made)
        return made

    def waits(self, made: Proposal) -> bool:
        """Whether nobody has decided on it yet."""
        return any(one.id == made.id and one.state is State.PENDING for one in self.past)

    def decided(
        self, made: Proposal, choice: Choice, at: datetime, *, in_steps: bool = False, note: Message | None = None
    ) -> None:
        """By the person, or by the timer of a countdown."""
        person = ON_CALL if choice in (Choice.APPROVE, Choice.REJECT) else None
        decision = Decision(choice, person, made.id, note, in_steps)
        self._put(made.id, state=State(choice.value), decision=decision, decided_at=at)

    def applied(self, made: Proposal, at: datetime) -> None:
        self._put(made.id, state=State.APPLIED, finished_at=at)

    def abandoned(self, made: Proposal) -> None:
        self._put(made.id, state=State.ABANDONED)

    def judged(self, made: Proposal, found: LookFinding, at: datetime) -> None:
        """A look settled it; a page right after it settles nothing, and may have it undone."""
        measured = found.measured(24, at)
        state = State(measured.verdict.value) if measured.verdict else State.APPLIED
        self._put(made.id, state=state, measured=measured)

    def undone(self, made: Proposal) -> None:
        self._put(made.id, state=State.UNDONE)

    def _settle(self, state: State) -> None:
        for one in self.past:
            if one.state is State.PENDING:
                self._put(one.id, state=state)

    def _put(self, number: str, **changes: object) -> None:
        at = next(place for place, one in enumerate(self.past) if one.id == number)
        self.past[at] = replace(self.past[at], **changes)  # type: ignore[arg-type]
