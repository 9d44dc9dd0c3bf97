"""Who is called when something is wrong, who answered, and of what nobody wants to hear for a while."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lumen.model.alert import Alert, AlertKind
from lumen.model.message import Message
from lumen.model.service import Person

#: After so many repeats nobody is there to hear; the message stays, and a pager outside of Slack escalates.
MOST_REPEATS = 6


@dataclass(frozen=True, slots=True)
class Silence:
    """Half-open until `until`. `signal` says which measurement of NO_DATA; empty means every signal of the kind."""

    kind: AlertKind
    until: datetime
    by: Person
    at: datetime
    signal: str = ""
    #: In the person's own words; may be empty.
    why: str = ""

    @property
    def name(self) -> str:
        """As people type it: `cache`, `no_data/traffic`."""
        return f"{self.kind}/{self.signal}" if self.signal else str(self.kind)


def in_force(silences: Iterable[Silence], now: datetime) -> tuple[Silence, ...]:
    """Those that have not run out."""
    return tuple(silence for silence in silences if now < silence.until)


def silence_over(alert: Alert, silences: Iterable[Silence]) -> Silence | None:
    """The silence that keeps `alert` from people, the longest of several; None where it is heard."""
    found = [one for one in silences if one.kind is alert.kind and one.signal in ("", alert.signal)]
    return max(found, key=lambda one: one.until, default=None)


@dataclass(frozen=True, slots=True)
class Taken:
    """Somebody said "I'm on it"."""

    by: Person
    at: datetime


@dataclass(frozen=True, slots=True)
class Taking:
    """What a click on "I'm on it" came to. `taken` is who is on it; None: the incident is over, or was never there."""

    won: bool
    taken: Taken | None


@dataclass(frozen=True, slots=True)
class Mentions:
    """How often the people on call were mentioned after the first time, and when last."""

    number: int
    at: datetime


class PagerStep(StrEnum):
    """What a pager outside of Slack is told of an incident, in this order."""

    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


@dataclass(frozen=True, slots=True)
class PagerState:
    """The newest step that the pager has taken, and when. `failed` is not tried again, because of `trouble`."""

    step: PagerStep | None
    at: datetime
    trouble: Message | None = None
    failed: PagerStep | None = None
