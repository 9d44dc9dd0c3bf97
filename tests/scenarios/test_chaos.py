"""Clicks upon clicks over two bots while something fails, at a random moment and out of a table of what can.

A seed is a run: `make prove PART=chaos SEED=7` plays the seventh again. The first seeds go through the table once;
those beyond it choose by chance. What can fail and what must hold is in `tests/chaos`.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

import pytest
import redis

from demo.world import LUMEN, World
from lumen.model.proposal import OPEN, State
from sandbox.client import NotSeen, SandboxClient, SandboxRefused, SeenMessage
from tests.chaos.checks import Click, Evidence, Setting, is_automatic, unanswered, violations
from tests.chaos.faults import FAULTS, TABLE, Fault, Scene
from tests.scenarios.test_loop import APPROVE, QUIET, setting, until
from tests.scenarios.test_two_bots import JIWOO, MINA, REJECT, entries, surfaces

TTLS = (420, 360, 480, 540, 330, 600, 390, 450)
#: Wall seconds within which, once all is well again, every click has its answer and every card is true.
ANSWERED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """All that chance decides in a run; the same for the same seed. Seconds are the wall's."""

    seed: int
    system: str
    kind: str
    clicks: int
    span: float
    begins: float
    lasts: float
    #: A bad release meets the fault, so that there is something to be done by itself; an hour then takes 15 s.
    release: bool

    @classmethod
    def of(cls, seed: int) -> "Plan":
        chance = random.Random(seed)
        system, kind = TABLE[seed - 1] if seed <= len(TABLE) else chance.choice(TABLE)
        span = chance.uniform(20, 30)
        by_chance, fault = chance.random() < 0.2, FAULTS[system][kind]
        release = by_chance if fault.release is None else fault.release
        clicks, begins, lasts = chance.randint(50, 200), chance.uniform(1, span / 2), chance.uniform(3, 10)
        return cls(seed, system, kind, clicks, span, begins, lasts + 8 * release + 20 * fault.blind, release)

    @property
    def fault(self) -> Fault:
        return FAULTS[self.system][self.kind]

    @property
    def environment(self) -> Mapping[str, str]:
        """With a release Lumen may act by itself. Traffic is pinned then, and a TTL can be set in the cache alone."""
        if self.release:
            return {"OBSERVE_ONLY": "0", "TTL_ACTUATOR": "redis", "ROLLBACK_TIMEOUT_SECONDS": "1800"}
        return QUIET


def seeds() -> range:
    """`SEED` of the environment, "7" or "5-8"; else all that go through the table."""
    first, _, last = (os.environ.get("SEED") or f"1-{len(TABLE)}").partition("-")
    return range(int(first), int(last or first) + 1)


async def played(world: World, slack: SandboxClient, plan: Plan) -> Evidence:
    """Two bots, all clicks, the fault and its end, and time to make up for it."""
    scene = Scene(world, slack, plan.environment)
    await slack.rate_limits(False)
    await scene.start(**plan.fault.first)
    await scene.start()
    await slack.wait_for_connections(4, within_seconds=120)
    made = await _revision(scene)
    await asked(scene, MINA, TTLS[0])
    await slack.wait_for_message(lambda m: bool(proposal_of(m)), within_seconds=60)
    async with _watched(scene):
        acts = asyncio.create_task(_clicked(scene, plan))
        blind = await _failed(scene, plan)
        await acts
        for bot in list(scene.bots):
            if bot.exit_code() is not None:
                scene.ended.append(bot.name)
        recovered = await _recovers(scene)
        evidence = await _settled(scene)
    whole = await asyncio.to_thread(_audit_is_proven, scene)
    return replace(
        evidence,
        revisions=0 if plan.release else await _revision(scene) - made,
        blind=[blind] if plan.fault.blind else [],
        cache_lost=plan.fault.cache_lost,
        audit_is_whole=whole,
        recovered=recovered,
    )


async def _failed(scene: Scene, plan: Plan) -> tuple[datetime, datetime]:
    """Begin the fault and end it. Returns from when to when, in service time."""
    await asyncio.sleep(plan.begins)
    if plan.release:
        await scene.slack.world.start_incident("bad_release_errors", error_share=0.1)
        await asyncio.sleep(plan.begins)
    await plan.fault.begin(scene)
    begun = (await scene.slack.world.clock()).now
    # So that there is something to do meanwhile, whatever the others click.
    await asked(scene, MINA, 500 + plan.seed)
    await asyncio.sleep(plan.lasts / 2)
    await _click(scene, MINA, APPROVE, 0)
    await asyncio.sleep(plan.lasts / 2)
    over = (await scene.slack.world.clock()).now
    await plan.fault.end(scene)
    return begun, over


