"""Is there enough traffic to judge? Below about 0.1 requests a second over a day: LOW_TRAFFIC (methods 1)."""

from collections import deque

from lumen.model.message import Message, message

LEAST_PER_SECOND = 0.1
SLICES = 288
SLICE_SECONDS = 300
#: "About": a service that hovers at the limit is not said to be low half of the day.
SLACK = 0.8


class TrafficLevel:
    """Requests of the last day's known slices."""

    def __init__(self) -> None:
        self._requests: deque[int] = deque(maxlen=SLICES)

    def add(self, requests: int | None) -> None:
        if requests is not None:
            self._requests.append(requests)

    @property
    def per_second(self) -> float | None:
        """Mean rate, or None before anything is known."""
        if not self._requests:
            return None
        return sum(self._requests) / (len(self._requests) * SLICE_SECONDS)

    def low(self) -> Message | None:
        """Why availability is not judged on percentages now; None when there is enough."""
        rate = self.per_second
        if rate is None or rate >= SLACK * LEAST_PER_SECOND:
            return None
        hours = round(len(self._requests) * SLICE_SECONDS / 3600)
        return message("alert.low_traffic", rate=rate, hours=hours, least=LEAST_PER_SECOND)
