"""The figures of a verification as counts that can be added up over seeds."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from lumen.effects.verdict import GUARDRAIL, EffectVerdict
from lumen.verification.judge import Adjustment, Figures, Outcome, in_all
from lumen.verification.lumen_in_world import Post
from lumen.verification.on_call import ByHand
from lumen.verification.verify import Verification

#: A turn is an hour; a guardrail has two from the change on.
A_TURN = timedelta(hours=1)
#: The bars of docs/verify.md.
HELPED_BAR = 0.80
INTERVENTIONS_BAR = 0.60
PRECISION_BAR = 0.95

Four = tuple[float | None, float | None, float | None, float | None]


@dataclass(frozen=True, slots=True)
class Summary:
    """The four figures are before, with nobody who tunes, tuned by hand and with Lumen; None where there is none.

    USD a month with what outdated answers cost, ms, 0-1.
    """

    alerts: int
    true_alerts: int
    incidents: int
    detected: int
    outcomes: Counter[Outcome]
    harmed_undone: int
    #: Verdicts that asked for an undo, and how many were undone within a turn of it (a guardrail: within 2 h in all).
    to_undo: int
    undone_in_time: int
    by_hand_without: int
    by_hand_with: int
    #: Of those with Lumen: answers to what it asked.
    answered: int
    #: Alerts of any kind.
    told: int
    told_for_nothing: int
    posts: Counter[Post]
    rollbacks: int
    wrong_rollbacks: int
    hit_rate: Four
    cost: Four
    p95: Four

    @property
    def messages(self) -> int:
        """New ones in the channel."""
        return self.posts.total()

    @property
    def precision(self) -> float | None:
        """The share of all alerts that had something to tell; None of none."""
        return 1 - self.told_for_nothing / self.told if self.told else None

    @property
    def helped(self) -> float | None:
        """The share of all adjustments; None of none."""
        total = sum(self.outcomes.values())
        return self.outcomes[Outcome.HELPED] / total if total else None

    @property
    def interventions_down(self) -> float | None:
        """1 is all of them gone; None where there were none."""
        return 1 - self.by_hand_with / self.by_hand_without if self.by_hand_without else None


def summary_of(result: Verification) -> Summary:
    """The summary of one seed."""
    overall = result.alerts.overall
    four = (result.before, result.untuned, result.without, result.with_lumen)
    asked = [one for one in result.adjustments if one.asked_back]
    return Summary(
        alerts=overall.alerts,
        true_alerts=overall.true_alerts,
        incidents=overall.incidents,
        detected=overall.detected,
        outcomes=Counter(one.judgement.outcome for one in result.adjustments if one.judgement is not None),
        harmed_undone=sum(_harmed(one) and one.undone_at is not None for one in result.adjustments),
        to_undo=len(asked),
        undone_in_time=sum(in_time(one) for one in asked),
        by_hand_without=len(result.runs[0].interventions),
        by_hand_with=len(result.runs[1].interventions),
        answered=sum(one.kind is ByHand.ANSWERED for one in result.runs[1].interventions),
        told=result.runs[1].told,
        told_for_nothing=result.runs[1].told_for_nothing,
        posts=result.runs[1].posts,
        rollbacks=result.runs[1].rollbacks,
        wrong_rollbacks=result.runs[1].wrong_rollbacks,
        hit_rate=_each(four, lambda one: one.hit_rate),
        cost=_each(four, in_all),
        p95=_each(four, lambda one: one.p95_ms),
    )


def _each(four: tuple[Figures, Figures, Figures, Figures], of: Callable[[Figures], float | None]) -> Four:
    before, untuned, by_hand, with_lumen = map(of, four)
    return before, untuned, by_hand, with_lumen


def in_time(one: Adjustment) -> bool:
    """Undone within a turn of the verdict, and where the guardrail broke within two hours and that turn."""
    if one.undone_at is None or one.verdict_at is None:
        return False
    if one.verdict is EffectVerdict.REVERT and one.undone_at - one.at > GUARDRAIL + A_TURN:
        return False
    return one.undone_at - one.verdict_at <= A_TURN


def _harmed(one: Adjustment) -> bool:
    return one.judgement is not None and one.judgement.outcome is Outcome.HARMED


def missed_bars(result: Verification) -> tuple[str, ...]:
    """Names of the bars of docs/verify.md that this run misses; without a case a bar is not missed."""
    found = summary_of(result)
    missed = []
    if found.helped is not None and found.helped <= HELPED_BAR:
        missed.append("helped")
    if found.interventions_down is not None and found.interventions_down <= INTERVENTIONS_BAR:
        missed.append("interventions")
    if found.undone_in_time < found.to_undo:
        missed.append("undone")
    if found.precision is not None and found.precision < PRECISION_BAR:
        missed.append("precision")
    return tuple(missed)
