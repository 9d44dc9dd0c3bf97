"""What is worth doing stands in the report, the digest and App Home: three at most, all of them in /lumen report."""

from dataclasses import replace

import pytest

from handlers.catalogue import LOCALES, Catalogue
from handlers.views.card import Shown
from handlers.views.digest import digest
from handlers.views.home import home
from handlers.views.report import report
from lumen.model.message import message
from lumen.model.proposal import Priority
from lumen.model.readout import StatusReadout
from lumen.model.turn import Worth
from tests.snapshots import SERVICE
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
                "[HIGH] The month will end above its budget: 36.93 USD too much",
                "[MEDIUM] TTL 300 → 420 s: "
                "each point of hit rate saves 1.50 USD a month; how many it brings is not predictable yet",
                "[MEDIUM] Missed: Latency P95: up to +1.2 points of the gate",
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
        (report(EN, status(FOUND)), 3, "and 1 more: `/lumen report`"),
        (report(KO, status(FOUND)), 3, "외 1건: `/lumen report`"),
        (report(EN, status(FOUND), whole=True), 4, None),
        (digest(EN, "2026-11-22", status(FOUND), []), 3, "and 1 more: `/lumen report`"),
        (Shown("home", tuple(home(EN, [status(FOUND)])["blocks"])), 3, "and 1 more: `/lumen report`"),
    ],
    ids=["report", "report in Korean", "/lumen report", "digest", "home"],
)
def test_three_at_most_and_where_the_others_are(shown: Shown, listed: int, more: str | None) -> None:
    validated(shown)
    told = said(shown)
    assert sum(told.count(f"[{sign}] ") for sign in ("HIGH", "MEDIUM", "LOW", "높음", "보통", "낮음")) == listed
    assert (more in told) if more else ("`/lumen report`" not in told)


@pytest.mark.parametrize("locale", LOCALES)
def test_in_both_languages_within_the_limits(locale: str) -> None:
    validated(report(Catalogue(locale), status(FOUND * 4), whole=True))
