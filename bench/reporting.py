"""Version 2 of the contract with the service: what reporting each access costs the client, the server and the store."""

import os
import statistics
import struct
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis

from demo.valkey import EmbeddedValkey, Kind
from sandbox.ion.ion_cache import HIT, LOG, Cache, Contract

SERVICE, LOOKUPS, ROUNDS, KEYS = "ion-api", 500, 100, 2_000
BATCHES, BATCH = 8, 500


def client_us(work: Callable[[bytes], object]) -> float:
    """Processor time of this process a lookup, in microseconds."""
    keys = [b"answer %d" % (n % KEYS) for n in range(LOOKUPS)]
    began = time.process_time()
    for key in keys:
        work(key)
    return (time.process_time() - began) / LOOKUPS * 1e6


def client(url: str) -> None:
    """In turns, so that whatever else the machine does hits both alike."""
    with redis.Redis.from_url(url) as connection:
        cache = Cache(connection, SERVICE, b"secret")
        connection.hset("ion:config:cache_ttl_seconds:" + SERVICE, mapping={"value": 300, "version": 1})
        plain, reporting = [], []
        for _ in range(ROUNDS):
            plain.append(client_us(lambda key: connection.get(b"ion:cache:" + key)))
            reporting.append(client_us(cache.get))
        alone, noted = least(plain), least(reporting)
        print(f"client: GET alone {alone:.1f} us, with the contract {noted:.1f} us: {noted - alone:+.1f} us a lookup")
        contract = Contract(SERVICE, b"secret")
        print(f"client: hash and note alone {client_us(lambda key: contract.note(contract.hash(key), HIT)):.1f} us")


def least(taken: list[float]) -> float:
    """The lower quartile: what others do on the machine only ever adds."""
    return statistics.quantiles(taken, n=4)[0]


def server_us(connection: Any, payload: bytes) -> float:
    """Processor time of the server a GET, each in a round trip of its own; every 500th brings a batch along."""
    before = connection.info("cpu")
    for n in range(BATCHES):
        for key in range(BATCH):
            connection.execute_command("GET", b"ion:cache:answer %d" % (key % KEYS))
        if payload:
            fields = {"i": "a", "s": n, "t": 0, "v": 1, "l": 1 << 32, "n": "0 500 0 0", "b": payload}
            with connection.pipeline(transaction=False) as pipe:
                pipe.xadd(f"{LOG}:{SERVICE}", fields, maxlen=1000).ping().execute()
    after = connection.info("cpu")
    used = sum(after[name] - before[name] for name in ("used_cpu_user", "used_cpu_sys"))
    return float(used) / (BATCHES * BATCH) * 1e6


def batch_us(connection: Any, payload: bytes) -> float:
    """Processor time of the server a batch."""
    before = connection.info("cpu")
    for n in range(1000):
        fields = {"i": "a", "s": n, "t": 0, "v": 1, "l": 1 << 32, "n": "0 500 0 0", "b": payload}
        connection.xadd(f"{LOG}:{SERVICE}", fields, maxlen=1000)
    after = connection.info("cpu")
    return float(sum(after[name] - before[name] for name in ("used_cpu_user", "used_cpu_sys"))) * 1000


def server(url: str) -> None:
    """The load of GETs with and without batches, and the size of a full stream."""
    payload = b"".join(struct.pack("<QBB", int.from_bytes(os.urandom(8), "little"), HIT, 0) for _ in range(BATCH))
    with redis.Redis.from_url(url) as connection:
        plain, reporting = [], []
        for _ in range(ROUNDS // 8):
            plain.append(server_us(connection, b""))
            reporting.append(server_us(connection, payload))
        alone, batched = least(plain), least(reporting)
        print(f"server: GET {alone:.1f} us, with batches {batched:.1f} us")
        each = batch_us(connection, payload)
        share = each / BATCH / alone
        print(f"server: a batch {each:.0f} us, {each / BATCH:.3f} us a lookup: {share:.1%} more at any rate")
        kept = connection.xlen(f"{LOG}:{SERVICE}")
        size = connection.memory_usage(f"{LOG}:{SERVICE}", samples=0)
        print(f"store: {kept} batches of {BATCH} take {size / 1e6:.2f} MB, {size / kept / BATCH:.1f} B a record")


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as directory,
        EmbeddedValkey(Path(directory), Kind.CACHE, port=0) as valkey,
    ):
        client(valkey.url)
        server(valkey.url)


if __name__ == "__main__":
    main()
