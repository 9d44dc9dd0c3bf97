"""A score explains itself: its parts, what is missing, and what moved it, in both languages."""

from dataclasses import replace
from datetime import timedelta

import pytest

from handlers.blocks.card import Shown
from handlers.blocks.digest import digest
from handlers.blocks.explain_scores import explained
from handlers.blocks.report import report
from lumen.exporters.assess import AssessmentSettings, assess
from lumen.exporters.score_moves import moves
from lumen.model.answers import StatusReadout, TurnReadout
from lumen.model.digest import DigestReadout
from lumen.model.history import Day
from lumen.model.messages import NoData, message
from lumen.model.turn import Occasion, Turn
from lumen.model.week import MetricTrend
from lumen.wording.catalogue import LOCALES, Catalogue
from lumen.wording.scores import trend_lines
from tests.snapshots import NOW, SERVICE, cache, snapshot
from tests.unit.handlers.blocks import said, validated

EN = Catalogue("en")
MONTH = [
    Day((NOW - timedelta(days=ago)).date(), 288, 288, 288 - ago % 3, ago % 3, 100_000, 50, 0, 288, 900, 100)
    for ago in reversed(range(30))
]
UP = MetricTrend("hit_rate", 160, 0.65, 0.0124, 0.004, 0.021)
FLAT = MetricTrend("p95_ms", 160, 150.0, 0.4, -2.0, 2.8)
NO_WORDS = NoData(message("trend.no_numerics"), message("trend.no_numerics_remedy"))


def turn(days: list[Day] | None = None, **changes: object) -> Turn:
    taken = snapshot(**changes)
    before = assess(snapshot(cache=cache(0.80)), AssessmentSettings())
    judged = assess(taken, AssessmentSettings(), days or ())
    made = Turn("t", Occasion.SLOT, NOW, NOW, taken, judged, NO_WORDS, (), (), ())
    return replace(made, moves=moves(before, NOW - timedelta(hours=1), judged), trends=(UP, FLAT))


def status(made: Turn | None) -> StatusReadout:
    return StatusReadout(SERVICE, made, (), (), None)


def why(made: Turn, words: Catalogue = EN) -> Shown:
    return explained(words, None, TurnReadout(SERVICE, made, NOW, NOW))


@pytest.mark.parametrize("locale", LOCALES)
def test_everything_stands_in_both_languages_within_the_limits(locale: str) -> None:
    words = Catalogue(locale)
    missing = NoData(message("alert.data_back"), message("alert.data_back"))
    for made in (
        turn(MONTH),
        turn(),
        turn(MONTH, history=missing),
        replace(turn(), trends=NO_WORDS),
        replace(turn(), trends=()),
        replace(turn(), low_traffic=message("alert.low_traffic", rate=0.01, hours=24, least=0.1)),
    ):
        readout = DigestReadout(status(made), NOW, (made,))
        for shown in (why(made, words), report(words, status(made)), digest(words, readout)):
            validated(shown)


def test_a_part_says_what_it_measured_scored_weighs_and_gives() -> None:
    shown = said(why(turn(MONTH)))
    assert "Cache hit rate: 72.5% → 72 of 100, weight 20%: 14.5 points" in shown
    assert "Cache hit rate −1.5" in shown
    assert (
        "Availability: 30 bad five-minute slices of the 43.2 that the target allows in 30.0 days; 30.6% is left"
        in shown
    )


def test_what_is_missing_gives_no_points_and_says_so() -> None:
    missing = NoData(message("alert.data_back"), message("alert.data_back"))
    shown = said(why(turn(history=missing)))
    assert "with what is missing up to" in shown
    assert "no data, so no points" in shown
    assert "health score at least" in said(report(EN, status(turn(history=missing))))
    assert "(no data any more)" in shown
    assert "0.0 of 30 days are known" in shown


def test_a_clear_trend_stands_with_its_interval_the_others_by_name() -> None:
    assert list(trend_lines(EN, EN.plain, (UP, FLAT))) == [
        "Hit rate: +1.24 points each day (95% sure: +0.40 to +2.10)",
        "No clear trend in Latency P95.",
    ]


def test_low_traffic_is_said() -> None:
    low = message("alert.low_traffic", rate=0.01, hours=24, least=0.1)
    assert "LOW_TRAFFIC" in said(report(EN, status(replace(turn(), low_traffic=low))))
