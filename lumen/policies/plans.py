"""Plans: one approval for several measured steps (docs/states.md, Plans).

A person who approves "in steps" says of each knob how far it may go from where it stands. Each further step is what the
hourly policy wants by then, after a countdown, and only while every step before it was measured and did no harm.
Whatever else happens ends the plan, and Lumen asks again.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lumen.model.messages import Message, NoData, message
from lumen.model.proposal import CHANGED_SOMETHING, OPEN, Change, Knob, Proposal, State, Verdict, direction, number
from lumen.model.snapshot import Snapshot
from lumen.policies.size import UP_FACTOR, SizeLimits
from lumen.policies.ttl import TtlLimits

#: What was approved longer ago was approved for another service.
LASTS = timedelta(days=14)
#: How far a plan goes at most: the TTL by this factor, the memory by two steps of its policy.
TTL_FACTOR, SIZE_FACTOR = 3, UP_FACTOR * UP_FACTOR
#: Why a countdown was withdrawn that ends no plan.
HARMLESS = frozenset({"unasked.not_wanted", "unasked.other", "unasked.alert"})


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the policies may set at most; None of a knob that people have pinned or locked."""

    ttl: TtlLimits | None
    size: SizeLimits | None


def further(change: Change, snapshot: Snapshot, bounds: Bounds) -> tuple[Change, ...]:
    """How far each knob may go in steps that begin with `change`, from where it stands; nothing where that is no more
    than `change` itself. Steps are longer TTLs, and the memory that these need."""
    if not direction(change)[1] or change.knob not in (Knob.TTL, Knob.CACHE_SIZE):
        return ()
    found = [one for one in (_ttl(snapshot, bounds.ttl), _size(snapshot, bounds.size)) if one is not None]
    return tuple(found) if any(not _covers(change, one) for one in found) else ()


def _covers(change: Change, bound: Change) -> bool:
    """Whether there is nothing left to the bound after `change`."""
    return bound.knob is change.knob and number(bound.new) <= number(change.new)


def _ttl(snapshot: Snapshot, limits: TtlLimits | None) -> Change | None:
    if limits is None or isinstance(snapshot.ttl, NoData):
        return None
    old = snapshot.ttl.value_seconds
    most = min(limits.max_seconds, TTL_FACTOR * old)
    return Change(Knob.TTL, old, most, "s") if most > old else None


def _size(snapshot: Snapshot, limits: SizeLimits | None) -> Change | None:
    if (
        limits is None
        or limits.locked
        or isinstance(snapshot.cache, NoData)
        or isinstance(snapshot.cache.max_mb, NoData)
    ):
        return None
    old = round(snapshot.cache.max_mb)
    most = min(limits.max_mb, math.floor(SIZE_FACTOR * old))
    return Change(Knob.CACHE_SIZE, old, most, "MB") if most > old else None


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


def plan_of(past: Sequence[Proposal], change: Change, paused_at: datetime | None, now: datetime) -> Plan | None:
    """The newest plan among these proposals, the newest first, if it is about this knob in this direction.

    `paused_at`: when somebody paused last; None for never.
    """
    place = next((at for at, one in enumerate(past) if one.decision is not None and one.decision.in_steps), None)
    if place is None:
        return None
    approved = past[place]
    bound = next((one for one in approved.draft.further if direction(one) == direction(change)), None)
    if bound is None:
        return None
    later = [one for one in past[:place] if one.state not in OPEN]
    reasons = (
        *_by_time(approved, paused_at, now),
        *_by_steps(approved, later),
        *_by_value(approved, later, bound, change),
    )
    return Plan(approved, next(iter(reasons), None))


def _by_time(approved: Proposal, paused_at: datetime | None, now: datetime) -> Iterator[Message]:
    at = approved.decided_at or approved.created_at
    if now - at >= LASTS:
        yield message("plan.over_time", days=LASTS.days)
    if paused_at is not None and paused_at > at:
        yield message("plan.over_pause", paused_at=paused_at.isoformat())


def _by_steps(approved: Proposal, later: Sequence[Proposal]) -> Iterator[Message]:
    """A step that did not go well, or that something else came between; the oldest first."""
    knobs = {one.knob for one in approved.draft.further}
    for one in (*reversed(later), approved):
        is_step = one is approved or one.draft.step_of == approved.id
        if is_step and not _went_well(one) and not _never_began(one):
            yield message("plan.over_step", proposal_id=one.id)
        elif not is_step and one.draft.change.knob in knobs and one.state in CHANGED_SOMETHING:
            yield message("plan.over_other", proposal_id=one.id)


def _went_well(step: Proposal) -> bool:
    """Whether a control said that it helped; memory has none, so nothing may have spoken against it."""
    measured = step.measured
    if measured is None or measured.undo or step.state.value != measured.verdict:
        return False
    is_unclear = measured.verdict is Verdict.INCONCLUSIVE and step.draft.change.knob is Knob.CACHE_SIZE
    return measured.helped or is_unclear


def _never_began(step: Proposal) -> bool:
    """A countdown that was withdrawn since something else is wanted by now, or an alert was open: it may come again."""
    note = step.decision.note if step.decision is not None else None
    return step.state is State.WITHDRAWN and note is not None and note.code in HARMLESS


def _by_value(approved: Proposal, later: Sequence[Proposal], bound: Change, change: Change) -> Iterator[Message]:
    steps = [
        one.draft.change
        for one in (*later, approved)
        if one.state in CHANGED_SOMETHING and (one is approved or one.draft.step_of == approved.id)
    ]
    stands = next((one.new for one in steps if one.knob is change.knob), bound.old)
    if stands != change.old:
        yield message("plan.over_moved", value=change.old, wanted=stands, unit=change.unit)
    if number(change.new) > number(bound.new):
        yield message("plan.over_bound", value=bound.new, unit=bound.unit)
