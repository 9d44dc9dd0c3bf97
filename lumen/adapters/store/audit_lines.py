"""The audit as JSON lines, and the digests that seal it. Pure, so that an exported file proves itself anywhere.

A run of entries is sealed by SHA-256 over the digest before it and its lines, each ended by a newline:

    sha256(previous + "\\n" + line + "\\n" + line + "\\n" …)
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lumen.adapters.store.codec import decode, encode
from lumen.model.audit import AuditEntry
from lumen.model.messages import Message, message
from lumen.ports.store import AuditCheck, Seal

#: Before the first seal.
START = ""
#: Hexadecimal digits of a line's mark.
MARK = 8


def entry_line(entry: AuditEntry) -> str:
    """One entry. Fields are named one by one: a field that AuditEntry may get later must not change old digests."""
    fields = {
        "id": entry.id,
        "at": entry.at.isoformat(),
        "event": entry.event,
        "proposal_id": entry.proposal_id,
        "actor": entry.actor,
        "detail": entry.detail,
        "data": entry.data,
    }
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def seal_line(seal: Seal) -> str:
    """One seal, told apart from entries by its only key."""
    return f'{{"seal":{encode(seal)}}}'


def digest(previous: str, lines: Sequence[str]) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256("".join(f"{line}\n" for line in (previous, *lines)).encode()).hexdigest()


def marks(lines: Sequence[str]) -> str:
    """The value of `Seal.marks` for these lines."""
    return "".join(_mark(line) for line in lines)


def _mark(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()[:MARK]


@dataclass(frozen=True, slots=True)
class Harm:
    """Why a run is not what was sealed, and at which of its lines (from 0) that shows; None: it cannot be told."""

    why: Message
    at: int | None = None


def disagreement(seal: Seal, previous: str | None, lines: Sequence[str]) -> Harm | None:
    """The fault in this run, or None. `previous` None: the seal before it is not known (it was trimmed)."""
    if previous is not None and seal.previous != previous:
        return Harm(message("state.audit_chain_broken", number=seal.number))
    if len(lines) == seal.entries and digest(seal.previous, lines) == seal.sha256:
        return None
    at = _first_other(seal, lines)
    if len(lines) != seal.entries:
        why = message("state.audit_count_wrong", number=seal.number, found=len(lines), wanted=seal.entries)
        return Harm(why, at)
    if at is None:
        first_id, last_id = seal.first_id, seal.last_id
        return Harm(message("state.audit_changed", number=seal.number, first_id=first_id, last_id=last_id))
    return Harm(message("state.audit_line_changed", number=seal.number, entry_id=_id_of(lines[at])), at)


def _first_other(seal: Seal, lines: Sequence[str]) -> int | None:
    """The first line that does not bear its mark; after the last one where lines are missing at the end."""
    if len(seal.marks) != MARK * seal.entries:
        return None  # sealed before there were marks
    sealed = [seal.marks[start : start + MARK] for start in range(0, len(seal.marks), MARK)]
    found = [_mark(line) for line in lines]
    agreeing = next((at for at, (a, b) in enumerate(zip(sealed, found, strict=False)) if a != b), None)
    if agreeing is None and len(sealed) != len(found):
        return min(len(sealed), len(found))
    return agreeing


def _id_of(line: str) -> str:
    try:
        return str(json.loads(line)["id"])
    except (ValueError, KeyError, TypeError):
        return "?"


@dataclass(slots=True)
class _Reading:
    """The progress of reading a file."""

    run: list[str] = field(default_factory=list)
    run_from: int = 1
    head: str | None = None
    seals: int = 0
    sealed: int = 0

    def take_seal(self, seal: Seal, line: int) -> tuple[Message, int] | None:
        """The fault in the run that this seal closes, and its line in the file."""
        harm = disagreement(seal, self.head, self.run)
        found = None
        if harm is not None:
            found = harm.why, line if harm.at is None else min(line, self.run_from + harm.at)
        self.head, self.seals, self.sealed = seal.sha256, self.seals + 1, self.sealed + len(self.run)
        self.run, self.run_from = [], line + 1
        return found


def verify_lines(lines: Iterable[str]) -> AuditCheck:
    """Prove an exported file (or several, one after the other). What is no line of an audit is named as the harm."""
    read = _Reading()
    broken: Message | None = None
    at: int | None = None
    for number, line in enumerate((each.rstrip("\r\n") for each in lines), 1):
        try:
            seal = _seal_in(line)
        except ValueError:
            return AuditCheck(
                read.head or START, read.seals, read.sealed, len(read.run), message("state.audit_no_line"), number
            )
        if seal is None:
            read.run.append(line)
        elif (found := read.take_seal(seal, number)) is not None and broken is None:
            broken, at = found
    return AuditCheck(read.head or START, read.seals, read.sealed, len(read.run), broken, at)


def _seal_in(line: str) -> Seal | None:
    """The seal, or None for an entry. Raises ValueError for neither."""
    found = json.loads(line)
    if not isinstance(found, dict):
        raise ValueError("no object")
    if "seal" in found:
        return decode(Seal, json.dumps(found["seal"]))
    decode(AuditEntry, line)
    return None
