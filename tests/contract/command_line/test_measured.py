"""The commands that judge what was measured, and `--apply`, against a whole sandbox."""

import re
from typing import Any

import pytest
import redis

from demo.world import World
from lumen.wording.figures import percent
from tests.contract.command_line.conftest import TTL_KEYS, Call


def test_from_no_turn_to_an_applied_change(watched: World, lumen: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    for command in ("gate", "cache", "ttl"):
        assert lumen(command).code == 3
    assert lumen("size", "--apply").code == 3

    assert lumen("tick", "--json").code in (0, 1, 2)
    [gate] = lumen("gate", "--json").json()
    assert lumen("gate").code == {"PASS": 0, "WARN": 1, "FAIL": 2}[gate["verdict"]]
    [measured] = lumen("cache", "--dump-metrics").json()
    [cache] = lumen("cache", "--json").json()
    asked = measured["cache"]["hits"] + measured["cache"]["misses"]
    assert cache["hit_rate"]["value"] == pytest.approx(measured["cache"]["hits"] / asked)
    assert percent(cache["hit_rate"]["value"]) in lumen("cache", "--detailed").out

    simulated = lumen("ttl", "--simulate", "--new-ttl", "420")
    assert simulated.code == 0
    assert re.search(r"\d+ s to 420 s", simulated.out)
    applied = lumen("ttl", "--new-ttl", "420", "--apply", "--json")
    assert (applied.code, applied.json()["applied"]["state"]) == (0, "APPLIED")
    with redis.Redis.from_url(watched.cache.socket_url, decode_responses=True) as store:
        assert store.hget(TTL_KEYS[0], "value") == "420"
    for door in ("ttl", "cache", "report"):
        seen = lumen(door, "--json").json()
        assert present_ttl(door, seen) == (420, None), "what was just applied stands everywhere, and is advised nowhere"
    again = lumen("ttl", "--new-ttl", "420", "--apply")
    assert (again.code, "420 s already" in again.out) == (0, True)

    for name, value, why in (
        ("DISABLE_AUTO_OPTIMIZATION", "true", "switched off"),
        ("OVERRIDE_TTL", "600", "pinned to 600 s"),
        ("APPROVERS", "", "APPROVERS"),
    ):
        with monkeypatch.context() as patched:
            patched.setenv(name, value)
            refused = lumen("ttl", "--new-ttl", "500", "--apply")
        assert (refused.code, why in refused.err) == (2, True), refused
    monkeypatch.setenv("APPROVALS_NEEDED", "2")
    waiting = lumen("ttl", "--new-ttl", "500", "--apply")
    assert (waiting.code, "2 different people" in waiting.out) == (1, True)


def present_ttl(door: str, seen: Any) -> tuple[int, object]:
    """The present TTL, and the change of it that is advised."""
    if door == "ttl":
        return seen["current_ttl_seconds"], seen["change"]
    [one] = seen
    if door == "cache":
        return one["ttl_seconds"]["value"], one["ttl"]["change"]
    return one["snapshot"]["ttl"]["value_seconds"], one["ttl"]["change"]
