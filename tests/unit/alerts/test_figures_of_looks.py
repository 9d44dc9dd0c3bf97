"""Of every alert: which look its figures are of, and whether the last look found it still."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from lumen.alerts.evidence import Breach
from lumen.alerts.lifecycle import Lifecycle
from lumen.model.alert import AlertKind, Severity
from lumen.model.messages import message

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
