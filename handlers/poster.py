"""The few Web API calls that the outbox makes, paced, and with every failure put in one of four kinds.

    Unreachable     nothing happened: Slack was not reached, or asked to wait. Try again later.
    NoAnswer        it was sent and may have happened. Look the message up before posting it again.
    CannotUpdate    Slack will not change this message any more.
    SlackRefused    anything else that Slack says no to; trying again at once changes nothing.

The SDK's own retries are off: its connection-error retry would post a message twice.
"""

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from handlers.views.card import Shown

#: Marks Lumen's own messages; the payload's `surface` tells which one it is.
EVENT_TYPE = "lumen_surface"
#: Slack allows one message a second and channel; edits are held to the same pace.
PACE_SECONDS = 1.0
#: Slack's word for "not now": it tells when, and calls of that method wait for it.
RATE_LIMITED = "ratelimited"
REQUEST_SECONDS = 10.0
#: How far back a lost message is looked for: it was posted minutes ago at most.
PAGES = 3
PAGE_SIZE = 100

_CANNOT_UPDATE = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed", "is_inactive", "no_permission"}
)
#: Slack's own troubles: it may or may not have done it.
_TROUBLES = frozenset({"internal_error", "fatal_error", "request_timeout", "service_unavailable", "team_added_to_org"})


class SlackTrouble(Exception):
    """`error` is Slack's word, or the name of what broke."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class Unreachable(SlackTrouble):
    """Nothing happened."""


class NoAnswer(SlackTrouble):
    """It may have happened."""


class CannotUpdate(SlackTrouble):
    """This message stays as it is for ever."""


class SlackRefused(SlackTrouble):
    """A wrong channel, a missing scope, blocks that Slack does not take."""


class Poster:
    """Posts, edits and finds messages. `client` must come without retry handlers."""

    def __init__(self, client: AsyncWebClient, pace_seconds: float = PACE_SECONDS) -> None:
        if client.retry_handlers:
            raise ValueError("the outbox needs a client without retries: one of them would post a message twice")
        self._client = client
        self._pace_seconds = pace_seconds
        self._free_at: dict[str, float] = {}
        self._held_until: dict[str, float] = {}

    async def post(self, channel: str, shown: Shown, surface: str, thread_ts: str = "") -> tuple[str, str]:
        """The channel's id and the message's ts. `thread_ts`: the message in whose thread it stands, or empty."""
        await self._pace(channel)
        answer = await self._call(
            "chat.postMessage",
            {
                "channel": channel,
                "text": shown.text,
                "blocks": list(shown.blocks),
                "metadata": {"event_type": EVENT_TYPE, "event_payload": {"surface": surface}},
                "unfurl_links": False,
                "unfurl_media": False,
            }
            | ({"thread_ts": thread_ts} if thread_ts else {}),
        )
        return str(answer["channel"]), str(answer["ts"])

    async def update(self, channel: str, ts: str, shown: Shown, surface: str) -> None:
        """Blocks and text go together: an update without blocks would remove them."""
        await self._pace(channel)
        await self._call(
            "chat.update",
            {
                "channel": channel,
                "ts": ts,
                "text": shown.text,
                "blocks": list(shown.blocks),
                "metadata": {"event_type": EVENT_TYPE, "event_payload": {"surface": surface}},
            },
        )

    async def find(self, channel: str, surface: str, not_ts: str, thread_ts: str = "") -> str | None:
        """The ts of the newest message that shows `surface`, other than `not_ts`; None when there is none."""
        cursor = ""
        method = "conversations.replies" if thread_ts else "conversations.history"
        for _ in range(PAGES):
            wanted: dict[str, Any] = {"channel": channel, "limit": PAGE_SIZE, "include_all_metadata": True}
            wanted |= ({"ts": thread_ts} if thread_ts else {}) | ({"cursor": cursor} if cursor else {})
            answer = await self._call(method, wanted)
            for posted in answer.get("messages") or []:
                if _surface_of(posted) == surface and posted.get("ts") != not_ts:
                    return str(posted["ts"])
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                break
        return None

    async def delete(self, channel: str, ts: str) -> None:
        """One of Lumen's own messages."""
        await self._call("chat.delete", {"channel": channel, "ts": ts})

    async def permalink(self, channel: str, ts: str) -> str | None:
        """A link to a message, or None where there is none to give."""
        try:
            answer = await self._call("chat.getPermalink", {"channel": channel, "message_ts": ts})
        except (SlackRefused, CannotUpdate):
            return None
        return str(answer["permalink"])

    async def _pace(self, channel: str) -> None:
        """Wait for this channel's turn. Nothing else waits with it."""
        now = time.monotonic()
        at = max(now, self._free_at.get(channel, now))
        self._free_at[channel] = at + self._pace_seconds
        await asyncio.sleep(at - now)

    async def _call(self, method: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """One request, once. Raises the four kinds; a 429 holds this method back for as long as Slack asks."""
        await asyncio.sleep(max(0.0, self._held_until.get(method, 0.0) - time.monotonic()))
        reading = method in ("conversations.history", "conversations.replies", "chat.getPermalink")
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                sent: Awaitable[Any] = (
                    self._client.api_call(method, http_verb="GET", params=dict(arguments))
                    if reading
                    else self._client.api_call(method, json=dict(arguments))
                )
                answer = await sent
        except SlackApiError as error:
            raise self._sorted(method, error) from error
        except aiohttp.ClientConnectorError as error:
            raise Unreachable(type(error).__name__) from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise NoAnswer(type(error).__name__) from error
        data: Mapping[str, Any] = answer.data
        return data

    def _sorted(self, method: str, error: SlackApiError) -> SlackTrouble:
        answer = error.response
        status = getattr(answer, "status_code", getattr(answer, "status", 0))
        word = str(answer.get("error", "")) if hasattr(answer, "get") and isinstance(answer.data, dict) else ""
        if status == 429 or word in (RATE_LIMITED, "rate_limited"):
            self._held_until[method] = time.monotonic() + _retry_after_seconds(answer.headers)
            return Unreachable(RATE_LIMITED)
        if status >= 500 or word in _TROUBLES or not word:
            return NoAnswer(word or f"http {status}")
        return CannotUpdate(word) if word in _CANNOT_UPDATE else SlackRefused(word)


def _retry_after_seconds(headers: Mapping[str, str]) -> float:
    for name, value in headers.items():
        if name.lower() == "retry-after":
            try:
                return max(0.0, float(value))
            except ValueError:
                break
    return 30.0


def _surface_of(posted: Mapping[str, Any]) -> str:
    metadata: Mapping[str, Any] = posted.get("metadata") or {}
    if metadata.get("event_type") != EVENT_TYPE:
        return ""
    payload: Mapping[str, Sequence[str]] = metadata.get("event_payload") or {}
    return str(payload.get("surface", ""))
