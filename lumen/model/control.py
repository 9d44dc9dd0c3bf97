"""Controls as their lines in the channel tell of them: who has set what, until when, why, and how it ended."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from lumen.model.incident import Pause, Silence, SizeLock, TtlOverride
from lumen.model.service import Chosen, Person

#: What is set without a duration ends by itself after this: nothing is forgotten for ever.
UNLESS_TOLD = timedelta(days=30)


class ControlKind(StrEnum):
    """STOP is a pause from the emergency page; SERVICE is the service that a channel's commands speak of."""

    PAUSE = "pause"
    STOP = "stop"
    OVERRIDE = "override"
    SIZE_LOCK = "size_lock"
    SILENCE = "silence"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class ControlEnd:
    """`by` None: its time was up. `replaced`: by a newer control of the same kind."""

    at: datetime
    by: Person | None = None
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class ControlLine:
    """One control, in force or ended; `until` None: until somebody ends it (a choice of a service).

    `about`: the pinned TTL in seconds, or the service that was chosen (for `channel`). `names`: of a silence, those
    that hold; once it has ended, all that did. `incident`: in whose thread it stands, "" for the channel itself.
    """

    kind: ControlKind
    by: Person
    at: datetime
    until: datetime | None
    why: str = ""
    about: str = ""
    channel: str = ""
    incident: str = ""
    names: tuple[str, ...] = ()
    ended: ControlEnd | None = None

    @property
    def id(self) -> str:
        """The same for all that one person set at one moment: a silence of everything is one line."""
        return f"{self.kind}.{round(1000 * self.at.timestamp())}.{self.by.user_id}"


def line_of(set_now: Pause | TtlOverride | SizeLock | Silence) -> ControlLine | None:
    """None for what a setting brought about, which no line tells of."""
    by, at, until, why = set_now.by, set_now.at, set_now.until, set_now.why
    if by is None or at is None:
        return None
    match set_now:
        case Pause(is_stop=is_stop):
            return ControlLine(ControlKind.STOP if is_stop else ControlKind.PAUSE, by, at, until, why)
        case TtlOverride(ttl_seconds=ttl_seconds):
            return ControlLine(ControlKind.OVERRIDE, by, at, until, why, about=str(ttl_seconds))
        case SizeLock():
            return ControlLine(ControlKind.SIZE_LOCK, by, at, until, why)
        case Silence(incident=incident):
            return ControlLine(ControlKind.SILENCE, by, at, until, why, incident=incident)


def line_of_choice(chosen: Chosen, channel: str) -> ControlLine:
    """Of the service that commands of `channel` speak of."""
    return ControlLine(ControlKind.SERVICE, chosen.by, chosen.at, None, about=chosen.service.name, channel=channel)
