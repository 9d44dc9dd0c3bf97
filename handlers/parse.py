"""Parse the text after `/lumen` into a typed command, or into a sentence that says why it is none. Pure.

Commands are named as handlers/command_table.py lists them, amounts written as lumen/wording/amounts.py reads them.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from difflib import get_close_matches
from fractions import Fraction

from handlers import command_types as commands
from handlers.command_table import find, nearest, nearest_of, squeezed
from handlers.command_types import Command, Malformed, Subject, Typed
from handlers.typed_words import (
    ALL,
    END,
    EXISTING,
    FOR,
    ON,
    QUESTION,
    SHARE,
    cleaned,
    cut,
    name_of,
    reason,
    until_because,
    usual,
    usual_word,
    verb_last,
)
from lumen.model.messages import message
from lumen.model.override import Terms, length_problem
from lumen.model.proposal import LATEST, Knob
from lumen.wording.amounts import COUNT, SIZE, TIME, amount, duration

#: A proposal: 12, #12 or P12; 12번.
_ID = re.compile(r"[#Pp]?([0-9]{1,9})번?")
#: What is this like the name of a service was meant to be one.
_SERVICE_LIKENESS = 0.75
#: Of the names of services an answer repeats so many.
NAMES_TOLD = 12
#: What chooses among services is no longer.
WANTED_MOST = 200
_TO_THE_LAST = frozenset(
    [
        "to",
        "the",
        "previous",
        "last",
        "good",
        "version",
        "revision",
        "으로",
        "로",
        "이전",
        "직전",
        "정상",
        "버전",
        "버전으로",
        "리비전",
        "리비전으로",
    ]
)
#: `status of ion-api` is on that service.
_OF = ("of", "for", "in")
_HELP = ("help", "h", "도움말", "사용법")
#: Words that the commands take themselves: a service of such a name is only meant after `on`.
_RESERVED = frozenset({SHARE, EXISTING, ALL, FOR, END, ON, "ttl", "size", *Subject})


def read(text: str, services: Sequence[str] = ()) -> Typed:
    """Parse a command with what may stand in any of them before `because`. Never raises.

    That is `on <service>` (or its bare name, where several are watched) and, at the end, `share`.
    """
    head, because = until_because(text.split())
    is_asked = any(word.endswith(("?", "？")) for word in head[-1:]) or head[:1] == ["왜"]
    words = cleaned(head)
    typed = _arranged(usual(words), because, services, is_asked)
    if isinstance(typed.command, Malformed | commands.Misspelt):
        others = (_arranged(other, because, services, is_asked) for other in verb_last(words))
        return next((one for one in others if not isinstance(one.command, Malformed | commands.Misspelt)), typed)
    return typed


def _arranged(head: list[str], because: Sequence[str], services: Sequence[str], is_asked: bool) -> Typed:
    """Parse words of which the first names the command."""
    named, head, problem = _named(head, services)
    share = len(head) > 1 and head[-1].lower() == SHARE
    if share:
        head = head[:-1]
    command = problem or _checked(_parsed(head, because), head, services)
    if problem is None and _is_question(command, head, is_asked):
        command = commands.Explain(Subject(head[0])) if head[0] in set(Subject) else commands.Ask()
    elif is_asked and isinstance(command, commands.Changing):
        command = commands.Help(head[0])  # whoever asks wants nothing done
    return Typed(command, named, share)


def parse(text: str) -> Command:
    """As `read`, of a command that names no service. Never raises."""
    return read(text).command


def _is_question(command: Command, head: Sequence[str], is_asked: bool) -> bool:
    """Whether it is no command, or one that asks and more than it takes, and reads as a question."""
    is_open = isinstance(command, Malformed) and head[0] in ("status", "why", "report", *Subject)
    is_long = len(head) > 2 or isinstance(command, commands.Misspelt)
    asks = is_asked or bool(head and QUESTION.fullmatch(head[0].lower()) and is_long)
    return asks and (is_open or isinstance(command, commands.Misspelt))


def _named(head: list[str], services: Sequence[str]) -> tuple[str, list[str], Malformed | None]:
    """Take out the service that is named: its name or "", the other words, and a problem where it is not watched."""
    nexts = [*head[1:], ""]
    names_it = (word.lower() == ON or (word in _OF and nexts[n] in services) for n, word in enumerate(head))
    on = next((n for n, is_on in enumerate(names_it) if n and is_on), None)
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
    near, names = nearest_of(name, services), ", ".join(_few(name, services))
    remedy = message("service.unknown_near", nearest=near) if near else message("service.unknown_remedy")
    return Malformed(message("service.unknown", given=cut(name), names=names), remedy)


def _few(name: str, services: Sequence[str]) -> Sequence[str]:
    """Those that are most like it, where there are too many to read."""
    if len(services) <= NAMES_TOLD:
        return services
    return [*get_close_matches(name, services, NAMES_TOLD, 0.0), "…"]


def _checked(command: Command, head: Sequence[str], services: Sequence[str]) -> Command:
    """`command`, unless it names a service that is not watched, or a word is nearly the name of one that is."""
    if isinstance(command, commands.ChooseService) and services and command.name not in services:
        return _no_service(command.name, services)
    if isinstance(command, Malformed) and command.reason.code == "command.unexpected" and len(services) > 1:
        for word in head[1:]:
            if nearest_of(word, services, _SERVICE_LIKENESS):
                return _no_service(word, services)
    return command


def _parsed(head: Sequence[str], because: Sequence[str]) -> Command:
    """The command that the first word names."""
    if not head:
        return commands.Help()
    parser, rest = _PARSERS.get(head[0]), [*head[1:], *because]
    if parser is not None:
        wants_help = len(rest) == 1 and rest[0].lower().lstrip("-") in _HELP
        return commands.Help(head[0]) if wants_help else parser(rest)
    subject = _SUBJECTS.get(squeezed(usual_word(head[0])))
    if subject is not None and len(head) == 1:
        return commands.Explain(subject)
    return commands.Misspelt(cut(head[0]), nearest(head[0]))


def _bare(name: str, command: Callable[[], Command]) -> Callable[[Sequence[str]], Command]:
    """A command that takes nothing at all."""
    return lambda rest: _unexpected(name, " ".join(rest)) if rest else command()


def _unexpected(name: str, given: str) -> Malformed:
    return Malformed(
        message("command.unexpected", name=name, given=cut(given)), message("command.unexpected_remedy", name=name)
    )


def _ttl(rest: Sequence[str]) -> Command:
    words = [word.lower() for word in rest]
    if not words:
        return commands.ShowTtl()
    existing = words[-1] == EXISTING
    seconds = _whole(words[:-1] if existing else words, TIME)
    if seconds is None:
        return Malformed(message("command.ttl_no_number", given=cut(" ".join(rest))), message("command.ttl_remedy"))
    return commands.Propose(Knob.TTL, seconds, existing)


def _whole(words: Sequence[str], units: Mapping[str, Fraction]) -> int | None:
    """The amount that they say, in whole units; out of any range too, for the range is the use case's to tell."""
    found = amount(" ".join(words), units)
    return found.whole if found else None


