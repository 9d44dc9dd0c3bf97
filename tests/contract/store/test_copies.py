"""A copy holds all that Lumen remembers at one moment, and brings it back; what is broken or elsewhere is refused."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.valkey import EmbeddedValkey
from lumen.adapters.store import copies, epoch
from lumen.adapters.store.connection import StoreClient
from lumen.adapters.store.scripts import NAMES, all_keys, click_key, key, replicated_key
from lumen.model.messages import NotPossible, StoreUnavailable, message
from lumen.model.proposal import Choice, Knob, State
from lumen.ports.store import Surface
from tests.contract.store.builders import DAY, KIM, LONG, OTHER, SERVICE, Store, TestClock, click, draft, patient
from tests.contract.store.conftest import REDIS_7

KNOWN = epoch.Known(0, KIM, (message("state.audit_whole"),))


@pytest.fixture
async def used(store: Store) -> Store:
    """A store in which every key of a service holds something, by Lumen itself as far as these rooms go."""
    await store.in_state(State.KEPT)
    await store.proposals.propose(draft("rejected"), DAY)
    await store.proposals.decide(SERVICE, "P2", click(Choice.REJECT, "owed"), reply_to='{"한": "글\n"}')
    for knob in Knob:
        await store.proposals.propose(draft(f"of {knob}", knob=knob), DAY, LONG)
    await store.outbox.mark(Surface(SERVICE, "report", "T1"))
    for behind in (await store.outbox.dirty(SERVICE))[:3]:
        await store.outbox.shown(behind, "C1", "1.2")
    await store.seals.seal(SERVICE, await store.lease("seal"))
    await store.audit.add(SERVICE, "refused", "U1", "아니요\n")
    for name in NAMES:
        if not await store.redis.exists(key(SERVICE, name)):
            await store.redis.hset(key(SERVICE, name), "field", f'{{"of": "{name}"}}')
    return store


async def stored(redis: StoreClient) -> Mapping[str, Any]:
    """Every key of the service as the server tells it, but for the one that only waits for a replica."""
    reads: Mapping[str, Callable[[str], Any]] = {
        "string": redis.get,
        "hash": redis.hgetall,
        "list": lambda name: redis.lrange(name, 0, -1),
        "zset": lambda name: redis.zrange(name, 0, -1, withscores=True),
        "stream": redis.xrange,
    }
    names = [name async for name in redis.scan_iter(f"lumen:{{{SERVICE.key}}}:*")]
    names = [name for name in names if name != replicated_key(SERVICE)]
    return {name: await reads[str(await redis.type(name))](name) for name in sorted(names)}


async def copied(store: Store) -> copies.Copy:
    return copies.copy_from(await copies.taken(store.redis, SERVICE, store.clock))


async def other_kind(own_server: Callable[..., EmbeddedValkey], server: EmbeddedValkey) -> StoreClient:
    """An empty server of the other kind."""
    is_redis = "redis" in (await patient(server.url).info("server")).get("executable", "")
    if not is_redis and not REDIS_7.exists():
        pytest.skip(f"{REDIS_7} is not installed (Debian's package redis-server)")
    return patient(own_server("other", binary=None if is_redis else REDIS_7).url)


@pytest.mark.on_cluster
async def test_a_copy_brings_back_every_key(used: Store) -> None:
    before = await stored(used.redis)
    assert set(all_keys(SERVICE)) <= set(before)
    copy = await copied(used)
    others = await used.redis.hgetall(key(OTHER, "epoch"))
    assert await copies.cleared(used.redis, SERVICE) == len(before)
    assert await stored(used.redis) == {}
    written = await copies.put(used.redis, SERVICE, copy)
    assert written is not None
    after = dict(await stored(used.redis))
    epochs = [dict(found[key(SERVICE, "epoch")]) for found in (before, after)]
    assert epochs[1].pop("schema") == "importing" != epochs[0].pop("schema")
    assert epochs[0] == epochs[1]
    assert {**after, key(SERVICE, "epoch"): ""} == {**before, key(SERVICE, "epoch"): ""}
    assert await used.redis.hgetall(key(OTHER, "epoch")) == others


async def test_a_copy_goes_to_the_other_kind_of_server(
    used: Store, one_server: EmbeddedValkey, own_server: Callable[..., EmbeddedValkey]
) -> None:
    copy, before = await copied(used), await stored(used.redis)
    there = Store.over(await other_kind(own_server, one_server))
    await epoch.restored(there.redis, SERVICE, there.clock, KNOWN, await copies.put(there.redis, SERVICE, copy))
    after = await stored(there.redis)
    assert after[key(SERVICE, "turns")] == before[key(SERVICE, "turns")]
    assert len(await there.proposals.recent(SERVICE, 99)) == len(Knob) + 2
    assert (await there.seals.verify(SERVICE)).broken is None
    await there.redis.aclose()


async def test_after_an_import_the_epoch_is_new_and_the_audit_goes_on(used: Store) -> None:
    """What was open is closed, clicks and requests are known, tokens and numbers go on, the chain is whole."""
    former, copy = await epoch.read(used.redis, SERVICE), await copied(used)
    token, last = (await used.lease("any")).token, len(await used.proposals.recent(SERVICE, 99))
    check = await used.seals.verify(SERVICE)
    await copies.cleared(used.redis, SERVICE)
    written = await copies.put(used.redis, SERVICE, copy)
    told = await epoch.restored(used.redis, SERVICE, used.clock, KNOWN, written)
    now = await epoch.read(used.redis, SERVICE)
    assert (told.former, now.id != former.id, now.made_at) == (former.id, True, former.made_at)
    assert (told.number, now.schema) == (last, former.schema)
    assert await used.proposals.unfinished(SERVICE) == await used.proposals.countdowns_due(SERVICE) == []
    assert (await used.lease("any")).token > token
    again = await used.proposals.decide(SERVICE, "P2", click(Choice.REJECT, "owed"))
    assert (again.won, again.proposal.state) == (True, State.REJECTED)
    assert (await used.proposals.propose(draft("rejected"), DAY)).id == "P2"
    assert (await used.proposals.propose(draft("fresh"), DAY)).id == f"P{last + 1}"
    lease = await used.lease("seal-again")
    await used.seals.seal(SERVICE, lease)
    after = await used.seals.verify(SERVICE)
    assert (after.broken, after.seals > check.seals) == (None, True)
    assert await used.seals.knows(SERVICE, check.head)
    restored = next(e for e in await used.audit.entries(SERVICE, 99) if e.event == "restored")
    assert (restored.actor, restored.detail.split()[:2]) == (KIM.user_id, [former.id, now.id])


async def test_the_same_copy_again_changes_nothing_and_another_store_is_left_alone(used: Store) -> None:
    copy = await copied(used)
    with pytest.raises(NotPossible) as full:
        await copies.put(used.redis, SERVICE, copy)
    assert full.value.reason.code == "state.not_empty"
    await copies.cleared(used.redis, SERVICE)
    await used.redis.hset(key(SERVICE, "proposals"), "P1/state", "PENDING")  # of a store that lost its epoch alone
    with pytest.raises(NotPossible):
        await copies.put(used.redis, SERVICE, copy)
    await copies.cleared(used.redis, SERVICE)
    await epoch.restored(used.redis, SERVICE, used.clock, KNOWN, await copies.put(used.redis, SERVICE, copy))
    before = await stored(used.redis)
    assert await copies.put(used.redis, SERVICE, copy) is None
    assert await stored(used.redis) == before
    with pytest.raises(NotPossible) as foreign:
        await copies.put(used.redis, OTHER, copy)
    assert foreign.value.reason.code == "state.other_service"


async def test_no_bot_uses_a_store_into_which_a_copy_is_being_written(
    used: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import that breaks off anywhere leaves a store that is refused, and is made again from the beginning."""
    copy, left = await copied(used), random.Random(1).randrange(1, 50)
    await copies.cleared(used.redis, SERVICE)
    write, written = copies._write, Counter[str]()

    def breaks(*how: Any) -> None:
        written["elements"] += 1
        if written["elements"] > left:
            raise TimeoutError
        write(*how)

    monkeypatch.setattr(copies, "_write", breaks)
    monkeypatch.setattr(copies, "BATCH", 7)
    with pytest.raises(StoreUnavailable):
        await copies.put(used.redis, SERVICE, copy)
    for attempt in (
        used.proposals.unfinished(SERVICE),
        used.proposals.propose(draft("meanwhile"), DAY),
        epoch.check(used.redis, (SERVICE,)),
        epoch.init(used.redis, (SERVICE,), used.clock),
    ):
        with pytest.raises(StoreUnavailable) as refused:
            await attempt
        assert refused.value.reason.code == "state.importing"
    monkeypatch.undo()
    assert await copies.put(used.redis, SERVICE, copy) is not None


