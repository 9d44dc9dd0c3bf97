"""Plans: one approval for several measured steps of the TTL (docs/states.md, Plans).

A person who approves "in steps" says how far the TTL may go. Each further step is what the hourly policy wants by then,
after a countdown, and only while a control told of every step before it that it helped. Whatever else happens ends the
plan, and Lumen asks again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lumen.model.answers import InSteps
from lumen.model.messages import Message, NoData, NotPossible, message, with_remedy
from lumen.model.proposal import CHANGED_SOMETHING, OPEN, Change, Draft, Knob, Proposal, State, direction, number
from lumen.policies.ttl import TtlLimits

#: What was approved longer ago was approved for another service.
LASTS = timedelta(days=14)
#: A plan goes at most to so many times the TTL that it begins from.
FACTOR = 3
#: Why a countdown was withdrawn that ends no plan.
HARMLESS = frozenset({"unasked.not_wanted", "unasked.other", "unasked.alert", "plan.not_announced"})
#: Of a TTL that is no step: it was set, or a person said no to it.
_BETWEEN = CHANGED_SOMETHING | {State.REJECTED}


def reach(change: Change, limits: TtlLimits | None) -> int:
    """The TTL in seconds up to which steps may go that begin with `change`; 0 where that is no more than it does.

    `limits` None: people have pinned the TTL.
    """
    if limits is None or change.knob is not Knob.TTL or not direction(change)[1]:
        return 0
    most = min(limits.max_seconds, FACTOR * number(change.old))
    return most if most > number(change.new) else 0


def not_measurable(step: Draft) -> NotPossible | None:
    """Why `step` would be made without a forecast, or without keys that tell what it did; None where it has both."""
    if isinstance(step.expected, NoData):
        return NotPossible(step.expected.reason, step.expected.remedy)
    return None if step.change.held_permille else NotPossible(*with_remedy("plan.no_control"))


@dataclass(frozen=True, slots=True)
class Plan:
    """`approved`: the proposal that was approved in steps. `ended`: why that is over; None while it is in force."""

    approved: Proposal
    ended: Message | None

    @property
    def by(self) -> str:
        """The person who approved it, by their id in Slack."""
        person = self.approved.decision.person if self.approved.decision is not None else None
        return person.user_id if person is not None else ""


@dataclass(frozen=True, slots=True)
class Present:
    """The time, when somebody paused last (None: never), and how many people must approve a change."""

    now: datetime
    paused_at: datetime | None = None
    approvals_needed: int = 1


def plan_of(past: Sequence[Proposal], change: Change, present: Present) -> Plan | None:
    """The newest plan among these proposals, the newest first, if `change` is a longer TTL."""
    place = _newest(past)
    if place is None or direction(change) != (Knob.TTL, True):
        return None
    approved, later = past[place], past[:place]
    done = [one for one in later if one.state not in OPEN]
    over = (*_by_time(approved, later, present), *_by_steps(approved, done), *_by_value(approved, done, change))
    return Plan(approved, next(iter(over), None))


def running(past: Sequence[Proposal], present: Present) -> InSteps | None:
    """The newest plan that nothing has ended, while it has steps to go; also while one is decided on or measured."""
    place = _newest(past)
    if place is None:
        return None
    approved, later = past[place], past[:place]
    waits = [one.id for one in (*later, approved) if _is_under_way(one)]
    over = (*_by_time(approved, later, present), *_by_steps(approved, [one for one in later if one.id not in waits]))
    ended = [one for one in over if one.params.get("proposal_id") not in waits]
    if ended or _stands(approved, later) >= approved.draft.steps_to:
        return None
    return InSteps(approved, _since(approved) + LASTS)


def _since(approved: Proposal) -> datetime:
    return approved.decided_at or approved.created_at


def _newest(past: Sequence[Proposal]) -> int | None:
    begun = (at for at, one in enumerate(past) if one.decision is not None and one.decision.in_steps)
    return next((at for at in begun if past[at].draft.steps_to), None)


def _is_step(one: Proposal, approved: Proposal) -> bool:
    return approved.id in (one.id, one.draft.step_of)


def _is_under_way(one: Proposal) -> bool:
    is_measured = one.measured is not None and (one.measured.verdict is not None or one.measured.undo)
    return one.state in OPEN or (one.state is State.APPLIED and not is_measured)


def _by_time(approved: Proposal, later: Sequence[Proposal], present: Present) -> Iterator[Message]:
    at = _since(approved)
    if present.now - at >= LASTS:
        yield message("plan.over_time", days=LASTS.days)
    if present.paused_at is not None and present.paused_at > at:
        yield message("plan.over_pause", paused_at=present.paused_at.isoformat())
    if present.approvals_needed > 1:
        yield message("plan.over_needed", needed=present.approvals_needed)
    # A rejection, a pause or an undo since the copy is forgotten. The countdown itself tells of the new epoch.
    if any(one.epoch != approved.epoch for one in later):
        yield message("plan.over_restored")


def _by_steps(approved: Proposal, later: Sequence[Proposal]) -> Iterator[Message]:
    """A step that did not go well, or that another TTL came between; the oldest first."""
    for one in (*reversed(later), approved):
        if _is_step(one, approved):
            if not _went_well(one) and not _never_began(one):
                yield message("plan.over_step", proposal_id=one.id)
        elif one.draft.change.knob is Knob.TTL and one.state in _BETWEEN:
            yield message("plan.over_other", proposal_id=one.id)


def _went_well(step: Proposal) -> bool:
    """Whether a control said that it helped, and nothing was taken back since."""
    measured = step.measured
    return measured is not None and not measured.undo and step.state is State.KEPT and measured.helped


def _never_began(step: Proposal) -> bool:
    """A countdown that was withdrawn since something else is wanted by now, an alert was open, or nobody could see it:
    it may come again."""
    note = step.decision.note if step.decision is not None else None
    return step.state is State.WITHDRAWN and note is not None and note.code in HARMLESS


def _by_value(approved: Proposal, later: Sequence[Proposal], change: Change) -> Iterator[Message]:
    stands, most, unit = _stands(approved, later), approved.draft.steps_to, change.unit
    if stands != change.old:
        yield message("plan.over_moved", value=change.old, wanted=stands, unit=unit)
    if number(change.new) > most:
        yield message("plan.over_bound", value=most, unit=unit)


def _stands(approved: Proposal, later: Sequence[Proposal]) -> int:
    """The TTL that the last step set."""
    steps = (one for one in later if _is_step(one, approved) and one.state in CHANGED_SOMETHING)
    return number(next(steps, approved).draft.change.new)
