"""The page of a back-test: every alert on its curve, in one file that asks nobody for anything."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lumen.backtest.curves import FIGURES, P95, Band, curve
from lumen.backtest.history import SliceHistory
from lumen.backtest.page import as_html
from lumen.backtest.pipeline import BacktestSettings
from lumen.backtest.run import BacktestResult
from lumen.backtest.score import Label, score
from lumen.model.alert import Alert, AlertKind, Observation, Severity
from lumen.model.messages import message
from lumen.model.snapshot import SLICE
from lumen.wording.catalogue import Catalogue

START = datetime(2026, 3, 2, tzinfo=UTC)
SEEN = [
    Observation(START + nth * SLICE, 100, nth % 3, p95_ms=50.0 + nth % 7, hits=70, misses=30, cost_usd=0.01)
    for nth in range(600)
]


def alert(kind: AlertKind, hours: float, closed: float | None = None, service: str = "api") -> Alert:
    at = START + timedelta(hours=hours)
    end = None if closed is None else START + timedelta(hours=closed)
    why = message("alert.burn", burn=34.4, minutes=15, bad=122, valid=3547, share=0.0344)
    return Alert(f"{kind}:{hours}", service, kind, "", Severity.TICKET, at, why, end)


def page(locale: str, *alerts: Alert, service: str = "api") -> str:
    labels = [Label(service, START + timedelta(hours=20), START + timedelta(hours=21), AlertKind.LATENCY)]
    judged = score(alerts, labels, SEEN[-1].end)
    result = BacktestResult(BacktestSettings(), alerts, (), judged, (), len(SEEN))
    return as_html(result, SliceHistory({service: SEEN}, ()), labels, Catalogue(locale))


@pytest.mark.parametrize("locale", ["en", "ko"])
def test_every_alert_stands_on_its_curve_in_one_file_that_needs_nothing_else(locale: str) -> None:
    alerts = [alert(kind, 20, None if kind is AlertKind.COST else 22) for kind in AlertKind]
    shown = page(locale, *alerts)
    assert not re.search(r"<script|<link|src=|https?:", shown)
    assert shown.count('<p class="soft">2026-03-02 20:00') == len(alerts)
    words = Catalogue(locale)
    for one in alerts:
        assert words.plain(message(f"incident.kind_{one.kind}")) in shown
    # One in each alert's card, and one where its figure is drawn over all the time (but requests, which have none).
    drawn = len(alerts) + sum(FIGURES[one.kind] is not FIGURES[AlertKind.NO_DATA] for one in alerts)
    assert shown.count('<rect class="ticket"') == drawn
    assert shown.count('<rect class="label"') >= len(alerts)


def test_a_name_is_text_and_nothing_else() -> None:
    name = "<b>api</b>&"
    shown = page("en", alert(AlertKind.LATENCY, 20, service=name), service=name)
    assert name not in shown
    assert "&lt;b&gt;api&lt;/b&gt;&amp;" in shown


def test_a_curve_has_a_gap_where_nothing_is_known_and_a_point_for_each_slice() -> None:
    some = [replace(one, p95_ms=None if 10 <= nth < 14 else one.p95_ms) for nth, one in enumerate(SEEN[:100])]
    drawn = curve(P95, some, START, some[-1].end, [])
    assert drawn.svg.count("M") == 2
    assert drawn.svg.count("h1") == 96
    assert (drawn.lowest, drawn.highest) == ("50 ms", "56 ms")


def test_of_many_slices_the_worst_is_seen_and_a_short_alert_too() -> None:
    some = [replace(one, p95_ms=5000.0 if nth == 333 else 50.0) for nth, one in enumerate(SEEN)]
    band = Band(START, START + timedelta(seconds=1), "page", "short")
    drawn = curve(P95, some, START, some[-1].end, [band])
    assert drawn.highest == "5000 ms"
    assert 'width="1.5"' in drawn.svg


def test_nothing_known_is_no_curve() -> None:
    assert curve(P95, [], START, START + SLICE, []).highest == "–"
