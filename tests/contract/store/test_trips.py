"""What many services ask of the store in one moment: one trip, and to each its own answer or its own error."""

import asyncio
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime

import pytest
from redis.asyncio.connection import AbstractConnection

from demo.valkey import EmbeddedValkey
from lumen.adapters.store.node import Node
from lumen.model.messages import LeaseLost, OutcomeUnknown, StoreUnavailable
from lumen.ports.store import Lease
from tests.contract.store.builders import LONG, OTHER, SERVICE, Store
from tests.contract.store.proxy import Fault
from tests.contract.store.test_store_faults import proxied

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NAMES = [f"schedule-{nth}" for nth in range(40)]


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[Node]:
    """A node for each time that a connection was taken."""
    taken: list[Node] = []
    connection = Node.connection

    def counted(node: Node) -> AbstractAsyncContextManager[AbstractConnection]:
        taken.append(node)
        return connection(node)

    monkeypatch.setattr(Node, "connection", counted)
    return taken


async def test_each_gets_its_own_answer_of_one_trip(store: Store, trips: list[Node]) -> None:
    claimed = await asyncio.gather(*(store.slots.claim(SERVICE, name, NOON, LONG) for name in NAMES))
    assert len(trips) == 2  # of 32 at most
    kept, lost = claimed[0], Lease("slot/schedule-1", 1)
    assert kept is not None
    trips.clear()
    asked = (
        store.slots.last_done(SERVICE, NAMES[0]),
        store.slots.done(SERVICE, NAMES[0], NOON, kept),
        store.slots.done(SERVICE, NAMES[1], NOON, lost),
        store.slots.claim(OTHER, NAMES[2], NOON, LONG),
        store.slots.claim(SERVICE, NAMES[2], NOON, LONG),
        store.slots.last_done(SERVICE, NAMES[0]),
    )
    before, done, refused, others, held, after = await asyncio.gather(*asked, return_exceptions=True)
    assert (before, done, type(refused), type(others), held, after) == (None, None, LeaseLost, Lease, None, NOON)
    assert len(trips) == 1


async def test_whoever_gives_up_takes_nobodys_answer_away(store: Store) -> None:
    impatient, patient = (asyncio.ensure_future(store.slots.claim(SERVICE, name, NOON, LONG)) for name in NAMES[:2])
    for _ in range(3):
        await asyncio.sleep(0)  # it is under way
    impatient.cancel()
    assert await patient is not None
    with pytest.raises(asyncio.CancelledError):
        await impatient
    assert await store.slots.last_done(SERVICE, NAMES[0]) is None  # and the connection tells nobody else of it


@pytest.mark.parametrize("fault", [Fault.LOSE_REQUEST, Fault.LOSE_ANSWER, Fault.SILENCE])
async def test_changes_without_an_answer_may_have_happened_and_reads_have_not(
    one_server: EmbeddedValkey, store: Store, fault: Fault
) -> None:
    async with proxied(one_server) as (proxy, far):
        assert await far.slots.claim(SERVICE, "warm", NOON, LONG) is not None
        assert await far.slots.last_done(SERVICE, "warm") is None
        proxy.fault, seen = fault, proxy.scripts_seen
        asked = (far.slots.claim(SERVICE, "turn", NOON, LONG), far.slots.last_done(SERVICE, "turn"))
        claim, read = await asyncio.gather(*asked, return_exceptions=True)
        assert (type(claim), type(read)) == (OutcomeUnknown, StoreUnavailable)
        assert proxy.scripts_seen == seen + 1  # nothing was sent a second time
        again = await far.slots.claim(SERVICE, "turn", NOON, LONG)
    assert (again is None) is (fault is Fault.LOSE_ANSWER)
