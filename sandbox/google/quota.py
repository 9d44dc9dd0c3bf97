"""Quotas: so many calls of a kind a minute of service time, as the real project has them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo

from sandbox.google.refusal import Refusal

# Cloud Monitoring: 6,000 queries a minute and project; Cloud Run Admin: 3,000 reads, 180 writes; Budgets: 500;
# Logging: 60 lists of entries.
LIMITS = {
    "MetricService/List*": 6000,
    "MetricService/CreateTimeSeries": 6000,
    "Services/Update*": 180,
    "Services/Get*": 3000,
    "BudgetService/*": 500,
    "LoggingServiceV2/List*": 60,
}


@dataclass
class Quotas:
    """`limits` by pattern over "Service/Method"; calls are counted by pattern."""

    now: Callable[[], float]
    limits: dict[str, int] = field(default_factory=lambda: dict(LIMITS))
    _minute: int = 0
    _used: dict[str, int] = field(default_factory=dict)

    def use(self, call: str) -> None:
        """Count one call. Raises Refusal (RESOURCE_EXHAUSTED) when the minute's share is used up."""
        minute = int(self.now() // 60)
        if minute != self._minute:
            self._minute, self._used = minute, {}
        for pattern, limit in self.limits.items():
            if not fnmatchcase(call, pattern):
                continue
            used = self._used[pattern] = self._used.get(pattern, 0) + 1
            if used > limit:
                raise Refusal(
                    grpc.StatusCode.RESOURCE_EXHAUSTED,
                    f"Quota exceeded for quota metric '{call}' and limit '{pattern} per minute' ({limit}).",
                    self._details(call, limit),
                )

    def _details(self, call: str, limit: int) -> tuple[Message, ...]:
        """As Google's rate limits are told: why, and when to ask again."""
        told = {"quota_metric": call, "quota_limit_value": str(limit), "quota_unit": "1/min/{project}"}
        why = ErrorInfo(reason="RATE_LIMIT_EXCEEDED", domain="googleapis.com", metadata=told)
        rest = 60 - self.now() % 60
        return why, RetryInfo(retry_delay=Duration(seconds=int(rest), nanos=int(rest % 1 * 1e9)))
