"""Verdicts on a change after 24, 48 and 72 hours (docs/states.md, Verdicts)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from lumen.model.alert import Alert, Severity
from lumen.model.messages import Message, Param, message

#: The looks share five per cent of false alarms; the first gets most of them, since there harm is stopped soonest.
ALPHA_BY_LOOK = {24: 0.03, 48: 0.01, 72: 0.01}
LOOKS_HOURS = tuple(ALPHA_BY_LOOK)
HARM_AT_LEAST = 0.05
OTHERS_WORSE_BY = 0.02
GUARDRAIL = timedelta(hours=2)


class EffectVerdict(StrEnum):
    """WAIT: look again. REVERT: a page opened right after the change, which is a precaution and no verdict."""

    WAIT = "WAIT"
    KEPT = "KEPT"
    HARMFUL = "HARMFUL"
    INCONCLUSIVE = "INCONCLUSIVE"
    REVERT = "REVERT"


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect on one metric as ratios; `good_is_up` for a hit rate, not for latency or cost."""

    metric: str
    effect: float
    low: float
    high: float
    good_is_up: bool
    beyond_placebo: bool


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and its reason. `undo`: propose to take the change back (at once where automation is allowed)."""

    verdict: EffectVerdict
    undo: bool
    reason: Message


@dataclass(frozen=True, slots=True)
class LookFinding:
    """The result of a look; `effects` on every metric that could be estimated, the main one first."""

    judgement: Judgement
    effects: tuple[Effect, ...] = ()


def judge_effect(
    hours: int, main: Effect | None, others: Sequence[Effect] = (), costs_more: bool | None = None
) -> Judgement:
    """Judge a look `hours` after the change. `main` is None where there is too little history: never a verdict.

    `costs_more`: whether the change costs more than what it replaced, for what becomes of an inconclusive one.
    """
    if main is None:
        return undecided(hours, costs_more, message("effect.too_little", hours=hours))
    gain_low, gain_high = _gain(main)
    shown: dict[str, Param] = {
        "metric": main.metric,
        "effect": main.effect,
        "low": main.low,
        "high": main.high,
        "hours": hours,
    }
    certain = main.beyond_placebo
    if certain and gain_high < 0 and abs(main.effect) >= HARM_AT_LEAST:
        return Judgement(EffectVerdict.HARMFUL, True, message("effect.harmful", **shown))
    worse = next((other for other in others if _is_worse(other)), None)
    if certain and gain_low > 0 and worse is not None:
        reason = message("effect.other_worse", other=worse.metric, other_effect=worse.effect, **shown)
        return undecided(hours, costs_more, reason)
    if certain and gain_low > 0:
        return Judgement(EffectVerdict.KEPT, False, message("effect.kept", **shown))
    return undecided(hours, costs_more, message("effect.unclear", **shown))


def guardrail(changed_at: datetime, pages: Sequence[Alert]) -> Judgement | None:
    """A page that opened within two hours of the change takes it back as a precaution; it says nothing of harm."""
    for page in pages:
        if page.severity is Severity.PAGE and changed_at <= page.opened_at < changed_at + GUARDRAIL:
            minutes = (page.opened_at - changed_at) / timedelta(minutes=1)
            reason = message("effect.page_after", minutes=minutes, kind=page.kind.value)
            return Judgement(EffectVerdict.REVERT, True, reason)
    return None


def _gain(effect: Effect) -> tuple[float, float]:
    """The interval, good on the positive side."""
    return (effect.low, effect.high) if effect.good_is_up else (-effect.high, -effect.low)


def _is_worse(other: Effect) -> bool:
    """Whether another objective lost more than two per cent, beyond chance."""
    loss = -other.effect if other.good_is_up else other.effect
    _, gain_high = _gain(other)
    return loss > OTHERS_WORSE_BY and gain_high < 0 and other.beyond_placebo


def undecided(hours: int, costs_more: bool | None, reason: Message) -> Judgement:
    if hours < LOOKS_HOURS[-1]:
        return Judgement(EffectVerdict.WAIT, False, reason)
    return Judgement(EffectVerdict.INCONCLUSIVE, bool(costs_more), reason)
