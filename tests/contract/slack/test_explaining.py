"""Explained scores, the digest at any time, and several services: typed by people, answered over the protocols."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from lumen.adapters.clock import SystemClock
from lumen.adapters.store.connection import open_store
from lumen.model.alert import Observation
from lumen.model.messages import NoData, message
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE
from lumen.model.turn import Turn
from lumen.ports.incidents import Look
from sandbox.client import SeenMessage
from tests.contract.slack.conftest import RunningSlack
from tests.contract.slack.side import SERVICE, Rooms
from tests.contract.slack.test_commands_and_clicks import answer, card
from tests.contract.slack.test_screens import home_with
from tests.unit.handlers.test_why import MONTH, turn

pytestmark = pytest.mark.usefixtures("side")

CANARY = replace(SERVICE, name="ion-api-canary")
GONE = NoData(message("source.no_billing_account"), message("source.no_billing_account_remedy"))
JIWOO = "U0JIWOO001"  # may approve, and reads Korean


@pytest.fixture
async def rooms(state_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Rooms]:
    """The store and the use cases; a test may ask for several services."""
    services: tuple[ServiceId, ...] = getattr(request, "param", (SERVICE,))
    redis = open_store(state_url, answer_seconds=10.0)
    yield await Rooms.over(redis, services)
    await redis.aclose()


two = pytest.mark.parametrize("rooms", [(SERVICE, CANARY)], indirect=True)


async def stored(rooms: Rooms, made: Turn, service: ServiceId = SERVICE) -> None:
    taken = replace(made, snapshot=replace(made.snapshot, service=service))
    await rooms.turns.save(taken, None, taken.id)


async def typed(slack: RunningSlack, line: str, words: str, user: str | None = None) -> SeenMessage:
    assert (await slack.control.command(line, user=user)).acked
    return await answer(slack, words, user)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/lumen why", "ion-api: why 90.1 of 100"),
        ("/lumen why gate", "health score 9"),
        ("/lumen why matrity", "Did you mean `/lumen why maturity`?"),
        ("/lumen slo", "SLO compliance 94.5 of 100"),
        ("/lumen roi", "return on the cache"),
        ("/lumen maturity", "maturity level 5 of 5"),
        ("/lumen cost", "cost rhythm"),
        ("/lumen budget", "50% of the month's budget used"),
        ("/lumen cache", "cache good"),
        ("/lumen digest", "ion-api: digest of"),
        ("/lumen report", "*Priorities*\n[MEDIUM] Missed: Cache hit rate"),
        ("/lumen size", "cannot be turned in this installation"),
        ("/lumen service", "Lumen watches ion-api alone"),
        ("/lumen status all", "Services: 1"),
        ("/lumen matrity", "Did you mean `/lumen maturity`?"),
        ("/lumen status on ion-apy", "Did you mean `ion-api`?"),
    ],
)
async def test_each_is_answered_to_the_asker_alone(slack: RunningSlack, rooms: Rooms, line: str, words: str) -> None:
    await stored(rooms, turn(MONTH))
    told = await typed(slack, line, words)
    assert "Of ion-api" not in told.words()


async def test_a_turn_of_long_ago_is_called_old_and_says_what_is_missing(slack: RunningSlack, rooms: Rooms) -> None:
    await stored(rooms, turn(MONTH, cache=GONE))
    for line in ("/lumen cache", "/lumen roi", "/lumen status"):
        told = (await typed(slack, line, "no picture of now")).words()
        assert "BILLING_ACCOUNT" in told or line == "/lumen status"


async def test_before_the_first_turn_every_one_says_so(slack: RunningSlack) -> None:
    for line in ("why", "slo", "roi", "maturity", "cost", "budget", "cache", "digest"):
        await typed(slack, f"/lumen {line}", "Nothing has been measured yet")


async def test_any_answer_can_be_shared_and_speaks_the_readers_language(slack: RunningSlack, rooms: Rooms) -> None:
    await stored(rooms, turn(MONTH))
    await slack.control.command("/lumen why slo share")
    await slack.control.wait_for_message(lambda m: m.ephemeral_to is None and "SLO compliance" in m.words())
    await slack.control.command("/lumen digest share")
    await slack.control.wait_for_message(lambda m: m.ephemeral_to is None and "digest of" in m.words())
    await typed(slack, "/lumen slo", "SLO 준수", user=JIWOO)


@two
async def test_a_command_speaks_of_the_service_that_it_names(slack: RunningSlack, rooms: Rooms) -> None:
    await stored(rooms, turn(MONTH), CANARY)
    told = await typed(slack, "/lumen slo on ion-api-canary", "ion-api-canary: SLO compliance")
    assert "Of ion-api-canary." in told.words()
    first = await typed(slack, "/lumen slo", "nothing measured yet")
    assert "Of ion-api, the first of this channel" in first.words()
    assert (await slack.control.command("/lumen ttl 420 ion-api-canary", user=slack.facts.bystander)).acked
    assert "ion-api-canary" in (await card(slack)).words()
    assert [p.draft.service for p in await rooms.proposals.unfinished(CANARY)] == [CANARY]
    assert await rooms.proposals.unfinished(SERVICE) == []


@two
async def test_all_services_at_a_glance(slack: RunningSlack, rooms: Rooms) -> None:
    await stored(rooms, turn(MONTH), CANARY)
    told = (await typed(slack, "/lumen status all", "Services: 2")).words()
    assert told.index("*ion-api*") < told.index("*ion-api-canary*"), "what is not known comes before what is good"
    assert "⚠️ measured" in told


@two
async def test_who_may_approve_chooses_for_the_channel(slack: RunningSlack, rooms: Rooms) -> None:
    refused = await typed(slack, "/lumen service ion-api-canary", "You may not decide this", user=slack.facts.bystander)
    assert "on ion-api-canary" in refused.words()
    await typed(slack, "/lumen service ion-api-canary", "From now on commands in this channel speak of ion-api-canary")
    told = await typed(slack, "/lumen status", "chosen for this channel by")
    assert "ion-api-canary: nothing measured yet" in told.words()
    listed = (await typed(slack, "/lumen service", "commands in this channel speak of it")).words()
    assert "*ion-api-canary*" in listed
    await typed(slack, "/lumen status on ion-api", "Of ion-api.")
    home = await rooms.audit.entries(SERVICE, 10)
    assert [entry.event for entry in home].count("service-chosen") == 1
    assert [entry.event for entry in await rooms.audit.entries(CANARY, 10)].count("refused") == 1


@two
async def test_home_shows_what_waits_of_all_services_and_all_at_a_glance(slack: RunningSlack, rooms: Rooms) -> None:
    await stored(rooms, turn(MONTH), CANARY)
    await slack.control.command("/lumen ttl 420 on ion-api-canary")
    await slack.control.command("/lumen ttl 420 on ion-api")
    await slack.control.wait_for_message(lambda m: m.ephemeral_to is None and "ion-api: TTL 300 s → 420 s" in m.words())
    await slack.control.open_home()
    shown = str(await home_with(slack, "Waiting for a decision: 2"))
    assert "*ion-api-canary* · " in shown
    assert "Services: 2" in shown
    assert "proposal.approve" in shown


async def measured(rooms: Rooms) -> None:
    """A day of slices, the newest of them just now."""
    now = SystemClock().now().replace(minute=0, second=0, microsecond=0)
    starts = [now - timedelta(hours=24) + nth * SLICE for nth in range(288)]
    seen = [Observation(start, 100, 0, p95_ms=150.0, hits=70, misses=30, cost_usd=0.02) for start in starts]
    lease = await rooms.leases.acquire(SERVICE, "watch", timedelta(seconds=30))
    assert lease is not None
    assert await rooms.alerts.look(SERVICE, lease, Look(None, seen, ()))


async def test_the_digest_is_answered_with_its_charts_or_what_they_say(slack: RunningSlack, rooms: Rooms) -> None:
    await stored(rooms, turn(MONTH))
    await measured(rooms)
    told = await typed(slack, "/lumen digest", "digest of")
    titles = [block["title"] for block in told.raw["blocks"] if block["type"] == "data_visualization"]
    assert titles == ["Errors (5xx)", "Hit rate"]
    await slack.control.refuse_charts()
    assert (await slack.control.command("/lumen digest")).acked
    told = await slack.control.wait_for_message(
        lambda m: "digest of" in m.text and "data_visualization" not in {block["type"] for block in m.raw["blocks"]}
    )
    assert "Hit rate: hit rate 70%" in told.words()
