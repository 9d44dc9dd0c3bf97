"""Parse the text after `/lumen` into a typed command, or into a sentence that says why it is none. Pure."""

import difflib
import re
from collections.abc import Callable, Sequence
from datetime import timedelta

from handlers import command_types as commands
from handlers.command_types import Command, Malformed, Subject, Typed
from lumen.model.messages import message
from lumen.model.override import Terms
from lumen.model.proposal import LATEST, Knob

#: 420, 420s, 7m, 1h: whole seconds in the end.
_TTL = re.compile(r"([0-9]{1,7})(s|m|h)?")
#: A proposal: 12, #12 or P12.
_ID = re.compile(r"[#Pp]?([0-9]{1,9})")
_WHOLE = re.compile(r"[0-9]{1,7}")
_UNIT_SECONDS = {None: 1, "s": 1, "m": 60, "h": 3600}
_DURATION = re.compile(r"([0-9]{1,5})(m|h|d)")
_DURATION_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_SHARE = "share"
_EXISTING = "existing"
_ALL = "all"
_FOR, _BECAUSE, _END, _ON = "for", "because", "end", "on"
#: Somebody's own words stand in every report while they hold.
_WHY_MAX = 120
#: Below this likeness a suggestion would only puzzle.
_LIKENESS = 0.5
#: What is this like the name of a service was meant to be one.
_SERVICE_LIKENESS = 0.75
#: Words that the commands take themselves: a service of such a name is only meant after `on`.
_RESERVED = frozenset({_SHARE, _EXISTING, _ALL, _FOR, _END, _ON, "off", "ttl", "size", *Subject})


def read(text: str, services: Sequence[str] = ()) -> Typed:
    """Parse a command with what may stand in any of them before `because`. Never raises.

    That is `on <service>` (or its bare name, where several are watched) and, at the end, `share`.
    """
    words = text.split()
    head, because = _until_because(words)
    named, head, problem = _named(head, services)
    share = len(head) > 1 and head[-1].lower() == _SHARE
    if share:
        head = head[:-1]
    command = problem or _checked(parse(" ".join([*head, *because])), head, services)
    return Typed(command, named, share)


