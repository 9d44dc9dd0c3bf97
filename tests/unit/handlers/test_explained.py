"""`/lumen slo`, `roi`, `cache` and the others: value, target, parts, why, what is missing with its remedy, how old."""

import math
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.thresholds import Thresholds, assessment_settings
from handlers.blocks.card import Shown
from handlers.blocks.digest import digest
from handlers.blocks.explain_scores import explained
from handlers.blocks.report import report
from handlers.command_types import Subject
from lumen.exporters.assess import assess
from lumen.model.answers import STALE_AFTER, StatusReadout, TurnReadout
from lumen.model.assessment import Before, CacheHealth, HealthLevel, RhythmState
from lumen.model.digest import DigestReadout
from lumen.model.messages import NoData, message
from lumen.model.proposal import Change, Knob, Priority
from lumen.model.snapshot import ServiceSpend, Snapshot, Spend, Traffic
from lumen.model.turn import Recommendation, Turn
from lumen.wording.catalogue import LOCALES, Catalogue
from lumen.wording.money import around, money
from tests.snapshots import NOW, SERVICE, cache, deployment, history, snapshot, traffic
from tests.unit.handlers.blocks import said, validated
from tests.unit.handlers.test_why import MONTH, turn

EN = Catalogue("en")
GONE = NoData(message("source.no_billing_account"), message("source.no_billing_account_remedy"))
PARTS = ("traffic", "cache", "ttl", "deployment", "spend", "history")
DEMAND = tuple(round(1000 * (1.5 + math.sin(math.tau * hour / 24))) for hour in range(168))


def costs(hours_late: int = 0) -> tuple[float | None, ...]:
    return tuple(0.1 + 0.0004 * DEMAND[(hour - hours_late) % 24] for hour in range(168))


PULSE = history(DEMAND, costs())


def readout(made: Turn | None, now: datetime = NOW) -> TurnReadout:
    return TurnReadout(SERVICE, made, now, NOW + timedelta(hours=1))


def shown(subject: Subject | None, made: Turn | None = None, words: Catalogue = EN) -> Shown:
    return explained(words, subject, readout(made or turn(MONTH, history=PULSE)))


def text(subject: Subject | None, made: Turn | None = None) -> str:
    return said(shown(subject, made))


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("subject", [None, *Subject])
@pytest.mark.parametrize("missing", [None, *PARTS, "everything"])
def test_every_answer_stands_within_the_limits_whatever_is_missing(
    subject: Subject | None, missing: str | None, locale: str
) -> None:
    lacking = {} if missing is None else dict.fromkeys(PARTS if missing == "everything" else (missing,), GONE)
    card = shown(subject, turn([], **lacking), Catalogue(locale))
    validated(card)
    assert "nan" not in card.text.lower()


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        (Subject.GATE, "critical → good"),
        (Subject.ROI, "120% → "),
        (Subject.COST, "unknown → "),
        (Subject.CACHE, "unchanged"),
    ],
)
def test_what_the_turn_before_found_stands_beside_it(subject: Subject, words: str) -> None:
    then = Before(NOW - timedelta(hours=1), HealthLevel.CRITICAL, 1.2, RhythmState.UNKNOWN, CacheHealth.GOOD)
    told = text(subject, replace(turn(MONTH, history=PULSE), before=then))
    assert words in told
    assert "Since" not in text(subject, replace(turn(MONTH, history=PULSE), before=None, moves=()))


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("subject", [None, *Subject])
def test_before_the_first_turn_it_says_when_that_comes(subject: Subject | None, locale: str) -> None:
    validated(card := explained(Catalogue(locale), subject, readout(None)))
    assert "/lumen run" in card.text


@pytest.mark.parametrize("subject", [None, *Subject])
@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(minutes=4), "4 min ago"),
        (timedelta(minutes=61), "1 h 1 min ago"),
        (timedelta(hours=30), "30 h 0 min ago"),
        (timedelta(days=3, hours=5), "3 d 5 h ago"),
        (-timedelta(minutes=4), "0 min ago"),
    ],
)
def test_every_answer_says_how_old_it_is(subject: Subject | None, age: timedelta, words: str) -> None:
    made = turn(MONTH)
    told = said(explained(EN, subject, readout(made, made.snapshot.window.end + age)))
    assert words in told
    assert ("no picture of now" in told) == (age > STALE_AFTER)


def test_a_status_that_is_too_old_says_so() -> None:
    made = turn()
    status = StatusReadout(SERVICE, made, (), (), None, now=made.snapshot.window.end + timedelta(hours=5))
    assert "5 h 0 min old" in said(report(EN, status))
    fresh = replace(status, now=made.snapshot.window.end + timedelta(minutes=64))
    assert "no picture of now" not in said(report(EN, fresh))


