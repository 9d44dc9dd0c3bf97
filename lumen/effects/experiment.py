"""Experiments: the one applied change whose effect is measured, the looks at it, and what a look finds.

Imports no numerics: `judge` and `judge_held` do, in the numerics worker.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lumen.effects.hold_back import ALPHA_BY_LOOK, effect_by_replay
from lumen.effects.hours import HOUR, Hours
from lumen.effects.verdict import (
    LOOKS_HOURS,
    UNCONTROLLED_LOOKS_HOURS,
    EffectVerdict,
    Judgement,
    LookFinding,
    judge_controlled,
    uncontrolled,
    undecided,
)
from lumen.model.hold_back import HELD_FOR, HoldBack
from lumen.model.messages import Message
from lumen.model.observed import Piece
from lumen.model.proposal import Change, Expectation, Knob, Origin, Proposal, State, number

#: A change that got no verdict within this, because Lumen was away, gets none any more: its data is gone.
FORGOTTEN_AFTER = timedelta(days=7)
#: Where the traffic goes is judged by its errors, not by the cache.
MEASURED_KNOBS = frozenset(Knob) - {Knob.TRAFFIC}
#: A setting is written so much before the change counts as applied, at most: the service has acknowledged it by then.
#: What is held back ends by as much sooner.
ACKNOWLEDGED_WITHIN = timedelta(minutes=5)
#: A look that had to begin anew after something else happened needs so much time since.
LEAST_WINDOW = 6 * HOUR


@dataclass(frozen=True, slots=True)
class Experiment:
    """A change whose effect is still open. `announced`: the least change of the hit rate that its card told."""

    change: Change
    started_at: datetime
    announced: float | None = None

    @property
    def is_controlled(self) -> bool:
        """Whether some keys kept the old value."""
        return self.change.held_permille > 0

    @property
    def looks(self) -> tuple[int, ...]:
        """In hours after the change."""
        return LOOKS_HOURS if self.is_controlled else UNCONTROLLED_LOOKS_HOURS

    def due(self, now: datetime) -> int | None:
        """The look (in hours) that falls into this hour."""
        return next((hours for hours in self.looks if hours * HOUR <= now - self.started_at < (hours + 1) * HOUR), None)

    def overdue(self, now: datetime, done: int) -> int | None:
        """The newest look whose time has come, unless it is `done` (in hours, 0 for none)."""
        come = [hours for hours in self.looks if hours * HOUR <= now - self.started_at]
        return come[-1] if come and come[-1] > done else None

    def end_of(self, look: int, now: datetime) -> datetime:
        """The moment up to which a look takes what was measured, however late it comes (without a control, a whole
        hour)."""
        if self.is_controlled:
            return self.started_at + look * HOUR
        started = self.started_at.replace(minute=0, second=0, microsecond=0)
        return min(now.replace(minute=0, second=0, microsecond=0), started + (look + 1) * HOUR)

    def hold_back(self, since: datetime | None = None) -> HoldBack:
        """The keys that keep the old TTL; `since`: when something else happened, after which the look begins anew."""
        change, until = self.change, self.started_at + HELD_FOR - ACKNOWLEDGED_WITHIN
        began = max(self.started_at, since or self.started_at)
        return HoldBack(number(change.old), number(change.new), change.held_permille, began, until)


def experiment_of(proposal: Proposal, now: datetime) -> Experiment | None:
    """The experiment of a change that was applied and has no verdict yet, or None; an undo is no experiment."""
    draft, applied_at = proposal.draft, proposal.finished_at
    if proposal.state is not State.APPLIED or applied_at is None or now - applied_at > FORGOTTEN_AFTER:
        return None
    if draft.origin is Origin.UNDO or draft.change.knob not in MEASURED_KNOBS:
        return None
    expected = draft.expected
    announced = expected.hit_rate_change[0] if isinstance(expected, Expectation) else None
    return Experiment(draft.change, applied_at, announced)


def measuring(proposals: Sequence[Proposal], now: datetime) -> bool:
    """Whether a change is being measured: no other is begun meanwhile."""
    return any(experiment_of(proposal, now) is not None for proposal in proposals)


def judge(experiment: Experiment, look: int, hours: Hours, end: datetime) -> LookFinding:
    """Look at what coincides with a change without a control, on the hours before `end`.

    Raises ImportError without the extra `numerics`.
    """
    from lumen.effects.estimate import before_after

    return uncontrolled(
        look, experiment.change.knob, before_after(experiment.change, experiment.started_at, hours, end)
    )


def judge_held(
    experiment: Experiment,
    look: int,
    pieces: Sequence[Piece],
    evicted_share: float | None,
    since: datetime | None = None,
) -> LookFinding:
    """Judge a look at a change that has a control.

    `pieces`: of the days of `experiment.hold_back(since)`. Raises ImportError without the extra `numerics`.
    """
    from lumen.prediction.kept import last_access

    end = experiment.started_at + look * HOUR
    found = effect_by_replay(pieces, experiment.hold_back(since), end, ALPHA_BY_LOOK[look], evicted_share)
    newest = max((at for piece in pieces if (at := last_access(piece)) is not None), default=None)
    return replace(judge_controlled(look, found, experiment.announced), newest=newest)


def begins_too_late(experiment: Experiment, look: int, since: datetime | None) -> bool:
    """Whether too little time is left of a look that begins anew at `since`."""
    start, until = experiment.hold_back(since).window(experiment.started_at + look * HOUR)
    return since is not None and until - start < LEAST_WINDOW


def suspended(look: int, experiment: Experiment, reason: Message) -> LookFinding:
    """This look tells nothing; without a later one, nothing will."""
    if look == experiment.looks[-1]:
        return LookFinding(Judgement(EffectVerdict.INCONCLUSIVE, False, reason))
    return LookFinding(undecided(look, reason))
