"""Experiments: the one applied change whose effect is measured, the looks at it, and what a look finds.

Imports no numerics: `judge` does, in the numerics worker.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lumen.effects.hours import HOUR, Hours
from lumen.effects.verdict import LOOKS_HOURS, LookFinding
from lumen.model.proposal import Change, Knob, Origin, Proposal, State

#: A change that got no verdict within this, because Lumen was away, gets none any more: its data is gone.
FORGOTTEN_AFTER = timedelta(days=7)
#: Where the traffic goes is judged by its errors, not by the cache.
MEASURED_KNOBS = frozenset(Knob) - {Knob.TRAFFIC}


@dataclass(frozen=True, slots=True)
class Experiment:
    """A change whose effect is still open."""

    change: Change
    started_at: datetime

    def due(self, now: datetime) -> int | None:
        """The look (in hours) that falls into this hour."""
        return next(
            (hours for hours in LOOKS_HOURS if hours * HOUR <= now - self.started_at < (hours + 1) * HOUR), None
        )

    def overdue(self, now: datetime, done: int) -> int | None:
        """The newest look whose time has come, unless it is `done` (in hours, 0 for none)."""
        come = [hours for hours in LOOKS_HOURS if hours * HOUR <= now - self.started_at]
        return come[-1] if come and come[-1] > done else None

    def end_of(self, look: int, now: datetime) -> datetime:
        """The whole hour up to which a look takes what was measured, however late it comes."""
        started = self.started_at.replace(minute=0, second=0, microsecond=0)
        return min(now.replace(minute=0, second=0, microsecond=0), started + (look + 1) * HOUR)


def experiment_of(proposal: Proposal, now: datetime) -> Experiment | None:
    """The experiment of a change that was applied and has no verdict yet, or None; an undo is no experiment."""
    draft, applied_at = proposal.draft, proposal.finished_at
    if proposal.state is not State.APPLIED or applied_at is None or now - applied_at > FORGOTTEN_AFTER:
        return None
    if draft.origin is Origin.UNDO or draft.change.knob not in MEASURED_KNOBS:
        return None
    return Experiment(draft.change, applied_at)


def measuring(proposals: Sequence[Proposal], now: datetime) -> bool:
    """Whether a change is being measured: no other is begun meanwhile."""
    return any(experiment_of(proposal, now) is not None for proposal in proposals)


def judge(experiment: Experiment, look: int, hours: Hours, end: datetime) -> LookFinding:
    """Judge a look on the hours before `end`. Raises ImportError without the extra `numerics`."""
    from lumen.effects.estimate import measured

    return measured(experiment.change, experiment.started_at, look, hours, end)
