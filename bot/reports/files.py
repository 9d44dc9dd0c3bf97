"""`unified_feedback_YYYYMMDD.json` and `.md` under OUTPUT_DIR: the turns of a UTC day, and the newest report of each.

They are their owner's alone to read: they name people. Each file is replaced whole, so that a reader or a crash never
meets half of one. A file that cannot be read back is set aside under another name and begun afresh: nothing of it is
lost, and nothing of it is trusted.
"""

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date
from pathlib import Path

from bot.reports.as_json import Json, turn_from, turn_json
from bot.reports.markdown import markdown
from lumen.model.service import ServiceId
from lumen.model.turn import Turn
from lumen.policies.size import SizeLimits
from lumen.use_cases.advice import TurnNow, size_of_turn
from lumen.wording.catalogue import Catalogue

NAME = "unified_feedback_{day:%Y%m%d}"
OWN_FILE, OWN_DIRECTORY = 0o600, 0o700
SCHEMA = "unified_feedback 1"


@dataclass(frozen=True, slots=True)
class Written:
    """A file that stands."""

    path: Path


@dataclass(frozen=True, slots=True)
class SetAside:
    """A file that could not be read back, and where it is now."""

    path: Path
    kept_as: Path
    error: str


class ReportFiles:
    """Blocks while it writes; several processes may share the directory."""

    def __init__(self, directory: Path, words: Catalogue, sizes: Mapping[ServiceId, SizeLimits]) -> None:
        self.directory = directory
        self._words = words
        self._sizes = sizes

    def write(self, turns: Sequence[Turn]) -> list[Written | SetAside]:
        """Add `turns` to the files of their days. Raises OSError."""
        self.directory.mkdir(mode=OWN_DIRECTORY, parents=True, exist_ok=True)
        by_day: dict[date, list[Turn]] = {}
        for turn in turns:
            by_day.setdefault(turn.started_at.astimezone(UTC).date(), []).append(turn)
        with self._alone():
            return [one for day, made in by_day.items() for one in self._day(day, made)]

    def _day(self, day: date, turns: Sequence[Turn]) -> Iterator[Written | SetAside]:
        name = NAME.format(day=day)
        path = self.directory / f"{name}.json"
        stored: list[Json] = []
        try:
            stored = _read(path)
            newest = {turn.snapshot.service: turn for turn in map(turn_from, stored)}
        except ValueError as error:
            newest, stored = {}, []
            yield self._set_aside(path, str(error))
        stored += [turn_json(turn) for turn in turns]
        newest |= {turn.snapshot.service: turn for turn in turns}
        whole = {"schema": SCHEMA, "date": day.isoformat(), "turns": stored}
        yield self._replace(path, json.dumps(whole, ensure_ascii=False, allow_nan=False))
        found = []
        for service, one in newest.items():
            limits = self._sizes.get(service, SizeLimits())  # the file may know one that is not watched any more
            found.append(TurnNow(one, size_of_turn(one, limits, one.started_at), one.alerts))
        yield self._replace(self.directory / f"{name}.md", markdown(self._words, found))

    def _set_aside(self, path: Path, error: str) -> SetAside:
        number = 1
        while (kept_as := path.with_name(f"{path.name}.damaged-{number}")).exists():
            number += 1
        path.rename(kept_as)
        kept_as.chmod(OWN_FILE)
        return SetAside(path, kept_as, error)

    def _replace(self, path: Path, text: str) -> Written:
        handle, temporary = tempfile.mkstemp(dir=self.directory, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return Written(path)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The bot and `lumen tick` may come to the same day's file at once."""
        lock = os.open(self.directory / ".lock", os.O_WRONLY | os.O_CREAT, OWN_FILE)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _read(path: Path) -> list[Json]:
    """The turns of a day's file; none where there is no file. Raises ValueError for anything else."""
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return []
    if not isinstance(found, dict) or found.get("schema") != SCHEMA or not isinstance(found.get("turns"), list):
        raise ValueError(f"it does not say {SCHEMA!r} with its turns")
    turns: list[Json] = found["turns"]
    if not all(isinstance(one, dict) for one in turns):
        raise ValueError("a turn in it is none")
    return turns
