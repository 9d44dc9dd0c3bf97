"""The embedded Valkey never leaves two servers on one append-only file, and never one behind."""

import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from demo.locks import polls
from demo.valkey import LONGEST_SOCKET_PATH, EmbeddedValkey, Kind, ValkeyFailed


def ask(server: EmbeddedValkey) -> redis.Redis:
    return redis.Redis.from_url(server.url, decode_responses=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def alive(pid: int) -> bool:
    """Running: a zombie that nobody has reaped yet is dead."""
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], check=False, capture_output=True, text=True)
    return shown.stdout.strip()[:1] not in ("", "Z", "X")


def gone(pid: int) -> bool:
    """The kernel lets go of a lock a moment before the process is gone."""
    return any(not alive(pid) for _ in polls(5.0))


def test_state_is_durable_private_and_gone_after_stop(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "s") as server:
        client = ask(server)
        wanted = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
        assert {name: client.config_get(name)[name] for name in wanted} == wanted
        assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o700
        assert os.getsid(server.pid) == server.pid
        pid = server.pid
    assert gone(pid)
    server.stop()  # a second stop is quiet


def test_cache_keeps_nothing_and_evicts(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path, Kind.CACHE, maxmemory_mb=10, port=free_port()) as server:
        client = ask(server)
        assert client.config_get("appendonly") == {"appendonly": "no"}
        assert client.config_get("maxmemory") == {"maxmemory": str(10 * 2**20)}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "volatile-lru"}


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path)
    server.start()
    ask(server).set("k", "v")
    server.kill()
    server.start()
    try:
        assert ask(server).get("k") == "v"
    finally:
        server.stop()


def test_the_server_of_a_killed_parent_is_adopted(tmp_path: Path) -> None:
    """A real parent, really killed: the second start finds its server and ends with none."""
    code = (
        "import os, signal, sys; from pathlib import Path; from demo.valkey import EmbeddedValkey\n"
        "s = EmbeddedValkey(Path(sys.argv[1])); s.start(); print(s.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    killed = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    orphan = int(killed.stdout)
    assert alive(orphan)
    with EmbeddedValkey(tmp_path) as second:
        assert second.adopted
        assert second.pid == orphan
    assert gone(orphan)


def test_an_orphan_can_be_stopped_and_a_server_with_a_parent_cannot(tmp_path: Path) -> None:
    first = EmbeddedValkey(tmp_path)
    first.start()
    pid = first.pid
    EmbeddedValkey(tmp_path).stop_orphan()
    assert alive(pid)
    first.abandon()
    EmbeddedValkey(tmp_path).stop_orphan()
    EmbeddedValkey(tmp_path).stop_orphan()
    assert gone(pid)


def test_an_orphan_that_hangs_or_listens_elsewhere_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("demo.valkey.ANSWER_SECONDS", 0.1)
    first = EmbeddedValkey(tmp_path)
    first.start()
    orphan = first.pid
    first.abandon()
    with EmbeddedValkey(tmp_path, port=free_port()) as second:
        assert not second.adopted
        assert second.pid != orphan
        assert ask(second).ping()


def test_a_second_parent_is_refused(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path), pytest.raises(ValkeyFailed, match="Another process"):
        EmbeddedValkey(tmp_path).start()


def test_a_taken_port_is_one_clear_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ValkeyFailed, match=f"Port {port} on 127.0.0.1 is taken"):
            EmbeddedValkey(tmp_path, port=port).start()
    # and the directory is free again
    with EmbeddedValkey(tmp_path) as server:
        assert ask(server).ping()


def test_a_long_directory_gets_a_short_socket(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / ("d" * 120)) as server:
        path = Path(server.socket_url.removeprefix("unix://").removesuffix("?db=0"))
        assert len(os.fsencode(path)) <= LONGEST_SOCKET_PATH
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert ask(server).ping()
    assert not path.parent.exists()
