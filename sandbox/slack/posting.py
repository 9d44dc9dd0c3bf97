"""Putting a message together: what chat.*, a response_url and an ack's payload have in common."""

import json
from dataclasses import dataclass
from typing import Any

from sandbox.slack.blockkit.surfaces import message_blocks, refuse_charts
from sandbox.slack.directory import Directory
from sandbox.slack.errors import SlackError
from sandbox.slack.faults import MethodFaults
from sandbox.slack.messages import Message, MessageLog
from sandbox.slack.wire import Json

TEXT_CHARACTERS = 40_000
UPDATED_TEXT_CHARACTERS = 4_000
METADATA_BYTES = 16_000
ATTACHMENTS = 100


@dataclass(frozen=True)
class Draft:
    """The content of a message, judged. `has_blocks` tells "no blocks given" from "blocks given and empty"."""

    text: str
    blocks: tuple[Json, ...]
    attachments: tuple[Json, ...]
    metadata: Json | None
    has_blocks: bool
    has_text: bool


@dataclass(frozen=True)
class Posting:
    """Judges content and writes it into the log as the app."""

    directory: Directory
    log: MessageLog
    faults: MethodFaults

    def draft(self, arguments: Json, *, longest: int = TEXT_CHARACTERS) -> Draft:
        """Raises no_text, msg_too_long, invalid_blocks(_format), too_many_attachments, metadata errors."""
        text = arguments.get("text") or ""
        if not isinstance(text, str):
            raise SlackError("invalid_arguments")
        markdown = arguments.get("markdown_text")
        raw_blocks = arguments.get("blocks")
        if markdown:
            if raw_blocks or text:
                raise SlackError("markdown_text_conflict")
            raw_blocks, text = [{"type": "markdown", "text": markdown}], str(markdown)
        blocks = message_blocks(raw_blocks) if raw_blocks not in (None, "") else ()
        if self.faults.refuses_charts:
            refuse_charts(blocks)
        attachments = _attachments(arguments.get("attachments"))
        if not (text.strip() or blocks or attachments):
            raise SlackError("no_text")
        if len(text) > longest:
            raise SlackError("msg_too_long")
        return Draft(
            text=text,
            blocks=blocks,
            attachments=attachments,
            metadata=None if self.faults.drops_metadata else _metadata(arguments.get("metadata")),
            has_blocks=raw_blocks is not None,
            has_text=bool(arguments.get("text")),
        )

    def post(
        self, draft: Draft, channel: str, *, thread_ts: str | None = None, ephemeral_to: str | None = None,
        username: str | None = None, broadcast: bool = False,
    ) -> Message:  # fmt: skip
        return self.log.post(
            Message(
                ts=self.log.timestamps.next(),
                channel=channel,
                author=self.directory.app.bot_user_id,
                text=draft.text,
                blocks=draft.blocks,
                attachments=draft.attachments,
                metadata=draft.metadata,
                thread_ts=thread_ts,
                ephemeral_to=ephemeral_to,
                username=username,
                reply_broadcast=broadcast,
            )
        )

    def rewrite(self, message: Message, draft: Draft) -> Message:
        """Change a message as chat.update and replace_original do: text without blocks takes the blocks away."""
        changes: Json = {
            "text": draft.text if draft.has_text or not draft.has_blocks else message.text,
            "blocks": draft.blocks,
            "attachments": draft.attachments,
            "edited_ts": self.log.timestamps.next(),
        }
        if draft.metadata is not None:
            changes["metadata"] = draft.metadata
        return self.log.replace(message.changed(**changes))

    def slackbot(self, channel: str, user_id: str, text: str) -> Message:
        """A sentence of Slack itself, visible to one person alone."""
        ts = self.log.timestamps.next()
        return self.log.post(Message(ts, channel, "USLACKBOT", text, ephemeral_to=user_id))


def _attachments(value: Any) -> tuple[Json, ...]:
    if value in (None, ""):
        return ()
    try:
        decoded = json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise SlackError("invalid_attachments") from error
    if not isinstance(decoded, list) or not all(isinstance(a, dict) for a in decoded):
        raise SlackError("invalid_attachments")
    if len(decoded) > ATTACHMENTS:
        raise SlackError("too_many_attachments")
    return tuple(decoded)


def _metadata(value: Any) -> Json | None:
    """`{event_type, event_payload}`; raises invalid_metadata_format or metadata_too_large."""
    if value in (None, ""):
        return None
    try:
        decoded = json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise SlackError("invalid_metadata_format") from error
    if decoded == {}:
        return {}
    if not isinstance(decoded, dict) or not isinstance(decoded.get("event_type"), str):
        raise SlackError("invalid_metadata_format")
    if not isinstance(decoded.get("event_payload"), dict):
        raise SlackError("invalid_metadata_format")
    if len(json.dumps(decoded).encode()) > METADATA_BYTES:
        raise SlackError("metadata_too_large")
    return decoded