def _until_because(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split off the person's own reason, in which no word is a command's."""
    at = next((n for n, word in enumerate(words) if n and word.lower() == _BECAUSE), len(words))
    return list(words[:at]), list(words[at:])


def _named(head: list[str], services: Sequence[str]) -> tuple[str, list[str], Malformed | None]:
    """Take out the service that is named: its name or "", the other words, and a problem where it is not watched."""
    on = next((n for n, word in enumerate(head) if n and word.lower() == _ON), None)
    if on is not None:
        name = head[on + 1] if on + 1 < len(head) else ""
        rest = head[:on] + head[on + 2 :]
        return name, rest, None if name in services else _no_service(name, services)
    if len(services) > 1 and head[:1] != ["service"]:
        bare = [n for n, word in enumerate(head) if n and word in services and word.lower() not in _RESERVED]
        if len(bare) == 1:
            return head[bare[0]], head[: bare[0]] + head[bare[0] + 1 :], None
    return "", head, None


def _no_service(name: str, services: Sequence[str]) -> Malformed:
    if not name:
        return Malformed(message("service.which"), message("service.unknown_remedy"))
    near = difflib.get_close_matches(name, services, n=1, cutoff=_LIKENESS)
    names = ", ".join(services)
    if near:
        return Malformed(
            message("service.unknown", given=name, names=names), message("service.unknown_near", nearest=near[0])
        )
    return Malformed(message("service.unknown", given=name, names=names), message("service.unknown_remedy"))


def _checked(command: Command, head: Sequence[str], services: Sequence[str]) -> Command:
    """`command`, unless it names a service that is not watched, or a word is nearly the name of one that is."""
    if isinstance(command, commands.ChooseService) and command.name not in services:
        return _no_service(command.name, services)
    if isinstance(command, Malformed) and command.reason.code == "command.unexpected" and len(services) > 1:
        for word in head[1:]:
            if difflib.get_close_matches(word, services, n=1, cutoff=_SERVICE_LIKENESS):
                return _no_service(word, services)
    return command


def parse(text: str) -> Command:
    """Parse the text after `/lumen`, as Slack sends it. Never raises."""
    typed = text.split()
    if not typed:
        return commands.Help()
    name, *rest = typed
    parser = _PARSERS.get(name.lower())
    if parser is None:
        nearest = difflib.get_close_matches(name.lower(), NAMES, n=1, cutoff=_LIKENESS)
        return commands.Misspelt(name, nearest[0] if nearest else "")
    return parser(rest)


def _bare(name: str, command: Callable[[], Command]) -> Callable[[Sequence[str]], Command]:
    """A command that takes nothing at all."""
    return lambda rest: _unexpected(name, " ".join(rest)) if rest else command()


def _unexpected(name: str, given: str) -> Malformed:
    return Malformed(
        message("command.unexpected", name=name, given=given), message("command.unexpected_remedy", name=name)
    )


def _ttl(rest: Sequence[str]) -> Command:
    words = [word.lower() for word in rest]
    if not words:
        return commands.ShowTtl()
    existing = words[-1] == _EXISTING
    found = _TTL.fullmatch("".join(words[:-1] if existing else words))
    if found is None:
        return Malformed(message("command.ttl_no_number", given=" ".join(rest)), message("command.ttl_remedy"))
    return commands.Propose(Knob.TTL, int(found[1]) * _UNIT_SECONDS[found[2]], existing)


def _number(name: str, knob: Knob) -> Callable[[Sequence[str]], Command]:
    """A command that proposes a whole number for a knob, or shows how it stands."""

    def read(rest: Sequence[str]) -> Command:
        if not rest:
            return commands.ShowKnob(name, knob)
        if len(rest) == 1 and _WHOLE.fullmatch(rest[0]):
            return commands.Propose(knob, int(rest[0]))
        return Malformed(
            message("command.no_number", given=" ".join(rest)),
            message("command.number_remedy", name=name),
        )

    return read


def _rollback(rest: Sequence[str]) -> Command:
    if len(rest) > 1:
        return Malformed(message("command.rollback_which"), message("command.rollback_remedy"))
    return commands.RollBack("".join(rest))


def _pause(rest: Sequence[str]) -> Command:
    head, why = _because(rest)
    if head and head[0].lower() == _FOR:
        head = head[1:]
    lasts = _duration("".join(head)) if head else None
    if head and lasts is None:
        return Malformed(
            message("emergency.pause_no_duration", given=" ".join(head)), message("emergency.pause_remedy")
        )
    return commands.PauseChanges(lasts, why)


def _override(rest: Sequence[str]) -> Command:
    """`ttl <value> [for <duration>] [because …]`, `off`, or nothing."""
    words = [word.lower() for word in rest]
    if not words:
        return commands.ShowControls()
    if words in (["off"], ["ttl", "off"]):
        return commands.LiftOverride()
    head, terms = _terms(rest)
    if isinstance(terms, Malformed):
        return terms
    given = head[1:]
    found = _TTL.fullmatch("".join(given)) if len(given) == 1 or given[1:] in (["s"], ["m"], ["h"]) else None
    if head[:1] != ["ttl"] or found is None:
        return Malformed(message("override.what"), message("override.what_remedy"))
    return commands.PinTtl(int(found[1]) * _UNIT_SECONDS[found[2]], terms)


def _lock(rest: Sequence[str]) -> Command:
    """`size [for <duration>] [because …]`."""
    head, terms = _terms(rest)
    if isinstance(terms, Malformed):
        return terms
    if head != ["size"]:
        return Malformed(message("override.lock_what"), message("override.lock_remedy"))
    return commands.LockSize(terms)


def _unlock(rest: Sequence[str]) -> Command:
    if [word.lower() for word in rest] in ([], ["size"]):
        return commands.UnlockSize()
    return _unexpected("unlock", " ".join(rest))


def _terms(rest: Sequence[str]) -> tuple[list[str], Terms | Malformed]:
    """Split at `for` and `because`: the words before them in lower case, and the terms that they state."""
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
    """Split at `because`: the words before it, and the person's own reason after it."""
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
    if not words:
        return commands.ShowSilences()
    if words[0] == _END or words[-1] == _END:
        what = rest[1:] if words[0] == _END else rest[:-1]
        if len(what) == 1:
            return commands.Unsilence(what[0])
        return Malformed(message("silence.end_what"), message("silence.end_remedy"))
    head, why = _because(rest)
    given = "".join(head[2:] if len(head) > 1 and head[1].lower() == _FOR else head[1:])
    lasts = _duration(given) if given else None
    if not head or (given and lasts is None):
        return Malformed(message("silence.no_duration", given=given or why), message("silence.no_duration_remedy"))
    return commands.SilenceAlerts(head[0], lasts, why)


def _history(rest: Sequence[str]) -> Command:
    """Nothing, or the id of an incident as its message shows it."""
    return commands.ShowIncident(" ".join(rest).strip("`")) if rest else commands.History()


def _status(rest: Sequence[str]) -> Command:
    """`all`, or nothing."""
    words = [word.lower() for word in rest]
    if words == [_ALL]:
        return commands.StatusAll()
    return _unexpected("status", " ".join(rest)) if rest else commands.Status()


def _why(rest: Sequence[str]) -> Command:
    """One of the subjects, or nothing for all the scores."""
    if not rest:
        return commands.Explain()
    given = "_".join(rest).lower()
    wanted = _SUBJECTS.get(given)
    if wanted is not None:
        return commands.Explain(wanted)
    near = difflib.get_close_matches(given, list(_SUBJECTS), n=1, cutoff=_LIKENESS)
    remedy = message("command.why_near", nearest=near[0]) if near else message("command.why_remedy")
    return Malformed(message("command.why_what", given=" ".join(rest)), remedy)


def _service(rest: Sequence[str]) -> Command:
    """The name of one, or nothing for a list."""
    if len(rest) > 1:
        return _unexpected("service", " ".join(rest))
    return commands.ChooseService(rest[0]) if rest else commands.ShowServices()


def _undo(rest: Sequence[str]) -> Command:
    if len(rest) != 1:
        return Malformed(message("command.undo_which"), message("command.undo_remedy"))
    number = _ID.fullmatch(rest[0])
    return commands.Undo(f"P{number[1]}" if number else rest[0])


#: What may stand after `why`: the subjects, and what else people call them.
_SUBJECTS = {str(subject): subject for subject in Subject} | {
    "score": Subject.GATE,
    "health": Subject.GATE,
    "hit_rate": Subject.CACHE,
    "rhythm": Subject.COST,
    "cost_rhythm": Subject.COST,
    "budgets": Subject.BUDGET,
}


def _explain(subject: Subject) -> Callable[[Sequence[str]], Command]:
    return _bare(subject, lambda: commands.Explain(subject))


_PARSERS: dict[str, Callable[[Sequence[str]], Command]] = {
    "help": _bare("help", commands.Help),
    "status": _status,
    "report": _bare("report", commands.Report),
    "why": _why,
    **{str(subject): _explain(subject) for subject in Subject if subject is not Subject.GATE},
    "ttl": _ttl,
    "size": _number("size", Knob.CACHE_SIZE),
    "l1": _number("l1", Knob.L1_ENTRIES),
    "instances": _number("instances", Knob.MIN_INSTANCES),
    "rollback": _rollback,
    "pause": _pause,
    "resume": _bare("resume", commands.Resume),
    "override": _override,
    "lock": _lock,
    "unlock": _unlock,
    "emergency": _bare("emergency", commands.Emergency),
    "unpin": _bare("unpin", lambda: commands.Propose(Knob.TRAFFIC, LATEST)),
    "approvals": _bare("approvals", commands.ListApprovals),
    "history": _history,
    "silence": _silence,
    "undo": _undo,
    "digest": _bare("digest", commands.ShowDigest),
    "run": _bare("run", commands.Run),
    "service": _service,
}

#: In the order in which help explains them.
NAMES = tuple(_PARSERS)
