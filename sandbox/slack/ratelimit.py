"""Slack's pace: one message a second and channel with a small burst, and the tiers of the other methods.

A token bucket each. The published tiers are "N+ a minute"; here a method may use a whole minute's share at once and
then gets it back evenly. Over that: HTTP 429, `ratelimited`, and `Retry-After` in whole seconds.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.slack.errors import SlackError

MESSAGES_PER_SECOND = 1.0
MESSAGE_BURST = 4.0

PER_MINUTE: dict[str, float] = {
    "apps.connections.open": 60,  # documented as tier 1, but reconnecting apps are plainly allowed more
    "auth.test": 600,
    "api.test": 600,
    "chat.update": 50,
    "chat.delete": 50,
    "chat.postEphemeral": 100,
    "chat.getPermalink": 600,
    "conversations.info": 50,
    "conversations.history": 50,
    "conversations.replies": 50,
    "conversations.members": 100,
    "conversations.list": 20,
    "conversations.open": 50,
    "conversations.join": 50,
    "users.info": 100,
    "users.list": 20,
    "users.conversations": 50,
    "bots.info": 50,
    "team.info": 50,
    "reactions.add": 50,
    "reactions.remove": 20,
    "reactions.get": 50,
    "usergroups.users.list": 20,
    "usergroups.list": 20,
    "views.open": 100,
    "views.push": 100,
    "views.update": 100,
    "views.publish": 100,
}


@dataclass
class _Bucket:
    tokens: float
    filled_at: float


@dataclass
class RateLimits:
    """`enabled=False` lets everything through (load tests of a bot, not of Slack)."""

    monotonic: Callable[[], float]
    enabled: bool = True
    _buckets: dict[str, _Bucket] = field(default_factory=dict)

    def spend_message(self, channel: str) -> None:
        """One message into a channel; raises `ratelimited`."""
        self._spend(f"message:{channel}", MESSAGES_PER_SECOND, MESSAGE_BURST)

    def spend_call(self, method: str) -> None:
        """One call of a method; raises `ratelimited`. Methods without a tier are free."""
        per_minute = PER_MINUTE.get(method)
        if per_minute is not None:
            self._spend(f"method:{method}", per_minute / 60, per_minute)

    def forget(self) -> None:
        self._buckets.clear()

    def _spend(self, key: str, per_second: float, burst: float) -> None:
        if not self.enabled:
            return
        now = self.monotonic()
        bucket = self._buckets.setdefault(key, _Bucket(burst, now))
        bucket.tokens = min(burst, bucket.tokens + (now - bucket.filled_at) * per_second)
        bucket.filled_at = now
        if bucket.tokens < 1:
            raise rate_limited((1 - bucket.tokens) / per_second)
        bucket.tokens -= 1


def rate_limited(wait_seconds: float) -> SlackError:
    """The refusal with its header; never less than a second, as Slack rounds up."""
    return SlackError("ratelimited", status=429, headers={"Retry-After": str(max(1, math.ceil(wait_seconds)))})
