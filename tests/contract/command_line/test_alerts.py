"""`lumen silence` and `lumen incident`: rights by account, exit codes, what is exported."""

import asyncio
from datetime import timedelta

import pytest

from lumen.adapters.store.alerts import RedisAlerts, RedisPages
from lumen.model.alert import short_id
from lumen.model.error_lines import ErrorLine, ErrorLines
from lumen.model.incident import StoredAlert
from lumen.model.service import ServiceId
from tests.contract.command_line.conftest import Call
from tests.contract.store.builders import KIM, Store, patient
from tests.contract.use_cases.incidents import page, told


@pytest.fixture
def prepared(environment: None, lumen: Call, state_url: str) -> str:
    assert lumen("state", "init").code == 0
    return state_url


def with_a_page(url: str) -> str:
    """Its id."""

    async def make() -> str:
        redis = patient(url)
        store = Store.over(redis)
        alert = page(store.clock.time)
        await told(store, StoredAlert(alert, alert.id, called=True))

        await RedisPages(redis, store.clock).acknowledge(SERVICE, alert.id, KIM)
        now, lines = store.clock.time, (ErrorLine("ValueError: no such answer •••", 41),)
        read = ErrorLines("ion-api-00042", now - timedelta(minutes=15), now, now, "https://logs", lines, 48)
        await RedisAlerts(redis, store.clock).logged(SERVICE, alert.id, read)
        await redis.aclose()
        return alert.id

    return asyncio.run(make())


SERVICE = ServiceId("naeda-genesis", "us-central1", "ion-api")


def test_a_silence_is_made_listed_and_ended(prepared: str, lumen: Call) -> None:
    assert "Nothing is silenced" in lumen("silence").out
    made = lumen("silence", "cache", "2h", "--why", "deploy", "--json")
    assert made.code == 0
    [one] = made.json()
    assert (one["alert"], one["why"]) == ("cache", "deploy")
    assert one["by"].startswith("cli:")
    assert "deploy" in lumen("silence").out
    assert lumen("silence", "cache", "--end").code == 0
    assert lumen("silence", "cache", "--end").code == 2
    assert lumen("silence", "--json").json() == []


@pytest.mark.parametrize("typed", [("cash",), ("cache", "2 beers"), ("cache", "0"), ("cache", "31d"), ("--end",)])
def test_what_cannot_be_silenced_is_said(prepared: str, lumen: Call, typed: tuple[str, ...]) -> None:
    said = lumen("silence", *typed)
    assert said.code == 64
    assert said.err


def test_without_the_right_nothing_is_silenced(prepared: str, lumen: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPROVERS", "")
    assert lumen("silence", "cache").code == 2
    assert lumen("silence", "--json").json() == []


def test_an_incident_is_exported(prepared: str, lumen: Call) -> None:
    assert lumen("incident", "--json").json() == []
    key = with_a_page(prepared)
    assert [one["incident"] for one in lumen("incident", "--json").json()] == [key]
    short = lumen("incident").out.split()[0]
    assert short == short_id(key)
    assert f"Incident {short}" in lumen("incident", short).out
    found = lumen("incident", key, "--json").json()
    assert found["over"] is False
    assert found["taken"]["by"] == KIM.user_id
    assert [one["event"] for one in found["timeline"]] == ["page-open", "taken"]
    assert "The error budget burns" in found["timeline"][0]["says"]
    assert (found["logged"]["revision"], found["logged"]["entries"]) == ("ion-api-00042", 48)
    assert found["logged"]["lines"] == [{"count": 41, "line": "ValueError: no such answer •••"}]
    told = lumen("incident", key).out
    assert "U1 is on it" in told
    assert "Errors in the log of ion-api-00042, 15 min until" in told
    assert "41 × `ValueError: no such answer •••`" in told
    assert lumen("incident", "no-such").code == 2
