"""The hourly round: sealed once across replicas, trimmed only when it was exported, and never in anybody's way."""

import asyncio
from datetime import timedelta

import pytest

from lumen.adapters.store.audit_lines import verify_lines
from lumen.model.messages import NotPossible
from lumen.use_cases.auditing import SEALING, Auditing
from tests.contract.store.builders import KIM, LONG, OTHER, SERVICE, SOON, Store

DAYS = timedelta(days=90)


def auditing(store: Store, keep: timedelta = DAYS) -> Auditing:
    return Auditing(store.seals, store.audit, store.claims, keep)


async def happen(store: Store, count: int) -> None:
    for n in range(count):
        await store.audit.add(SERVICE, "refused", f"U{n}", "why", "", "")


async def test_an_hour_is_sealed_once_whoever_asks(store: Store) -> None:
    await happen(store, 3)
    rounds = await asyncio.gather(*(auditing(store).due([SERVICE, OTHER]) for _ in range(5)))
    assert sorted(service.key for done in rounds for service in done) == sorted([SERVICE.key, OTHER.key])
    head = await store.seals.head(SERVICE)
    assert head is not None
    assert (head.number, head.entries) == (1, 3)
    await happen(store, 1)
    assert await auditing(store).due([SERVICE]) == []
    store.clock.time += timedelta(hours=1)
    assert await auditing(store).due([SERVICE]) == [SERVICE]
    newest = await store.seals.head(SERVICE)
    assert newest is not None
    assert (newest.number, newest.previous) == (2, head.sha256)


async def test_who_seals_is_alone(store: Store) -> None:
    await happen(store, 1)
    lease = await store.lease(SEALING, LONG)
    assert await auditing(store).due([SERVICE]) == []
    with pytest.raises(NotPossible, match=r"audit\.sealing_elsewhere"):
        await auditing(store).seal_now(SERVICE)
    await store.leases.release(SERVICE, lease)
    assert await auditing(store).seal_now(SERVICE) is not None


async def test_only_what_was_exported_leaves(store: Store) -> None:
    old = auditing(store, SOON)
    await happen(store, 9)
    assert await old.due([SERVICE]) == [SERVICE]
    await store.pass_time(2 * SOON)
    store.clock.time += timedelta(hours=1)
    await old.due([SERVICE])
    assert len(await store.audit.entries(SERVICE, 100)) == 9

    seal = await old.seal_now(SERVICE)
    assert seal is not None
    lines = [line async for line in old.lines(SERVICE)]
    assert verify_lines(lines).head == seal.sha256
    await old.exported(SERVICE, seal, KIM, "audit.jsonl")
    await store.pass_time(2 * SOON)
    store.clock.time += timedelta(hours=1)
    await old.due([SERVICE])
    left = await store.audit.entries(SERVICE, 100)
    # The line that tells of the export stands under a newer seal, so it stays.
    assert [entry.event for entry in left] == ["exported"]
    assert (left[0].actor, left[0].detail) == (KIM.user_id, f"1-3 {seal.sha256} audit.jsonl")
    assert (await old.verify(SERVICE)).broken is None
