"""Which services may have work: told by one set of the store, never without one that has."""

import re
from dataclasses import replace
from pathlib import Path

from redis.asyncio import Redis

from lumen.adapters.store import epoch, scripts
from lumen.adapters.store.active import RedisHint
from lumen.adapters.store.hint import QUIET, hint_of
from lumen.model.service import ServiceId
from lumen.ports.store import Surface
from lumen.use_cases.active import Active
from tests.contract.store.builders import DAY, LONG, OTHER, SERVICE, Store, draft

REPORT = Surface(SERVICE, "report", "20261122")


def active(store: Store) -> Active:
    return Active(RedisHint(store.redis), (SERVICE, OTHER), store.clock)


async def set_of(store: Store, service: ServiceId) -> tuple[Redis, str]:
    """The server and the key of the set in which a service stands."""
    hint = hint_of(store.redis, service)
    return (await store.redis.holder(hint)).redis, hint


async def pass_over(store: Store) -> None:
    """As if so much time had passed that no change that was sent can run any more."""
    for service in (SERVICE, OTHER):
        server, hint = await set_of(store, service)
        await server.zadd(hint, {service.key: 1}, xx=True)


async def test_whatever_may_make_work_raises_the_hint_and_what_makes_none_does_not(store: Store) -> None:
    lease = await store.lease()
    await store.leases.renew(SERVICE, lease, LONG)
    server, hint = await set_of(store, SERVICE)
    assert not await server.zcard(hint)
    before = await store.now_ms()
    await store.proposals.propose(draft(), DAY)
    (first,) = (await RedisHint(store.redis).active()).services.items()
    assert first[0] == SERVICE.key and first[1] > before
    await server.zincrby(hint, 1e9, SERVICE.key)  # as the store's clock had it before it stepped back
    await store.outbox.mark(REPORT)
    assert (await RedisHint(store.redis).active()).services[SERVICE.key] > first[1] + 1e9


def test_no_quiet_script_leaves_anything_to_do() -> None:
    """What common.lua offers to make work with, and the keys that say that there is some."""
    writes = r"'(ZADD|HSET|INCR)', (DIRTY|UNFINISHED|OWED|ALERTS_OPEN|ALERTS|DEADLINES)\b"
    makes = re.compile(rf"\b(mark|touch|audit|create|decide)\(|{writes}")
    folder = Path(scripts.__file__).parent / "scripts"
    assert not QUIET - {path.stem for path in folder.glob("*.lua")}
    for name in QUIET:
        assert not makes.search((folder / f"{name}.lua").read_text()), name


async def test_all_are_active_at_first_and_only_those_with_work_later(store: Store) -> None:
    ours = active(store)
    assert await ours.now() == (SERVICE, OTHER)
    await store.proposals.propose(draft(), DAY)
    await ours.rest()
    assert set(await ours.now()) == {SERVICE, OTHER}, "a change that was sent before may still run"
    await pass_over(store)
    await ours.rest()
    assert await ours.now() == [SERVICE]


async def test_one_that_is_changed_while_it_is_looked_at_stays(store: Store) -> None:
    ours = active(store)
    await ours.now()
    await pass_over(store)
    seen = {SERVICE: 1.0, OTHER: 1.0}
    await store.outbox.mark(REPORT)
    await store.redis.delete(scripts.key(SERVICE, "dirty"))  # it was looked at just before
    await RedisHint(store.redis).rest(seen, store.clock.now())
    assert await ours.now() == [SERVICE]


async def test_an_emptied_hint_is_noticed_at_once(store: Store) -> None:
    ours, others = active(store), active(store)
    for one in (ours, others):
        await one.now()
    await pass_over(store)
    await ours.rest()
    assert await ours.now() == await others.now() == []
    await epoch.init(store.redis, (replace(SERVICE, name="another"),), store.clock)
    assert await ours.now() == await others.now() == (SERVICE, OTHER)
    assert (ours.beginnings, others.beginnings) == (2, 2)
