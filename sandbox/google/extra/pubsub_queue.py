"""One subscription's messages: who has which until when, how often each was tried, and what comes again.

Deadlines and backoffs are on the wall, as Pub/Sub's own limits are.
"""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

MAX_WAITING = 10_000  # messages a subscription keeps; the oldest go first
DEFAULT_ATTEMPTS = 5


@dataclass(slots=True)
class Trouble:
    """What Pub/Sub may do at any time, as often as a test wants it.

    `duplicates`: the share of the messages that come twice, even where the first was acknowledged; `disorder`: whether
    they come in any order.
    """

    duplicates: float = 0.0
    disorder: bool = False
    random: Random = field(default_factory=lambda: Random(1))  # noqa: S311 - no secret


@dataclass(slots=True)
class Delivery:
    """One message on one subscription. `number` is its own, also where the same message comes twice."""

    number: int
    message: Any
    attempts: int = 0
    again_at: float = 0.0

    @property
    def ack_id(self) -> str:
        return f"{self.number}-{self.attempts}"


@dataclass(slots=True)
class Queue:
    """`message`: the subscription itself."""

    message: Any
    trouble: Trouble
    waiting: deque[Delivery] = field(default_factory=lambda: deque(maxlen=MAX_WAITING))
    _numbers: int = 0

    def add(self, message: Any) -> None:
        """Once, or twice."""
        for _ in range(1 + (self.trouble.random.random() < self.trouble.duplicates)):
            self._numbers += 1
            self.waiting.append(Delivery(self._numbers, message))

    def take(self, limit: int, seconds: float) -> Sequence[Delivery]:
        """Those that nobody has, for so long; each counts as an attempt."""
        now = time.monotonic()
        free = [one for one in self.waiting if one.again_at <= now]
        if self.trouble.disorder:
            self.trouble.random.shuffle(free)
        for delivery in free[:limit]:
            delivery.attempts += 1
            delivery.again_at = now + seconds
        return free[:limit]

    def acknowledge(self, ack_ids: Sequence[str]) -> None:
        """Also late, as long as it has not come again."""
        done = {ack_id.partition("-")[0] for ack_id in ack_ids}
        self.waiting = deque((one for one in self.waiting if str(one.number) not in done), MAX_WAITING)

    def hold(self, ack_ids: Sequence[str], seconds: float) -> None:
        """0 gives them back: they come again after the backoff of the retry policy."""
        wanted = set(ack_ids)
        for delivery in self.waiting:
            if delivery.ack_id in wanted:
                delivery.again_at = time.monotonic() + (seconds or self._backoff_seconds(delivery))

    def dead(self) -> Iterator[Delivery]:
        """Take out those that were tried as often as the dead-letter policy allows, and not acknowledged."""
        policy, now = self.message.dead_letter_policy, time.monotonic()
        if not policy.dead_letter_topic:
            return
        most = policy.max_delivery_attempts or DEFAULT_ATTEMPTS
        given_up = [one for one in self.waiting if one.attempts >= most and one.again_at <= now]
        for delivery in given_up:
            self.waiting.remove(delivery)
            yield delivery

    def _backoff_seconds(self, delivery: Delivery) -> float:
        if not self.message.HasField("retry_policy"):
            return 0.0
        policy = self.message.retry_policy
        least, most = (one.seconds + one.nanos / 1e9 for one in (policy.minimum_backoff, policy.maximum_backoff))
        return float(min(least * 2 ** (delivery.attempts - 1), most or 600.0))
