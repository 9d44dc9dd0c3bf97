"""One script holds the server for a page, however much is kept: by the server's own counts."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from lumen.adapters.store import scripts as room
from lumen.adapters.store.accesses import RedisAccessDays
from lumen.adapters.store.alerts import KEEP_ALERTS, RedisAlerts, RedisPages
from lumen.adapters.store.audit import BATCH, RedisAuditSeals
from lumen.adapters.store.codec import encode
from lumen.adapters.store.outbox import RedisPendingReplies
from lumen.adapters.store.scripts import Call, Calls, key
from lumen.adapters.store.turns import PASTS, RedisTurns
from lumen.exporters.assess import AssessmentSettings, assess
from lumen.model.alert import Observation
from lumen.model.incident import StoredAlert
from lumen.model.past_turn import past
from lumen.model.snapshot import SLICE
from lumen.model.turn import Occasion, Turn
from lumen.policies.ttl import TtlLimits, recommend_ttl
from lumen.ports.store import Seal
from tests.contract.store.builders import DAY, SERVICE, Store, draft
from tests.contract.store.test_watching import START, alert
from tests.snapshots import NOW, snapshot

#: Of one script: 5 ms and less of the server's time on the machine that this was written on.
MOST_COMMANDS, MOST_BYTES = 1000, 512_000
#: As wide as they are here, each is more than one script may read.
PROPOSALS, TURNS, SLICES, ENTRIES, SEALS, OWED, HOURS = 600, 100, 1500, 600, 600, 3000, 24
#: What reads a key as a whole, or so far as its caller says.
WHOLE = re.compile(r"'(?:HGETALL|HKEYS|HVALS|SMEMBERS)'|'(?:LRANGE|Z(?:REV)?RANGE)', \w+, 0, -1|'XRANGE'|'Z\w*BYSCORE'")
#: Scripts that do, and what bounds that.
BOUNDED_BY = {
    "accesses_day": "24 hours of each day that is kept",
    "accesses_put": "24 hours of each day that is kept",
    "alert_incidents": "KEEP_ALERTS",
    "alert_labels": "KEEP_ALERTS",
    "alert_read": "KEEP_ALERTS",
    "beat": "replicas that are alive",
    "common": "alerts that are open",
    "days_read": "KEEP_DAYS of some hundred sums",
    "expire": "LIMIT",
    "lease_acquire": "LIMIT",
    "outbox_shown": "LIMIT",
    "page_read": "KEEP_ALERTS",
    "proposals": "LIMIT; one for each knob",
    "restored": "one proposal for each knob",
    "standing": "KEEP_ALERTS",
    "turn_save": "what is beyond KEEP: one",
    "watch_look": "KEEP_DAYS of some hundred sums; open alerts",
    "watch_read": "KEEP_ALERTS",
}


def wide(text: str, size: int) -> str:
    """As long as such a value may be; it reads as before."""
    return text + " " * (size - len(text))


@dataclass(frozen=True)
class Full:
    """Much of everything of SERVICE, as wide as it comes."""

    store: Store

    async def fill(self) -> None:
        """All of it."""
        await self.store.proposals.propose(draft(), DAY)
        pipe: Any
        async with self.store.redis.pipeline(transaction=False) as pipe:
            one = cast(Mapping[str, str], await self.store.redis.hgetall(key(SERVICE, "proposals")))
            for n in range(2, PROPOSALS + 1):
                fields = {f"P{n}/{name[3:]}": text for name, text in one.items()}
                pipe.hset(key(SERVICE, "proposals"), mapping=fields | {f"P{n}/draft": wide(one["P1/draft"], 1500)})
            pipe.zadd(key(SERVICE, "order"), {f"P{n}": n for n in range(2, PROPOSALS + 1)})
            self._turns(pipe)
            self._watch(pipe)
            self._audit(pipe)
            owed = {f"click{n}": wide("1000 U1 C1", 200) for n in range(OWED)}
            pipe.hset(key(SERVICE, "owed"), mapping=owed)
            await pipe.execute()

    def _turns(self, pipe: Any) -> None:
        seen = snapshot()
        judged = assess(seen, AssessmentSettings())
        turn = Turn("t", Occasion.SLOT, NOW, NOW, seen, judged, recommend_ttl(seen, TtlLimits()), (), (), ())
        ids = [f"t{n}" for n in range(TURNS)]
        whole, rest = wide(encode(turn), 16_000), wide(encode(past(turn)), 2500)
        pipe.hset(key(SERVICE, "turns"), mapping=dict.fromkeys(ids, whole) | {f"past/{id_}": rest for id_ in ids})
        pipe.zadd(key(SERVICE, "turn-order"), {id_: at for at, id_ in enumerate(ids)})

    def _watch(self, pipe: Any) -> None:
        seen = [Observation(START + n * SLICE, 1000, 3, 4, p95_ms=80.5, hits=7) for n in range(SLICES)]
        pipe.rpush(key(SERVICE, "observations"), *(wide(encode(one), 450) for one in seen))
        pipe.hset(key(SERVICE, "standing"), "newest slice", seen[-1].start.isoformat())
        told = {f"alert/a{n}": wide(encode(StoredAlert(alert(f"a{n}"), f"i{n}")), 1500) for n in range(KEEP_ALERTS)}
        pipe.hset(key(SERVICE, "alerts"), mapping=told)
        pipe.zadd(key(SERVICE, "alert-order"), {f"a{n}": n for n in range(KEEP_ALERTS)})

    def _audit(self, pipe: Any) -> None:
        at = START.isoformat()
        line = {"at": at, "event": "told", "proposal": "", "actor": "lumen", "detail": "", "data": "x" * 2000}
        for _ in range(ENTRIES):
            pipe.xadd(key(SERVICE, "audit"), line)
        seals = [Seal(n, "1-0", "1-1", 1, "", "s" * 64, START, "") for n in range(1, SEALS + 1)]
        pipe.rpush(key(SERVICE, "seals"), *(wide(encode(one), 1000) for one in seals))


@dataclass(frozen=True)
class Counted:
    """Of each script what its widest run cost: commands that it ran, bytes that the server sent."""

    most: dict[str, tuple[int, int]]

    async def around(self, store: Store, call: Call, run: Callable[[], Awaitable[Any]]) -> Any:
        await store.redis.config_resetstat()
        raw = await run()
        ran = await store.redis.info("commandstats")
        commands = sum(
            told["calls"] for name, told in ran.items() if not name.startswith(("cmdstat_eval", "cmdstat_config"))
        )
        sent = int((await store.redis.info("stats"))["total_net_output_bytes"])
        name = next((path.stem for path in SCRIPTS if room.script(path.stem).digest == call.script.digest), "?")
        before = self.most.get(name, (0, 0))
        self.most[name] = max(before[0], commands), max(before[1], sent)
        return raw


SCRIPTS = sorted((Path(room.__file__).parent / "scripts").glob("*.lua"))


@pytest.mark.parametrize("server", ["valkey"], indirect=True, scope="session")
async def test_no_script_holds_the_store_for_more_than_a_page(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await Full(store).fill()
    counted, send, send_with_others = Counted({}), Calls._send, Calls._send_with_others

    async def sent(self: Calls, node: Any, connection: Any, call: Call, *rest: Any) -> Any:
        return await counted.around(store, call, lambda: send(self, node, connection, call, *rest))

    async def sent_with_others(self: Calls, call: Call, *rest: Any) -> Any:
        return await counted.around(store, call, lambda: send_with_others(self, call, *rest))

    monkeypatch.setattr(Calls, "_send", sent)
    monkeypatch.setattr(Calls, "_send_with_others", sent_with_others)
    alerts, turns = RedisAlerts(store.redis, store.clock), RedisTurns(store.redis)
    recent = await store.proposals.recent(SERVICE, PROPOSALS)
    assert [one.id for one in recent] == [f"P{n}" for n in range(PROPOSALS, 0, -1)]
    assert [one.id for one in await store.proposals.recent(SERVICE, 150)] == [one.id for one in recent[:150]]
    assert len(await turns.latest(SERVICE, TURNS)) == TURNS
    assert len((await turns.past(SERVICE, PASTS)).turns) == PASTS
    starts = [one.start for one in await alerts.observations(SERVICE, None)]
    assert starts == [START + n * SLICE for n in range(SLICES)]
    assert [one.start for one in await alerts.observations(SERVICE, starts[-601])] == starts[-600:]
    entries = await store.audit.entries(SERVICE, ENTRIES)
    assert len({one.id for one in entries}) == ENTRIES
    assert await store.audit.entries(SERVICE, 150, entries[49].id) == entries[50:200]
    seals = RedisAuditSeals(store.redis, store.clock)
    assert [one.number for one in await seals._seals(SERVICE)] == [*range(1, SEALS + 1)]
    assert len(await seals._batch_of(SERVICE, "-", "+")) == BATCH
    assert len(await RedisPendingReplies(store.redis).older_than(SERVICE, timedelta())) == OWED
    assert len(await alerts.incidents(SERVICE, KEEP_ALERTS)) == KEEP_ALERTS
    await alerts.incident(SERVICE, "i7")
    await alerts.labels(SERVICE)
    await RedisPages(store.redis, store.clock).unsettled(SERVICE)
    await store.outbox.dirty(SERVICE)
    assert {"proposals", "turns_of", "turn_past", "slices_read", "read", "page_read"} <= counted.most.keys()
    wide_ones = {name: most for name, most in counted.most.items() if most > (MOST_COMMANDS, 0) or most[1] > MOST_BYTES}
    assert wide_ones == {}


async def test_a_day_of_accesses_comes_hour_by_hour(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    of = key(SERVICE, "accesses")
    await store.redis.hset(of, mapping={f"2026-03-01/{hour:02d}": f"{hour}" for hour in range(HOURS)})
    await store.redis.hset(of, mapping={"2026-03-02/00": "another", "progress": "{}"})
    asked: list[tuple[str | int, ...]] = []
    read = Calls.read

    async def noted(self: Calls, name: str, service: Any, *args: str | int, **more: Any) -> Any:
        asked.append(args)
        return await read(self, name, service, *args, **more)

    monkeypatch.setattr(Calls, "read", noted)
    monkeypatch.setattr("lumen.adapters.store.accesses.unpacked", lambda _day, text: int(text))
    monkeypatch.setattr("lumen.adapters.store.accesses.joined", lambda _day, pieces: list(pieces))
    found: Any = await RedisAccessDays(store.redis).day(SERVICE, date(2026, 3, 1))
    assert found == [*range(HOURS)]
    assert asked == [("2026-03-01", ""), *(("2026-03-01", f"{hour:02d}") for hour in range(HOURS))]


async def test_slices_that_come_between_two_pages_hide_none(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    alerts, first = RedisAlerts(store.redis, store.clock), START
    monkeypatch.setattr("lumen.adapters.store.alerts.BATCH", 4)
    seen = [Observation(first + n * SLICE, 1000) for n in range(12)]

    async def put(*some: Observation) -> None:
        await store.redis.rpush(key(SERVICE, "observations"), *map(encode, some))
        await store.redis.hset(key(SERVICE, "standing"), "newest slice", some[-1].start.isoformat())

    await put(*seen[:10])
    read, pages = Calls.read, []

    async def another_comes(self: Calls, name: str, service: Any, *args: Any, **more: Any) -> Any:
        reply = await read(self, name, service, *args, **more)
        if name == "slices_read":
            pages.append(reply.status)
            if len(pages) == 1:
                await put(*seen[10:])
        return reply

    monkeypatch.setattr(Calls, "read", another_comes)
    assert await alerts.observations(SERVICE, None) == seen[:10]
    assert pages == ["OK", "MOVED", "OK", "OK"]


async def test_seals_that_are_trimmed_between_two_pages_hide_none(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lumen.adapters.store.audit.PAGE", 4)
    for n in range(1, 11):
        seal = Seal(n, "1-0", "1-1", 1, "", "s" * 64, START, "")
        await store.redis.rpush(key(SERVICE, "seals"), encode(seal))
    read, pages = Calls.read, 0

    async def some_go(self: Calls, *args: Any, **more: Any) -> Any:
        nonlocal pages
        reply, pages = await read(self, *args, **more), pages + 1
        if pages == 1:
            await store.redis.ltrim(key(SERVICE, "seals"), 3, -1)
        return reply

    monkeypatch.setattr(Calls, "read", some_go)
    assert [one.number for one in await store.seals._seals(SERVICE)] == [*range(4, 11)]


def test_what_reads_a_key_as_a_whole_says_what_bounds_it() -> None:
    whole = {path.stem for path in SCRIPTS if WHOLE.search(_code(path))}
    assert whole == BOUNDED_BY.keys()


def _code(path: Path) -> str:
    return re.sub(r"--.*", "", path.read_text(encoding="utf-8"))
