"""The journal of the wire, for the inspector and for tests: Web API calls and Socket Mode envelopes."""

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from sandbox.slack.feed import Feed
from sandbox.slack.wire import Json

KEPT = 2_000


@dataclass
class CallRecord:
    """One request to the Web API, or to a response_url. `at`: service time, in seconds since 1970; `ms`: of the wall.

    `status` is HTTP's; 0 where a planned fault left the client without an answer.
    """

    number: int
    at: float
    method: str
    arguments: Json
    status: int
    error: str | None
    ms: float
    response: Json


@dataclass
class EnvelopeRecord:
    """One envelope. `state`: waiting, acked, timed_out, not_sent (no connection), late (acked after the deadline)."""

    number: int
    at: float
    envelope_id: str
    kind: str
    summary: str
    connection: str | None
    payload: Json
    state: str = "waiting"
    ack_ms: float | None = None
    ack_payload: Json | None = None
    retry_attempt: int | None = None
    deliveries: int = 1


@dataclass
class Journal:
    """The last calls and envelopes, and how many there ever were. Tokens are left out."""

    now: Callable[[], float]
    feed: Feed
    calls: deque[CallRecord] = field(default_factory=lambda: deque(maxlen=KEPT))
    envelopes: deque[EnvelopeRecord] = field(default_factory=lambda: deque(maxlen=KEPT))
    calls_total: int = 0
    envelopes_total: int = 0

    def call(self, method: str, arguments: Json, status: int, ms: float, response: Json) -> CallRecord:
        self.calls_total += 1
        shown = {name: value for name, value in arguments.items() if name != "token"}
        error = None if response.get("ok", True) else str(response.get("error"))
        record = CallRecord(self.calls_total, self.now(), method, shown, status, error, round(ms, 2), response)
        self.calls.append(record)
        if self.feed.watched:
            self.feed.publish({"type": "call", "call": asdict(record)})
        return record

    def envelope(
        self, envelope_id: str, kind: str, summary: str, connection: str | None, payload: Json, retry: int | None
    ) -> EnvelopeRecord:
        self.envelopes_total += 1
        record = EnvelopeRecord(
            self.envelopes_total, self.now(), envelope_id, kind, summary, connection, payload, retry_attempt=retry
        )
        self.envelopes.append(record)
        return record

    def envelope_changed(self, record: EnvelopeRecord) -> None:
        if self.feed.watched:
            self.feed.publish({"type": "envelope", "envelope": asdict(record)})