async def test_a_copy_is_of_one_moment_while_people_decide(store: Store) -> None:
    """Proposals, their order, their audit and what is behind agree in each copy, however many are made meanwhile."""

    async def decides() -> None:
        for n in range(100):
            made = await store.proposals.propose(draft(f"r{n}"), DAY)
            await store.proposals.decide(SERVICE, made.id, click(Choice.REJECT, f"c{n}"))

    deciding = asyncio.create_task(decides())
    for _ in range(3):
        elements = (await copied(store)).elements
        named = Counter(each["key"].partition(":")[0] for each in elements)
        states = {e["hash"][0]: e["hash"][1] for e in elements if e["key"] == "proposals"}
        ends = [field for field, value in states.items() if field.endswith("/state") and value != "PENDING"]
        number = next((int(each["string"]) for each in elements if each["key"] == "sequence"), 0)
        assert named["order"] == number
        assert named["audit"] == number + len(ends)
        assert len(ends) <= named["click"] <= number
        assert named["request"] == number
        await asyncio.sleep(0.01)
    deciding.cancel()
    await asyncio.gather(deciding, return_exceptions=True)
    assert await store.redis.exists(click_key(SERVICE, "c0"))


LINES = [
    '{"lumen_state":1,"service":"p/r/s","epoch":"e","schema":"1","taken_at":"2026-03-01T12:00:00+00:00"}',
    *(f'{{"key":"proposals","hash":["P{n}/state","값 {n}"]}}' for n in range(5)),
]
WHOLE = [*LINES, copies._line({"lines": len(LINES), "sha256": copies._digest(LINES)})]