@pytest.mark.parametrize(
    ("subject", "missing"),
    [
        (Subject.SLO, "traffic"),
        (Subject.SLO, "cache"),
        (Subject.ROI, "cache"),
        (Subject.CACHE, "cache"),
        (Subject.CACHE, "ttl"),
        (Subject.MATURITY, "deployment"),
        (Subject.MATURITY, "history"),
        (Subject.COST, "history"),
        (Subject.COST, "spend"),
        (Subject.BUDGET, "spend"),
        (Subject.GATE, "cache"),
        (None, "traffic"),
    ],
)
def test_what_is_missing_is_said_with_its_remedy(subject: Subject | None, missing: str) -> None:
    told = text(subject, turn(MONTH, **{missing: GONE}))
    assert EN.say(GONE.reason) in told
    assert EN.say(GONE.remedy) in told


@pytest.mark.parametrize(
    ("subject", "missing", "never"),
    [
        (Subject.ROI, "cache", "$0.00"),
        (Subject.CACHE, "cache", "0.0%"),
        (Subject.BUDGET, "spend", "$0.00"),
        (Subject.COST, "spend", "this month*\n$"),
        (Subject.SLO, "traffic", "0.00%"),
    ],
)
def test_no_data_is_never_a_value(subject: Subject, missing: str, never: str) -> None:
    assert never not in text(subject, turn([], **{missing: GONE}))


@pytest.mark.parametrize(
    ("changes", "verdict", "state"),
    [
        ({"cache": cache(0.85)}, "pass", "(met)"),
        ({"cache": cache(0.75)}, "warning", "(missed)"),
        ({"cache": cache(0.65)}, "fail", "(alerts)"),
        ({"cache": GONE}, "no data", "no data, so none of 20 points"),
        ({"traffic": traffic(bad_slices=1), "cache": cache(0.85)}, "fail", "(alerts)"),
    ],
)
def test_slo(changes: dict[str, object], verdict: str, state: str) -> None:
    told = text(Subject.SLO, turn(MONTH, **changes))
    assert f", {verdict}" in told.splitlines()[0]
    assert state in told
    assert "(target 95%)" in told
    assert "30 bad five-minute slices of the 43" in told


def test_slo_says_how_much_of_what_may_go_bad_is_used() -> None:
    told = text(Subject.SLO, turn(MONTH, cache=cache(0.725)))
    assert "(target above 80%) · uses 137.5% of what may go bad · 14.5 of 20 points" in told
    assert "SLO compliance gives" in told


@pytest.mark.parametrize(
    ("lookups", "verdict", "needed"),
    [(100, "pass", False), (10, "warning", True), (6, "fail", True)],
)
def test_roi(lookups: int, verdict: str, needed: bool) -> None:
    """100 lookups an hour with 72.5 % hits save $525.60 in 30 days, against $9.36."""
    seen = replace(cache(lookups=lookups * 100), seconds=360_000)
    told = text(Subject.ROI, turn(cache=seen))
    assert f", {verdict}" in told.splitlines()[0]
    assert ("To pass, 30 days would have to save $56.16" in told) == needed
    assert "Above 500% it passes, above 300% it is a warning" in told
    assert "API_COST_PER_CALL" in told
    assert "$9.36" in told


def test_maturity_says_the_level_what_is_next_and_where_most_is_to_gain() -> None:
    told = text(Subject.MATURITY, turn(MONTH, history=PULSE, cache=cache(0.50), deployment=deployment(40)))
    assert "maturity level 4 of 5" in told
    assert "points more are level 5" in told
    assert "Most to gain: Deployment frequency +11.8 · " in told
    assert "weight 17.6%" in told


@pytest.mark.parametrize(
    ("cost", "state", "phase"),
    [
        (costs(), "follows demand (resonant)", "in time with demand"),
        (costs(4), "follows demand loosely (dissonant)", "−0.33: 4.0 h behind demand"),
        (costs(-4), "follows demand loosely (dissonant)", "+0.33: 4.0 h ahead of demand"),
        ((None,) * 168, "unknown", "It takes a week of hours"),
    ],
)
def test_cost(cost: tuple[float | None, ...], state: str, phase: str) -> None:
    told = text(Subject.COST, turn(MONTH, history=history(DEMAND, cost)))
    assert f"cost rhythm: {state}" in told
    assert phase in told
    assert ("Coherence" in told) == (state != "unknown")
    assert "$100.00" in told


def test_an_estimate_is_called_one() -> None:
    spend = Spend(150.0, True, 200.0, NOW)
    for subject in (Subject.COST, Subject.BUDGET):
        assert "not Google's bill" in text(subject, turn(spend=spend))
        assert "not Google's bill" not in text(subject, turn())


@pytest.mark.parametrize(
    ("spent_usd", "sign", "words"),
    [
        (100.0, "✅", "$100.00 are left"),
        (160.0, "⚠️", "over the budget"),
        (200.0, "❌", "$0.00 are left"),
        (230.0, "❌", "$30.00 too much"),
    ],
)
def test_budget(spent_usd: float, sign: str, words: str) -> None:
    told = text(Subject.BUDGET, turn(MONTH, spend=Spend(spent_usd, False, 200.0, NOW)))
    assert told.startswith(sign)
    assert words in told
    assert "51.7% of the month is over" in told
    assert "from a histogram" in told


