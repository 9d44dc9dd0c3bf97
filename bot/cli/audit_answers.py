"""Steps of `lumen audit`: prove the audit in the store, export it to a file, and prove such a file anywhere."""

import asyncio
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from bot.config import Settings
from bot.store import auditing_of, open_checked_store
from bot.wiring.assembly import operator_of
from lumen.adapters.store.audit_lines import verify_lines
from lumen.model.messages import Message, NotPossible, Param, message
from lumen.model.service import ServiceId
from lumen.ports.store import AuditCheck
from lumen.use_cases.auditing import Auditing
from lumen.wording.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Proven:
    """`where`: a service or a file."""

    where: str
    check: AuditCheck
    is_file: bool = False

    @property
    def good(self) -> bool:
        """Whether everything is as it was written. A file whose end stands under no seal was cut off."""
        return self.check.broken is None and not (self.is_file and self.check.unsealed_entries)

    def says(self, words: Catalogue) -> Message:
        """For people."""
        check, where = self.check, self.where
        if check.broken is not None:
            reason = words.plain(check.broken)
            if check.line is None:
                return message("audit.broken", where=where, reason=reason)
            return message("audit.broken_at", where=where, line=check.line, reason=reason)
        if self.is_file and check.unsealed_entries:
            return message("audit.unsealed_file", file=where, unsealed=check.unsealed_entries)
        sealed, unsealed, seals = check.sealed_entries, check.unsealed_entries, check.seals
        if self.is_file:
            return message("audit.proven_file", file=where, sealed=sealed, seals=seals, head=check.head)
        if not sealed and not unsealed:
            return message("audit.nothing", service=where)
        head = check.head or "-"
        return message("audit.proven", service=where, sealed=sealed, seals=seals, unsealed=unsealed, head=head)

    def as_json(self) -> dict[str, object]:
        """For programs: codes and values instead of words."""
        check = self.check
        broken = None if check.broken is None else {"code": check.broken.code, **check.broken.params}
        return {
            "where": self.where,
            "good": self.good,
            "head": check.head,
            "seals": check.seals,
            "sealed_entries": check.sealed_entries,
            "unsealed_entries": check.unsealed_entries,
            "broken": broken,
            "line": check.line,
        }


async def verify_store(settings: Settings) -> Sequence[Proven]:
    """The audit of every service that is watched."""
    async with open_checked_store(settings) as store:
        auditing = auditing_of(settings, store)
        return [Proven(service.key, await auditing.verify(service)) for service in settings.services]


async def verify_against(settings: Settings, service: ServiceId, path: Path) -> Proven:
    """The audit of a service, and whether it goes on from the head of an exported file. Raises NotPossible."""
    exported = proven_file(path)
    async with open_checked_store(settings) as store:
        auditing = auditing_of(settings, store)
        check = await auditing.verify(service)
        if check.broken is None and exported.head and not await auditing.knows(service, exported.head):
            check = replace(check, broken=message("audit.behind_export", head=exported.head))
        return Proven(service.key, check)


def proven_file(path: Path) -> AuditCheck:
    """An exported file that proves itself. Raises NotPossible for another one."""
    found = verify_file(path)
    if not found.good:
        raise NotPossible(message("audit.unproven", file=str(path)), message("audit.unproven_remedy"))
    return found.check


def highest_number(path: Path) -> int:
    """Of the proposals that a proven export tells of; 0 where there is none. Raises NotPossible."""
    proven_file(path)
    with path.open(encoding="utf-8") as lines:
        ids = [str(json.loads(line).get("proposal_id", "")) for line in lines]
    return max((int(one[1:]) for one in ids if one[:1] == "P" and one[1:].isdecimal()), default=0)


def verify_file(path: Path) -> Proven:
    """Needs no store and no settings. Raises NotPossible for a file that cannot be read."""
    try:
        with path.open(encoding="utf-8") as lines:
            return Proven(str(path), verify_lines(lines), is_file=True)
    except (OSError, UnicodeDecodeError) as error:
        detail = getattr(error, "strerror", None) or str(error)
        raise NotPossible(
            message("audit.no_file", file=str(path), detail=detail), message("audit.file_remedy")
        ) from error


async def export(settings: Settings, service: ServiceId, path: Path) -> dict[str, Param]:
    """Seal and export all of a service's audit: file, number of entries, and the seal under which they stand.

    It counts as exported when the file is on the disk and proves itself.
    Raises NotPossible (the file is there already, cannot be written, or does not read back), LeaseLost.
    """
    refuse_existing(path)
    person = await operator_of(settings)
    async with open_checked_store(settings) as store:
        auditing = auditing_of(settings, store)
        seal = await auditing.seal_now(service)
        if seal is None:
            raise NotPossible(message("audit.nothing", service=service.key), message("audit.nothing_remedy"))
        await _write(auditing, service, path)
        check = (await asyncio.to_thread(verify_file, path)).check
        if check.broken is not None or check.head != seal.sha256:
            line = check.line or 0
            raise NotPossible(message("audit.not_itself", file=str(path), line=line), message("audit.file_remedy"))
        await auditing.exported(service, seal, person, path.name)
        said: dict[str, Param] = {"service": service.key, "file": str(path), "entries": check.sealed_entries}
        return {**said, "number": seal.number, "head": seal.sha256}


async def _write(auditing: Auditing, service: ServiceId, path: Path) -> None:
    with new_file(path) as file:
        async for line in auditing.lines(service):
            file.write(f"{line}\n")


def refuse_existing(path: Path) -> None:
    """Raises NotPossible where the file is there already."""
    if path.exists():
        raise NotPossible(message("audit.exists", file=str(path)), message("audit.exists_remedy"))


@contextmanager
def new_file(path: Path) -> Iterator[IO[str]]:
    """A file that becomes `path`, readable for its owner alone, when the block ends well, and is gone when it does not.

    All of it or nothing: under another name first, and on the disk before it gets its own. Raises NotPossible.
    """
    try:
        with _beside(path) as file:
            yield file
    except OSError as error:
        raise NotPossible(
            message("audit.cannot_write", file=str(path), detail=error.strerror or str(error)),
            message("audit.file_remedy"),
        ) from error


@contextmanager
def _beside(path: Path) -> Iterator[IO[str]]:
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", newline="\n", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        beside = Path(file.name)
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            # Unlike a rename, a link never replaces a file that has come into being meanwhile.
            path.hardlink_to(beside)
        finally:
            beside.unlink(missing_ok=True)
