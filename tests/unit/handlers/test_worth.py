"""Changes worth doing stand in the report, the digest and App Home: three at most, all of them in /lumen report."""

from dataclasses import replace

import pytest

from handlers.blocks.app_home import home
from handlers.blocks.card import Shown
from handlers.blocks.report import report
from lumen.model.answers import StatusReadout
from lumen.model.assessment import ErrorBudget
from lumen.model.messages import message
from lumen.model.proposal import Priority
from lumen.model.turn import Worth
from lumen.wording.catalogue import LOCALES, Catalogue
from lumen.wording.scores import budgets_in_short
from tests.snapshots import GONE, SERVICE
from tests.unit.handlers.blocks import said, validated
from tests.unit.handlers.test_why import MONTH, turn

EN, KO = Catalogue("en"), Catalogue("ko")
FOUND = (
    Worth(Priority.HIGH, message("priority.budget"), message("priority.over_usd", over_usd=36.93)),
    Worth(
        Priority.MEDIUM,
        message("priority.change", knob="ttl", old=300, new=420, unit="s"),
        message("priority.of_ttl", point_usd=1.5),
    ),
    Worth(Priority.MEDIUM, message("priority.objective", part="latency_p95"), message("priority.points", points=1.25)),
    Worth(Priority.LOW, message("priority.gain", part="deployments"), message("priority.points", points=0.6)),
)


def status(found: tuple[Worth, ...]) -> StatusReadout:
    return replace(StatusReadout(SERVICE, turn(MONTH), (), (), None), priorities=found)


@pytest.mark.parametrize(
    ("count", "listed"),
    [
        (0, []),
        (
            3,
            [
                "*Priorities*",
                "[HIGH] The month will end above its budget: $36.93 too much",
                "[MEDIUM] TTL 300 → 420 s: "
                "each point of hit rate saves $1.50 a month; how many it brings is not predictable yet",
                "[MEDIUM] Missed: Latency P95: up to +1.2 points of the health score",
            ],
        ),
    ],
)
def test_the_most_urgent_first_with_what_each_is_worth(count: int, listed: list[str]) -> None:
    shown = report(EN, status(FOUND[:count]))
    validated(shown)
    lines = shown.text.split("\n")
    at = lines.index("*Priorities*") if listed else 0
    assert lines[at : at + len(listed)] == listed
    assert "and 0 more" not in shown.text


@pytest.mark.parametrize(
    ("shown", "listed", "more"),
    [
        (report(EN, status(FOUND)), 4, None),
        (Shown("home", tuple(home(EN, [status(FOUND)])["blocks"])), 3, "and 1 more: `/lumen report`"),
        (Shown("home", tuple(home(KO, [status(FOUND)])["blocks"])), 3, "외 1건: `/lumen report`"),
    ],
    ids=["/lumen report", "home", "home in Korean"],
)
def test_three_at_most_and_where_the_others_are(shown: Shown, listed: int, more: str | None) -> None:
    validated(shown)
    told = said(shown)
    assert sum(told.count(f"[{sign}] ") for sign in ("HIGH", "MEDIUM", "LOW", "높음", "보통", "낮음")) == listed
    assert (more in told) if more else ("`/lumen report`" not in told)


@pytest.mark.parametrize("locale", LOCALES)
def test_in_both_languages_within_the_limits(locale: str) -> None:
    validated(report(Catalogue(locale), status(FOUND * 4)))


def test_budgets_and_trends_stand_at_length_in_lumen_report() -> None:
    whole = said(report(EN, status(())))
    assert "bad five-minute slices of the" in whole
    assert "Hit rate: +1.24 points each day" in whole
    assert "No clear trend in Latency P95." in whole


BUDGET = turn(MONTH).assessment.slo.budgets[0]


@pytest.mark.parametrize(
    ("budget", "told"),
    [
        (replace(BUDGET, remaining=0.83, lasts_days=None), "Availability 83% left"),
        (replace(BUDGET, remaining=0.83, lasts_days=4.26), "Availability 83% left, gone in 4.3 days at this pace"),
        (replace(BUDGET, remaining=-0.35, lasts_days=None), "Availability overspent by 35%"),
        (
            replace(BUDGET, remaining=GONE, shown=message("budget.few_days", days=3.0, window=30)),
            "Availability: 3.0 of",
        ),
    ],
)
def test_a_budget_in_short(budget: ErrorBudget, told: str) -> None:
    assert "\n".join(budgets_in_short(EN, EN.say, [budget])).startswith(told)
    assert list(budgets_in_short(KO, KO.say, [budget]))
