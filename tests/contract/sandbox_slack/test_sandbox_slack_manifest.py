"""Reading manifests, and granting what stands in them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from sandbox.clock import Clock
from sandbox.slack.errors import SlackError
from sandbox.slack.manifest import DEFAULT_MANIFEST, ManifestUnreadable, load_manifest
from sandbox.slack.server import SlackServer
from sandbox.slack.webapi.call import Call
from sandbox.slack.webapi.chat import Chat
from tests.slack_workspace import World

MANIFEST = """\
# a comment
display_information:
  name: Lumen
features:
  app_home:
    home_tab_enabled: true
    messages_tab_enabled: false   # trailing
  bot_user:
    display_name: "Lumen: the bot"
  slash_commands:
    - command: /lumen
      description: 'It''s here'
      usage_hint: "[status|ttl <seconds>]"
      should_escape: false
    - command: /other
oauth_config:
  scopes:
    bot:
    - commands
    - chat:write
settings:
  event_subscriptions:
    bot_events: [app_mention, message.channels]
  interactivity: {}
"""


def test_a_manifest_as_people_write_it(tmp_path: Path) -> None:
    path = tmp_path / "manifest.yaml"
    path.write_text(MANIFEST, encoding="utf-8")
    manifest = load_manifest(path)
    assert manifest.name == "Lumen: the bot"
    assert [(c.command, c.description, c.usage_hint) for c in manifest.commands] == [
        ("/lumen", "It's here", "[status|ttl <seconds>]"),
        ("/other", "", ""),
    ]
    assert manifest.bot_scopes == ("commands", "chat:write")
    assert manifest.bot_events == ("app_mention", "message.channels")
    assert manifest.has_home_tab


def test_the_same_as_json(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(yaml.safe_load(MANIFEST)), encoding="utf-8")
    assert load_manifest(path).bot_scopes == ("commands", "chat:write")


def test_without_a_manifest_the_default() -> None:
    assert load_manifest(None) is DEFAULT_MANIFEST
    assert load_manifest(Path("nowhere/manifest.yaml")) is DEFAULT_MANIFEST


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("manifest.yaml", "a:\n\tb: 1", 'manifest.yaml", line 2, column 1'),
        ("manifest.json", '{"a":\n}', "manifest.json: Expecting value: line 2 column 1"),
        ("manifest.yaml", "- a list", "manifest.yaml: a manifest is a map"),
    ],
)
def test_what_cannot_be_read_is_named_by_file_and_line(tmp_path: Path, name: str, text: str, where: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ManifestUnreadable) as raised:
        load_manifest(tmp_path / name)
    assert where in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_repositorys_own_manifest_is_read() -> None:
    path = Path(__file__).parents[3] / "manifest.yaml"
    if not path.exists():
        pytest.skip("no manifest.yaml in this checkout")
    manifest = load_manifest(path)
    assert "/lumen" in {c.command for c in manifest.commands}
    assert {"commands", "chat:write"} <= set(manifest.bot_scopes)


def test_a_server_grants_what_the_manifest_says(tmp_path: Path) -> None:
    path = tmp_path / "manifest.yaml"
    path.write_text(MANIFEST, encoding="utf-8")
    state = SlackServer(clock=Clock(), manifest_path=path).shown.workspace()
    assert state["scopes"] == ["commands", "chat:write"]
    assert state["app"]["name"] == "Lumen: the bot"


async def test_without_a_messages_tab_no_direct_messages(world: World) -> None:
    manifest = replace(DEFAULT_MANIFEST, has_messages_tab=False)
    chat = Chat(
        world.server.directory, manifest, world.server.log, world.server.interactions.posting, world.server.limits, str
    )
    with pytest.raises(SlackError, match="messages_tab_disabled"):
        await chat.post_message(Call("chat.postMessage", {"channel": world.approver, "text": "x"}, None))
