"""Pure: what a person typed after `/lumen` -> a typed command, or why it is none."""

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from lumen.model.message import Message, message
from lumen.model.override import Terms
from lumen.model.proposal import LATEST, Knob, Value


@dataclass(frozen=True, slots=True)
class Help:
    """Explains everything."""


@dataclass(frozen=True, slots=True)
class Status:
    """The last turn. `share`: the answer is for the channel."""

    share: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """The full card of the last turn."""

    share: bool = False


@dataclass(frozen=True, slots=True)
class ShowTtl:
    """The setting and what the policy thinks of it."""

    share: bool = False


@dataclass(frozen=True, slots=True)
class Propose:
    """A value for a knob; whether it is in range is the use case's to say."""

    knob: Knob
    wanted: Value
    #: Of a TTL: for the keys that are cached already too.
    existing: bool = False


@dataclass(frozen=True, slots=True)
class ListApprovals:
    """What waits for a decision."""

    share: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """An extra turn now."""


@dataclass(frozen=True, slots=True)
class History:
    """The newest lines of the audit."""

    share: bool = False


@dataclass(frozen=True, slots=True)
class Undo:
    """Propose the old value of an applied change."""

    proposal_id: str


@dataclass(frozen=True, slots=True)
class RollBack:
    """Propose going back to `revision`; empty: the newest one that is known to be good."""

    revision: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Stop all automation; `lasts` None until it is resumed."""

    lasts: timedelta | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class ShowHeld:
    """What people have set against changes: an override, a lock, a pause, a freeze."""

    share: bool = False


@dataclass(frozen=True, slots=True)
class PinTtl:
    """Pin the TTL to a value; whether it is in range is the use case's to say."""

    ttl_seconds: int
    terms: Terms


@dataclass(frozen=True, slots=True)
class LiftOverride:
    """Let the TTL be another one again."""


@dataclass(frozen=True, slots=True)
class LockSize:
    """Let the size of the cache stay as it is."""

    terms: Terms


@dataclass(frozen=True, slots=True)
class UnlockSize:
    """Let the size change again."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Let automation go on."""


@dataclass(frozen=True, slots=True)
class Emergency:
    """What can be done when it burns."""


@dataclass(frozen=True, slots=True)
class ShowSilences:
    """What is silenced."""

    share: bool = False


@dataclass(frozen=True, slots=True)
class Silence:
    """Let nobody be told of an alert, or a kind of alert, for a while; `lasts` None: as long as is usual."""

    what: str
    lasts: timedelta | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Unsilence:
    """Let people hear of it again."""

    what: str


@dataclass(frozen=True, slots=True)
class ShowIncident:
    """The timeline of one incident."""

    incident_id: str
    share: bool = False


@dataclass(frozen=True, slots=True)
class Misspelt:
    """No such command; `nearest` is the one that was probably meant, or empty."""

    given: str
    nearest: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """A known command with something after it that it cannot take."""

    reason: Message
    remedy: Message


_Asked = Help | Status | Report | ShowTtl | ListApprovals | Run | History | Emergency | ShowHeld
_Wanted = Propose | RollBack | Undo | Pause | Resume | PinTtl | LiftOverride | LockSize | UnlockSize
_OfAlerts = ShowSilences | Silence | Unsilence | ShowIncident
Command = _Asked | _Wanted | _OfAlerts | Misspelt | Malformed

#: 420, 420s, 7m, 1h: whole seconds in the end.
_TTL = re.compile(r"([0-9]{1,7})(s|m|h)?")
_WHOLE = re.compile(r"[0-9]{1,7}")
_UNIT_SECONDS = {None: 1, "s": 1, "m": 60, "h": 3600}
_DURATION = re.compile(r"([0-9]{1,5})(m|h|d)")
_DURATION_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_SHARE = "share"
_EXISTING = "existing"
_FOR, _BECAUSE, _END = "for", "because", "end"
#: Somebody's own words stand in every report while they hold.
_WHY_MAX = 120
#: Below this likeness a suggestion would only puzzle.
_LIKENESS = 0.5


