"""The command line in this process, as a sandbox's operator calls it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from bot.cli.app import main


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