def _number(name: str, knob: Knob, units: Mapping[str, Fraction]) -> Callable[[Sequence[str]], Command]:
    """A command that proposes a whole number for a knob, or shows how it stands."""

    def read(rest: Sequence[str]) -> Command:
        if not rest:
            return commands.ShowKnob(name, knob)
        found = _whole(rest, units)
        if found is not None:
            return commands.Propose(knob, found)
        given, example = cut(" ".join(rest)), message(f"command.example_{name}")
        return Malformed(message("command.no_number", given=given), message("command.number_remedy", example=example))

    return read


def _rollback(rest: Sequence[str]) -> Command:
    words = [word for word in rest if word.lower() not in _TO_THE_LAST]
    if len(words) > 1:
        return Malformed(message("command.rollback_which"), message("command.rollback_remedy"))
    return commands.RollBack(name_of("".join(words)))


def _pause(rest: Sequence[str]) -> Command:
    head, why = reason(rest)
    lasts = _lasts(head)
    return lasts if isinstance(lasts, Malformed) else commands.PauseChanges(lasts, why)


def _override(rest: Sequence[str]) -> Command:
    """`ttl <value> [for <duration>] [because …]`, `off`, or nothing."""
    words = [word.lower() for word in rest]
    if not words:
        return commands.ShowControls()
    if words in ([END], ["ttl", END]):
        return commands.LiftOverride()
    head, terms = _terms(rest)
    if isinstance(terms, Malformed):
        return terms
    given = head[1:] if head[:1] == ["ttl"] else head
    seconds = _whole(given, TIME)
    if seconds is None:
        return Malformed(message("override.what"), message("override.what_remedy"))
    return commands.PinTtl(seconds, terms)