async def _clicked(scene: Scene, plan: Plan) -> None:
    """All clicks, some at once; and wishes for other values in between."""
    chance = random.Random(-plan.seed)
    people = (MINA, JIWOO, scene.world.addresses.bystander)
    moments = sorted(chance.uniform(0, plan.span) for _ in range(max(6, plan.clicks // 10)))
    at, pending = 0.0, []
    for n in range(plan.clicks):
        moment = moments[n * len(moments) // plan.clicks]
        if moment > at:
            await asyncio.sleep(moment - at)
            at = moment
            if chance.random() < 0.6:
                pending.append(asyncio.create_task(asked(scene, chance.choice(people[:2]), chance.choice(TTLS))))
        choice = APPROVE if chance.random() < 0.4 else REJECT
        pending.append(asyncio.create_task(_click(scene, chance.choice(people), choice, chance.random())))
    await asyncio.gather(*pending)


async def asked(scene: Scene, who: str, ttl_seconds: int) -> None:
    outcome = await scene.slack.command(f"/lumen ttl {ttl_seconds}", user=who)
    scene.commands[who] += outcome.acked


async def _click(scene: Scene, who: str, action_id: str, where: float) -> None:
    """On one of the cards there are, the newest above all; the first where that one never had buttons."""
    cards = [m for m in await scene.slack.messages() if decides(m)]
    for card in (cards[-1] if where < 0.7 else cards[int(where * len(cards))], cards[0]):
        with suppress(SandboxRefused):
            await press(scene, who, card, action_id)
            return


async def press(scene: Scene, who: str, card: SeenMessage, action_id: str) -> None:
    outcome = await scene.slack.click(card, action_id, user=who, stale=True)
    scene.clicks.append(Click(who, decides(card), outcome.acked, not outcome.acked and not outcome.error))


def decides(message: SeenMessage) -> str:
    """The id of the proposal that its buttons decide: of its card, or of the rollback in an incident's message."""
    values = (str(one.get("value", "")).split() for one in message.elements() if message.ephemeral_to is None)
    return proposal_of(message) or next((words[2] for words in values if words[:1] == ["2"]), "")


def proposal_of(message: SeenMessage) -> str:
    """The id of the proposal whose card it is; empty for other messages."""
    payload = (message.raw.get("metadata") or {}).get("event_payload") or {}
    _, found, rest = str(payload.get("surface", "")).partition("/proposal/")
    return rest.partition("@")[0] if found and message.ephemeral_to is None else ""


@asynccontextmanager
async def _watched(scene: Scene) -> AsyncIterator[None]:
    """Write down every first line of every card, and every setting of the cache."""
    watch = asyncio.create_task(_watch(scene))
    try:
        yield
    finally:
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch


async def _watch(scene: Scene) -> None:
    while True:
        note_cards(scene, await scene.slack.messages())
        with suppress(redis.RedisError):
            found = await asyncio.to_thread(setting, scene.world)
            if found:
                now = Setting(int(found["value"]), int(found["version"]), found.get("proposal", ""))
                if not scene.settings or scene.settings[-1] != now:
                    scene.settings.append(now)
        await asyncio.sleep(0.2)


def note_cards(scene: Scene, messages: list[SeenMessage]) -> None:
    for message in messages:
        if proposal := proposal_of(message):
            headers = scene.shown.setdefault(proposal, [])
            if not headers or headers[-1] != message.text.splitlines()[0]:
                headers.append(message.text.splitlines()[0])


async def _recovers(scene: Scene) -> bool:
    """A wish after all of it, its card approved and applied, by the bots that are there.

    A wish that comes late, from a bot that slept, may take its place: another one, for another value, then.
    """
    for ttl_seconds in range(700, 712):
        with suppress(NotSeen, SandboxRefused):
            await asked(scene, MINA, ttl_seconds)
            card = await scene.slack.wait_for_message(partial(_waits_for, ttl_seconds), within_seconds=15)
            await press(scene, MINA, card, APPROVE)
            await _within(60, partial(_is_closed, scene, proposal_of(card)))
            if _stored(scene.world)[proposal_of(card)] == State.APPLIED:
                return True
    return False


def _waits_for(ttl_seconds: int, message: SeenMessage) -> bool:
    return bool(proposal_of(message)) and f"→ {ttl_seconds} s" in message.text and APPROVE in message.action_ids()


async def _is_closed(scene: Scene, proposal: str) -> bool:
    return (await asyncio.to_thread(_stored, scene.world))[proposal] not in OPEN


async def _within(seconds: float, holds: Callable[[], Awaitable[bool]]) -> bool:
    """Whether it comes to hold in time."""
    with suppress(AssertionError):
        await until(holds, seconds, "it holds")
        return True
    return False


async def _settled(scene: Scene) -> Evidence:
    """The evidence as soon as nothing is wrong with it, at the latest when the time for answers is over."""

    async def is_well() -> bool:
        seen = await _evidence(scene)
        return not violations(seen) and not unanswered(seen)

    await _within(ANSWERED_SECONDS, is_well)
    return await _evidence(scene)


async def _evidence(scene: Scene) -> Evidence:
    messages = await scene.slack.messages()
    note_cards(scene, messages)
    ended = {*scene.ended, *(bot.name for bot in scene.bots if bot.exit_code() is not None)}
    return Evidence(
        clicks=tuple(scene.clicks),
        audit=await asyncio.to_thread(entries, scene.world),
        stored=await asyncio.to_thread(_stored, scene.world),
        shown={proposal: tuple(headers) for proposal, headers in scene.shown.items()},
        copies=await surfaces(scene.slack),
        told=[(m.ephemeral_to, m.words()) for m in messages if m.ephemeral_to],
        commands=scene.commands,
        deliveries=max(int(e["deliveries"]) for e in await scene.slack.envelopes()),
        settings=tuple(scene.settings),
        revisions=0,
        ended=sorted(ended),
    )


def _stored(world: World) -> Mapping[str, str]:
    with redis.Redis.from_url(world.state.socket_url, decode_responses=True) as store:
        (key,) = store.scan_iter("*:proposals")
        return {name.partition("/")[0]: v for name, v in store.hgetall(key).items() if name.endswith("/state")}


async def _revision(scene: Scene) -> int:
    (service,) = (
        s for s in (await scene.slack.world.state())["services"] if s["name"] == scene.world.addresses.service
    )
    return int(service["latest_created"].split("-")[-2])


def _audit_is_proven(scene: Scene) -> bool:
    verify = scene.world.child("audit-verify")
    verify.start([*LUMEN, "audit", "verify"], scene.world.bot_environment(0), scene.world.directory)
    return verify.wait(120) == 0


@pytest.mark.prove
async def test_a_short_run_sees_what_it_judges(world: World, slack: SandboxClient) -> None:
    plan = Plan(0, "store", "slow", clicks=30, span=3, begins=0.5, lasts=1, release=False)
    seen = await played(world, slack, plan)
    assert violations(seen) == []
    assert len(seen.clicks) > 30
    assert any(click.acked for click in seen.clicks)
    assert seen.settings[-1].value >= 700
    assert seen.revisions >= 1
    assert all([seen.told, seen.copies, seen.commands, seen.audit])
    assert seen.stored.keys() >= seen.shown.keys() > set()


@pytest.mark.prove
@pytest.mark.parametrize(
    ("plan", "world"),
    [pytest.param(plan, 240.0 if plan.release else 60.0, id=f"seed-{plan.seed}") for plan in map(Plan.of, seeds())],
    indirect=["world"],
)
async def test_whatever_fails_while_people_click(world: World, slack: SandboxClient, plan: Plan) -> None:
    seen = await played(world, slack, plan)
    found = violations(seen)
    acked = sum(click.acked for click in seen.clicks)
    print(  # noqa: T201 - shown where it fails, and with -s
        f"{plan}: {len(seen.clicks)} clicks, {acked} acked, {len(seen.stored)} proposals,"
        f" {sum(map(is_automatic, seen.audit))} things done or proposed by itself,"
        f" {dict(unanswered(seen))} without an answer of their own; {found or 'all holds'}"
    )
    assert not found, f"make prove PART=chaos SEED={plan.seed}"
