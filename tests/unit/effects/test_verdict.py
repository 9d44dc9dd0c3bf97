"""The table of verdicts, the guardrail, and what is learnt."""

from datetime import timedelta

import pytest

from lumen.effects.track_record import TrackRecord, track_record
from lumen.effects.verdict import Effect, EffectVerdict, guardrail, judge_effect
from lumen.model.alert import Alert, AlertKind, Severity
from lumen.model.messages import message
from lumen.model.proposal import Verdict
from tests.snapshots import NOW

KEPT, HARMFUL, WAIT, INCONCLUSIVE = (
    EffectVerdict.KEPT, EffectVerdict.HARMFUL, EffectVerdict.WAIT, EffectVerdict.INCONCLUSIVE,
)  # fmt: skip


def effect(size: float, reach: float, good_is_up: bool = True, beyond_placebo: bool = True) -> Effect:
    return Effect("hit_rate", size, size - reach, size + reach, good_is_up, beyond_placebo)


def gain(size: float, low: float, high: float, good_is_up: bool, beyond_placebo: bool = True) -> Effect:
    """Good is positive here, whichever way the metric improves."""
    if good_is_up:
        return Effect("hit_rate", size, low, high, True, beyond_placebo)
    return Effect("p95_ms", -size, -high, -low, False, beyond_placebo)


#: The interval excludes 0 or not, and on which side; a harm counts from five per cent on.
CLEAR = [
    (0.10, 0.05, 0.15, KEPT),
    (0.02, 0.001, 0.04, KEPT),
    (0.10, 0.0, 0.20, WAIT),
    (0.10, -0.10, 0.30, WAIT),
    (0.0, -0.01, 0.01, WAIT),
    (-0.0499, -0.06, -0.04, WAIT),
    (-0.05, -0.09, -0.001, HARMFUL),
    (-0.10, -0.15, -0.05, HARMFUL),
    (-0.10, -0.20, 0.0, WAIT),
    (-0.10, -0.30, 0.10, WAIT),
]


@pytest.mark.parametrize("hours", [24, 48, 72])
@pytest.mark.parametrize("good_is_up", [True, False])
@pytest.mark.parametrize("beyond", [True, False])
@pytest.mark.parametrize(("size", "low", "high", "clear"), CLEAR)
def test_table(
    hours: int, good_is_up: bool, beyond: bool, size: float, low: float, high: float, clear: EffectVerdict
) -> None:
    judged = judge_effect(hours, gain(size, low, high, good_is_up, beyond), costs_more=False)
    open_still = WAIT if hours < 72 else INCONCLUSIVE
    verdict = clear if beyond and clear is not WAIT else open_still
    assert (judged.verdict, judged.undo) == (verdict, verdict is HARMFUL)


@pytest.mark.parametrize(("hours", "verdict"), [(24, WAIT), (48, WAIT), (72, INCONCLUSIVE)])
def test_too_little_is_never_a_verdict(hours: int, verdict: EffectVerdict) -> None:
    assert judge_effect(hours, None).verdict is verdict


@pytest.mark.parametrize("good_is_up", [True, False])
@pytest.mark.parametrize(
    ("size", "low", "high", "beyond", "verdict"),
    [
        (-0.03, -0.05, -0.01, True, WAIT),
        (-0.019, -0.03, -0.01, True, KEPT),
        (-0.03, -0.07, 0.01, True, KEPT),  # by chance
        (-0.03, -0.05, -0.01, False, KEPT),  # no more than what comes of itself
        (0.03, 0.01, 0.05, True, KEPT),
    ],
)
def test_a_gain_that_another_objective_pays_for_is_not_kept(
    good_is_up: bool, size: float, low: float, high: float, beyond: bool, verdict: EffectVerdict
) -> None:
    fine = gain(0.01, -0.01, 0.02, good_is_up)
    other = gain(size, low, high, good_is_up, beyond)
    assert judge_effect(24, effect(0.1, 0.05), [fine, other]).verdict is verdict


@pytest.mark.parametrize(("costs_more", "undo"), [(True, True), (False, False), (None, False)])
def test_an_inconclusive_change_goes_if_it_costs_more(costs_more: bool | None, undo: bool) -> None:
    assert judge_effect(72, effect(0.1, 0.2), costs_more=costs_more).undo is undo


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


def test_inconclusive_is_no_success() -> None:
    assert track_record([Verdict.KEPT, Verdict.INCONCLUSIVE, Verdict.HARMFUL]) == TrackRecord(1, 3)
