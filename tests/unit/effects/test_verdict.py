"""The table of methods 3, the guardrail, and what is learnt."""

from datetime import timedelta

import pytest

from lumen.effects.learning import TrackRecord, track_record
from lumen.effects.verdict import Effect, EffectVerdict, guardrail, judge_effect, next_look
from lumen.model.alert import Alert, AlertKind, Severity
from lumen.model.message import message
from lumen.model.verdict import Verdict
from tests.snapshots import NOW

KEPT, HARMFUL, WAIT, INCONCLUSIVE = (
    EffectVerdict.KEPT, EffectVerdict.HARMFUL, EffectVerdict.WAIT, EffectVerdict.INCONCLUSIVE,
)  # fmt: skip


def effect(size: float, reach: float, good_is_up: bool = True, beyond_placebo: bool = True) -> Effect:
    return Effect("hit_rate", size, size - reach, size + reach, good_is_up, beyond_placebo)


@pytest.mark.parametrize(
    ("hours", "main", "verdict"),
    [
        (24, effect(0.10, 0.05), KEPT),
        (24, effect(0.02, 0.01), KEPT),
        (24, effect(0.10, 0.20), WAIT),
        (24, effect(-0.10, 0.05), HARMFUL),
        (24, effect(-0.04, 0.01), WAIT),
        (72, effect(-0.04, 0.01), INCONCLUSIVE),
        (48, effect(-0.10, 0.20), WAIT),
        (72, effect(0.10, 0.20), INCONCLUSIVE),
        (24, effect(0.10, 0.05, beyond_placebo=False), WAIT),
        (24, effect(-0.10, 0.05, beyond_placebo=False), WAIT),
        (24, effect(0.10, 0.05, good_is_up=False), HARMFUL),
        (24, effect(-0.10, 0.05, good_is_up=False), KEPT),
        (24, None, WAIT),
        (72, None, INCONCLUSIVE),
    ],
)
def test_table(hours: int, main: Effect | None, verdict: EffectVerdict) -> None:
    judged = judge_effect(hours, main)
    assert (judged.verdict, judged.undo) == (verdict, verdict is HARMFUL)


def test_a_gain_that_another_objective_pays_for_is_not_kept() -> None:
    latency = Effect("latency", 0.03, 0.01, 0.05, False, True)
    slight = Effect("latency", 0.019, 0.01, 0.03, False, True)
    chance = Effect("latency", 0.03, -0.01, 0.07, False, True)
    assert judge_effect(24, effect(0.1, 0.05), [latency]).verdict is WAIT
    assert judge_effect(24, effect(0.1, 0.05), [slight]).verdict is KEPT
    assert judge_effect(24, effect(0.1, 0.05), [chance]).verdict is KEPT


@pytest.mark.parametrize(("costs_more", "undo"), [(True, True), (False, False), (None, False)])
def test_an_inconclusive_change_goes_if_it_costs_more(costs_more: bool | None, undo: bool) -> None:
    assert judge_effect(72, effect(0.1, 0.2), costs_more=costs_more).undo is undo


@pytest.mark.parametrize(("minutes", "reverted"), [(-1, False), (0, True), (119, True), (120, False)])
def test_a_page_within_two_hours_takes_it_back(minutes: int, reverted: bool) -> None:
    at = NOW + timedelta(minutes=minutes)
    page = Alert("a", "s", AlertKind.AVAILABILITY, "", Severity.PAGE, at, message("alert.recovered"))
    ticket = Alert("b", "s", AlertKind.CACHE, "", Severity.TICKET, NOW, message("alert.recovered"))
    assert (guardrail(NOW, [ticket, page]) is not None) is reverted


def test_looks() -> None:
    assert [next_look(hours) for hours in (0, 24, 47.9, 48, 72)] == [24, 48, 48, 72, None]


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
