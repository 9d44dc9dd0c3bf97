"""The page's feed: every change of the workspace as a small JSON event, for everybody or for one person."""

import asyncio
from dataclasses import dataclass, field

from sandbox.slack.wire import Json

QUEUE_EVENTS = 2_000


@dataclass
class Reader:
    """One open page. `overflowed` = it was too slow and must load everything afresh."""

    user_id: str
    queue: asyncio.Queue[Json] = field(default_factory=lambda: asyncio.Queue(QUEUE_EVENTS))
    overflowed: bool = False


@dataclass
class Feed:
    _readers: list[Reader] = field(default_factory=list)

    def join(self, user_id: str) -> Reader:
        reader = Reader(user_id)
        self._readers.append(reader)
        return reader

    def leave(self, reader: Reader) -> None:
        self._readers.remove(reader)

    @property
    def watched(self) -> bool:
        return bool(self._readers)

    def publish(self, event: Json, *, only_for: str | None = None) -> None:
        for reader in self._readers:
            if only_for is not None and reader.user_id != only_for:
                continue
            if reader.queue.full():
                reader.overflowed = True
            else:
                reader.queue.put_nowait(event)
