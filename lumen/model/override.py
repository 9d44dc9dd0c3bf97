"""Overrides and locks as sentences, and the results of pinning, locking and confirming."""

from dataclasses import dataclass
from datetime import timedelta

from lumen.model.incident import SizeLock, TtlOverride
from lumen.model.messages import Message, message, with_remedy
from lumen.model.proposal import Proposal
from lumen.model.service import Person

#: So long may last what a person sets: nothing holds for ever, so that nobody forgets it.
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=30)


def length_problem(lasts: timedelta) -> tuple[Message, Message] | None:
    """Why a control or a silence cannot last so long, and what can; None where it can."""
    if SHORTEST <= lasts <= LONGEST:
        return None
    return with_remedy("override.length", days=LONGEST.days)


@dataclass(frozen=True, slots=True)
class Terms:
    """Duration of a control (None: nobody said, so 30 days), and the reason in the person's words (may be empty)."""

    lasts: timedelta | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class PinnedTtl:
    """`proposed`: the change to that value, where the TTL is another one; `not_proposed`: why there is none."""

    override: TtlOverride
    proposed: Proposal | None = None
    not_proposed: Message | None = None


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Confirmations of a flush so far, oldest first, and how many are needed. `enough`: it may begin, this once."""

    people: tuple[Person, ...]
    needed: int
    enough: bool


def pinned_by(override: TtlOverride) -> Message:
    """The sentence that says to which value the TTL is pinned, by whom, until when and why."""
    if override.by is None or override.at is None:
        return message("restraint.pinned_by_setting", ttl_seconds=override.ttl_seconds)
    seconds, who, at, why = override.ttl_seconds, override.by.user_id, override.at.isoformat(), quoted(override.why)
    if override.until is None:
        return message("restraint.pinned", ttl_seconds=seconds, who_mention=who, since_at=at, why=why)
    until = override.until.isoformat()
    return message("restraint.pinned_until", ttl_seconds=seconds, who_mention=who, since_at=at, until_at=until, why=why)


def locked_by(lock: SizeLock) -> Message:
    """The sentence that says by whom the size is locked, until when and why."""
    if lock.by is None or lock.at is None:
        return message("restraint.locked_by_setting")
    who, at, why = lock.by.user_id, lock.at.isoformat(), quoted(lock.why)
    if lock.until is None:
        return message("restraint.locked", who_mention=who, since_at=at, why=why)
    return message("restraint.locked_until", who_mention=who, since_at=at, until_at=lock.until.isoformat(), why=why)


def quoted(why: str) -> str:
    """The end of a sentence in any language: somebody's own words, or nothing."""
    return f": “{why}”" if why else ""
