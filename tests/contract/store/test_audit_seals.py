"""The audit cannot be changed unnoticed, proves itself outside of the store, and is trimmed only when it is safe."""

import json
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from lumen.adapters.store.audit_lines import verify_lines
from lumen.model.messages import LeaseLost
from tests.contract.store.builders import LONG, SERVICE, SOON, Store

AUDIT = f"lumen:{{{SERVICE.key}}}:audit"


async def fill(store: Store, count: int) -> None:
    for n in range(count):
        await store.audit.add(SERVICE, "refused", f"U{n}", 'said "아니요"\n', f"P{n}", '{"n":1}')


async def sealed(store: Store, count: int) -> None:
    await fill(store, count)
    lease = await store.lease("seal")
    await store.seals.seal(SERVICE, lease)
    await store.leases.release(SERVICE, lease)


def millisecond(entry_id: str) -> str:
    return entry_id.split("-", maxsplit=1)[0]


async def sealed_over_time(store: Store) -> list[str]:
    """The ids of six or more sealed entries, oldest first, which are not all of the same millisecond."""
    await sealed(store, 6)
    while True:
        ids = [entry.id for entry in await store.audit.entries(SERVICE, 1000)][::-1]
        if millisecond(ids[0]) != millisecond(ids[-1]):
            return ids
        await sealed(store, 1)


async def test_everything_is_sealed_in_batches(store: Store) -> None:
    lease = await store.lease("seal")
    assert await store.seals.seal(SERVICE, lease) is None
    assert (await store.seals.verify(SERVICE)).head == ""
    await fill(store, 9)
    head = await store.seals.seal(SERVICE, lease)
    assert head is not None
    assert (head.number, head.entries) == (3, 1)
    assert await store.seals.seal(SERVICE, lease) == head  # nothing new
    await fill(store, 2)
    check = await store.seals.verify(SERVICE)
    assert (check.head, check.seals, check.sealed_entries, check.unsealed_entries, check.broken) == (
        head.sha256,
        3,
        9,
        2,
        None,
    )


async def test_one_claimant_seals(store: Store) -> None:
    paused = await store.lease("seal", SOON)
    await fill(store, 1)
    await store.pass_time(SOON)
    with pytest.raises(LeaseLost):
        await store.seals.seal(SERVICE, paused)
    head = await store.seals.seal(SERVICE, await store.lease("seal", LONG))
    assert head is not None
    assert (await store.seals.verify(SERVICE)).broken is None


@pytest.mark.parametrize("harm", ["remove", "change", "smuggle in", "remove a seal", "empty"])
async def test_harm_is_noticed(store: Store, harm: str) -> None:
    ids = await sealed_over_time(store)
    seals = f"lumen:{{{SERVICE.key}}}:seals"
    redis: Any = store.redis  # its answers are typed for every protocol at once
    if harm == "remove":
        await redis.xdel(AUDIT, ids[2])
    elif harm == "empty":
        await redis.delete(AUDIT)
    elif harm == "remove a seal":
        await sealed(store, 4)
        await redis.lrem(seals, 1, await redis.lindex(seals, 1))
    else:
        # A stream takes no entry between others, so whoever changes one writes all of it anew.
        entries = await redis.xrange(AUDIT)
        # Within one millisecond there is no id between two.
        gap = next(one for one, two in pairwise(ids) if millisecond(one) != millisecond(two))
        await redis.delete(AUDIT)
        for entry_id, fields in entries:
            if harm == "change" and entry_id == ids[2]:
                fields["actor"] = "U999"
            await redis.xadd(AUDIT, fields, entry_id)
            if harm == "smuggle in" and entry_id == gap:
                await redis.xadd(AUDIT, fields, f"{entry_id}1")
    check = await store.seals.verify(SERVICE)
    assert check.broken is not None
    assert check.broken.code.startswith("state.audit_")


async def test_an_export_proves_itself(store: Store) -> None:
    await sealed(store, 6)
    await fill(store, 2)
    lines = [line async for line in store.seals.export(SERVICE, 0)]
    head = await store.seals.head(SERVICE)
    assert head is not None
    check = verify_lines(lines)
    assert (check.head, check.seals, check.sealed_entries, check.unsealed_entries) == (head.sha256, 2, 6, 0)
    assert check.broken is None
    assert json.loads(lines[0])["detail"] == 'said "아니요"\n'
    for at, line in enumerate(lines):
        harmed = line.replace('"U', '"X').replace('"entries":', '"entries":1')
        assert verify_lines([*lines[:at], harmed, *lines[at + 1 :]]) != check
        assert verify_lines(lines[:at] + lines[at + 1 :]) != check
    later = [line async for line in store.seals.export(SERVICE, 1)]
    assert lines[5:] == later
    assert verify_lines(later).broken is None


async def test_only_what_is_exported_and_old_is_trimmed(store: Store) -> None:
    await sealed(store, 10)
    await store.pass_time(SOON)
    assert await store.seals.trim(SERVICE, SOON) == 0  # not exported
    await store.seals.exported(SERVICE, 2)
    await store.seals.exported(SERVICE, 1)
    assert await store.seals.last_exported(SERVICE) == 2
    assert await store.seals.trim(SERVICE, timedelta(days=90)) == 0  # not old
    before = await store.seals.head(SERVICE)
    assert await store.seals.trim(SERVICE, SOON) == 8
    await store.seals.exported(SERVICE, 3)
    assert await store.seals.trim(SERVICE, SOON) == 0  # the newest seal stays
    await sealed(store, 3)
    check = await store.seals.verify(SERVICE)
    assert (check.seals, check.sealed_entries, check.broken) == (2, 5, None)
    after = await store.seals.head(SERVICE)
    assert before is not None
    assert after is not None
    assert (after.number, after.previous) == (before.number + 1, before.sha256)


async def test_the_changed_line_is_named(store: Store) -> None:
    await sealed(store, 6)
    lines = [line async for line in store.seals.export(SERVICE, 0)]
    harmed = [line.replace('"U4"', '"U9"') for line in lines]
    check = verify_lines(harmed)
    assert check.line == 6  # four entries and their seal stand before the fifth entry's run
    assert check.broken is not None
    assert check.broken.params["entry_id"] == json.loads(harmed[5])["id"]
    assert verify_lines([*lines[:2], *lines[3:]]).line == 3  # where the removed one stood
    assert verify_lines([*lines, "what"]).line == 9  # after six entries and two seals
    assert verify_lines([lines[0].replace('{"id"', '{"more":1,"id"'), *lines[1:]]).line == 1


async def test_a_beginning_that_nobody_exported_is_missed(store: Store) -> None:
    await sealed(store, 6)
    seals = f"lumen:{{{SERVICE.key}}}:seals"
    redis: Any = store.redis
    await redis.lpop(seals)
    ids = [entry.id for entry in await store.audit.entries(SERVICE, 100)][::-1]
    await redis.xtrim(AUDIT, minid=ids[4], approximate=False)
    check = await store.seals.verify(SERVICE)
    assert check.broken is not None
    assert check.broken.code == "state.audit_start_missing"
    await store.seals.exported(SERVICE, 1)
    assert (await store.seals.verify(SERVICE)).broken is None
