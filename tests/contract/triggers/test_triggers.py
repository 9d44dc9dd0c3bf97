"""Calls of Cloud Scheduler and Pub/Sub over HTTP into the whole of Lumen: who may, how much, and each acted on once."""

import asyncio
import base64
import json
import random
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import redis
from prometheus_client import CollectorRegistry

from bot.config import Settings
from bot.http import start_http
from bot.run import init_state
from bot.triggers import counter_of
from bot.wiring.assembly import assemble
from bot.wiring.parts import Lumen
from bot.wiring.triggers import trigger_routes, triggers_of
from demo.ports import free_port
from demo.world import LUMEN, World
from lumen.model.turn import Turn
from lumen.use_cases.shards import Outcome
from tests.certificates import AUDIENCE, CALLER, Certificates
from tests.contract.doctor.test_doctor import settings as doctors_settings

PROJECT = "naeda-genesis"
BUDGET = f"projects/{PROJECT}/subscriptions/budget-alerts-lumen"
TURN = f"projects/{PROJECT}/subscriptions/feedback-loop-trigger-lumen"
MONTH = datetime.now(UTC).replace(day=1, hour=8, minute=0, second=0, microsecond=0)


@dataclass
class Replica:
    """One process that takes calls, and what it counted."""

    lumen: Lumen
    url: str
    registry: CollectorRegistry
    made: list[Turn] = field(default_factory=list)
    before: dict[tuple[str, str], float] = field(default_factory=dict)

    def begin(self) -> None:
        self.made.clear()
        kinds = [(call, outcome) for call in ("run", "push", "any") for outcome in (*Outcome, "refused")]
        self.before = {kind: self._total(*kind) for kind in kinds}

    def counted(self, call: str, outcome: str) -> float:
        return self._total(call, outcome) - self.before[call, outcome]

    def _total(self, call: str, outcome: str) -> float:
        return self.registry.get_sample_value("lumen_trigger_calls_total", {"call": call, "outcome": outcome}) or 0.0


@dataclass
class Callers:
    """Google's services: they sign with keys that the certificate server hands out, and call either replica."""

    certificates: Certificates
    replicas: Sequence[Replica]
    session: aiohttp.ClientSession

    async def post(self, path: str, body: Any = None, token: str | None = None, replica: int = 0) -> tuple[int, Any]:
        token = self.certificates.token() if token is None else token
        data = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        headers = {"Authorization": f"Bearer {token}"}
        async with self.session.post(self.replicas[replica].url + path, data=data, headers=headers) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text.startswith("{") else text

    async def push(self, message_id: str, *, replica: int = 0, token: str | None = None, **told: Any) -> int:
        return (await self.post("/pubsub/push", pushed(message_id, **told), token, replica))[0]


