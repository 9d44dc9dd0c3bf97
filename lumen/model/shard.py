"""Shards: a schedule's slot of some of the services, and the small JSON in which messages ask for one."""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from lumen.model.service import ServiceId

#: Short names of the topics, and of the subscriptions that `lumen setup` makes: to push, to pull, of dead letters.
TURN_TOPIC, DEAD_TOPIC = "feedback-loop-trigger", "feedback-loop-dead-letters"
PUSHED, PULLED, LETTERS = f"{TURN_TOPIC}-lumen", f"{TURN_TOPIC}-workers", f"{DEAD_TOPIC}-lumen"
#: Of the JSON; a worker that knows only another one leaves the message to those that know it.
VERSION = 1
#: So many services a shard on average at most, and so many shards at least, so that workers have something to share.
SERVICES_A_SHARD, LEAST_SHARDS = 40, 24
#: A longer message is none of Lumen's.
MOST_BYTES = 1024
MOST_SHARDS = 10_000


class Schedule(StrEnum):
    """The work that messages ask for: the five-minute look, and the hour's turn."""

    LOOK = "look"
    TURN = "turn"


@dataclass(frozen=True, slots=True)
class Shard:
    """Part `index` (from 0) of `of`. `slot` None: that of the moment at which the message was published."""

    schedule: Schedule
    slot: datetime | None = None
    index: int = 0
    of: int = 1

    def mine(self, services: Sequence[ServiceId]) -> tuple[ServiceId, ...]:
        """Those of `services` that belong to it, whoever asks and however many there are."""
        return tuple(one for one in services if zlib.crc32(one.key.encode()) % self.of == self.index)

    def encoded(self) -> bytes:
        """For a message."""
        said: dict[str, object] = {"version": VERSION, "schedule": self.schedule.value}
        if self.slot is not None:
            said |= {"slot": self.slot.isoformat(), "shard": self.index, "of": self.of}
        return json.dumps(said, separators=(",", ":")).encode()


def shards_of(schedule: Schedule, slot: datetime, services: int) -> tuple[Shard, ...]:
    """All shards of the slot, for so many services."""
    of = max(-(-services // SERVICES_A_SHARD), min(services, LEAST_SHARDS))
    return tuple(Shard(schedule, slot, index, of) for index in range(of))


def shard_from(data: bytes) -> Shard:
    """Raises ValueError for what is no such message, or one of another version."""
    if len(data) > MOST_BYTES:
        raise ValueError(f"{len(data)} bytes")
    try:
        said = json.loads(data)
        if said["version"] != VERSION:
            raise ValueError(f"version {said['version']!r}")
        schedule = Schedule(said["schedule"])
        if "slot" not in said:
            return Shard(schedule)
        slot, index, of = datetime.fromisoformat(said["slot"]), said["shard"], said["of"]
        if slot.tzinfo is None or type(index) is not int or type(of) is not int or not 0 <= index < of <= MOST_SHARDS:
            raise ValueError("slot, shard, of")
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    return Shard(schedule, slot.astimezone(UTC), index, of)


def topic_of(project: str, topic: str = TURN_TOPIC) -> str:
    """In full."""
    return f"projects/{project}/topics/{topic}"


def subscription_of(project: str, name: str) -> str:
    """In full."""
    return f"projects/{project}/subscriptions/{name}"
