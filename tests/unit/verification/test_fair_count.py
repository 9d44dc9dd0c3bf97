"""What counts as an intervention, what an alert may be about, and a world that can hurt."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from lumen.effects.verdict import Effect, EffectVerdict, Judgement, LookFinding
from lumen.model.accesses import HELD
from lumen.model.alert import AlertKind
from lumen.model.messages import message
from lumen.model.proposal import Change, Knob, Priority
from lumen.model.snapshot import SLICE_SECONDS
from lumen.model.turn import Recommendation
from lumen.verification.accesses import HeldKeys, KeptDays
from lumen.verification.called import Truth
from lumen.verification.incidents import LABEL_OF, SimulatedIncident, Trouble, draw_incidents
from lumen.verification.judge import Outcome, figures_of, is_at, judge, outcome_of, turn
from lumen.verification.lumen_in_world import SimulatedLumen, not_billed, settings_for
from lumen.verification.on_call import DAY, HOUR, SLEEPS, ByHand, ScriptedOnCall
from lumen.verification.scenario import read_scenario
from lumen.verification.traffic import Demand, Profile, draw_profile
from lumen.verification.week import SimulatedWeek
from lumen.verification.world import ORIGIN, World
from lumen.wording.catalogue import Catalogue

EASY: dict[str, Any] = {
    "stale_usd_per_1000": 0.0,
    "staleness_told": 0,
    "estimated_cost": 0,
    "billed_in_won": 0,
    "office_hours": 0,
    "cron_minutes": 0,
    "holidays": 0.0,
}


def profile(seed: int = 3, **changes: Any) -> Profile:
    return replace(draw_profile(seed), **{**EASY, **changes})


def world(of: Profile, *incidents: SimulatedIncident) -> World:
    return World(of, incidents, Demand(of, incidents, 8))


def truth(*incidents: SimulatedIncident, month_usd: float = 10.0, hits_usd: float | None = None) -> Truth:
    of = profile(model_call_usd=0.01 if hits_usd is None else hits_usd)
    here = world(of)
    return Truth(of, incidents, [here.step() for _ in range(12)], of.cache_mb, month_usd, 10 * DAY)


BLIND = SimulatedIncident(Trouble.BLIND, 0.0, HOUR, 1.0)
PLATFORM = SimulatedIncident(Trouble.PLATFORM_ERRORS, 0.0, HOUR, 0.1)


@pytest.mark.parametrize("kind", AlertKind)
def test_every_kind_of_alert_may_be_for_nothing(kind: AlertKind) -> None:
    assert not truth().speaks_for(kind, HOUR / 2)
    assert truth(PLATFORM).speaks_for(kind, HOUR / 2)
    assert not truth(PLATFORM).speaks_for(kind, 3 * DAY)


@pytest.mark.parametrize(
    ("found", "kind", "so"),
    [
        (truth(BLIND), AlertKind.NO_DATA, True),
        (truth(BLIND), AlertKind.LATENCY, False),
        (truth(hits_usd=0.0), AlertKind.ROI, True),
        (truth(hits_usd=0.0), AlertKind.CACHE, False),
        (truth(month_usd=160.0), AlertKind.BUDGET, True),
        (truth(month_usd=70.0), AlertKind.BUDGET, True),
        (truth(month_usd=60.0), AlertKind.BUDGET, False),
    ],
)
def test_what_an_alert_says_may_be_so_without_an_incident(found: Truth, kind: AlertKind, *, so: bool) -> None:
    assert found.speaks_for(kind, HOUR / 2) is so


def test_an_on_call_who_sleeps_reads_in_the_morning_but_wakes_for_a_page() -> None:
    hard, easy = ScriptedOnCall(4, is_hard=True), ScriptedOnCall(4)
    instants = np.arange(0, DAY, HOUR / 4)
    waits = [hard.reads_at(now) - now for now in instants]
    assert sum(wait > 0 for wait in waits) == pytest.approx(SLEEPS / HOUR * 4, abs=1)
    assert max(waits) <= SLEEPS
    assert max(hard.called_at(now) - now for now in instants) < HOUR / 2
    assert all(easy.reads_at(now) == now for now in instants)


def test_some_of_what_is_proposed_is_rejected_by_one_who_is_hard_to_work_with() -> None:
    hard, easy = ScriptedOnCall(4, is_hard=True), ScriptedOnCall(4)
    answers = []
    for _ in range(200):
        hard.answers_at(0.0), easy.answers_at(0.0)
        answers.append(hard.rejects())
        assert not easy.rejects()
    assert 20 < sum(answers) < 80


def proposed(seed: int, *, is_hard: bool, moved: bool = False) -> tuple[SimulatedWeek, World]:
    """A week to whose on-call a longer TTL was proposed and who has answered."""
    of = profile(seed, ttl_seconds=300)
    here = world(of)
    lumen = SimulatedLumen(settings_for(of))
    week = SimulatedWeek(here, seed, lumen, is_hard=is_hard)
    change = Change(Knob.TTL, 300, 420, "s")
    wanted = Recommendation(change, "MODERATE", (), Priority.MEDIUM)
    week._propose(lumen, lumen.record.proposed(wanted, change, 0, "", ORIGIN), 0.0)
    if moved:
        here.setting = replace(here.setting, ttl_seconds=600)
    for _, _, work in week._due:
        work()
    return week, here


def test_the_answer_to_a_question_is_an_intervention() -> None:
    week, here = proposed(3, is_hard=False)
    assert [one.kind for one in week.result.interventions] == [ByHand.ANSWERED]
    assert here.setting.ttl_seconds == 420
    assert len(week.result.adjustments) == 1


def test_a_rejection_changes_nothing_and_counts() -> None:
    seed = next(n for n in range(1, 50) if _rejects_first(n))
    week, here = proposed(seed, is_hard=True)
    assert [one.kind for one in week.result.interventions] == [ByHand.ANSWERED]
    assert here.setting.ttl_seconds == 300
    assert week.result.adjustments == []


def _rejects_first(seed: int) -> bool:
    person = ScriptedOnCall(seed, is_hard=True)
    person.answers_at(0.0)
    return person.rejects()


def test_what_was_turned_by_hand_meanwhile_is_not_overwritten() -> None:
    week, here = proposed(3, is_hard=False, moved=True)
    assert here.setting.ttl_seconds == 600
    assert week.result.adjustments == []
    assert is_at(here, Knob.TTL, 600)


def test_incidents_of_a_hard_world_overlap() -> None:
    plain, hard = draw_incidents(8, 21), draw_incidents(8, 21, overlapping=True)
    assert _overlapping(plain) == 0
    assert _overlapping(hard) > 0
    assert draw_incidents(8, 14, overlapping=True) == tuple(one for one in hard if one.released < 14 * DAY)


def _overlapping(incidents: tuple[SimulatedIncident, ...]) -> int:
    told = [one for one in incidents if one.trouble in LABEL_OF]
    return sum(a.start < b.end and b.start < a.end for i, a in enumerate(told) for b in told[i + 1 :])


def test_outdated_answers_can_make_a_change_harmful_that_the_bill_calls_good() -> None:
    of = profile(1, ttl_seconds=300, answer_life_seconds=14_400.0, asks_again=0.0)
    judged = {}
    for price in (0.0, 50.0):
        here = world(replace(of, stale_usd_per_1000=price))
        for _ in range(24):
            here.step()
        judged[price] = judge(here, Change(Knob.TTL, 300, 600, "s"))
    assert judged[0.0].outcome is Outcome.HELPED
    assert judged[50.0].outcome is Outcome.HARMED
    assert judged[50.0].with_it.cost_month_usd == judged[0.0].with_it.cost_month_usd
    base = judged[0.0].without_it
    assert outcome_of(replace(base, stale_month_usd=base.cost_month_usd), base) is Outcome.HARMED


def test_an_estimated_cost_sees_neither_a_job_nor_who_asks_again() -> None:
    surge = SimulatedIncident(Trouble.COST_SURGE, 0.0, DAY, 50.0)
    true, seen = {}, {}
    for estimated in (0, 1):
        found = world(profile(estimated_cost=estimated, answer_life_seconds=600.0), surge).step()
        true[estimated], seen[estimated] = found.cost_usd, found.seen.cost_usd
    assert true[0] == true[1] == seen[0]
    assert seen[1] is not None
    assert seen[1] < true[1] - 50 * SLICE_SECONDS / DAY


@pytest.mark.parametrize(
    ("changes", "hour", "less"),
    [
        ({"office_hours": 1, "peak_hour": 12.0}, 1, 0.1),
        ({"holidays": 1.0, "weekend": 0.3, "daily_swing": 0.0}, 12, 0.5),
    ],
)
def test_hours_and_days_off_are_quiet(changes: dict[str, Any], hour: int, less: float) -> None:
    at = np.array([hour * 3600.0])
    usual = Demand(profile(), (), 7).per_second(at)[0]
    assert Demand(profile(**changes), (), 7).per_second(at)[0] < less * usual


def test_a_job_comes_every_so_many_minutes() -> None:
    at = np.arange(0, DAY, SLICE_SECONDS) + SLICE_SECONDS / 2
    rates = Demand(profile(cron_minutes=15, cron_share=2.0), (), 7).per_second(at).reshape(-1, 3)
    assert (rates[:, 0] > 1.5 * rates[:, 1:].max(axis=1)).all()


@pytest.mark.parametrize("an_hour", [1, 1_000, 1_000_000])
def test_traffic_from_one_an_hour_to_a_million(an_hour: int) -> None:
    text = f"service: {{requests_per_second: {an_hour / 3600}, daily_swing: 0, weekend: 1}}\nsteps: []"
    here = world(read_scenario(text).profile(profile(topics=5000, error_share=0.001)))
    hours = 24 if an_hour == 1 else 1
    found = [here.step() for _ in range(12 * hours)]
    requests = sum(one.requests for one in found)
    assert requests == pytest.approx(an_hour * hours, rel=0.3, abs=4 * (an_hour * hours) ** 0.5)
    assert all(sum(count.requests for count in one.by_revision) in (0, one.requests) for one in found)
    if an_hour == 1_000_000:
        # Failures are each request's own, however many one simulated request stands for.
        assert sum(one.errors_5xx for one in found) == pytest.approx(0.001 * requests, rel=0.5)
        assert figures_of(found).hit_rate is not None


def test_a_bill_in_won_counts_for_nothing_and_is_said() -> None:
    """Lumen goes by its estimate in USD, so each threshold is what it is elsewhere."""
    won, estimated = (profile(**{name: 1}) for name in ("billed_in_won", "estimated_cost"))
    both = [[here.step().seen for _ in range(24)] for here in (world(won), world(estimated))]
    assert both[0] == both[1]
    assert settings_for(won) == settings_for(estimated)
    assert not_billed(estimated, ORIGIN) is None
    found = not_billed(won, ORIGIN)
    assert found is not None
    assert all("KRW" in Catalogue(locale).plain(found.reason) for locale in ("en", "ko"))


def test_what_the_team_says_of_age_is_what_it_costs() -> None:
    of = profile(stale_usd_per_1000=0.3, answer_life_seconds=36_000.0)
    assert of.stale_usd_at_an_hour == pytest.approx(0.0003 * 0.1, rel=0.06)


def test_a_tenth_of_the_keys_keeps_the_old_ttl_and_is_reported_so() -> None:
    here = world(profile(topics=3000, ttl_seconds=300, requests_per_second=3.0))
    here.reports = True
    turn(here, Change(Knob.TTL, 300, 600, "s"), HeldKeys(300, 100, 2 * HOUR, 7))
    found = [here.step().reported for _ in range(36)]
    held = [float(one.held.mean()) for one in found if one is not None]
    assert 0.02 < np.mean(held[:24]) < 0.3
    assert max(held[24:]) == 0.0
    kept = KeptDays()
    for number, one in enumerate(found):
        assert one is not None
        kept.add(one, ORIGIN + timedelta(seconds=number * SLICE_SECONDS))
    (day,) = kept.days()
    piece = kept.day(day)
    assert len(piece) == piece.tally.hits + piece.tally.misses + piece.tally.writes
    assert sum(kind & HELD > 0 for kind in piece.kinds) > 0


def test_what_was_approved_in_steps_goes_on_by_itself() -> None:
    """The next step comes after an hour and without a click, once the first is known to have helped."""
    of = profile(3, ttl_seconds=300)
    here, lumen = world(of), SimulatedLumen(settings_for(of))
    week = SimulatedWeek(here, 3, lumen)
    first, second = Change(Knob.TTL, 300, 420, "s"), Change(Knob.TTL, 420, 540, "s")
    made = lumen.record.proposed(Recommendation(first, "MODERATE", (), Priority.MEDIUM), first, 900, "", ORIGIN)
    week._propose(lumen, made, 0.0)
    _run(week)
    kept = Judgement(EffectVerdict.KEPT, False, message("effect.points_kept"))
    week._settle(lumen, LookFinding(kept, (Effect("hit_rate_points", 0.03, 0.02, 0.04),), controlled=True), DAY)
    step = lumen.record.proposed(Recommendation(second, "MODERATE", (), Priority.MEDIUM), second, 0, made.id, ORIGIN)
    week._propose(lumen, step, DAY)
    _run(week)
    assert here.setting.ttl_seconds == 540
    assert [one.kind for one in week.result.interventions] == [ByHand.ANSWERED]


def _run(week: SimulatedWeek) -> None:
    for item in sorted(week._due):
        item[2]()
    week._due.clear()