def pushed(message_id: str, *, subscription: str = BUDGET, cost: float = 1.0, minute: int = 0, **other: Any) -> Any:
    """What Pub/Sub sends; the later the minute, the later it was published."""
    said = {
        "budgetDisplayName": "ION API Monthly Budget",
        "costAmount": cost,
        "costIntervalStart": MONTH.isoformat(),
        "currencyCode": "USD",
    }
    message = {
        "messageId": message_id,
        "publishTime": (MONTH + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z"),
        "data": base64.b64encode(json.dumps(said).encode()).decode(),
        "attributes": {"budgetId": "b-1", "billingAccountId": "x"} if subscription == BUDGET else {},
        **other,
    }
    return {"message": message, "subscription": subscription}


@pytest.fixture(scope="module")
async def certificates() -> AsyncIterator[Certificates]:
    async with Certificates() as server:
        yield server


@pytest.fixture(scope="module")
async def replicas(sandbox_world: World, certificates: Certificates) -> AsyncIterator[tuple[Settings, list[Replica]]]:
    """Two, on one store, by real time: nothing of the sandbox's hour matters here."""
    made: Settings = doctors_settings(
        sandbox_world,
        budget_topic="budget-alerts",
        billing_account="",
        lumen_clock_scale=1.0,
        lumen_clock_origin=None,
        public_url=AUDIENCE,
        oidc_service_account=CALLER,
        lumen_certs_url=certificates.url,
    )
    await _prepare(sandbox_world, made)
    async with AsyncExitStack() as stack:
        yield made, [await _replica(stack, made) for _ in range(2)]


@pytest.fixture
async def callers(
    sandbox_world: World, certificates: Certificates, replicas: tuple[Settings, list[Replica]]
) -> AsyncIterator[Callers]:
    """On an empty store."""
    made, both = replicas
    await _prepare(sandbox_world, made)
    for one in both:
        one.lumen.store.claims.known_done.clear()  # as it was in the store before
    for replica in both:
        replica.begin()
    async with aiohttp.ClientSession() as session:
        yield Callers(certificates, both, session)


async def _prepare(world: World, settings: Settings) -> None:
    with redis.Redis.from_url(world.state.socket_url) as store:
        store.flushall()
    await init_state(settings)


async def _replica(stack: AsyncExitStack, settings: Settings) -> Replica:
    lumen, registry = await stack.enter_async_context(assemble(settings)), CollectorRegistry()
    replica = Replica(lumen, "", registry)

    async def ready() -> Sequence[Any]:
        return ()

    async def made(turns: Sequence[Turn], seconds: float) -> None:
        assert seconds > 0
        replica.made.extend(turns)

    triggers = triggers_of(settings, lumen, {}, None)
    routes = trigger_routes(settings, triggers, made, counter_of(registry))
    runner = await start_http("127.0.0.1", 0, ready, registry, metrics_port=free_port(), routes=routes)
    stack.push_async_callback(runner.cleanup)
    replica.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    return replica


@pytest.mark.parametrize("path", ["/feedback/run", "/pubsub/push"])
async def test_who_may_not_call_is_told_in_one_sentence_and_nothing_is_done(path: str, callers: Callers) -> None:
    sign, body = callers.certificates.token, pushed("1", subscription=TURN)
    for token, status, says in (
        ("", 401, "The call carries no ID token"),
        (sign(aud="https://other.example.com"), 401, "for somebody else"),
        (sign(iss="https://accounts.example.com"), 401, "does not come from Google's accounts"),
        (sign(iat=1_000_000_000, exp=1_000_003_600), 401, "has run out"),
        (sign(email="somebody@example.com"), 403, "may not call"),
        (sign(email_verified=False), 403, "has not verified"),
    ):
        found, told = await callers.post(path, body, token)
        assert (found, says in told["error"], told["error"].count(".")) == (status, True, 1), told
    assert not callers.replicas[0].made
    assert callers.replicas[0].counted("any", "refused") == 6


async def test_the_hours_turn_is_made_once_whoever_calls_and_by_no_token_twice(callers: Callers) -> None:
    tokens = [callers.certificates.token(jti=str(n)) for n in range(4)]
    calls = (callers.post("/feedback/run", token=token, replica=n % 2) for n, token in enumerate(tokens))
    answers = await asyncio.gather(*calls)
    assert [status for status, _ in answers] == [200] * 4, answers
    told = [turn for _, answer in answers for turn in answer["turns"]]
    assert {(turn["service"], turn["occasion"] in ("slot", "catch_up")) for turn in told} == {
        ("naeda-genesis/us-central1/ion-api", True)
    }
    assert await callers.push("t1", subscription=TURN) == 204
    slots = [turn.slot for replica in callers.replicas for turn in replica.made]
    assert len(slots) == len(set(slots)), "an hour may end meanwhile, and the next one has a turn of its own"
    for replica in (0, 1):
        status, told = await callers.post("/feedback/run", token=tokens[0], replica=replica)
        assert (status, told["error"]) == (401, "The token was used before; each call needs one of its own.")


async def test_what_pubsub_does_not_send_is_refused_and_what_nobody_knows_is_acknowledged(callers: Callers) -> None:
    good = pushed("9")
    for wrong in (
        b"{",
        b"[]",
        {},
        {**good, "subscription": "budget-alerts-lumen"},
        {**good, "message": {**good["message"], "messageId": "a b"}},
        {**good, "message": {**good["message"], "messageId": 7}},
        {**good, "message": {**good["message"], "data": "%%%"}},
        {**good, "message": {**good["message"], "publishTime": "yesterday"}},
        {**good, "message": {**good["message"], "publishTime": "2027-01-01T00:00:00"}},
        {**good, "message": {**good["message"], "attributes": [1]}},
    ):
        assert (await callers.post("/pubsub/push", wrong))[0] == 400, wrong
    assert (await callers.post("/pubsub/push", b" " * 70_000))[0] == 413
    assert await callers.push("10", attributes={}) == 204
    assert callers.replicas[0].counted("push", "ignored") == 1


async def test_a_message_that_failed_comes_again(callers: Callers, sandbox_world: World) -> None:
    with redis.Redis.from_url(sandbox_world.state.socket_url) as store:
        limit = store.config_get("maxmemory")["maxmemory"]
        store.config_set("maxmemory", 1)
        try:
            assert await callers.push("m1", cost=7.0) == 503
        finally:
            store.config_set("maxmemory", limit)
    assert await callers.push("m1", cost=7.0) == 204
    assert callers.replicas[0].counted("push", "taken") == 1


@pytest.mark.parametrize("count", [20, pytest.param(1000, marks=pytest.mark.prove)])
async def test_pushes_doubled_and_disordered_are_each_acted_on_once(count: int, callers: Callers) -> None:
    """A third comes twice, in any order, at either replica; messages that ask for a turn are among them."""
    dice = random.Random(count)
    numbers = [*range(count), *dice.sample(range(count), count // 3)]
    dice.shuffle(numbers)
    token = callers.certificates.token()  # Pub/Sub sends one token with many messages

    async def push(number: int) -> int:
        told = {"subscription": TURN} if number % 10 == 0 else {"cost": float(number), "minute": number}
        for _ in range(2400):
            status = await callers.push(f"m{number}", replica=dice.randrange(2), token=token, **told)
            if status != 503:  # in other hands at this moment: Pub/Sub brings it again
                return status
            await asyncio.sleep(0.05)
        return status

    statuses: Counter[int] = Counter()
    for first in range(0, len(numbers), 40):
        statuses.update(await asyncio.gather(*(push(number) for number in numbers[first : first + 40])))
    assert statuses == {204: len(numbers)}
    acted = sum(one.counted(call, "taken") for one in callers.replicas for call in ("push",))
    known = sum(one.counted("push", "known") for one in callers.replicas)
    assert (acted, known) == (count, count // 3)
    assert sum(len(replica.made) for replica in callers.replicas) == 1
    (service,) = {turn.snapshot.service for replica in callers.replicas for turn in replica.made}
    notice = (await callers.replicas[0].lumen.store.bills.budget_state(service)).notice
    newest = max(number for number in range(count) if number % 10)
    assert notice is not None and notice.cost == newest


async def test_metrics_answer_on_their_own_port_alone_where_one_is_set(callers: Callers) -> None:
    async with callers.session.get(callers.replicas[0].url + "/metrics") as answer:
        assert answer.status == 404


@pytest.mark.prove
async def test_serve_takes_calls_without_slack_and_ends_when_told(
    sandbox_world: World, certificates: Certificates, tmp_path: Path
) -> None:
    """A process of its own, as Cloud Run starts it: no token of Slack's among its settings."""
    port = free_port()
    given = sandbox_world.bot_environment(port, LOG_LEVEL="WARNING")
    given = {name: value for name, value in given.items() if not name.startswith("SLACK_") or name == "SLACK_API_URL"}
    calls = {"PUBLIC_URL": AUDIENCE, "OIDC_SERVICE_ACCOUNT": CALLER, "LUMEN_CERTS_URL": certificates.url}
    with redis.Redis.from_url(sandbox_world.state.socket_url) as store:
        store.flushall()
    sandbox_world.initialise_state()
    nobody = await asyncio.create_subprocess_exec(*LUMEN, "serve", env=given, cwd=tmp_path, stderr=PIPE)
    _, said = await nobody.communicate()
    assert (nobody.returncode, b"PUBLIC_URL and OIDC_SERVICE_ACCOUNT" in said) == (2, True), said
    process = await asyncio.create_subprocess_exec(*LUMEN, "serve", env=given | calls, cwd=tmp_path)
    try:
        async with aiohttp.ClientSession() as session:
            url, headers = f"http://127.0.0.1:{port}", {"Authorization": f"Bearer {certificates.token()}"}
            async with asyncio.timeout(120):
                while True:
                    with suppress(aiohttp.ClientConnectionError):
                        async with session.get(f"{url}/readyz") as ready:
                            assert ready.status == 200, await ready.text()
                            break
                    await asyncio.sleep(0.1)
            async with session.post(f"{url}/feedback/run", headers=headers) as answer:
                assert (answer.status, len((await answer.json())["turns"])) == (200, 1)
            async with session.post(f"{url}/feedback/run") as answer:
                assert answer.status == 401
    finally:
        process.terminate()
        assert await process.wait() == 0
