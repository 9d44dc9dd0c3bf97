"""A second demo runs beside the first one, or says at once where that is."""

import os
import subprocess
import sys
import time
from pathlib import Path

from demo.__main__ import PORT, directory_of
from demo.processes import claim


def test_demos_on_other_ports_have_directories_of_their_own() -> None:
    assert len({directory_of(port) for port in (0, PORT, PORT + 1, 9000)}) == 4
    assert directory_of(PORT) == directory_of(PORT)


def test_a_demo_in_the_same_place_says_where_the_running_one_is(tmp_path: Path) -> None:
    lock = claim(tmp_path / "demo.lock")
    assert lock is not None
    (tmp_path / "demo.page").write_text("http://127.0.0.1:23456/")
    try:
        tmp_path.chmod(0o700)
        began = time.monotonic()
        command = [sys.executable, "-m", "demo", "--port", "23456", "--directory", str(tmp_path)]
        said = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    finally:
        os.close(lock)
    assert said.returncode == 1
    for told in ("http://127.0.0.1:23456/", f"process {os.getpid()}", "PORT=23457", "--port 23457"):
        assert told in said.stderr
    assert len(said.stderr.splitlines()) == 1
    assert time.monotonic() - began < 10  # mostly the interpreter's start, on a busy machine
