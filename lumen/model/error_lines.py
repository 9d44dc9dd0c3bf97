"""Lines of an error log that stand on an incident's message: masked, counted, with the way to all of them."""

from dataclasses import dataclass
from datetime import datetime

from lumen.model.messages import Message


@dataclass(frozen=True, slots=True)
class LogRead:
    """Entries as the log has them, the newest first. `is_whole`: the period had no more than these."""

    texts: tuple[str, ...]
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class ErrorLine:
    """A line that `count` entries have alike; nothing secret stands in it."""

    text: str
    count: int


@dataclass(frozen=True, slots=True)
class ErrorLines:
    """Of one revision in the period from `since` to `read_at`, the commonest first; `asked_at`: the last time that
    anybody looked.

    `link`: to all of these entries. `entries`: how many were read; where that is not all of them (`is_whole`), the
    newest. `trouble`: why there are no lines, in one sentence.
    """

    revision: str
    since: datetime
    read_at: datetime
    asked_at: datetime
    link: str = ""
    lines: tuple[ErrorLine, ...] = ()
    entries: int = 0
    is_whole: bool = True
    trouble: Message | None = None
