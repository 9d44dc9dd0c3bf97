"""The project's money, said of each service: the sum, each one's part, and what is known where the sum is not."""

from dataclasses import replace

import pytest

from bot.reports.markdown import markdown
from handlers.blocks.explain_scores import explained
from handlers.blocks.report import report
from handlers.command_types import Subject
from lumen.model.answers import StatusReadout
from lumen.model.day_cost import Amount, filled_hours
from lumen.model.messages import NoData, message
from lumen.model.snapshot import ServiceSpend, Spend
from lumen.policies.instances import instance_figures
from lumen.wording.catalogue import LOCALES, Catalogue
from lumen.wording.money import spent
from tests.snapshots import NOW, as_now, deployment
from tests.unit.handlers.blocks import said, validated
from tests.unit.handlers.test_explained import EN, readout
from tests.unit.handlers.test_why import MONTH, turn

UNKNOWN = NoData(
    message("source.month_partial", services="ion-api-canary", known_usd=170.0),
    message("source.month_just_begun_remedy"),
)
OWN = ServiceSpend("ion-api", 170.0)
SUM = Spend(178.5, True, 200.0, NOW, (OWN, ServiceSpend("ion-api-canary", 8.5)))
PARTIAL = Spend(UNKNOWN, True, 200.0, NOW, (OWN, ServiceSpend("ion-api-canary", UNKNOWN)))

ACTUAL = Spend(185.5, False, 200.0, NOW, SUM.parts, estimate_usd=178.5)
ALONE = Spend(185.5, False, 200.0, NOW, PARTIAL.parts, estimate_usd=UNKNOWN)
STALE = NoData(message("source.billed_none"), message("source.billed_none_remedy"))


def told(subject: Subject, spend: Spend, words: Catalogue = EN) -> str:
    card = explained(words, subject, readout(turn(MONTH, spend=spend)))
    validated(card)
    return said(card)


def test_the_budget_is_the_projects_and_each_part_is_shown() -> None:
    card = told(Subject.BUDGET, SUM)
    for words in (
        "naeda-genesis: 89.2% of",
        "$178.50 of $200.00",
        "ion-api: $170.00 (estimated)",
        "ion-api-canary: $8.50",
    ):
        assert words in card
    assert "This service this month*\n$170.00" in told(Subject.COST, SUM)
    assert "All services this month*\n$178.50" in told(Subject.COST, SUM)


def test_a_part_that_is_not_known_leaves_no_sum_and_no_forecast() -> None:
    card = told(Subject.BUDGET, PARTIAL)
    for words in ("is not known", "At least $170.00 of $200.00", "ion-api-canary: not known", "lacks ion-api-canary"):
        assert words in card
    assert "At this rate" not in card
    made = turn(MONTH, spend=PARTIAL)
    assert made.assessment.rhythm.budget_share is None
    assert "At least $170.00" in markdown(EN, [as_now(made)])
    shown = report(EN, StatusReadout(readout(made).service, made, (), (), None))
    assert "At least $170.00" in said(shown)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("spend", [SUM, PARTIAL, ACTUAL, ALONE])
def test_in_every_language(locale: str, spend: Spend) -> None:
    for subject in (Subject.BUDGET, Subject.COST):
        assert "170.00" in told(subject, spend, Catalogue(locale))


def test_instances_go_by_the_project_and_by_no_part_of_it() -> None:
    """Money that is short by the sum: 89 % used; of a sum that is not known, nothing follows."""
    whole = turn(MONTH, spend=SUM, deployment=deployment(3))
    figures = instance_figures(whole.snapshot, whole.assessment)
    assert not isinstance(figures, NoData)
    assert figures.budget_share > 0.89
    partial = turn(MONTH, spend=PARTIAL, deployment=deployment(3))
    assert isinstance(instance_figures(partial.snapshot, partial.assessment), NoData)


def test_an_actual_says_so_and_shows_the_estimate_beside() -> None:
    card = told(Subject.BUDGET, ACTUAL)
    for words in (
        "$185.50 of $200.00",
        "Actual as of",
        "own estimate up to now: $178.50",
        "ion-api: $170.00 (estimated)",
    ):
        assert words in card
    assert "not Google's bill" not in card
    assert "own estimate is not known" in told(Subject.BUDGET, ALONE)
    made = turn(MONTH, spend=ALONE)
    assert made.assessment.rhythm.budget_share == pytest.approx(0.9275)
    assert "(actual as of" in said(report(EN, StatusReadout(readout(made).service, made, (), (), None)))
    assert "Actual as of" in markdown(EN, [as_now(made)])


def test_an_estimate_says_why_there_is_no_actual() -> None:
    card = told(Subject.BUDGET, Spend(178.5, True, 200.0, NOW, SUM.parts, not_billed=STALE))
    for words in ("not Google's bill", "No notification of the budget has come yet.", "Connect the budget"):
        assert words in card


FILLED = replace(SUM, forecast_usd=215.0, filled=Amount(178.5, 171.0, 188.25, 29))


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        (
            "en",
            (
                "≈ $178.50 is the estimate, 29 hours of it not measured but taken as usual",
                "between $171.00 and $188.25",
                "If its days stay usual, the month ends at $215.00, $15.00 over the budget",
                "by UTC days, not Google's bill",
            ),
        ),
        ("ko", ("≈ $178.50", "29시간은 측정되지 않아", "$171.00\u223c$188.25", "월말에 $215.00", "UTC 날짜 기준")),
    ],
)
def test_a_month_with_holes_says_what_is_estimated_and_between_what(locale: str, words: tuple[str, ...]) -> None:
    card = told(Subject.BUDGET, FILLED, Catalogue(locale))
    for one in words:
        assert one in card
    made = turn(MONTH, spend=FILLED)
    assert made.assessment.rhythm.forecast_usd == 215.0
    line = Catalogue(locale).say(spent(made))
    assert line.startswith("≈ $178.50")
    assert "29" in line


@pytest.mark.parametrize(
    ("locale", "words"), [("en", "{} hour{s} of it not measured"), ("ko", "그중 {}시간은 측정되지 않아")]
)
@pytest.mark.parametrize("unknown", [1, 7, 144])
def test_so_many_hours_as_are_not_known_are_filled_and_told(locale: str, words: str, unknown: int) -> None:
    """Thirty days of 5 USD, in hours that cost the same; the last ones are not known."""
    month = filled_hours([*[5 / 24] * (720 - unknown), *[None] * unknown], [None] * 720)
    part = ServiceSpend("ion-api", month.usd, month.estimated)
    spend = Spend(month.usd, True, 200.0, NOW, (part,), filled=month)
    assert spend.filled_hours == unknown
    assert month.usd == pytest.approx(150.0)
    plural = "" if unknown == 1 else "s"
    assert words.format(unknown, s=plural) in told(Subject.BUDGET, spend, Catalogue(locale))
    assert f"{unknown}" in Catalogue(locale).say(spent(turn(MONTH, spend=spend))).replace("$150.00", "")


@pytest.mark.parametrize(("locale", "words"), [("en", "midnight US Pacific time"), ("ko", "미국 태평양 시간 자정")])
def test_what_google_counts_is_late_and_of_another_midnight(locale: str, words: str) -> None:
    assert words in told(Subject.BUDGET, ACTUAL, Catalogue(locale))
    assert words in told(Subject.BUDGET, ALONE, Catalogue(locale))
    said_of = message("alert.budget_billed", share=0.9, budget_usd=200.0, spent_usd=180.0, as_of_at=NOW.isoformat())
    assert words in Catalogue(locale).say(said_of)
