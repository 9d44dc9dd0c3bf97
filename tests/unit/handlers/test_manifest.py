"""The manifest is within Slack's lengths and asks for the scopes that the code needs."""

import re
from pathlib import Path
from typing import Any

import yaml

from bot.doctor.slack import SCOPES
from handlers.app import COMMAND
from handlers.command_table import usage_hint

MANIFEST: Any = yaml.safe_load((Path(__file__).parents[3] / "manifest.yaml").read_text(encoding="utf-8"))


def test_lengths() -> None:
    about = MANIFEST["display_information"]
    assert len(about["name"]) <= 35
    assert len(about["description"]) <= 140
    assert 175 <= len(about["long_description"]) <= 4000


def test_scopes_are_those_that_the_code_needs() -> None:
    assert set(MANIFEST["oauth_config"]["scopes"]["bot"]) == SCOPES


def test_the_command_buttons_and_socket_mode_are_on() -> None:
    assert [command["command"] for command in MANIFEST["features"]["slash_commands"]] == [COMMAND]
    assert MANIFEST["settings"]["socket_mode_enabled"] is True
    assert MANIFEST["settings"]["interactivity"]["is_enabled"] is True


def test_the_usage_hint_is_that_of_the_table_of_commands() -> None:
    (command,) = MANIFEST["features"]["slash_commands"]
    assert command["usage_hint"] == usage_hint()
    assert len(command["usage_hint"]) <= 1000


def test_each_scope_has_its_reason_beside_it_and_in_the_readme() -> None:
    root = Path(__file__).parents[3]
    lines = re.findall(r"^      - ([a-z_]+(?::[a-z]+)?)(.*)$", (root / "manifest.yaml").read_text(), re.MULTILINE)
    reasons = {name: rest for name, rest in lines if name in SCOPES}
    assert set(reasons) == SCOPES
    assert [name for name, rest in reasons.items() if not rest.startswith("  # ")] == []
    readme = (root / "README.md").read_text()
    assert [name for name in SCOPES if f"`{name}`" not in readme and not name.startswith("files:")] == []
