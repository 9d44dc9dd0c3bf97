"""The payloads that Slack sends: built here and nowhere else, field by field as an app reads them."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.slack.directory import Channel, Directory
from sandbox.slack.messages import Message, MessageLog
from sandbox.slack.wire import Json


@dataclass(frozen=True)
class Payloads:
    directory: Directory
    log: MessageLog
    now: Callable[[], float]

    def slash_command(
        self, *, user_id: str, channel: Channel, command: str, text: str, response_url: str, trigger_id: str
    ) -> Json:
        team, app = self.directory.team, self.directory.app
        return {
            "token": app.verification_token, "team_id": team.id, "team_domain": team.domain,
            "channel_id": channel.id, "channel_name": "directmessage" if channel.is_im else channel.name,
            "user_id": user_id, "user_name": self.directory.users[user_id].name, "command": command, "text": text,
            "api_app_id": app.id, "is_enterprise_install": "false", "response_url": response_url,
            "trigger_id": trigger_id,
        }  # fmt: skip

    def message_action(
        self, *, user_id: str, message: Message, channel: Channel, action: Json, state: Json,
        response_url: str, trigger_id: str, shown_blocks: tuple[Json, ...],
    ) -> Json:  # fmt: skip
        ephemeral = message.ephemeral_to is not None
        container: Json = {
            "type": "message", "message_ts": message.ts, "channel_id": channel.id, "is_ephemeral": ephemeral,
        }  # fmt: skip
        if message.thread_ts:
            container["thread_ts"] = message.thread_ts
        payload = self._interaction("block_actions", user_id, trigger_id) | {
            "container": container,
            "channel": {"id": channel.id, "name": "directmessage" if channel.is_im else channel.name},
            "state": {"values": state},
            "response_url": response_url,
            "actions": [action],
        }
        if not ephemeral:  # Slack does not send the content of ephemeral messages back
            payload["message"] = {**self.log.wire(message, with_metadata=True), "blocks": list(shown_blocks)}
        return payload

    def view_action(self, *, user_id: str, view: Json, action: Json, trigger_id: str) -> Json:
        return self._interaction("block_actions", user_id, trigger_id) | {
            "container": {"type": "view", "view_id": view["id"]},
            "view": view,
            "actions": [action],
        }

    def view_submission(self, *, user_id: str, view: Json, trigger_id: str) -> Json:
        return self._interaction("view_submission", user_id, trigger_id) | {"view": view, "response_urls": []}

    def view_closed(self, *, user_id: str, view: Json, is_cleared: bool) -> Json:
        payload = self._interaction("view_closed", user_id, "") | {"view": view, "is_cleared": is_cleared}
        del payload["trigger_id"]
        return payload

    def option_request(self, *, user_id: str, container: Json, element: Json, block_id: str, typed: str) -> Json:
        return self._interaction("block_suggestion", user_id, "") | {
            "container": container, "action_id": element["action_id"], "block_id": block_id, "value": typed,
        }  # fmt: skip

    def event(self, event: Json) -> Json:
        """The Events API's outer object; `event_id` stays the same over redeliveries."""
        team, app = self.directory.team, self.directory.app
        return {
            "token": app.verification_token, "team_id": team.id, "api_app_id": app.id, "event": event,
            "type": "event_callback", "event_id": "Ev0" + secrets.token_hex(5).upper(),
            "event_time": int(self.now()), "is_ext_shared_channel": False, "event_context": secrets.token_hex(12),
            "authorizations": [{
                "enterprise_id": None, "team_id": team.id, "user_id": app.bot_user_id, "is_bot": True,
                "is_enterprise_install": False,
            }],
        }  # fmt: skip

    def action(self, block: Json, element: Json, choice: Json) -> Json:
        """One entry of `actions`: what was pressed or chosen."""
        out: dict[str, Any] = {"type": element["type"], "action_id": element["action_id"]}
        out["block_id"] = block["block_id"]
        for name in ("text", "style", "url", "placeholder", "confirm"):
            if name in element and element["type"] in {"button", "static_select"}:
                out[name] = element[name]
        return out | choice | {"action_ts": f"{self.now():.6f}"}

    def _interaction(self, kind: str, user_id: str, trigger_id: str) -> Json:
        team, app, user = self.directory.team, self.directory.app, self.directory.users[user_id]
        return {
            "type": kind, "team": {"id": team.id, "domain": team.domain},
            "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": team.id},
            "api_app_id": app.id, "token": app.verification_token, "trigger_id": trigger_id, "enterprise": None,
            "is_enterprise_install": False,
        }  # fmt: skip
