"""What happens by itself about an open page, and when; or why nothing will, out of a closed list of true reasons.

Somebody's open proposal is never such a reason: where the release is to blame, a countdown takes its place, or its
card becomes the countdown (docs/states.md shows the same table).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from lumen.model.messages import Message, Param, message
from lumen.model.proposal import CHANGED_SOMETHING, IN_FORCE, OPEN, Choice, Proposal, State
from lumen.policies.rollback import RollbackAdvice

#: By its message's code: everything that may keep a rollback from happening by itself.
REASONS = frozenset(
    {f"policy.rollback_{why}" for why in ("few_requests", "was_breaching", "no_target", "no_data", "never", "too_old")}
    | {f"policy.rollback_{why}" for why in ("not_worse", "others_too", "late", "elsewhere", "pinned")}
    | {f"policy.held_{by}" for by in ("disabled", "observing", "frozen")}
    | {f"rollback.{by}" for by in ("paused", "paused_until", "dry_run", "no_data", "note_well")}
    # What was decided on this incident, or is being done about the traffic.
    | {f"rollback.note_{fate}" for fate in ("rejected", "acted", "decided", "done", "failed", "undone")}
)
#: These hold back only what happens by itself: what a person approves in an emergency is carried out under them.
_ASKED_UNDER = frozenset({"policy.held_observing", "policy.held_frozen"})
#: Notes on a page that say that its release is to blame, where no proposal says so.
BLAMES = frozenset({"rollback.note_held"})
#: ... and those that say that nobody can tell yet whether it is.
UNSURE = frozenset({"policy.rollback_few_requests", "policy.rollback_no_data", "rollback.no_data"})


class Step(StrEnum):
    """BEGIN a countdown, ASK people, or only TELL them."""

    BEGIN = "begin"
    ASK = "ask"
    TELL = "tell"


@dataclass(frozen=True, slots=True)
class PageFacts:
    """`earlier`: the incident's proposals, the newest first. `waiting`: the open one of the traffic, whoever wants it.

    `failing`: whether the newest minutes still fail; None without fresh data. `held`: what keeps automation back.
    """

    earlier: Sequence[Proposal]
    waiting: Proposal | None
    advice: RollbackAdvice
    failing: bool | None
    held: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """`target`: of a countdown or a question. `notes`: for the page, where nothing new is begun."""

    step: Step
    notes: tuple[Message, ...]
    target: str = ""


def plan(now: PageFacts) -> Plan:  # noqa: PLR0911 - a return a row of the table
    """The first of these that applies; everything is read afresh at each look."""
    waiting, advice = now.waiting, now.advice
    if waiting is not None and (is_countdown(waiting) or waiting.state is not State.PENDING):
        return Plan(Step.TELL, told(waiting))
    final = next((one for one in now.earlier if _settles(one)), None)
    if final is not None:
        return Plan(Step.TELL, told(final))
    target = advice.target or advice.asked
    if target is None or now.failing is None:
        unknown = () if now.failing is not None else (message("rollback.no_data"),)
        return _none(now, *advice.against, *unknown)
    if not now.failing:
        return _none(now, message("rollback.note_well"))
    why = (*now.held, *advice.against)
    is_asked = waiting is not None and waiting.draft.change.new == target
    if not may_ask(now.held) or (now.held and waiting is not None and not is_asked):
        return Plan(Step.TELL, (message("rollback.note_held", target=target), *now.held, *_question(now)))
    if advice.target is not None and not now.held:
        return Plan(Step.BEGIN, (), target)
    if waiting is not None:
        return Plan(Step.TELL, (*told(waiting), *why))
    return Plan(Step.ASK, why, target)


def may_ask(held: Sequence[Message]) -> bool:
    """Whether people are asked although this holds automation back: nothing of it keeps an approval from its effect,
    and nobody has set it against being asked."""
    return all(reason.code in _ASKED_UNDER for reason in held)


def is_countdown(proposal: Proposal) -> bool:
    """Whether it acts by itself unless somebody stops it."""
    return proposal.state is State.PENDING and proposal.acts_at is not None


#: Beside those, PENDING says whether it acts by itself, and what is being carried out says by whom.
_FATES = {
    State.REJECTED: "note_rejected",
    State.WITHDRAWN: "note_withdrawn",
    State.FAILED: "note_failed",
    State.UNDONE: "note_undone",
    **dict.fromkeys(IN_FORCE, "note_done"),
}


def told(proposal: Proposal) -> tuple[Message, ...]:
    """What became of a rollback, for its page; the proposal's own card says the rest."""
    params: dict[str, Param] = {"proposal_id": proposal.id, "target": str(proposal.draft.change.new)}
    decision, state = proposal.decision, proposal.state
    if state is State.PENDING and proposal.acts_at is not None:
        return (Message("rollback.note_countdown", {**params, "acts_at": proposal.acts_at.isoformat()}),)
    if state in OPEN:
        by_timer = decision is not None and decision.choice is Choice.TIMER
        code = "note_ask" if state is State.PENDING else "note_acted" if by_timer else "note_decided"
        return (Message(f"rollback.{code}", params),)
    why = {State.FAILED: proposal.note, State.WITHDRAWN: decision.note if decision else None}.get(state)
    who = decision.person if decision is not None and state is State.REJECTED else None
    if state in _FATES and (who is not None or state is not State.REJECTED):
        by = {"who_mention": who.user_id} if who else {}
        return (Message(f"rollback.{_FATES[state]}", {**params, **by}), *((why,) if why else ()))
    return (proposal.note,) if proposal.note else ()


def _settles(earlier: Proposal) -> bool:
    """A person said no, or it was done once: the next step is a person's. Whatever else came of it is no reason."""
    rejected = earlier.state is State.REJECTED and earlier.decision is not None and earlier.decision.person is not None
    return rejected or earlier.state in CHANGED_SOMETHING


def _none(now: PageFacts, *why: Message) -> Plan:
    gone = told(now.earlier[0]) if now.earlier and now.earlier[0].state is State.WITHDRAWN else ()
    return Plan(Step.TELL, (*gone, message("rollback.note_none"), *why, *_question(now)))


def _question(now: PageFacts) -> tuple[Message, ...]:
    """What waits for a person beside it."""
    return told(now.waiting) if now.waiting is not None else ()
