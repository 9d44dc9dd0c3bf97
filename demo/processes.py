"""Child processes that leave nothing running, whatever dies first.

Each child is recorded before it becomes what it is to be: it inherits a lock on `<name>.lock`, writes its own process
id there, and only then executes its program. While the lock is held that process lives and is ours, so a later parent
can end what a killed one left behind, and never a stranger that was given the same number.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from demo.locks import is_free, polls, take_lock

#: Time for a child to stop cleanly before it is killed.
STOP_SECONDS = 10.0
#: A child's first act (an interpreter of its own, since code between fork and exec is unsafe beside threads).
RECORD_AND_BECOME = (
    "import os, sys; os.pwrite(int(sys.argv[1]), b'%d' % os.getpid(), 0); os.execv(sys.argv[2], sys.argv[2:])"
)


class ProcessFailed(Exception):
    """A child could not be started or ended; the sentence says what to do."""


class Child:
    """One program in a session of its own: Ctrl-C in the terminal does not reach it before its parent says so.

    What it prints stands in `<name>.out`, what it logs in `<name>.log`, both in `directory`.
    """

    def __init__(self, directory: Path, name: str) -> None:
        self.name = name
        self.record = directory / f"{name}.lock"
        self.output_path = directory / f"{name}.out"
        self.log_path = directory / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Raises ProcessFailed before `start`."""
        if self._process is None:
            raise ProcessFailed(f"{self.name} has not been started")
        return self._process.pid

    def start(self, command: Sequence[str], environment: Mapping[str, str], directory: Path) -> None:
        """Run `command` in `directory`, with nothing of our own environment but what is given."""
        lock = take_lock(self.record)
        if lock is None:
            raise ProcessFailed(f"{self.name} is running already (process {holder(self.record)}).")
        try:
            os.ftruncate(lock, 0)
            with self.output_path.open("wb") as output, self.log_path.open("ab") as log:
                self._process = subprocess.Popen(  # noqa: S603 - the command is our own
                    [sys.executable, "-I", "-S", "-c", RECORD_AND_BECOME, str(lock), *command],
                    env=dict(environment),
                    cwd=directory,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=log,
                    start_new_session=True,
                    pass_fds=(lock,),
                )
        finally:
            # The child holds the lock through its own copy of the descriptor.
            os.close(lock)

    def exit_code(self) -> int | None:
        """None while it runs (or before it was started); negative for a signal."""
        return self._process.poll() if self._process else None

    def signal(self, number: signal.Signals) -> None:
        """To this process alone, not to what it started."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """kill -9, as a crash would, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        self.wait()

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        """The exit code. Raises subprocess.TimeoutExpired."""
        if self._process is None:
            raise ProcessFailed(f"{self.name} has not been started")
        return self._process.wait(seconds)

    def stop(self) -> int | None:
        """Ask it to stop, insist after a while, and return its exit code. Quiet when it is gone."""
        end(self.record)
        return self.wait() if self._process else None

    def tail(self, lines: int = 15) -> str:
        """The last lines that it printed or logged."""
        printed = [path.read_text(errors="replace") for path in (self.output_path, self.log_path) if path.exists()]
        return "\n".join("".join(printed).rstrip().splitlines()[-lines:])


def end(record: Path) -> bool:
    """End the process that holds `record` and all that it started; whether there was one.

    SIGTERM first, SIGKILL when that was not enough. Raises ProcessFailed when even that is not.
    """
    pid = holder(record)
    if pid is None:
        return False
    for sent in (signal.SIGTERM, signal.SIGKILL):
        _signal_group(pid, sent)
        if _released(record, STOP_SECONDS):
            # What it may have started itself and left behind is of its group, whose number is not yet given away.
            _signal_group(pid, signal.SIGKILL)
            return True
    raise ProcessFailed(f"Process {pid} ({record.stem}) does not end, not even by kill -9. End it by hand.")


def end_all(directory: Path) -> list[str]:
    """End every recorded process of `directory`; the names of those that were running."""
    return [record.stem for record in sorted(directory.glob("*.lock")) if end(record)]


def holder(record: Path) -> int | None:
    """The process id of the living process of `record`, or None when there is none."""
    for _ in polls(STOP_SECONDS):
        if not record.exists() or is_free(record):
            return None
        # Empty for the instant between the fork and the child's first act.
        with contextlib.suppress(ValueError):
            return int(record.read_text())
    raise ProcessFailed(f"{record} is held by a process that is not named in it. Find and end it by hand.")


def claim(record: Path) -> int | None:
    """Hold `record` ourselves until this process ends, with our own process id in it; None when another one does."""
    lock = take_lock(record)
    if lock is not None:
        os.ftruncate(lock, 0)
        os.pwrite(lock, b"%d" % os.getpid(), 0)
    return lock


def _released(record: Path, seconds: float) -> bool:
    return any(is_free(record) for _ in polls(seconds))


def _signal_group(pid: int, number: signal.Signals) -> None:
    # macOS answers EPERM for a group of which only a zombie is left.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