def test_on_the_first_day_of_a_month_there_is_neither_pace_nor_forecast() -> None:
    dawn = NOW.replace(day=1, hour=6)
    first: Snapshot = replace(snapshot(), taken_at=dawn, spend=Spend(2.0, False, 200.0, dawn))
    told = text(Subject.BUDGET, turn([], taken_at=first.taken_at, spend=first.spend))
    assert "No forecast on the first day" in told
    assert "of the month is over" not in told


def test_a_budget_that_burns_too_fast_says_when_it_ends() -> None:
    burning = [*MONTH[:-1], replace(MONTH[-1], errors_5xx=900, requests=300_000)]
    told = text(Subject.BUDGET, turn(burning))
    assert "Errors: 2,350 failed requests of the" in told
    assert "at this pace gone in" in told
    assert "at this pace" not in text(Subject.BUDGET, turn(MONTH))


def test_cache_holds_each_figure_against_its_limits() -> None:
    told = text(Subject.CACHE, turn(cache=cache(0.55, memory_ratio=0.95, evictions_per_hour=200, p95_ms=GONE)))
    assert "❌ Cache hit rate: 55% · bad (good above 80%, bad below 60%)" in told
    assert "❌ Memory in use: 95% · bad" in told
    assert "⚪ Cache latency P95: no data" in told
    assert "✅ TTL: 300 s · good" in told
    assert "Its latency is" not in told
    assert "243.2 of 256 MB used" in told
    assert "*larger cache*" in told


def test_cache_recommends_the_most_urgent_first_and_the_ttl_beside_it() -> None:
    hold = Recommendation(None, "HOLD", (message("policy.ttl_pinned", ttl_seconds=300),), Priority.LOW)
    size = Recommendation(
        Change(Knob.CACHE_SIZE, 256, 384, "MB"), "SCALE_UP", (message("command.ttl_hint"),), Priority.HIGH
    )
    told = text(Subject.CACHE, replace(turn(), ttl=hold, wanted=size))
    assert "1. [HIGH] cache size 256 → 384 MB" in told
    assert "2. TTL: Hold" in told
    assert "2. " not in text(Subject.CACHE, replace(turn(), ttl=hold, wanted=hold))


def test_a_dead_server_is_told_once() -> None:
    assert text(Subject.CACHE, turn(cache=GONE)).count(EN.say(GONE.remedy)) == 1


def test_a_gate_without_a_part_says_what_it_could_be() -> None:
    told = text(Subject.GATE, turn(MONTH, deployment=GONE))
    assert "health score at least" in told
    assert "with what is missing up to" in told


def test_traffic_without_latency_leaves_the_other_objectives() -> None:
    seen: Traffic = replace(traffic(), latency=GONE)
    told = text(Subject.SLO, turn(MONTH, traffic=seen))
    assert "*Latency P95*: no data" in told
    assert "*Availability* (met)" in told


def test_a_digest_tells_of_the_months_money_and_when_it_is_old() -> None:
    made = turn(MONTH)
    status = StatusReadout(SERVICE, made, (), (), None, now=made.snapshot.window.end + timedelta(hours=5))
    told = said(digest(EN, DigestReadout(status, NOW, (made,))))
    assert "$100.00 of $200.00" in told
    assert "ends at $193.51" in told
    assert "no picture of now" in told
    assert "no picture of now" not in said(digest(EN, DigestReadout(replace(status, now=None), NOW)))
    assert "of $200.00" not in said(digest(EN, DigestReadout(replace(status, turn=turn(MONTH, spend=GONE)), NOW)))


def test_an_error_rate_is_the_share_that_failed_wherever_it_stands() -> None:
    told = text(None, turn(MONTH, traffic=traffic(good=995, errors_5xx=5)))
    assert told.count("Error rate: 0.5%") == 2, "in SLO compliance and in maturity"


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(
    ("spend", "is_marked"),
    [
        (Spend(100.0, True, 200.0, NOW), True),
        (Spend(100.0, False, 200.0, NOW, estimate_usd=90.0), True),
        (Spend(100.0, False, 200.0, NOW), False),
        (Spend(GONE, True, 200.0, NOW, (ServiceSpend("a", 40.0), ServiceSpend("b", GONE))), True),
    ],
)
def test_an_estimate_of_costs_names_the_prices_that_nobody_has_set(spend: Spend, is_marked: bool, locale: str) -> None:
    words = Catalogue(locale)
    for nobody, settings in ((True, Thresholds()), (False, Thresholds(api_cost_per_call=1, cache_cost_per_mb=1))):
        made = turn(MONTH, spend=spend, history=PULSE)
        made = replace(made, assessment=assess(made.snapshot, assessment_settings(settings), MONTH))
        marked = message("assess.assumed", settings="API_COST_PER_CALL, CACHE_COST_PER_MB")
        for about, surface in {
            "budget": [words.plain(one) for one in money(made)],
            "report": [words.plain(one) for one in around(made)],
        }.items():
            assert (words.plain(marked) in surface) == (nobody and is_marked), about
        # What a request costs is always an estimate.
        assert (words.plain(marked) in said(shown(Subject.COST, made, words))) == nobody
