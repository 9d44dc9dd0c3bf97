"""Of every alert: which look its figures are of, and whether the last look found it still."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lumen.alerts.evidence import Breach
from lumen.alerts.lifecycle import Lifecycle
from lumen.alerts.watch import AlertTargets, ServiceWatch
from lumen.model.alert import Alert, AlertKind, Observation, Severity
from lumen.model.messages import Message, message
from lumen.model.witnesses import Bounds
from lumen.wording.catalogue import Catalogue
from lumen.wording.incidents import alert_figures

START = datetime(2026, 11, 2, tzinfo=UTC)
SLICE = timedelta(minutes=5)
LOOKS = st.lists(st.none() | st.sampled_from((Severity.TICKET, Severity.PAGE)), min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(AlertKind), LOOKS)
def test_an_open_alert_of_any_kind_says_of_which_look_its_figures_are(
    kind: AlertKind, looks: list[Severity | None]
) -> None:
    lifecycle, found_at = Lifecycle("svc", kind), None
    for nth, severity in enumerate(looks):
        at = START + nth * SLICE
        breach = None if severity is None else Breach(severity, 1, message("test.figures", nth=nth))
        lifecycle.step(at, breach)
        found_at = at if breach else found_at
        alert = lifecycle.open
        if alert is None:
            continue
        assert (alert.looked_at or alert.opened_at) == found_at
        assert alert.reason.params["nth"] == (found_at - START) / SLICE if found_at else False
        assert alert.clear_at == (None if breach else at)
        assert (alert.waits is None) == (breach is not None)


def fed(slices: list[tuple[int | None, int, int]]) -> Alert | None:
    """The availability alert after these: requests (None: unknown), failures, and how many more may have failed."""
    watch = ServiceWatch("svc", AlertTargets())
    for nth, (requests, errors, doubt) in enumerate(slices):
        seen = Observation(START + nth * SLICE, requests, errors if requests is not None else None)
        if requests is not None and doubt:
            seen = replace(seen, doubt=Bounds(requests, requests + doubt, errors, errors + doubt))
        watch.feed(seen)
    return next((one for one in watch.open_alerts() if one.kind is AlertKind.AVAILABILITY), None)


WELL, FAILS, THIN, HOLE, DOUBT = (1000, 0, 0), (1000, 100, 0), (3, 0, 0), (None, 0, 0), (1000, 0, 200)
PAGED = [WELL] * 20 + [FAILS] * 4


@pytest.mark.parametrize(
    ("since", "waits"),
    [
        ([], None),
        ([WELL] * 2, message("alert.waits_clear", minutes=25)),  # the first still shows the failures before it
        ([WELL] * 5, message("alert.waits_clear", minutes=10)),
        ([HOLE] * 2, message("alert.waits_unknown")),
        ([WELL] * 3 + [HOLE], message("alert.waits_unknown")),
        ([WELL] * 3 + [DOUBT] * 3, message("alert.waits_unknown")),
        ([THIN] * 12, message("alert.waits_quiet")),
    ],
)
def test_an_open_page_says_what_it_waits_for(since: list[tuple[int | None, int, int]], waits: Message | None) -> None:
    page = fed(PAGED + since)
    assert page is not None
    assert page.waits == waits
    told = {locale: alert_figures(Catalogue(locale).plain, page) for locale in ("en", "ko")}
    for locale, line in told.items():
        assert waits is None or line.endswith(Catalogue(locale).plain(waits))
