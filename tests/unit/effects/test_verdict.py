"""The table of verdicts, with a control and without one, the guardrail, and what is learnt."""

from datetime import timedelta

import pytest

from lumen.effects.hold_back import ALPHA_BY_LOOK
from lumen.effects.track_record import TrackRecord
from lumen.effects.verdict import (
    HIT_RATE_POINTS,
    LOOKS_HOURS,
    Effect,
    EffectVerdict,
    guardrail,
    judge_controlled,
    uncontrolled,
)
from lumen.model.alert import Alert, AlertKind, Severity
from lumen.model.hold_back import HELD_FOR, EffectByReplay
from lumen.model.messages import NoData, message, with_remedy
from lumen.model.proposal import Knob
from tests.snapshots import NOW

KEPT, HARMFUL, WAIT, INCONCLUSIVE = (
    EffectVerdict.KEPT, EffectVerdict.HARMFUL, EffectVerdict.WAIT, EffectVerdict.INCONCLUSIVE,
)  # fmt: skip


def found(effect: float, low: float, high: float) -> EffectByReplay:
    return EffectByReplay(effect, low, high, effect)


#: Effect and interval as shares of the hit rate, what the card announced at least, and what it comes to at 24 h.
TABLE = [
    (0.05, 0.04, 0.06, None, KEPT),
    (0.002, 0.001, 0.003, None, KEPT),
    (0.05, 0.0, 0.10, None, WAIT),
    (0.05, -0.01, 0.11, None, WAIT),
    (0.0, -0.001, 0.001, None, WAIT),
    (-0.004, -0.006, -0.002, None, WAIT),  # certain, and less than anybody would take back
    (-0.005, -0.006, -0.004, None, HARMFUL),
    (-0.03, -0.04, -0.02, None, HARMFUL),
    (-0.03, -0.06, 0.0, None, WAIT),
    (-0.03, -0.04, -0.02, 0.01, HARMFUL),
    (-0.03, -0.04, -0.02, -0.02, HARMFUL),  # worse than was announced
    (-0.03, -0.04, -0.02, -0.03, KEPT),  # what who approved it has read on the card
    (-0.03, -0.04, -0.02, -0.05, KEPT),
    (0.05, 0.04, 0.06, -0.01, KEPT),
]


@pytest.mark.parametrize("hours", LOOKS_HOURS)
@pytest.mark.parametrize(("effect", "low", "high", "announced", "clear"), TABLE)
def test_with_a_control(
    hours: int, effect: float, low: float, high: float, announced: float | None, clear: EffectVerdict
) -> None:
    looked = judge_controlled(hours, found(effect, low, high), announced)
    open_still = WAIT if hours < 72 else INCONCLUSIVE
    verdict = clear if clear is HARMFUL or (clear is KEPT and hours > 6) else open_still
    assert (looked.judgement.verdict, looked.judgement.undo) == (verdict, verdict is HARMFUL)
    assert (looked.controlled, looked.effects) == (True, (Effect(HIT_RATE_POINTS, effect, low, high),))


@pytest.mark.parametrize(("hours", "verdict"), [(6, WAIT), (24, WAIT), (48, WAIT), (72, INCONCLUSIVE)])
def test_too_little_is_never_a_verdict(hours: int, verdict: EffectVerdict) -> None:
    nothing = NoData(*with_remedy("hold_back.few_keys", keys=3, least=200))
    looked = judge_controlled(hours, nothing)
    assert (looked.judgement.verdict, looked.judgement.undo, looked.judgement.reason) == (
        verdict,
        False,
        nothing.reason,
    )
    assert (looked.controlled, looked.effects) == (False, ())


@pytest.mark.parametrize("knob", Knob)
@pytest.mark.parametrize("size", [None, 0.5, -0.5])
def test_without_a_control_there_is_no_verdict_however_large_it_is(knob: Knob, size: float | None) -> None:
    effects = () if size is None else (Effect("hit_rate", size, size - 0.01, size + 0.01),)
    looked = uncontrolled(24, knob, effects)
    assert (looked.judgement.verdict, looked.judgement.undo, looked.controlled) == (INCONCLUSIVE, False, False)
    assert looked.judgement.reason.code == ("effect.coincides" if effects else "effect.nothing_coincides")
    assert looked.effects == effects


def test_looks_share_five_per_cent_of_false_verdicts() -> None:
    """The first one is for harm alone, so it errs to one side."""
    assert tuple(ALPHA_BY_LOOK) == LOOKS_HOURS
    assert sum(ALPHA_BY_LOOK.values()) - ALPHA_BY_LOOK[6] / 2 == pytest.approx(0.053)
    assert timedelta(hours=LOOKS_HOURS[-1]) == HELD_FOR


@pytest.mark.parametrize(("minutes", "reverted"), [(-1, False), (0, True), (119, True), (120, False)])
def test_a_page_within_two_hours_takes_it_back(minutes: int, reverted: bool) -> None:
    at = NOW + timedelta(minutes=minutes)
    page = Alert("a", "s", AlertKind.AVAILABILITY, "", Severity.PAGE, at, message("alert.recovered"))
    ticket = Alert("b", "s", AlertKind.CACHE, "", Severity.TICKET, NOW, message("alert.recovered"))
    assert (guardrail(NOW, [ticket, page]) is not None) is reverted


@pytest.mark.parametrize(
    ("helped", "trials", "offered"),
    [(0, 0, False), (4, 4, False), (5, 5, True), (5, 6, False), (8, 9, True), (9, 20, False)],
)
def test_automation_is_offered_on_evidence_only(helped: int, trials: int, offered: bool) -> None:
    assert TrackRecord(helped, trials).may_offer_automation is offered


def test_quantiles_of_the_posterior() -> None:
    assert TrackRecord(0, 0).quantile(0.1) == pytest.approx(0.1)
    # Beta(6, 1): x**6 = 0.1
    assert TrackRecord(5, 5).quantile(0.1) == pytest.approx(0.1 ** (1 / 6))
