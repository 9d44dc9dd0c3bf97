"""The project's log entries: written by the simulated service, read over the Logging API where that is called."""

from bisect import bisect_left
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

KEEP = 20_000  # entries; the oldest go first
DEFAULT, INFO, WARNING, ERROR, CRITICAL = 0, 200, 400, 500, 600
SEVERITIES = {
    "DEFAULT": DEFAULT,
    "DEBUG": 100,
    "INFO": INFO,
    "NOTICE": 300,
    "WARNING": WARNING,
    "ERROR": ERROR,
    "CRITICAL": CRITICAL,
    "ALERT": 700,
    "EMERGENCY": 800,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """`at` in seconds of service time; a structured one has `fields` and no `text`."""

    at: float
    number: int
    log_id: str
    severity: int
    resource_type: str
    labels: Mapping[str, str]
    text: str = ""
    fields: Mapping[str, str] | None = None


class Logs:
    """Entries in the order of their time."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEEP)
        self._number = 0

    def write(
        self,
        at: float,
        severity: int,
        labels: Mapping[str, str],
        said: str | Mapping[str, str],
        log_id: str = "run.googleapis.com/stderr",
    ) -> None:
        """An entry of a Cloud Run revision; one that is older than the newest takes its time."""
        self._number += 1
        at = max(at, self._entries[-1].at) if self._entries else at
        text, fields = (said, None) if isinstance(said, str) else ("", said)
        self._entries.append(Entry(at, self._number, log_id, severity, "cloud_run_revision", labels, text, fields))

    def until(self, now: float) -> Sequence[Entry]:
        """Those that are written by now, oldest first."""
        entries = list(self._entries)
        return entries[: bisect_left(entries, now, key=lambda one: one.at)]
