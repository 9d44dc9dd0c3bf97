"""The audit as JSON lines, and the digests that seal it. Pure, so that an exported file proves itself anywhere.

A run of entries is sealed by SHA-256 over the digest before it and its lines, each ended by a newline:

    sha256(previous + "\\n" + line + "\\n" + line + "\\n" …)
"""

import hashlib
import json
from collections.abc import Iterable, Sequence

from lumen.model.message import Message, message
from lumen.ports.state import AuditCheck, AuditEntry, Seal
from lumen.state.codec import decode, encode

#: Before the first seal.
START = ""


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


def disagreement(seal: Seal, previous: str | None, entries: Sequence[AuditEntry]) -> Message | None:
    """Why this run is not what was sealed. `previous` None: the seal before it is not known (it was trimmed)."""
    if previous is not None and seal.previous != previous:
        return message("state.audit_chain_broken", number=seal.number)
    if len(entries) != seal.entries:
        return message("state.audit_count_wrong", number=seal.number, found=len(entries), wanted=seal.entries)
    if digest(seal.previous, [entry_line(entry) for entry in entries]) != seal.sha256:
        return message("state.audit_changed", number=seal.number, first_id=seal.first_id, last_id=seal.last_id)
    return None


def verify_lines(lines: Iterable[str]) -> AuditCheck:
    """Prove an exported file (or several, one after the other). Raises ValueError for lines that are no audit."""
    run: list[AuditEntry] = []
    head: str | None = None
    seals = sealed = 0
    broken: Message | None = None
    for line in filter(None, (each.strip() for each in lines)):
        found = json.loads(line)
        if "seal" not in found:
            run.append(decode(AuditEntry, line))
            continue
        seal = decode(Seal, json.dumps(found["seal"]))
        broken = broken or disagreement(seal, head, run)
        head, seals, sealed = seal.sha256, seals + 1, sealed + len(run)
        run = []
    return AuditCheck(head or START, seals, sealed, len(run), broken)
