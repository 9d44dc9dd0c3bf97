"""A store that restarts, is empty, full, read-only, slow or cut off: never two decisions, never a wrong claim."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from demo.valkey import EmbeddedValkey
from lumen.adapters.store import epoch
from lumen.adapters.store.connection import StoreClient, open_store
from lumen.adapters.store.hint import ACTIVE
from lumen.model.messages import NotPossible, OutcomeUnknown, StoreUnavailable
from lumen.model.proposal import Choice, State
from tests.contract.store.builders import DAY, KIM, LONG, OTHER, SERVICE, Store, TestClock, click, draft
from tests.contract.store.conftest import REDIS_7
from tests.contract.store.proxy import Fault, Proxy

StartServer = Callable[..., EmbeddedValkey]
#: Tests wait for answers that never come; the product waits longer.
IMPATIENT = 0.4
#: What a server that goes on after a stop answers within, also on a busy machine.
PATIENT = 2.0


def socket_of(server: EmbeddedValkey) -> Path:
    return Path(server.socket_url.removeprefix("unix://").removesuffix("?db=0"))


@asynccontextmanager
async def opened(url: str, **settings: float) -> AsyncIterator[StoreClient]:
    client = open_store(url, **settings)  # type: ignore[arg-type]  # all but one are floats
    try:
        yield client
    finally:
        await client.aclose()


@asynccontextmanager
async def proxied(server: EmbeddedValkey) -> AsyncIterator[tuple[Proxy, Store]]:
    proxy = Proxy(socket_of(server))
    async with opened(await proxy.start(), answer_seconds=IMPATIENT) as client:
        far = Store.over(client)
        # The scripts are known to the server, so that a fault strikes the script and not its introduction.
        await far.proposals.settle(SERVICE, "warm")
        with pytest.raises(NotPossible):
            await far.proposals.decide(SERVICE, "P0", click(Choice.APPROVE, "warm up"))
        yield proxy, far
    await proxy.stop()


@pytest.mark.parametrize("fault", [Fault.LOSE_ANSWER, Fault.LOSE_REQUEST, Fault.SILENCE])
async def test_a_lost_answer_is_unknown_and_then_settled(
    one_server: EmbeddedValkey, store: Store, fault: Fault
) -> None:
    made = await store.proposals.propose(draft(), DAY)
    async with proxied(one_server) as (proxy, far):
        proxy.fault, seen = fault, proxy.scripts_seen
        with pytest.raises(OutcomeUnknown):
            await far.proposals.decide(SERVICE, made.id, click(Choice.APPROVE, "c"))
        assert proxy.scripts_seen == seen + 1  # nothing was sent a second time
        settled = await far.proposals.settle(SERVICE, "c")
    now = await store.proposals.get(SERVICE, made.id)
    assert now is not None
    if fault is Fault.LOSE_ANSWER:
        assert settled is not None
        assert (settled.won, settled.proposal.state, now.state) == (True, State.APPROVED, State.APPROVED)
    else:
        assert settled is None
        assert now.state is State.PENDING


async def test_a_request_that_arrives_after_it_was_settled_decides_nothing(
    one_server: EmbeddedValkey, store: Store
) -> None:
    made = await store.proposals.propose(draft(), DAY)
    async with proxied(one_server) as (proxy, far):
        proxy.fault = Fault.KEEP_REQUEST
        with pytest.raises(OutcomeUnknown):
            await far.proposals.decide(SERVICE, made.id, click(Choice.APPROVE, "c"))
        assert await far.proposals.settle(SERVICE, "c") is None
        (answer,) = await proxy.deliver()
        assert b"TOMBSTONE" in answer
    assert await store.proposals.get(SERVICE, made.id) == made


async def test_a_request_that_arrives_after_we_gave_up_decides_nothing(
    one_server: EmbeddedValkey, store: Store
) -> None:
    """Also when nobody has asked what became of it."""
    made = await store.proposals.propose(draft(), DAY)
    async with proxied(one_server) as (proxy, far):
        proxy.fault = Fault.KEEP_REQUEST
        with pytest.raises(OutcomeUnknown):
            await far.proposals.decide(SERVICE, made.id, click(Choice.APPROVE, "c"))
        await asyncio.sleep(IMPATIENT)  # as long as the client would have waited
        (answer,) = await proxy.deliver()
        assert b"TOO_LATE" in answer
    assert await store.proposals.get(SERVICE, made.id) == made


async def test_a_lost_read_is_no_unknown_outcome(one_server: EmbeddedValkey, store: Store) -> None:
    async with proxied(one_server) as (proxy, far):
        proxy.fault = Fault.LOSE_ANSWER
        with pytest.raises(StoreUnavailable):
            await far.proposals.unfinished(SERVICE)


async def test_a_stopped_server_costs_bounded_time_and_what_it_does_later_counts_for_nothing(
    own_server: StartServer,
) -> None:
    server = own_server()
    async with opened(server.url, answer_seconds=PATIENT) as client:
        store = Store.over(client)
        await store.prepare()
        made = await store.proposals.propose(draft(), DAY)
        assert await store.proposals.settle(SERVICE, "warm") is None
        os.kill(server.pid, signal.SIGSTOP)
        try:
            started = time.monotonic()
            with pytest.raises(OutcomeUnknown):
                await store.proposals.decide(SERVICE, made.id, click(Choice.APPROVE, "c"))
            assert time.monotonic() - started < 20, "as long as it was told to wait, not for ever"
            with pytest.raises((OutcomeUnknown, StoreUnavailable)):
                await store.proposals.settle(SERVICE, "c")
            with pytest.raises(StoreUnavailable):
                await store.proposals.get(SERVICE, made.id)
        finally:
            os.kill(server.pid, signal.SIGCONT)
        # The server now runs the commands that waited in its socket, long after we gave up.
        assert await store.proposals.get(SERVICE, made.id) == made
        assert await store.proposals.settle(SERVICE, "c") is None
        assert (await store.proposals.decide(SERVICE, made.id, click(Choice.REJECT, "c2"))).won


async def test_many_clicks_on_a_stopped_server_all_end_in_bounded_time(own_server: StartServer) -> None:
    server = own_server()
    async with opened(server.url, answer_seconds=PATIENT, connect_seconds=0.5) as client:
        store = Store.over(client)
        await store.prepare()
        made = await store.proposals.propose(draft(), DAY)
        os.kill(server.pid, signal.SIGSTOP)
        try:
            started = time.monotonic()
            ends = await asyncio.gather(
                *(store.proposals.decide(SERVICE, made.id, click(Choice.APPROVE, f"c{n}")) for n in range(100)),
                return_exceptions=True,
            )
            assert time.monotonic() - started < 100 * PATIENT / 2, "they wait together, not one after the other"
        finally:
            os.kill(server.pid, signal.SIGCONT)
        assert all(isinstance(end, OutcomeUnknown | StoreUnavailable) for end in ends)
        assert await store.proposals.get(SERVICE, made.id) == made


NO_REDIS_7 = pytest.mark.skipif(not REDIS_7.exists(), reason=f"{REDIS_7} is not installed")


@pytest.mark.parametrize("binary", [None, pytest.param(REDIS_7, marks=NO_REDIS_7)], ids=["valkey", "redis"])
async def test_nothing_acknowledged_is_lost_by_kill_9(own_server: StartServer, binary: Path | None) -> None:
    server = own_server(binary=binary)
    async with opened(server.url) as client:
        store = Store.over(client)
        await store.prepare()
        made = await store.proposals.propose(draft(), DAY)
        voters = 20
        clicks = [
            asyncio.create_task(store.proposals.decide(SERVICE, made.id, click(Choice.APPROVE, f"c{n}")))
            for n in range(voters)
        ]
        await asyncio.wait(clicks, return_when=asyncio.FIRST_COMPLETED)
        server.kill()
        ends = await asyncio.gather(*clicks, return_exceptions=True)
        with pytest.raises(StoreUnavailable):
            await store.proposals.get(SERVICE, made.id)
        server.start()
        acknowledged = [end for end in ends if not isinstance(end, BaseException)]
        assert acknowledged
        after = await store.proposals.get(SERVICE, made.id)
        assert after is not None
        assert {(end.proposal.decision, end.proposal.state) for end in acknowledged} == {(after.decision, after.state)}
        settled = [await store.proposals.settle(SERVICE, f"c{n}") for n in range(voters)]
        for end, told in zip(ends, settled, strict=True):
            if not isinstance(end, BaseException):
                assert told == end
            elif isinstance(end, StoreUnavailable):
                assert told is None  # "nothing happened" was true
        assert sum(told.won for told in settled if told) == 1


async def test_an_empty_store_is_refused_at_the_start_and_while_running(store: Store) -> None:
    assert await epoch.check(store.redis, (SERVICE, OTHER)) == ()
    await store.redis.flushall()  # a failover to an empty replica
    for attempt in (
        epoch.check(store.redis, (SERVICE,)),
        store.proposals.unfinished(SERVICE),
        store.proposals.propose(draft(), DAY),
        store.proposals.settle(SERVICE, "c"),
        store.leases.acquire(SERVICE, "work", LONG),
        store.slots.last_done(SERVICE, "turn"),
        store.turns.latest(SERVICE, 1),
        store.outbox.dirty(SERVICE),
        store.audit.entries(SERVICE, 1),
    ):
        with pytest.raises(StoreUnavailable) as raised:
            await attempt
        assert raised.value.reason.code == "state.no_epoch"
    left = [name for node in await store.redis.nodes() for name in await node.redis.keys()]
    assert all(str(name).startswith(ACTIVE) for name in left), "whoever looks there is refused, too"


async def test_tokens_of_an_emptied_store_stay_older(store: Store) -> None:
    """A worker that slept through the loss of the store holds no newer token than those who came after."""
    before = await store.lease()
    await store.prepare()
    assert (await store.lease()).token > before.token


async def test_init_keeps_what_is_prepared_and_another_layout_is_refused(store: Store) -> None:
    first = await epoch.read(store.redis, SERVICE)
    (again,) = await epoch.init(store.redis, (SERVICE,), TestClock())
    assert again == first
    assert not again.fresh
    await store.redis.hset(f"lumen:{{{SERVICE.key}}}:epoch", "schema", "99")
    for attempt in (
        epoch.check(store.redis, (SERVICE,)),
        epoch.init(store.redis, (SERVICE,), TestClock()),
        store.proposals.unfinished(SERVICE),
    ):
        with pytest.raises(StoreUnavailable) as raised:
            await attempt
        assert raised.value.reason.code == "state.other_schema"


@pytest.mark.parametrize(
    ("setting", "value"), [("appendonly", "no"), ("appendfsync", "everysec"), ("maxmemory-policy", "allkeys-lru")]
)
async def test_a_server_that_would_lose_decisions_is_refused(own_server: StartServer, setting: str, value: str) -> None:
    server = own_server(options=(f"--{setting}", value))
    async with opened(server.url) as client:
        for attempt in (epoch.init(client, (SERVICE,), TestClock()), epoch.check(client, ())):
            with pytest.raises(StoreUnavailable) as raised:
                await attempt
            assert raised.value.reason.params["setting"] == setting


async def test_settings_that_are_not_told_are_a_warning(own_server: StartServer) -> None:
    """As on Memorystore, which blocks CONFIG."""
    server = own_server(options=("--rename-command", "CONFIG", ""))
    async with opened(server.url) as client:
        assert [warning.code for warning in await epoch.check(client, ())] == ["state.settings_hidden"]
        assert (await epoch.init(client, (SERVICE,), TestClock()))[0].fresh


async def test_a_full_store_decides_nothing_and_says_so(own_server: StartServer) -> None:
    server = own_server(maxmemory_mb=1)
    async with opened(server.url) as client:
        store = Store.over(client)
        await client.config_set("maxmemory", 0)
        await store.prepare()
        made = await store.proposals.propose(draft(), DAY)
        await client.config_set("maxmemory", 1)
        for attempt in (
            store.proposals.decide(SERVICE, made.id, click(Choice.APPROVE, "c")),
            store.leases.acquire(SERVICE, "work", LONG),
        ):
            with pytest.raises(StoreUnavailable) as raised:
                await attempt
            assert raised.value.reason.code == "state.out_of_memory"
        assert await store.proposals.get(SERVICE, made.id) == made
        await client.config_set("maxmemory", 0)
        assert (await store.proposals.decide(SERVICE, made.id, click(Choice.APPROVE, "c"))).won


async def test_a_read_only_replica_decides_nothing_and_says_so(own_server: StartServer) -> None:
    server = own_server()
    async with opened(server.url) as client:
        store = Store.over(client)
        await store.prepare()
        made = await store.proposals.propose(draft(), DAY)
        # A replica of nobody: it keeps its data, and refuses to write.
        await client.config_set("replica-serve-stale-data", "yes")
        await client.replicaof("127.0.0.1", 1)
        with pytest.raises(StoreUnavailable) as raised:
            await store.proposals.decide(SERVICE, made.id, click(Choice.APPROVE, "c"))
        assert raised.value.reason.code == "state.read_only"
        await client.replicaof("NO", "ONE")
        assert await store.proposals.get(SERVICE, made.id) == made


async def test_a_server_that_denies_says_so(own_server: StartServer) -> None:
    server = own_server()
    async with opened(server.url) as allowed, opened(server.url) as client:
        await allowed.config_set("requirepass", "secret")
        for attempt in (epoch.check(client, (SERVICE,)), Store.over(client).proposals.unfinished(SERVICE)):
            with pytest.raises(StoreUnavailable) as raised:
                await attempt
            assert raised.value.reason.code == "state.denied"


async def test_nobody_there_is_said_at_once(tmp_path: Path) -> None:
    async with opened(f"unix://{tmp_path}/nobody.sock") as client:
        store = Store.over(client)
        started = time.monotonic()
        for attempt in (
            epoch.check(client, (SERVICE,)),
            store.proposals.decide(SERVICE, "P1", click(Choice.APPROVE, "c")),
            store.audit.add(SERVICE, "refused", KIM.user_id, "P1"),
        ):
            with pytest.raises(StoreUnavailable) as raised:
                await attempt
            assert raised.value.reason.code == "state.unreachable"
            assert "nobody.sock" in str(raised.value.reason.params["where"])
        assert time.monotonic() - started < 1.0


async def test_no_password_is_ever_shown(tmp_path: Path) -> None:
    async with opened("redis://lumen:secret@127.0.0.1:1/0") as client:
        with pytest.raises(StoreUnavailable) as raised:
            await epoch.check(client, (SERVICE,))
        assert "secret" not in repr(raised.value.reason) + repr(raised.value.remedy)
