"""Children end with their parent, or with the next one; a stranger never does."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from demo.locks import polls
from demo.processes import Child, ProcessFailed, claim, end_all, holder

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)",
]
WITH_GRANDCHILD = [
    sys.executable,
    "-c",
    "import subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "print(child.pid, flush=True); time.sleep(600)",
]


def started(directory: Path, command: list[str], name: str = "child") -> Child:
    child = Child(directory, name)
    child.start(command, {}, directory)
    assert any(child.output_path.read_text().endswith("\n") for _ in polls(10)), child.tail()
    return child


def is_alive(pid: int) -> bool:
    """A zombie is not."""
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(shown.strip()) and not shown.startswith("Z")


def test_a_child_records_itself_and_stops(tmp_path: Path) -> None:
    child = started(tmp_path, SLEEPER)
    assert holder(child.record) == child.pid
    assert child.exit_code() is None
    assert child.stop() == -signal.SIGTERM
    assert holder(child.record) is None


def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("demo.processes.STOP_SECONDS", 0.3)
    child = started(tmp_path, STUBBORN)
    assert child.stop() == -signal.SIGKILL


def test_what_a_child_started_goes_with_it(tmp_path: Path) -> None:
    child = started(tmp_path, WITH_GRANDCHILD)
    grandchild = int(child.output_path.read_text())
    child.stop()
    assert any(not is_alive(grandchild) for _ in polls(5))


def test_children_of_a_killed_parent_are_found_and_ended(tmp_path: Path) -> None:
    script = (
        "import os, pathlib, signal, sys; from demo.processes import Child; d = pathlib.Path(sys.argv[1])\n"
        "Child(d, 'orphan').start([sys.executable, '-c', 'import time; time.sleep(600)'], {}, d)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    parent = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False, timeout=30)
    assert parent.returncode == -signal.SIGKILL
    orphan = holder(tmp_path / "orphan.lock")
    assert orphan is not None
    assert end_all(tmp_path) == ["orphan"]
    assert not is_alive(orphan)
    assert end_all(tmp_path) == []


def test_a_stranger_with_a_recorded_number_is_left_alone(tmp_path: Path) -> None:
    """The number of a dead child may belong to anybody by now."""
    (tmp_path / "child.lock").write_text(str(os.getpid()))
    assert end_all(tmp_path) == []


def test_a_second_start_is_refused_and_a_restart_is_not(tmp_path: Path) -> None:
    child = started(tmp_path, SLEEPER)
    with pytest.raises(ProcessFailed, match=f"child is running already \\(process {child.pid}\\)"):
        Child(tmp_path, "child").start(SLEEPER, {}, tmp_path)
    child.kill()
    assert started(tmp_path, SLEEPER).stop() == -signal.SIGTERM


def test_only_one_process_claims_a_record(tmp_path: Path) -> None:
    ours = claim(tmp_path / "demo.lock")
    assert ours is not None
    assert claim(tmp_path / "demo.lock") is None
    assert holder(tmp_path / "demo.lock") == os.getpid()
    os.close(ours)
    again = claim(tmp_path / "demo.lock")
    assert again is not None
    os.close(again)


def test_last_words(tmp_path: Path) -> None:
    child = Child(tmp_path, "child")
    child.start([sys.executable, "-c", "print('one'); raise SystemExit('two')"], {}, tmp_path)
    assert child.wait() == 1
    assert child.tail() == "one\ntwo"
