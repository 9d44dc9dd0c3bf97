"""The app's manifest: its name, commands, scopes and events. The workspace grants what stands there and no more."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

# The scopes of a bot without a manifest: those of posting, answering and finding one's own message again.
DEFAULT_BOT_SCOPES = (
    "commands",
    "chat:write",
    "app_mentions:read",
    "usergroups:read",
    "users:read",
    "channels:history",
    "groups:history",
)
DEFAULT_APP_SCOPES = ("connections:write",)


class ManifestUnreadable(ValueError):
    """The file is no manifest; says which file, the line, and what is wrong there."""


@dataclass(frozen=True)
class SlashCommand:
    """`command` with its slash; the other two are shown while a person types."""

    command: str
    description: str = ""
    usage_hint: str = ""


@dataclass(frozen=True)
class Manifest:
    name: str
    commands: tuple[SlashCommand, ...]
    bot_scopes: tuple[str, ...] = DEFAULT_BOT_SCOPES
    app_scopes: tuple[str, ...] = DEFAULT_APP_SCOPES
    bot_events: tuple[str, ...] = ("app_mention", "app_home_opened")
    has_home_tab: bool = True
    has_messages_tab: bool = True

    @property
    def bot_scope_list(self) -> str:
        return ",".join(self.bot_scopes)


DEFAULT_MANIFEST = Manifest("Lumen", (SlashCommand("/lumen", "Ask Lumen", "help"),))


def load_manifest(path: Path | None) -> Manifest:
    """Read `manifest.yaml` or `.json`; without a path (or a file at it) the default. Raises ManifestUnreadable."""
    if path is None or not path.exists():
        return DEFAULT_MANIFEST
    try:
        with path.open(encoding="utf-8") as file:
            document = json.load(file) if path.suffix == ".json" else yaml.safe_load(file)
    except yaml.YAMLError as error:  # names the file itself
        raise ManifestUnreadable(" ".join(str(error).split())) from error
    except ValueError as error:
        raise ManifestUnreadable(f"{path}: {error}") from error
    if not isinstance(document, dict):
        raise ManifestUnreadable(f"{path}: a manifest is a map with display_information and features")
    return _from_document(document)


def _from_document(document: dict[str, Any]) -> Manifest:
    features = document.get("features") or {}
    scopes = (document.get("oauth_config") or {}).get("scopes") or {}
    events = ((document.get("settings") or {}).get("event_subscriptions") or {}).get("bot_events") or ()
    app_home = features.get("app_home") or {}
    display_name = (features.get("bot_user") or {}).get("display_name")
    return Manifest(
        name=str(display_name or (document.get("display_information") or {}).get("name") or DEFAULT_MANIFEST.name),
        commands=tuple(
            SlashCommand(str(c["command"]), str(c.get("description") or ""), str(c.get("usage_hint") or ""))
            for c in features.get("slash_commands") or ()
        ),
        bot_scopes=tuple(map(str, scopes.get("bot") or ())),
        bot_events=tuple(map(str, events)),
        has_home_tab=bool(app_home.get("home_tab_enabled", False)),
        has_messages_tab=bool(app_home.get("messages_tab_enabled", False)),
    )
