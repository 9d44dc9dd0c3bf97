"""The command line in this process, as a sandbox's operator calls it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import redis

from bot.cli.commands import main
from demo.world import World


@dataclass(frozen=True)
class Said:
    """What one call came to."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """What `--json` printed."""
        return json.loads(self.out)


Call = Callable[..., Said]

TTL_KEYS = tuple(
    f"ion:{what}:cache_ttl_seconds{whose}"
    for whose in ("", ":ion-api", ":ion-api-canary")
    for what in ("config", "ack")
)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, state_url: str, cache_url: str) -> None:
    """That of a sandbox whose Slack and Google cannot be reached."""
    given = {
        "PROJECT_ID": "naeda-genesis",
        "SERVICE_NAME": "ion-api",
        "CACHE_REDIS_URL": cache_url,
        "STATE_REDIS_URL": state_url,
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_APP_TOKEN": "xapp-1",
        "SLACK_CHANNEL": "C0IONALERTS",
        "SLACK_API_URL": "http://127.0.0.1:1/api/",
        "LUMEN_GCP_ENDPOINT": "127.0.0.1:1",
        "APPROVERS": "U0MINA0001",
        "LOG_LEVEL": "ERROR",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def lumen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """`lumen("audit", "verify")`: the exit code and what was printed, on a terminal too wide to break a sentence."""
    monkeypatch.setenv("COLUMNS", "400")

    def call(*arguments: str) -> Said:
        monkeypatch.setattr("sys.argv", ["lumen", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Said(int(str(ended.value.code or 0)), said.out, said.err)

    return call


@pytest.fixture
def watched(sandbox_world: World, lumen: Call, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """An installation that has just been prepared; it watches for a week, which holds no person back."""
    forget_the_setting(sandbox_world)
    with redis.Redis.from_url(sandbox_world.state.socket_url) as store:
        store.flushall()
    given = sandbox_world.bot_environment(port=0, OBSERVE_ONLY="7d", LOG_LEVEL="ERROR", TTL_ACTUATOR="redis")
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert lumen("state", "init").code == 0
    yield sandbox_world
    forget_the_setting(sandbox_world)


def forget_the_setting(world: World) -> None:
    with redis.Redis.from_url(world.cache.socket_url) as cache:
        cache.delete(*TTL_KEYS)
