"""`lumen report` on a terminal: the four phases, priorities with what they are worth, how old, what is missing."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cli.advice_answers import Last
from bot.cli.advice_json import report_json
from bot.cli.report_text import print_report
from lumen.model.turn import Missing, Turn
from lumen.wording.catalogue import LOCALES
from tests.snapshots import NOW, as_now, cache
from tests.unit.handlers.test_explained import GONE, PARTS, PULSE
from tests.unit.handlers.test_why import MONTH, turn

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")


def reported(*turns: Turn, age: timedelta = timedelta(0)) -> Last:
    return Last([as_now(one, NOW + age) for one in turns], len(turns), NOW + age)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("missing", [None, *PARTS, "everything"])
def test_it_stands_whatever_is_missing(locale: str, missing: str | None, capsys: Capture) -> None:
    lacking = {} if missing is None else dict.fromkeys(PARTS if missing == "everything" else (missing,), GONE)
    made = replace(turn([], **lacking), missing=tuple(Missing(name, why) for name, why in lacking.items()))
    print_report(reported(made), locale, summary_only=False, detailed=True)
    out = capsys.readouterr().out
    assert "nan" not in out.lower()
    assert out.count("BILLING_ACCOUNT") >= bool(lacking)


def test_every_phase_is_there(capsys: Capture) -> None:
    made = turn(MONTH, history=PULSE, cache=cache(0.65, 0.95, 200))
    print_report(reported(made), "en", summary_only=False, detailed=False)
    out = capsys.readouterr().out
    for said in (
        "Phase 1: maturity and return", "level 5 of 5", "ROI of the cache",
        "Phase 2: objectives", "(target 99.5%)", "(target 95%)", "(target above 80%)", "Error budgets over 30 days",
        "Phase 3: cost rhythm", "resonant", "Coherence 1.00 of 1, phase", "$100.00 of $200.00, 50% (actual",
        "Phase 4: cache", "65%", "95%", "larger cache", "TTL recommended", "Size recommended", "256 → 384 MB",
        "1. [HIGH] ", "points of the health score", "cache size 256 → 384 MB: +$4.68 a month", "Exit code 1: warning",
    ):  # fmt: skip
        assert said in out, said
    assert "no picture of now" not in out


def test_a_summary_is_health_and_score_alone(capsys: Capture) -> None:
    print_report(reported(turn(MONTH)), "en", summary_only=True, detailed=False)
    out = capsys.readouterr().out
    assert "Phase" not in out
    assert "90.1 of 100" in out


def test_an_old_one_is_called_old(capsys: Capture) -> None:
    print_report(reported(turn(MONTH), age=timedelta(hours=5)), "en", summary_only=True, detailed=False)
    assert "This is 5 h 4 min old" in capsys.readouterr().out


def test_without_a_turn_it_says_when_there_is_one(capsys: Capture) -> None:
    print_report(Last((), 1, NOW), "en", summary_only=False, detailed=False)
    out = capsys.readouterr().out
    assert "Nothing has been measured yet." in out
    assert "Exit code 3: no data" in out


def test_square_brackets_are_words(capsys: Capture) -> None:
    print_report(reported(turn(MONTH)), "en", summary_only=False, detailed=False)
    assert "pip install '.[numerics]'" in capsys.readouterr().out


@pytest.mark.parametrize("locale", LOCALES)
def test_the_same_for_programs(locale: str) -> None:
    [found] = report_json(reported(turn(MONTH, cache=cache(0.65, 0.95, 200))), locale)
    assert found["priorities"][0]["priority"] == "HIGH"
    assert found["priorities"][0]["what"]["code"].startswith("priority.")
    assert found["size_advice"]["recommended_size_mb"] == 384
    assert found["why"]["gate"]["parts"][0]["name"] == "roi"
    assert (found["exit_code"], found["is_stale"]) == (1, False)