def _lock(rest: Sequence[str]) -> Command:
    """`size [for <duration>] [because …]`."""
    head, terms = _terms(rest)
    if isinstance(terms, Malformed):
        return terms
    words = [word for word in head if word != "cache"]
    if terms.lasts is None and words[:1] == ["size"] and words[1:]:  # lock size 2h
        lasts = _lasts(words[1:])
        if isinstance(lasts, Malformed):
            return lasts
        words, terms = words[:1], Terms(lasts, terms.why)
    if words != ["size"]:
        return Malformed(message("override.lock_what"), message("override.lock_remedy"))
    return commands.LockSize(terms)


def _unlock(rest: Sequence[str]) -> Command:
    if [word.lower() for word in rest] in ([], ["size"]):
        return commands.UnlockSize()
    return _unexpected("unlock", " ".join(rest))


def _terms(rest: Sequence[str]) -> tuple[list[str], Terms | Malformed]:
    """Split at `for` and `because`: the words before them in lower case, and the terms that they state."""
    head, why = reason(rest)
    words = [word.lower() for word in head]
    if FOR not in words:
        return words, Terms(None, why)
    at = words.index(FOR)
    before, after = words[:at], words[at + 1 :]
    if not after:  # 2시간 동안: the duration stands before it, in one word or two
        count = 2 if duration(" ".join(before[-2:])) and len(before) > 2 and _whole(before[1:-1], TIME) else 1
        before, after = before[:-count], before[-count:]
    lasts = _lasts(after)
    if lasts is None or isinstance(lasts, Malformed):
        given = cut(" ".join(after))
        no_duration = Malformed(message("override.no_duration", given=given), message("override.duration_remedy"))
        return before, lasts or no_duration
    return before, Terms(lasts, why)


def _lasts(words: Sequence[str]) -> timedelta | Malformed | None:
    """The length of time, None where nothing is said; in range, or what is."""
    text = " ".join(words)
    lasts = duration(text)
    if not text or lasts is None:
        unclear = message("override.no_duration", given=cut(text)), message("override.duration_remedy")
        return Malformed(*unclear) if text else None
    problem = length_problem(lasts)
    return Malformed(*problem) if problem else lasts


def _silence(rest: Sequence[str]) -> Command:
    """`<alert> [for] [duration] [because …]`, `end <alert>`, or nothing."""
    words = [word.lower() for word in rest]
    if not words:
        return commands.ShowSilences()
    if words[0] == END or words[-1] == END:
        what = rest[1:] if words[0] == END else rest[:-1]
        if len(what) == 1:
            return commands.Unsilence(name_of(what[0]))
        return Malformed(message("silence.end_what"), message("silence.end_remedy"))
    head, why = reason(rest)
    if len(head) > 1 and duration(head[0]) is not None and duration(head[-1]) is None:
        head = [*head[1:], head[0]]  # 2h cache
    lasts = _lasts(head[1:])
    if not head or isinstance(lasts, Malformed):
        unclear = message("silence.no_duration", given=cut(why)), message("silence.no_duration_remedy")
        return lasts if isinstance(lasts, Malformed) else Malformed(*unclear)
    return commands.SilenceAlerts(name_of(head[0]), lasts, why)


def _history(rest: Sequence[str]) -> Command:
    """Nothing, or the id of an incident as its message shows it."""
    return commands.ShowIncident(name_of(" ".join(rest))) if rest else commands.History()


