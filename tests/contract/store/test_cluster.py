"""The keys of a service stand on one node of a cluster, so every script runs there (three real nodes)."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest
from redis.crc import key_slot

from demo.valkey import EmbeddedValkey
from lumen.adapters.store.connection import open_store
from lumen.adapters.store.scripts import NAMES, click_key, key, request_key
from lumen.model.messages import StoreUnavailable, message
from lumen.model.proposal import Choice, State
from tests.contract.store.builders import DAY, KIM, OTHER, SERVICE, Store, click, draft

SLOTS = 16384
THIRDS = (range(5461), range(5461, 10923), range(10923, SLOTS))
JOINED_SECONDS = 20.0


def free_ports(count: int) -> list[int]:
    """Held open together, so that they differ; a cluster's bus wants the port 10,000 above unless told otherwise."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def test_all_keys_of_a_service_share_a_slot() -> None:
    for service in (SERVICE, OTHER):
        keys = [key(service, name) for name in NAMES] + [click_key(service, "c"), request_key(service, "r")]
        assert len({key_slot(each.encode()) for each in keys}) == 1
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.prove
async def test_everything_runs_on_the_node_that_holds_the_service(own_directory: Path) -> None:
    ports = free_ports(6)
    nodes = [
        EmbeddedValkey(
            own_directory / str(n),
            port=ports[n],
            options=("--cluster-enabled", "yes", "--cluster-port", str(ports[n + 3]), "--cluster-node-timeout", "2000"),
        )
        for n in range(3)
    ]
    try:
        for node in nodes:
            node.start()
        await _join(nodes, ports)
        holder = next(n for n, third in enumerate(THIRDS) if key_slot(key(SERVICE, "epoch").encode()) in third)
        await _exercise(nodes[holder])
        away = open_store(nodes[(holder + 1) % 3].url)
        with pytest.raises(StoreUnavailable) as raised:
            await Store.over(away).proposals.unfinished(SERVICE)
        assert raised.value.reason.code == "state.cluster"
        await away.aclose()
    finally:
        for node in nodes:
            node.stop()


async def _join(nodes: list[EmbeddedValkey], ports: list[int]) -> None:
    clients: list[Any] = [open_store(node.url) for node in nodes]
    for client, third in zip(clients, THIRDS, strict=True):
        await client.execute_command("CLUSTER", "ADDSLOTSRANGE", third.start, third.stop - 1)
    for port, bus in zip(ports[1:3], ports[4:6], strict=True):
        await clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", port, bus)
    async with asyncio.timeout(JOINED_SECONDS):
        for client in clients:
            while "cluster_state:ok" not in str(await client.execute_command("CLUSTER", "INFO")):  # noqa: ASYNC110 - only the server can tell
                await asyncio.sleep(0.05)
    for client in clients:
        await client.aclose()


async def _exercise(node: EmbeddedValkey) -> None:
    redis = open_store(node.url)
    store = Store.over(redis)
    await store.prepare_only(SERVICE)
    old = await store.proposals.propose(draft("r1"), DAY)
    made = await store.proposals.propose(draft("r2"), DAY, DAY)
    assert (await store.proposals.snooze(SERVICE, made.id, KIM, "s", DAY)).snoozed
    assert (await store.proposals.decide(SERVICE, made.id, click(Choice.APPROVE, "c"))).won
    assert not (await store.proposals.decide(SERVICE, old.id, click(Choice.APPROVE, "c2"))).won
    assert await store.proposals.settle(SERVICE, "never") is None
    assert await store.proposals.expire_due(SERVICE) == []
    lease = await store.lease()
    await store.proposals.advance(SERVICE, made.id, lease, State.APPLYING, None)
    fresh = await store.proposals.replace(made.id, lease, message("execution.premises_moved"), draft("r3"), DAY)
    assert await store.proposals.unfinished(SERVICE) == [fresh]
    slot = store.clock.now()
    claim = await store.slots.claim(SERVICE, "turn", slot, DAY)
    assert claim is not None
    await store.slots.done(SERVICE, "turn", slot, claim)
    for behind in await store.outbox.dirty(SERVICE):
        await store.outbox.shown(behind, "C1", "1.0")
    await store.seals.seal(SERVICE, lease)
    assert (await store.seals.verify(SERVICE)).broken is None
    await redis.aclose()
