"""Track records of past changes: a Beta posterior per service, knob and direction (docs/states.md)."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lumen.model.proposal import Choice, Direction, Origin, Proposal, State, Verdict, direction

#: A change may be made without asking (AUTO_APPLY) from here on.
LEAST_TRIALS = 5
LEAST_MEAN = 0.8
LEAST_TENTH = 0.6


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """`helped` of `trials` settled changes; inconclusive ones are trials without success."""

    helped: int
    trials: int

    @property
    def mean(self) -> float:
        """The mean of the posterior from a flat prior."""
        return (self.helped + 1) / (self.trials + 2)

    def quantile(self, share: float) -> float:
        """The chance of success that the posterior is below with probability `share` (0-1)."""
        low, high = 0.0, 1.0
        for _ in range(50):
            middle = (low + high) / 2
            if _beta_cdf(middle, self.helped + 1, self.trials - self.helped + 1) < share:
                low = middle
            else:
                high = middle
        return (low + high) / 2

    @property
    def may_offer_automation(self) -> bool:
        """At least 5 trials, mean at least 0.8, tenth percentile at least 0.6."""
        return self.trials >= LEAST_TRIALS and self.mean >= LEAST_MEAN and self.quantile(0.10) >= LEAST_TENTH


def record_of(proposals: Iterable[Proposal], of: Direction) -> TrackRecord:
    """The record of changes of this knob in this direction; `proposals` are one service's.

    Only what was measured against a control is a trial: what coincides with a change is none, nor is what a page had
    taken back.
    """
    trials = [
        made.measured.helped
        for made in proposals
        if made.measured is not None and made.measured.controlled and made.measured.verdict is not None
        if direction(made.draft.change) == of
    ]
    return TrackRecord(sum(trials), len(trials))


def spoken_against(proposals: Sequence[Proposal], of: Direction) -> str:
    """The id of the newest such change that was rejected, taken back or harmful; "" once one that somebody approved
    has helped since. `proposals` are one service's, the newest first. However long the record, one no is a no."""
    for proposal in proposals:
        if direction(proposal.draft.change) != of or proposal.draft.origin is Origin.UNDO:
            continue
        decision, measured = proposal.decision, proposal.measured
        by_person = decision is not None and decision.person is not None
        verdict = measured.verdict if measured else None
        undo = next((one for one in proposals if one.draft.undo_of == proposal.id), None)
        was_undone = proposal.state is State.UNDONE and not (undo and was_precaution(proposal, undo))
        was_rejected = by_person and decision is not None and decision.choice is Choice.REJECT
        if was_rejected or was_undone or verdict is Verdict.HARMFUL:
            return proposal.id
        if by_person and measured is not None and measured.helped:
            return ""
    return ""


def was_precaution(made: Proposal | None, undo: Proposal) -> bool:
    """Whether `undo` took `made` back because of a page alone, which nothing is learnt from."""
    own = undo.draft.origin is Origin.UNDO and undo.draft.asked_by is None
    return own and made is not None and made.measured is not None and made.measured.is_precaution


def _beta_cdf(x: float, a: int, b: int) -> float:
    """For whole a and b, I_x(a, b) is a binomial tail: the chance of at least `a` successes in a + b - 1 trials."""
    trials = a + b - 1
    if x <= 0 or x >= 1:
        return float(x >= 1)
    terms = (math.comb(trials, k) * x**k * (1 - x) ** (trials - k) for k in range(a, trials + 1))
    return min(1.0, math.fsum(terms))