def parse(text: str) -> Command:
    """`text` is what stands after `/lumen`, as Slack sends it. Never raises."""
    typed = text.split()
    if not typed:
        return Help()
    name, *rest = typed
    parser = _PARSERS.get(name.lower())
    if parser is None:
        nearest = difflib.get_close_matches(name.lower(), NAMES, n=1, cutoff=_LIKENESS)
        return Misspelt(name, nearest[0] if nearest else "")
    return parser(rest)


def _plain(name: str, command: Callable[[bool], Command]) -> Callable[[Sequence[str]], Command]:
    """A command that takes nothing but `share`."""

    def read(rest: Sequence[str]) -> Command:
        words = [word.lower() for word in rest]
        if words in ([], [_SHARE]):
            return command(bool(words))
        return _unexpected(name, " ".join(rest))

    return read


def _bare(name: str, command: Callable[[], Command]) -> Callable[[Sequence[str]], Command]:
    """A command that takes nothing at all."""
    return lambda rest: _unexpected(name, " ".join(rest)) if rest else command()


def _unexpected(name: str, given: str) -> Malformed:
    return Malformed(
        message("command.unexpected", name=name, given=given), message("command.unexpected_remedy", name=name)
    )


def _ttl(rest: Sequence[str]) -> Command:
    words = [word.lower() for word in rest]
    if words in ([], [_SHARE]):
        return ShowTtl(bool(words))
    existing = words[-1] == _EXISTING
    found = _TTL.fullmatch("".join(words[:-1] if existing else words))
    if found is None:
        return Malformed(message("command.ttl_no_number", given=" ".join(rest)), message("command.ttl_remedy"))
    return Propose(Knob.TTL, int(found[1]) * _UNIT_SECONDS[found[2]], existing)


def _number(name: str, knob: Knob) -> Callable[[Sequence[str]], Command]:
    """A command that proposes a whole number for a knob."""

    def read(rest: Sequence[str]) -> Command:
        if len(rest) == 1 and _WHOLE.fullmatch(rest[0]):
            return Propose(knob, int(rest[0]))
        return Malformed(
            message("command.no_number", given=" ".join(rest)) if rest else message("command.number_missing"),
            message("command.number_remedy", name=name),
        )

    return read


def _rollback(rest: Sequence[str]) -> Command:
    if len(rest) > 1:
        return Malformed(message("command.rollback_which"), message("command.rollback_remedy"))
    return RollBack("".join(rest))


def _pause(rest: Sequence[str]) -> Command:
    head, why = _because(rest)
    if head and head[0].lower() == _FOR:
        head = head[1:]
    lasts = _duration("".join(head)) if head else None
    if head and lasts is None:
        return Malformed(
            message("emergency.pause_no_duration", given=" ".join(head)), message("emergency.pause_remedy")
        )
    return Pause(lasts, why)


def _override(rest: Sequence[str]) -> Command:
    """`ttl <value> [for <duration>] [because …]`, `off`, or nothing."""
    words = [word.lower() for word in rest]
    if words in ([], [_SHARE]):
        return ShowHeld(bool(words))
    if words in (["off"], ["ttl", "off"]):
        return LiftOverride()
    head, terms = _terms(rest)
    if isinstance(terms, Malformed):
        return terms
    given = head[1:]
    found = _TTL.fullmatch("".join(given)) if len(given) == 1 or given[1:] in (["s"], ["m"], ["h"]) else None
    if head[:1] != ["ttl"] or found is None:
        return Malformed(message("override.what"), message("override.what_remedy"))
    return PinTtl(int(found[1]) * _UNIT_SECONDS[found[2]], terms)


def _lock(rest: Sequence[str]) -> Command:
    """`size [for <duration>] [because …]`."""
    head, terms = _terms(rest)
    if isinstance(terms, Malformed):
        return terms
    if head != ["size"]:
        return Malformed(message("override.lock_what"), message("override.lock_remedy"))
    return LockSize(terms)


