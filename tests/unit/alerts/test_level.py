"""A level that has come back is not told again for what it was."""

import pytest

from lumen.alerts.latency import LatencyAlert
from lumen.alerts.watch import AlertTargets
from lumen.model.alert import AlertChange
from lumen.model.snapshot import SLICE
from tests.snapshots import START


@pytest.mark.parametrize("afterwards_ms", [100.0, 111.0, 112.0])
def test_an_incident_that_was_told_and_is_over_opens_no_second_alert(afterwards_ms: float) -> None:
    alert = LatencyAlert("ion-api", AlertTargets().p99_limit_ms)
    at, changes = START, []
    for slices, p95_ms in ((3 * 288, 100.0), (8, 300.0), (24, afterwards_ms)):
        for index in range(slices):
            event = alert.step(at, at + SLICE, 300, p95_ms * (0.99 + 0.02 * (index % 2)), None)
            changes += [event.change] if event is not None else []
            at += SLICE
    assert changes == [AlertChange.OPENED, AlertChange.CLOSED]
