"""Trigger ids: what lets an app open a modal; good for 3 seconds and once."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.slack.errors import SlackError

LIFETIME_SECONDS = 3.0
KEPT_SECONDS = 600.0


@dataclass
class _Trigger:
    user_id: str
    issued_at: float
    used: bool = False


@dataclass
class Triggers:
    monotonic: Callable[[], float]
    _issued: dict[str, _Trigger] = field(default_factory=dict)

    def issue(self, user_id: str) -> str:
        now = self.monotonic()
        stale = [t for t, trigger in self._issued.items() if now - trigger.issued_at > KEPT_SECONDS]
        for trigger_id in stale:
            del self._issued[trigger_id]
        trigger_id = f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self._issued[trigger_id] = _Trigger(user_id, now)
        return trigger_id

    def exchange(self, trigger_id: str) -> str:
        """The user whose deed it came from; raises invalid_, expired_ or exchanged_trigger_id."""
        trigger = self._issued.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if self.monotonic() - trigger.issued_at > LIFETIME_SECONDS:
            raise SlackError("expired_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        trigger.used = True
        return trigger.user_id