def _status(rest: Sequence[str]) -> Command:
    """`all` and what chooses among them, or nothing."""
    words = [word.lower() for word in rest]
    if words[:1] == [ALL] or words == [FOR, ALL]:
        return commands.StatusAll("" if words[0] == FOR else " ".join(words[1:])[:WANTED_MOST])
    return _unexpected("status", " ".join(rest)) if rest else commands.Status()


def _approvals(rest: Sequence[str]) -> Command:
    """`all` for those of all services; nothing, or the number of one: all are listed, with their buttons' card."""
    if [word.lower() for word in rest] == [ALL]:
        return commands.AllApprovals()
    is_one = len(rest) == 1 and _ID.fullmatch(rest[0])
    return _unexpected("approvals", " ".join(rest)) if rest and not is_one else commands.ListApprovals()


def _help(rest: Sequence[str]) -> Command:
    """The name of a command, or nothing for all of them."""
    entry = find("".join(rest))
    if not rest or entry is not None:
        return commands.Help(entry.name if entry else "")
    near = nearest("".join(rest))
    remedy = message("command.help_near", nearest=near) if near else message("command.help_remedy")
    return Malformed(message("command.help_what", given=cut(" ".join(rest))), remedy)


def _why(rest: Sequence[str]) -> Command:
    """One of the subjects, or nothing for all the scores."""
    if not rest:
        return commands.Explain()
    named = {_SUBJECTS[one] for one in map(squeezed, ("".join(rest), *rest)) if one in _SUBJECTS}
    if len(named) == 1:
        return commands.Explain(named.pop())
    near = nearest_of("".join(rest), _SUBJECTS)
    remedy = message("command.why_near", nearest=near) if near else message("command.why_remedy")
    return Malformed(message("command.why_what", given=cut(" ".join(rest))), remedy)


def _service(rest: Sequence[str]) -> Command:
    """The name of one, or nothing for a list."""
    if len(rest) > 1:
        return _unexpected("service", " ".join(rest))
    return commands.ChooseService(name_of(rest[0])) if rest else commands.ShowServices()


def _undo(rest: Sequence[str]) -> Command:
    """The id of a proposal, or nothing for a list of what can be taken back."""
    words = [word for word in rest if word.lower() not in ("proposal", "change", "제안", "변경")]
    typed = "".join(words)
    number = _ID.fullmatch(name_of(typed))
    if number is None and len(words) > 1:
        return Malformed(message("command.undo_which"), message("command.undo_remedy"))
    return commands.Undo(f"P{number[1]}" if number else cut(typed))


#: What may stand after `why`: the subjects, and what else people call them.
_SUBJECTS = {str(subject): subject for subject in Subject} | {
    "score": Subject.GATE,
    "health": Subject.GATE,
    "hitrate": Subject.CACHE,
    "rhythm": Subject.COST,
    "costrhythm": Subject.COST,
    "budgets": Subject.BUDGET,
    "errorbudgets": Subject.BUDGET,
}


def _explain(subject: Subject) -> Callable[[Sequence[str]], Command]:
    return _bare(subject, lambda: commands.Explain(subject))


#: By the name in the table of commands; a test holds that both have the same.
_PARSERS: dict[str, Callable[[Sequence[str]], Command]] = {
    "help": _help,
    "status": _status,
    "report": _bare("report", commands.Report),
    "why": _why,
    **{str(subject): _explain(subject) for subject in Subject if subject is not Subject.GATE},
    "ttl": _ttl,
    "size": _number("size", Knob.CACHE_SIZE, SIZE),
    "l1": _number("l1", Knob.L1_ENTRIES, COUNT),
    "instances": _number("instances", Knob.MIN_INSTANCES, COUNT),
    "rollback": _rollback,
    "pause": _pause,
    "resume": _bare("resume", commands.Resume),
    "override": _override,
    "lock": _lock,
    "unlock": _unlock,
    "emergency": _bare("emergency", commands.Emergency),
    "unpin": _bare("unpin", lambda: commands.Propose(Knob.TRAFFIC, LATEST)),
    "approvals": _approvals,
    "history": _history,
    "silence": _silence,
    "undo": _undo,
    "graph": _bare("graph", commands.ShowGraph),
    "digest": _bare("digest", commands.ShowDigest),
    "run": _bare("run", commands.Run),
    "service": _service,
}
