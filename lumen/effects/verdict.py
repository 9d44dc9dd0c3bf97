"""Verdicts on a change after 6, 24, 48 and 72 hours (docs/states.md, Verdicts). Without a control there is none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from lumen.model.alert import Alert, Severity
from lumen.model.hold_back import EffectByReplay
from lumen.model.messages import Message, NoData, Param, message
from lumen.model.proposal import Knob, Measured, MeasuredEffect, Verdict

#: The first look of a change that has a control is for harm alone.
HARM_ALONE_HOURS = 6
LOOKS_HOURS = (HARM_ALONE_HOURS, 24, 48, 72)
#: A change without a control is looked at once, for nothing that comes later would tell more.
UNCONTROLLED_LOOKS_HOURS = (24,)
#: A loss below half a point of the hit rate, however certain, is nothing that anybody would take back.
HARM_AT_LEAST = 0.005
GUARDRAIL = timedelta(hours=2)
#: The name of what a control tells: shares of the lookups that hit, more or less than without the change.
HIT_RATE_POINTS = "hit_rate_points"


class EffectVerdict(StrEnum):
    """WAIT: look again. REVERT: a page opened right after the change, which is a precaution and no verdict."""

    WAIT = "WAIT"
    KEPT = "KEPT"
    HARMFUL = "HARMFUL"
    INCONCLUSIVE = "INCONCLUSIVE"
    REVERT = "REVERT"


#: WAIT and REVERT have none: the change is looked at again, unless it is taken back.
_STORED = {
    EffectVerdict.KEPT: Verdict.KEPT,
    EffectVerdict.INCONCLUSIVE: Verdict.INCONCLUSIVE,
    EffectVerdict.HARMFUL: Verdict.HARMFUL,
}


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect on one metric, with its interval: as a ratio, or of the hit rate as a share (HIT_RATE_POINTS)."""

    metric: str
    effect: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and its reason. `undo`: propose to take the change back (at once where automation is allowed)."""

    verdict: EffectVerdict
    undo: bool
    reason: Message


@dataclass(frozen=True, slots=True)
class LookFinding:
    """The result of a look; `effects` on every metric that could be estimated, the main one first.

    `controlled`: keys that kept the old value tell it. Whatever else there is only coincides with the change.
    `newest`: when the last access was that a look for such keys knows of.
    """

    judgement: Judgement
    effects: tuple[Effect, ...] = ()
    controlled: bool = False
    newest: datetime | None = None

    def measured(self, look_hours: int, at: datetime) -> Measured:
        """As it is stored with the proposal."""
        judgement, verdict = self.judgement, _STORED.get(self.judgement.verdict)
        effects = tuple(MeasuredEffect(one.metric, one.effect, one.low, one.high) for one in self.effects)
        return Measured(look_hours, at, verdict, judgement.reason, effects, judgement.undo, self.controlled)


def judge_controlled(hours: int, found: EffectByReplay | NoData, announced: float | None = None) -> LookFinding:
    """Judge a look `hours` after a change that has a control.

    `announced`: the least change of the hit rate (a share) that the card told; who approved a loss wanted it.
    """
    if isinstance(found, NoData):
        return LookFinding(undecided(hours, found.reason))
    shown: dict[str, Param] = {
        "hours": hours,
        "points": 100 * found.effect,
        "low": 100 * found.low,
        "high": 100 * found.high,
    }
    effects = (Effect(HIT_RATE_POINTS, found.effect, found.low, found.high),)
    return LookFinding(_judged(hours, found, announced, shown), effects, controlled=True)


def _judged(hours: int, found: EffectByReplay, announced: float | None, shown: Mapping[str, Param]) -> Judgement:
    """The first row that applies."""
    loses = found.high < 0 and found.effect <= -HARM_AT_LEAST
    is_announced = announced is not None and announced <= found.effect
    if loses and not is_announced:
        return Judgement(EffectVerdict.HARMFUL, True, message("effect.points_harmful", **shown))
    if hours == HARM_ALONE_HOURS:
        return Judgement(EffectVerdict.WAIT, False, message("effect.points_no_harm", **shown))
    if found.low > 0:
        return Judgement(EffectVerdict.KEPT, False, message("effect.points_kept", **shown))
    if loses:
        return Judgement(EffectVerdict.KEPT, False, message("effect.points_announced", **shown))
    return undecided(hours, message("effect.points_unclear", **shown))


def uncontrolled(hours: int, knob: Knob, effects: Sequence[Effect]) -> LookFinding:
    """Tell what coincides with a change that has no control: no verdict, whatever it is."""
    why = message("effect.no_control_ttl" if knob is Knob.TTL else "effect.no_control")
    main = next(iter(effects), None)
    if main is None:
        reason = message("effect.nothing_coincides", hours=hours, why=why)
    else:
        params: dict[str, Param] = {"metric": main.metric, "effect": main.effect, "low": main.low, "high": main.high}
        reason = message("effect.coincides", hours=hours, why=why, **params)
    return LookFinding(Judgement(EffectVerdict.INCONCLUSIVE, False, reason), tuple(effects))


def guardrail(changed_at: datetime, pages: Sequence[Alert]) -> Judgement | None:
    """A page that opened within two hours of the change takes it back as a precaution; it says nothing of harm."""
    for page in pages:
        if page.severity is Severity.PAGE and changed_at <= page.opened_at < changed_at + GUARDRAIL:
            minutes = (page.opened_at - changed_at) / timedelta(minutes=1)
            reason = message("effect.page_after", minutes=minutes, kind=page.kind.value)
            return Judgement(EffectVerdict.REVERT, True, reason)
    return None


def undecided(hours: int, reason: Message) -> Judgement:
    """Look again, or end without a verdict."""
    verdict = EffectVerdict.WAIT if hours < LOOKS_HOURS[-1] else EffectVerdict.INCONCLUSIVE
    return Judgement(verdict, False, reason)
