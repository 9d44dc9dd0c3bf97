"""`python -m demo` as a newcomer meets it: one address, and nothing left behind whatever ends it."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from demo.locks import polls
from demo.ports import says_ok
from demo.processes import holder
from sandbox.client import SandboxClient

STARTS_WITHIN_SECONDS = 45.0
NAMES = ("sandbox", "bot")


@contextmanager
def demo(directory: Path, *flags: str) -> Iterator["subprocess.Popen[str]"]:
    """The demo as a process; stopped at the end, if it still runs."""
    command = [sys.executable, "-m", "demo", "--port", "0", "--directory", str(directory), *flags]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=60)


def address(process: "subprocess.Popen[str]") -> str:
    """The page's address, from what the demo prints when it is up."""
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        printed += line
        if "Ctrl-C" in line:
            break
    found = re.search(r"^Open (http://127\.0\.0\.1:\d+/)$", printed, re.MULTILINE)
    assert found, printed + (process.stderr.read() if process.stderr else "")
    for hint in ("/lumen status", "/lumen ttl 420", "Approve"):
        assert hint in printed
    return found[1]


def running(directory: Path) -> dict[str, int]:
    """The children that live, by their records."""
    pids = {name: holder(directory / "children" / f"{name}.lock") for name in NAMES}
    return {name: pid for name, pid in pids.items() if pid is not None}


def servers(directory: Path) -> list[int]:
    """Processes of the embedded servers of this demo alone."""
    listed = subprocess.run(["ps", "-axww", "-o", "pid=,command="], capture_output=True, text=True, check=True).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if str(directory) in line and "valkey-server" in line]


async def test_one_address_a_report_and_a_clean_end(tmp_path: Path) -> None:
    with demo(tmp_path) as process:
        page = address(process)
        assert says_ok(int(page.rstrip("/").rpartition(":")[2]), "/")
        async with SandboxClient(f"{page}control/") as slack:
            report = await slack.wait_for_message(
                lambda m: "Why" in m.words() and "health score" in m.text, within_seconds=60
            )
            assert "ion-api" in report.words()
            # The first turn knows what the first look has brought of thirty days.
            await slack.command("/lumen report")
            told = await slack.wait_for_message(lambda m: "Error budgets over 30 days" in m.words(), within_seconds=60)
            assert re.search(r"Latency P99: .*% is left", told.words())
        assert set(running(tmp_path)) == set(NAMES)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert running(tmp_path) == {}
    assert servers(tmp_path) == []


@pytest.mark.prove
def test_a_second_start_ends_what_a_killed_demo_left(tmp_path: Path) -> None:
    with demo(tmp_path) as killed:
        address(killed)
        orphans = running(tmp_path)
        assert set(orphans) == set(NAMES)
        killed.kill()
        killed.wait(timeout=10)
        assert running(tmp_path) == orphans
    with demo(tmp_path) as process:
        address(process)
        assert not set(running(tmp_path).values()) & set(orphans.values())
        assert len(servers(tmp_path)) == 2

        # And a child that dies takes the whole with it, in words.
        os.kill(running(tmp_path)["bot"], signal.SIGKILL)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 1
        assert said.startswith("The bot ended by itself (exit code -9). Its last words:\n")
    assert running(tmp_path) == {}
    assert servers(tmp_path) == []


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with demo(tmp_path, "--port", str(port)) as process:
            _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert said == (
        f"Port {port} on 127.0.0.1 is taken: stop what uses it, or choose another one "
        f"(make demo PORT={port + 1}, or lumen demo --port {port + 1}).\n"
    )


@pytest.mark.prove
def test_a_demo_that_runs_already_is_told(tmp_path: Path) -> None:
    with demo(tmp_path, "--sandbox-only") as first:
        assert any(running(tmp_path) for _ in polls(STARTS_WITHIN_SECONDS))
        with demo(tmp_path) as second:
            _, said = second.communicate(timeout=30)
    assert second.returncode == 1
    assert said.startswith("A demo is running already")
    assert f"(process {first.pid}, in {tmp_path})" in said
    assert len(said.splitlines()) == 1
