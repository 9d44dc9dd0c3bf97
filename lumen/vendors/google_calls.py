"""How long a call to Google may take, and which calls are tried again."""

from dataclasses import dataclass

from google.api_core.exceptions import ServiceUnavailable
from google.api_core.retry import AsyncRetry, if_exception_type


@dataclass(frozen=True, slots=True)
class Patience:
    """`attempt_seconds` bounds one attempt, `retry_seconds` all of them; both on the wall.

    Only reads are tried again, and only after UNAVAILABLE, with jittered backoff. 0 of `retry_seconds` means one
    attempt. A write is never repeated by the client: the actuator reads the real value first.
    """

    attempt_seconds: float = 10.0
    retry_seconds: float = 8.0

    @property
    def retry(self) -> AsyncRetry | None:
        """What a read is given as `retry=`; None switches the client's own habit off."""
        if self.retry_seconds <= 0:
            return None
        return AsyncRetry(
            predicate=if_exception_type(ServiceUnavailable),
            initial=0.2,
            maximum=2.0,
            multiplier=2.0,
            timeout=self.retry_seconds,
        )

    @property
    def whole_seconds(self) -> float:
        """An upper bound for one read with all of its attempts and pages."""
        return 2 * self.attempt_seconds + self.retry_seconds
