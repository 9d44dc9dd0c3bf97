"""Faults by method: what the Web API is to do wrong, how often, so that a bot can be tried against it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

KINDS = ("error", "delay", "ratelimited", "http_500", "hang", "post_then_timeout", "drop", "late", "answer")
#: Stands for the addresses that Slack hands out to be answered at, as if it were a method.
RESPONSE_URL = "response_url"


@dataclass
class MethodFault:
    """`kind` is one of KINDS. `times` = how many calls it hits (-1 = until cleared).

    error: answer `{"ok": false, "error": error}`. delay: answer after `seconds`. ratelimited: 429 with
    `Retry-After: seconds`. http_500: a server error with an HTML body. hang: take the request, do nothing, answer
    never (until the client goes, at most 120 s). post_then_timeout: do what was asked, then hang. drop: do nothing
    and reset the connection. late: never answer, and do what was asked `seconds` later,
    when nobody waits for it any more. answer: exactly `answer` instead of Slack's own; `deed`: after doing what was
    asked, else without.
    """

    method: str
    kind: str
    times: int = 1
    error: str = "internal_error"
    seconds: float = 1.0
    answer: "OddAnswer | None" = None
    deed: bool = False


@dataclass(frozen=True)
class OddAnswer:
    """Whatever a broken Slack, a proxy or a captive portal may send. `headers` may replace those of the body."""

    status: int = 200
    body: str = ""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class MethodFaults:
    """`method` may be `*`. The newest fault that fits is taken."""

    planned: list[MethodFault] = field(default_factory=list)
    #: A workspace (or another emulator) that forgets the metadata of messages.
    drops_metadata: bool = False
    #: A workspace that does not have Slack's own charts.
    refuses_charts: bool = False

    def plan(self, fault: MethodFault) -> None:
        self.planned.insert(0, fault)

    def take(self, method: str, *kinds: str) -> MethodFault | None:
        """The fault that this call meets, of these kinds (none: of any)."""
        for fault in self.planned:
            if fault.method in (method, "*") and fault.times != 0 and (not kinds or fault.kind in kinds):
                if fault.times > 0:
                    fault.times -= 1
                    if fault.times == 0:
                        self.planned.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        self.planned.clear()
        self.drops_metadata = self.refuses_charts = False