def _unlock(rest: Sequence[str]) -> Command:
    if [word.lower() for word in rest] in ([], ["size"]):
        return UnlockSize()
    return _unexpected("unlock", " ".join(rest))


def _terms(rest: Sequence[str]) -> tuple[list[str], Terms | Malformed]:
    """What stands before `for` and `because`, in lower case, and what they say."""
    head, why = _because(rest)
    words = [word.lower() for word in head]
    if _FOR not in words:
        return words, Terms(None, why)
    at = words.index(_FOR)
    lasts = _duration("".join(words[at + 1 :]))
    if lasts is None:
        given = " ".join(words[at + 1 :])
        return words[:at], Malformed(message("override.no_duration", given=given), message("override.duration_remedy"))
    return words[:at], Terms(lasts, why)


def _because(rest: Sequence[str]) -> tuple[list[str], str]:
    """What stands before `because`, and somebody's own words after it."""
    words = [word.lower() for word in rest]
    if _BECAUSE not in words:
        return list(rest), ""
    at = words.index(_BECAUSE)
    return list(rest[:at]), " ".join(rest[at + 1 :]).strip("\"“”'")[:_WHY_MAX]


def _duration(text: str) -> timedelta | None:
    """`90m`, `2h`, `7d`; None for anything else."""
    found = _DURATION.fullmatch(text.lower())
    if found is None or int(found[1]) == 0:
        return None
    return timedelta(**{_DURATION_UNITS[found[2]]: int(found[1])})


def _silence(rest: Sequence[str]) -> Command:
    """`<alert> [for] [duration] [because …]`, `end <alert>`, or nothing."""
    words = [word.lower() for word in rest]
    if words in ([], [_SHARE]):
        return ShowSilences(bool(words))
    if words[0] == _END or words[-1] == _END:
        what = rest[1:] if words[0] == _END else rest[:-1]
        if len(what) == 1:
            return Unsilence(what[0])
        return Malformed(message("silence.end_what"), message("silence.end_remedy"))
    head, why = _because(rest)
    given = "".join(head[2:] if len(head) > 1 and head[1].lower() == _FOR else head[1:])
    lasts = _duration(given) if given else None
    if not head or (given and lasts is None):
        return Malformed(message("silence.no_duration", given=given or why), message("silence.no_duration_remedy"))
    return Silence(head[0], lasts, why)


def _history(rest: Sequence[str]) -> Command:
    """Nothing, or the id of an incident as its message shows it."""
    words = [word.lower() for word in rest]
    if words in ([], [_SHARE]):
        return History(bool(words))
    share = words[-1] == _SHARE
    return ShowIncident(" ".join(rest[:-1] if share else rest).strip("`"), share)


def _undo(rest: Sequence[str]) -> Command:
    if len(rest) != 1:
        return Malformed(message("command.undo_which"), message("command.undo_remedy"))
    return Undo(rest[0])


_PARSERS: dict[str, Callable[[Sequence[str]], Command]] = {
    "help": _bare("help", Help),
    "status": _plain("status", Status),
    "report": _plain("report", Report),
    "ttl": _ttl,
    "size": _number("size", Knob.CACHE_SIZE),
    "l1": _number("l1", Knob.L1_ENTRIES),
    "instances": _number("instances", Knob.MIN_INSTANCES),
    "rollback": _rollback,
    "pause": _pause,
    "resume": _bare("resume", Resume),
    "override": _override,
    "lock": _lock,
    "unlock": _unlock,
    "emergency": _bare("emergency", Emergency),
    "unpin": _bare("unpin", lambda: Propose(Knob.TRAFFIC, LATEST)),
    "approvals": _plain("approvals", ListApprovals),
    "history": _history,
    "silence": _silence,
    "undo": _undo,
    "run": _bare("run", Run),
}

#: In the order in which help explains them.
NAMES = tuple(_PARSERS)
