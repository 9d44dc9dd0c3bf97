"""The availability alert: error budget burn of requests, closed with its errors dropped."""

from datetime import datetime

from lumen.alerts.burn import BurnWatch
from lumen.alerts.lifecycle import CLEAR_SLICES, Lifecycle
from lumen.model.alert import AlertChange, AlertEvent, AlertKind


class AvailabilityAlert:
    """`target` is the promised share of requests that do not fail (0.999 for an error rate below 0.1 %)."""

    def __init__(self, service: str, target: float) -> None:
        self._watch = BurnWatch(target)
        self._lifecycle = Lifecycle(service, AlertKind.AVAILABILITY)

    @property
    def lifecycle(self) -> Lifecycle:
        return self._lifecycle

    def step(self, at: datetime, requests: int | None, errors_5xx: int | None) -> AlertEvent | None:
        """After the slice that ends `at`; a slice without data neither opens nor closes anything."""
        if requests is None or errors_5xx is None:
            self._watch.feed(0, 0)
            return None
        finding = self._watch.feed(min(errors_5xx, requests), requests)
        if self._lifecycle.open is not None and self._watch.is_clear():
            finding = None
        event = self._lifecycle.step(at, finding, self._watch.is_quiet)
        if event is not None and event.change is AlertChange.CLOSED:
            # On close, the told errors leave the numerators of all longer windows (methods 1).
            self._watch.forgive(self._lifecycle.open_slices + CLEAR_SLICES)
        return event