def test_a_whole_copy_is_read() -> None:
    copy = copies.copy_from(f"{line}\n" for line in WHOLE)
    assert (copy.service, copy.epoch, len(copy.elements)) == ("p/r/s", "e", 5)


@given(st.data())
def test_a_copy_that_was_changed_anywhere_is_refused(data: st.DataObject) -> None:
    lines = list(WHOLE)
    at = data.draw(st.integers(0, len(lines) - 1))
    how = data.draw(st.sampled_from(["drop", "double", "swap", "change", "cut", "add"]))
    if how == "drop":
        del lines[at]
    elif how == "double":
        lines.insert(at, lines[at])
    elif how == "swap":
        other = data.draw(st.integers(0, len(lines) - 1).filter(lambda n: lines[n] != lines[at]))
        lines[at], lines[other] = lines[other], lines[at]
    elif how == "change":
        position = data.draw(st.integers(0, len(lines[at]) - 1))
        letter = data.draw(st.sampled_from('a0 {"한').filter(lambda c: c != lines[at][position]))
        lines[at] = lines[at][:position] + letter + lines[at][position + 1 :]
    elif how == "cut":
        lines = lines[:at]
    else:
        lines.insert(at, data.draw(st.text(max_size=30)))
    with pytest.raises(NotPossible) as refused:
        copies.copy_from(lines)
    assert refused.value.reason.code == "state.no_copy"


def test_what_proves_itself_and_is_no_copy_is_refused() -> None:
    for first, *rest in (
        ['{"lumen_state":2,"service":"p/r/s","epoch":"e","schema":"1","taken_at":""}'],
        ['{"seal":{}}'],
        ["[]"],
        [LINES[0], "17"],
        [LINES[0], '{"hash":["a","b"]}'],
    ):
        lines: Sequence[str] = [first, *rest]
        with pytest.raises(NotPossible):
            copies.copy_from([*lines, copies._line({"lines": len(lines), "sha256": copies._digest(lines)})])


@pytest.fixture
async def full(store: Store) -> AsyncIterator[Store]:
    """As large as it gets: proposals, turns, slices and an audit that was never trimmed."""
    big = "x" * 1500
    async with store.redis.pipeline(transaction=False) as pipe:
        for n in range(2000):
            pipe.zadd(key(SERVICE, "order"), {f"P{n}": n})
            pipe.hset(key(SERVICE, "proposals"), mapping={f"P{n}/state": "KEPT", f"P{n}/draft": big})
        for n in range(340):
            pipe.hset(key(SERVICE, "turns"), f"T{n}", big * 12)
        for n in range(5200):
            pipe.hset(key(SERVICE, "observations"), str(n), big)
        for n in range(50_000):
            pipe.xadd(key(SERVICE, "audit"), {"at": str(n), "event": "e", "data": big[:300]})
        await pipe.execute()
    yield store


@pytest.mark.prove
async def test_a_copy_of_a_full_store_holds_up_nobody_for_long(full: Store) -> None:
    """Clicks wait 1.5 s for the store at most; it is busy with the one read for a part of that."""
    await full.redis.config_set("slowlog-log-slower-than", 1000)
    await full.redis.slowlog_reset()
    lines = await copies.taken(full.redis, SERVICE, TestClock())
    busy_ms = sum(entry["duration"] for entry in await full.redis.slowlog_get(128)) / 1000
    print(f"{len(lines)} lines, {sum(map(len, lines)) / 2**20:.0f} MB; busy for {busy_ms:.0f} ms")  # noqa: T201 - with -s
    assert 0 < busy_ms < 750
