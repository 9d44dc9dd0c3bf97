"""`lumen report`, `cache` and `gate` on a store that holds a turn: words, JSON, which service, how it went."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from lumen.adapters.clock import SystemClock
from lumen.adapters.store.connection import open_store
from lumen.adapters.store.turns import RedisTurns
from lumen.model.service import ServiceId
from lumen.model.snapshot import Window
from lumen.model.turn import Turn
from tests.contract.command_line.conftest import Call
from tests.snapshots import SERVICE, cache
from tests.unit.handlers.test_why import MONTH, turn

CANARY = replace(SERVICE, name="ion-api-canary")


@pytest.fixture
def two(environment: None, lumen: Call, monkeypatch: pytest.MonkeyPatch, state_url: str) -> None:
    """Two services, each with a turn of just now; the canary's cache is in need."""
    monkeypatch.setenv("SERVICE_NAME", "ion-api,ion-api-canary")
    assert lumen("state", "init").code == 0
    asyncio.run(store(state_url, turn(MONTH), SERVICE))
    asyncio.run(store(state_url, turn(MONTH, cache=cache(0.50, 0.95, 200)), CANARY))


async def store(url: str, made: Turn, service: ServiceId, ago: timedelta = timedelta(minutes=5)) -> None:
    redis = open_store(url)
    end = SystemClock().now() - ago
    window = Window(end - timedelta(hours=1), end)
    taken = replace(made, snapshot=replace(made.snapshot, service=service, window=window))
    await RedisTurns(redis).save(taken, None, taken.id)
    await redis.aclose()


@pytest.mark.usefixtures("two")
def test_each_service_in_words_and_as_json(lumen: Call) -> None:
    told = lumen("report", "--json")
    both = told.json()
    assert [one["snapshot"]["service"]["name"] for one in both] == ["ion-api", "ion-api-canary"]
    assert both[1]["priorities"][0]["priority"] == "HIGH"
    assert {one["exit_code"] for one in both} == {told.code} == {1}
    alone = lumen("report", "--service", "ion-api")
    assert alone.code == 0
    assert "ion-api-canary" not in alone.out
    assert "## Priorities" in alone.out, "no terminal reads it, so it is Markdown"
    assert lumen("report", "--service", "ion-apy").code == 64
    assert [one["service"] for one in lumen("cache", "--service", "ion-api-canary", "--json").json()] == [CANARY.key]
    assert len(lumen("gate", "--json").json()) == 2
    assert len(lumen("gate", "--service", "ion-api", "--json").json()) == 1


@pytest.mark.usefixtures("two")
def test_the_cache_is_explained_and_recommendations_are_numbered(lumen: Call) -> None:
    brief = lumen("cache", "--service", "ion-api-canary")
    assert "1. [HIGH] cache size 256 → 384 MB" in brief.out
    assert "Added cost: +$4.68 a month." in brief.out
    assert "Not predicted:" in brief.out
    assert "2. TTL:" in brief.out
    assert "· bad" not in brief.out
    assert "· bad" in lumen("cache", "--service", "ion-api-canary", "--verbose").out


@pytest.mark.usefixtures("two")
def test_what_is_prepared_is_told_to_programs(lumen: Call) -> None:
    found = lumen("state", "init", "--json").json()
    assert [(one["service"], one["fresh"]) for one in found] == [(SERVICE.key, False), (CANARY.key, False)]


@pytest.mark.usefixtures("two")
def test_an_old_turn_and_none_at_all_are_no_data(lumen: Call, monkeypatch: pytest.MonkeyPatch, state_url: str) -> None:
    """Of a service of which nothing recent is known nobody says that it is good, whatever is known of the others."""
    monkeypatch.setenv("SERVICE_NAME", "ion-api,ion-api-canary,ion-new")
    assert lumen("state", "init").code == 0
    for command in ("report", "gate"):
        said = lumen(command)
        assert (said.code, "ion-new: Nothing has been measured yet." in said.err) == (3, True), said
    asyncio.run(store(state_url, turn(MONTH), SERVICE, timedelta(hours=3)))
    for typed in ("cache", "gate", "ttl"):
        said = lumen(typed, "--service", "ion-api")
        assert (said.code, "no picture of now" in said.out) == (3, True), said
    assert lumen("report", "--json", "--service", "ion-api").json()[0]["is_stale"] is True
    said = lumen("size", "--service", "ion-new")
    assert (said.code, "been measured yet" in said.out, "were given" in said.out) == (3, True, False)


@pytest.mark.usefixtures("two")
def test_durations_and_ttls_beyond_all_limits_are_wrong_usage(lumen: Call) -> None:
    of = ("--service", "ion-api")
    for typed, why in (
        (("pause", "--for", "99999999999d"), "from 1 min to 30 days"),
        (("pause", "--for", "36501d"), "from 1 min to 30 days"),
        (("ttl", "--new-ttl", "5"), "60 to 3600 s. MIN_TTL_SECONDS"),
        (("override", "ttl", "5"), "60 to 3600 s. MIN_TTL_SECONDS"),
    ):
        said = lumen(*typed, *of)
        assert (said.code, why in said.err) == (64, True), said


def test_whoever_only_asks_a_dead_store_has_no_data(
    environment: None, lumen: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_REDIS_URL", "redis://127.0.0.1:1/0")
    for typed in (("report",), ("cache",), ("gate",), ("audit", "verify"), ("override", "show"), ("silence",)):
        said = lumen(*typed)
        assert (said.code, said.out, "does not answer" in said.err) == (3, "", True), said
