"""Six real servers on loopback as one cluster: three primaries, each with a replica.

The nodes begin with a written configuration instead of meeting each other, so that all six agree as soon as they talk.
"""

import contextlib
import os
import re
import signal
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.retry import Retry

from demo.valkey import EmbeddedValkey, Kind

PRIMARIES = 3
SLOTS = 16384
FIRST = (0, 5461, 10923, SLOTS)
#: A node that is silent for so long is taken for dead by the others, which then promote its replica.
NODE_TIMEOUT_MS = 1500
JOINED_SECONDS = 30.0
POLL_SECONDS = 0.02
REDIS_SERVER = Path("/usr/bin/redis-server")


class ClusterNode(EmbeddedValkey):
    """One of the six; killed, stopped and started like any other server. `number`: 0 to 2 began as primaries."""

    def __init__(
        self, directory: Path, number: int, port: int, kind: Kind, binary: Path | None, options: Sequence[str]
    ) -> None:
        self.number, self.port, self.id = number, port, f"{number + 1:040x}"
        super().__init__(directory, kind, port=port, maxmemory_mb=64, binary=binary, options=options)

    def ask(self, *command: str | int) -> Any:
        """One command, sent to this very node; whatever it answers. Raises redis.RedisError."""
        with self.client() as client:
            return client.execute_command(*command)

    def info(self) -> dict[str, str]:
        """CLUSTER INFO, as this node sees it. Raises redis.RedisError."""
        return dict(re.findall(r"(\w+):(\S+)", str(self.ask("CLUSTER", "INFO"))))

    def client(self) -> "redis.Redis":
        """A plain client of this very node."""
        no_retries = Retry(NoBackoff(), 0)
        return redis.Redis(port=self.port, socket_timeout=5.0, decode_responses=True, retry=no_retries)

    @property
    def is_alive(self) -> bool:
        """Also while it is paused."""
        return self._process is not None and self._process.poll() is None

    def pause(self) -> None:
        """As a machine that hangs: its connections stay open, and nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)


class RedisCluster:
    """The six. Use it as a context manager; `kind` tells whether they keep state or a cache.

    `binary`: Debian's redis-server where it is installed, else the embedded Valkey.
    """

    def __init__(
        self,
        directory: Path,
        kind: Kind = Kind.STATE,
        *,
        binary: Path | None = None,
        node_timeout_ms: int = NODE_TIMEOUT_MS,
        options: Sequence[str] = (),
    ) -> None:
        binary = binary or (REDIS_SERVER if REDIS_SERVER.exists() else None)
        ports = free_ports(4 * PRIMARIES)
        own = ports[: 2 * PRIMARIES]
        buses = dict(zip(own, ports[2 * PRIMARIES :], strict=True))
        self.nodes = [
            ClusterNode(
                directory / str(number),
                number,
                port,
                kind,
                binary,
                (*_cluster_options(buses[port], node_timeout_ms), *options),
            )
            for number, port in enumerate(own)
        ]
        self._directory, self._buses = directory, buses

    @property
    def url(self) -> str:
        """As a setting would name it, by all nodes."""
        return self._url(self.nodes)

    def url_from(self, key: str) -> str:
        """The same; the node that serves `key` stands first."""
        first = self.primary_of(key)
        return self._url([first, *(node for node in self.nodes if node is not first)])

    def _url(self, nodes: Sequence[ClusterNode]) -> str:
        return f"redis+cluster://{','.join(f'127.0.0.1:{node.port}' for node in nodes)}"

    def __enter__(self) -> Self:
        try:
            for node in self.nodes:
                self._configure(node)
                node.start()
            self.wait_until_whole()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    def primary_of(self, key: str) -> ClusterNode:
        """The node that the living ones take for the primary of the key's slot."""
        slot, by_port = key_slot(key.encode()), {node.port: node for node in self.nodes}
        for first, last, primary, *_ in self._slots():
            if first <= slot <= last:
                return by_port[int(primary[1])]
        raise AssertionError(f"no node serves slot {slot}")

    def primaries(self) -> list[ClusterNode]:
        """Each node that serves slots."""
        by_port = {node.port: node for node in self.nodes}
        return [by_port[port] for port in {int(primary[1]): None for _, _, primary, *_ in self._slots()}]

    def replicas_of(self, primary: ClusterNode) -> list[ClusterNode]:
        """Those that the living nodes take for its replicas, but for dead ones."""
        by_port = {node.port: node for node in self.nodes}
        found = {
            int(each[1]): None for _, _, first, *rest in self._slots() if int(first[1]) == primary.port for each in rest
        }
        return [by_port[port] for port in found]

    def flush(self) -> None:
        """Empty it, for the next test; `appendonly` and all other settings stay."""
        for node in self.primaries():
            node.ask("FLUSHALL")

    def wait_until_whole(self) -> None:
        """Six nodes that agree, every slot served, every replica in step. Mends what a test broke: starts the dead,
        resumes the stopped."""
        for node in self.nodes:
            node.resume() if node.is_alive else node.start()
        until = time.monotonic() + JOINED_SECONDS
        while not self._is_whole():
            assert time.monotonic() < until, f"the cluster is not whole after {JOINED_SECONDS:.0f} s"
            time.sleep(POLL_SECONDS)

    def _is_whole(self) -> bool:
        try:
            views = [str(node.ask("CLUSTER", "NODES")) for node in self.nodes]
            states = [node.info() for node in self.nodes]
            roles = [node.ask("ROLE") for node in self.nodes]
        except (redis.RedisError, OSError):
            return False
        if not all(state["cluster_state"] == "ok" and state["cluster_slots_ok"] == str(SLOTS) for state in states):
            return False
        in_step = sum(1 for role in roles if role[0] == "slave" and role[3] == "connected")
        serving = [sum(1 for line in view.splitlines() if _serves(line)) for view in views]
        trouble = any(word in view for view in views for word in ("fail", "handshake", "noaddr"))
        return in_step == PRIMARIES and serving == [PRIMARIES] * len(views) and not trouble

    def _slots(self) -> list[list[Any]]:
        """CLUSTER SLOTS of the node that knows the newest configuration."""
        views = []
        for node in self.nodes:
            with contextlib.suppress(redis.RedisError, OSError):
                views.append((int(node.info()["cluster_current_epoch"]), node.ask("CLUSTER", "SLOTS")))
        assert views, "no node of the cluster answers"
        return list(max(views, key=lambda view: view[0])[1])

    def _configure(self, node: ClusterNode) -> None:
        """What `node` would know after it had met the others."""
        directory = self._directory / str(node.number)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lines = [self._line(each, node) for each in self.nodes]
        text = "\n".join([*lines, f"vars currentEpoch {PRIMARIES} lastVoteEpoch 0", ""])
        (directory / "nodes.conf").write_text(text, encoding="utf-8")

    def _line(self, node: ClusterNode, of: ClusterNode) -> str:
        myself = "myself," if node is of else ""
        address = f"{node.id} 127.0.0.1:{node.port}@{self._buses[node.port]}"
        shard = node.number % PRIMARIES
        if node.number < PRIMARIES:
            return f"{address} {myself}master - 0 0 {shard + 1} connected {FIRST[shard]}-{FIRST[shard + 1] - 1}"
        return f"{address} {myself}slave {self.nodes[shard].id} 0 0 {shard + 1} connected"


def free_ports(count: int) -> list[int]:
    """Held open together, so that they differ; a cluster's bus wants the port 10,000 above unless told otherwise."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def _serves(line: str) -> bool:
    """Whether a line of CLUSTER NODES is of a primary with slots."""
    words = line.split()
    return "master" in words[2] and len(words) > 8


def _cluster_options(bus: int, node_timeout_ms: int) -> Sequence[str]:
    return (
        *("--cluster-enabled", "yes", "--cluster-port", str(bus), "--cluster-node-timeout", str(node_timeout_ms)),
        # A full copy goes out at once instead of waiting five seconds for further replicas; none loads it from a disk.
        *("--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0"),
        # The data of one service must be reachable while another one's shard is down.
        *("--cluster-require-full-coverage", "no", "--repl-ping-replica-period", "1"),
    )
