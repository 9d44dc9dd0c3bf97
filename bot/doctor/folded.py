"""Checks as people read them: what is well in one line a kind, and faults alike once, however many things there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.doctor.check import Check
from lumen.model.messages import Message, message

#: Things whose names a line has room for.
MOST_NAMED = 5
#: Said of many at once, where one by one more is said.
OF_ALL: Mapping[str, str] = {
    "doctor.cache_ok": "doctor.caches_ok",
    "doctor.cache_cluster_ok": "doctor.caches_ok",
    "doctor.approvers_ok": "doctor.approvers_all_ok",
}


@dataclass(frozen=True, slots=True)
class Line:
    """`name`: what was looked at; `counted`: instead of their names, of how many things."""

    ok: bool
    name: str
    sentences: tuple[Message, ...]
    counted: Message | None = None


def folded(checks: Sequence[Check]) -> Sequence[Line]:
    """In their order; those of one kind where the first one of it stands, what is well first."""
    kinds: dict[str, list[Check]] = {}
    for check in checks:
        kinds.setdefault(check.of.kind if check.of else f"{len(kinds)} {check.name}", []).append(check)
    return [line for alike in kinds.values() for line in _lines(alike)]


def some(names: Sequence[str]) -> str:
    """The first few of them, and how many there are."""
    return ", ".join(names) if len(names) <= MOST_NAMED else f"{', '.join(names[:MOST_NAMED])} … ({len(names)})"


def _lines(checks: Sequence[Check]) -> Sequence[Line]:
    """Those of one kind."""
    groups: dict[tuple[bool, str, str], list[Check]] = {}
    for check in sorted(checks, key=lambda one: not one.ok):
        said = OF_ALL.get(check.says.code, check.says.code)
        groups.setdefault((check.ok, said, check.remedy.code if check.remedy else ""), []).append(check)
    well = sum(group[0].ok for group in groups.values())
    return [_line(group, _counted(group, len(checks)) if well == 1 else None) for group in groups.values()]


def _counted(group: Sequence[Check], whole: int) -> Message | None:
    """How many are well, where all that are say the same; faults have names."""
    of = group[0].of
    if of is None or not group[0].ok:
        return None
    things = message(f"doctor.things_{of.noun}", count=whole)
    return things if len(group) == whole else message("doctor.part_of", count=len(group), things=things)


def _line(group: Sequence[Check], counted: Message | None) -> Line:
    """Checks that say the same: of the first one in full."""
    first, of = group[0], group[0].of
    if len(group) == 1 or of is None:
        return Line(first.ok, first.name, () if first.says.code == "doctor.ok" else first.sentences)
    if first.ok:
        sentences = _of_all(first.says, len(group))
    else:
        sentences = (*first.sentences, message("doctor.alike", name=of.name, count=len(group) - 1))
    named = "" if counted else f" ({some([each.of.name for each in group if each.of])})"
    return Line(first.ok, f"{of.kind}{named}", sentences, counted)


def _of_all(says: Message, count: int) -> tuple[Message, ...]:
    """What holds for each of them; values of the first one are not those of all."""
    if says.code in OF_ALL:
        return (message(OF_ALL[says.code], count=count),)
    return () if says.params or says.code == "doctor.ok" else (says,)
