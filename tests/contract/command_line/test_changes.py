"""`lumen rollback`, `unpin`, `override`, `lock`, `pause` and their ends, against a whole sandbox."""

import asyncio
from datetime import UTC, datetime

import pytest

from demo.world import World
from lumen.adapters.store.connection import open_store
from lumen.adapters.store.controls import RedisControls
from lumen.model.incident import RevisionRecord
from tests.contract.command_line.conftest import Call
from tests.contract.store.builders import SERVICE, TestClock


async def left(world: World, revision: str) -> None:
    """As the watch remembers it."""
    redis = open_store(world.state.socket_url)
    records = {revision: RevisionRecord(None, datetime(2026, 1, 1, tzinfo=UTC))}
    await RedisControls(redis, TestClock()).revisions(SERVICE, records)
    await redis.aclose()


def test_a_rollback_there_and_back(watched: World, lumen: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    none_known = lumen("rollback")
    assert (none_known.code, "/lumen rollback <revision>" in none_known.err) == (2, True)
    unknown = lumen("rollback", "ion-api-nowhere")
    assert unknown.code == 2
    names = [name for name in unknown.err.replace(",", " ").replace(".", " ").split() if name.startswith("ion-api-")]
    before = lumen("unpin", "--json").json()
    older = next(name for name in names if name not in (before["serving"], "ion-api-nowhere"))

    dry = lumen("rollback", older)
    assert (dry.code, older in dry.out, "--apply does it" in dry.out) == (0, True, True)
    assert lumen("unpin", "--json").json() == before
    with monkeypatch.context() as patched:  # a rollback is open to people in a freeze, an unpin is not
        patched.setenv("FREEZE", "2020-01-01T00:00Z/2100-01-01T00:00Z")
        done = lumen("rollback", older, "--apply", "--json")
        assert (done.code, done.json()["applied"]["state"]) == (0, "APPLIED")
        refused = lumen("unpin", "--apply")
        assert (refused.code, "frozen until" in refused.err) == (2, True)
    assert lumen("unpin", "--json").json()["pinned_to"] == older
    assert "goes to" in lumen("rollback", older, "--apply").out
    with monkeypatch.context() as patched:
        patched.setenv("APPROVERS", "")
        assert "APPROVERS" in lumen("unpin", "--apply").err
    # The newest was taken out: its record is named, and only a second word brings it back.
    newest = before["serving"]
    asyncio.run(left(watched, newest))
    assert f"{newest} was taken out" in lumen("unpin").out
    refused = lumen("unpin", "--apply")
    assert (refused.code, newest in refused.err, "--anyway" in refused.err) == (2, True, True)
    back = lumen("unpin", "--apply", "--anyway")
    assert (back.code, "applied" in back.out) == (0, True)
    again = lumen("unpin", "--apply", "--json")
    assert (again.code, again.json()["pinned_to"], again.json()["applied"]) == (0, None, None)


def test_a_pin_and_what_it_refuses(watched: World, lumen: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "pinned" not in lumen("override", "show").out
    with monkeypatch.context() as patched:
        patched.setenv("APPROVERS", "")
        for typed in (("override", "ttl", "600"), ("override", "off"), ("lock", "size"), ("unlock",), ("pause",)):
            assert lumen(*typed).code == 2, typed
    pinned = lumen("override", "ttl", "600", "--for", "2h", "--because", "load test")
    assert pinned.code == 0
    for shown in ("pinned to 600 s", "until", "“load test”", "#1 proposes"):
        assert shown in pinned.out
    refused = lumen("ttl", "--new-ttl", "420", "--apply")
    assert (refused.code, "pinned to 600 s" in refused.err) == (2, True)
    shown = lumen("override", "show", "--json").json()
    assert (shown["override"]["ttl_seconds"], shown["override"]["why"], shown["size_lock"]) == (600, "load test", None)
    applied = lumen("ttl", "--apply", "--json")
    assert (applied.code, applied.json()["recommended_ttl_seconds"]) == (0, 600)
    assert applied.json()["applied"]["state"] == "APPLIED"
    assert "not pinned any more" in lumen("override", "off").out
    assert lumen("override", "off").code == 2
    held = lumen("ttl", "--override-ttl", "300", "--apply", "--json")
    assert (held.code, held.json()["applied"]["state"]) == (0, "APPLIED")
    assert lumen("override", "show", "--json").json()["override"]["ttl_seconds"] == 300
    monkeypatch.setenv("OVERRIDE_TTL", "420")
    assert "still pins the TTL to 420 s" in lumen("override", "off").out
    assert "OVERRIDE_TTL" in lumen("override", "off").err


def test_a_lock_and_a_pause(watched: World, lumen: Call) -> None:
    locked = lumen("lock", "size", "--because", "migration")
    assert (locked.code, "locked by" in locked.out, "“migration”" in locked.out) == (0, True, True)
    [unlocked] = lumen("unlock", "--json").json()
    assert unlocked["code"] == "override.unlocked"
    assert lumen("unlock").code == 2
    assert lumen("pause", "--for", "90m", "--because", "deploy").code == 0
    refused = lumen("ttl", "--new-ttl", "420", "--apply")
    assert (refused.code, "paused until" in refused.err) == (2, True)
    assert "“deploy”" in lumen("override", "show").out
    assert "goes on" in lumen("resume").out
    assert lumen("resume").code == 2


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ("pause --for soon", "--for soon"),
        ("lock size --for 0h", "from 1 min to 30 days"),
        ("override ttl 0", "Give 60 to 3600 s. MIN_TTL_SECONDS"),
        ("override ttl", "SECONDS"),
    ],
)
def test_wrong_usage(environment: None, lumen: Call, arguments: str, why: str) -> None:
    said = lumen(*arguments.split())
    assert (said.code, why in said.err) == (64, True), said
