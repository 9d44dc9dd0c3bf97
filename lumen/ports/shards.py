"""The topic through which work is shared over machines, and the subscriptions to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from lumen.model.shard import Shard
from lumen.ports.sources import Pushed


class ShardTopic(Protocol):
    """Messages come at least once, in any order."""

    async def publish(self, shards: Sequence[Shard]) -> None:
        """All of them. Raises SourceUnavailable: some may have been published."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """A message that is held for a while; `ack_id`: for what becomes of it."""

    ack_id: str
    message: Pushed


class ShardQueue(Protocol):
    """A pull subscription. Everything may raise SourceUnavailable."""

    async def pull(self) -> Pulled | None:
        """The next message; None: none has come for a while."""

    async def hold(self, ack_id: str, duration: timedelta) -> None:
        """Hold it for so long from now; nothing gives it back, to come again after a while."""

    async def acknowledge(self, ack_id: str) -> None:
        """It need not come again."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was given up. `published_at`: when it was first published, None where nobody tells."""

    id: str
    ack_id: str
    data: bytes
    attempts: int
    published_at: datetime | None
    attributes: Mapping[str, str]


class DeadLetters(Protocol):
    """The subscription to the dead-letter topic. Both raise SourceUnavailable."""

    async def pull(self, limit: int) -> Sequence[DeadLetter]:
        """At most `limit` of those that wait; it never waits for one to come."""

    async def acknowledge(self, ack_ids: Sequence[str]) -> None:
        """They need not come again."""
