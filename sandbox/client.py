"""A small Python client of the control API: type, press, submit, read, and let things go wrong.

async with SandboxClient("http://127.0.0.1:8123/control/") as sandbox:
    outcome = await sandbox.command("/lumen status")
    card = await sandbox.wait_for_message(lambda m: "Approve" in m.labels())
    await sandbox.click(card, "approve")
    await sandbox.world.start_incident("cache_degraded", lasts="45m")
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import aiohttp

from sandbox.world_client import WorldClient

Json = dict[str, Any]


class SandboxRefused(Exception):
    """The control API said no; the sentence says why."""


class NotSeen(AssertionError):
    """A message or a state did not come in time; lists those that are there instead."""


@dataclass(frozen=True)
class Outcome:
    """The app's answer to a command, a click or a submission. `error`: None, operation_timeout or dispatch_failed."""

    acked: bool
    ack_ms: float | None
    error: str | None
    payload: Json
    envelope_id: str | None
    sent: bool = True
    errors: Mapping[str, str] = field(default_factory=dict)
    still_open: bool = False


@dataclass(frozen=True)
class SeenMessage:
    """A message as a person sees it; `raw` is the whole JSON."""

    ts: str
    channel: str
    author: str
    text: str
    ephemeral_to: str | None
    thread_ts: str | None
    edited: bool
    raw: Json

    @property
    def blocks(self) -> list[Json]:
        return list(self.raw.get("blocks", ()))

    def elements(self) -> Iterator[Json]:
        """Buttons and menus."""
        for block in self.blocks:
            if block["type"] in {"actions", "context_actions"}:
                yield from block.get("elements", ())
            accessory = block.get("accessory")
            if accessory and accessory["type"] != "image":
                yield accessory

    def action_ids(self) -> list[str]:
        return [str(e["action_id"]) for e in self.elements()]

    def labels(self) -> list[str]:
        """The words on the buttons."""
        return [str(e["text"]["text"]) for e in self.elements() if e["type"] == "button"]

    def words(self) -> str:
        """Every text of the message, blocks included, one a line."""
        return "\n".join([self.text, *_texts(self.blocks)])


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in {"text", "alt_text"} and isinstance(inner, str):
                yield inner
            else:
                yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


class SandboxClient:
    """`control_url` ends with /control/. `user` and `channel` default to the approver and the app's channel."""

    def __init__(self, control_url: str) -> None:
        self._url = control_url.rstrip("/") + "/"
        self._session: aiohttp.ClientSession | None = None
        self.world = WorldClient(self.get, self.post)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(self, path: str, **body: Any) -> Json:
        """Any control request, `path` below /control/; raises SandboxRefused."""
        assert self._session is not None, "use `async with SandboxClient(...)`"
        given = {name: value for name, value in body.items() if value is not None}
        async with self._session.post(self._url + path, json=given) as response:
            return await _answer(response)

    async def get(self, path: str, **query: Any) -> Json:
        assert self._session is not None, "use `async with SandboxClient(...)`"
        given = {name: str(value) for name, value in query.items() if value is not None}
        async with self._session.get(self._url + path, params=given) as response:
            return await _answer(response)

    # ---- people

    async def command(self, line: str, *, user: str | None = None, channel: str | None = None) -> Outcome:
        """Type a slash command; returns when it was acked or its 3 s were over."""
        return _outcome(await self.post("slack/command", text=line, user=user, channel=channel))

    async def click(
        self, message: SeenMessage, action_id: str, *, user: str | None = None, block_id: str | None = None,
        value: Any = None, stale: bool = False,
    ) -> Outcome:  # fmt: skip
        """Press a button or choose in a menu of a message. `stale`: with a screen that is behind."""
        return _outcome(
            await self.post(
                "slack/click", user=user, channel=message.channel, ts=message.ts, action_id=action_id,
                block_id=block_id, value=value, stale=stale or None,
            )
        )  # fmt: skip

    async def click_in_view(self, view: Json, action_id: str, *, user: str | None = None, value: Any = None) -> Outcome:
        return _outcome(await self.post("slack/click", user=user, view_id=view["id"], action_id=action_id, value=value))

    async def submit(self, view: Json, values: Json, *, user: str | None = None) -> Outcome:
        """`values`: block id → action id → value."""
        return _outcome(await self.post("slack/submit", user=user, view_id=view["id"], values=values))

    async def close_view(self, view: Json, *, user: str | None = None) -> Outcome:
        return _outcome(await self.post("slack/close", user=user, view_id=view["id"]))

    async def open_home(self, *, user: str | None = None) -> None:
        await self.post("slack/home", user=user)

    async def say(
        self, text: str, *, user: str | None = None, channel: str | None = None, thread_ts: str | None = None
    ) -> str:
        """A person writes; returns the message's ts."""
        answer = await self.post("slack/say", text=text, user=user, channel=channel, thread_ts=thread_ts)
        return str(answer["ts"])

    # ---- reading

    async def messages(
        self, *, user: str | None = None, channel: str | None = None, thread_ts: str | None = None
    ) -> list[SeenMessage]:
        """Oldest first; without `user` everybody's, ephemeral ones included."""
        answer = await self.get("slack/messages", user=user, channel=channel, thread_ts=thread_ts)
        return [_message(m) for m in answer["messages"]]

    async def wait_for_message(
        self, wanted: Callable[[SeenMessage], bool], *, within_seconds: float = 30.0, user: str | None = None,
        channel: str | None = None,
    ) -> SeenMessage:  # fmt: skip
        """The newest message that fits; raises NotSeen with what there was."""
        deadline = time.monotonic() + within_seconds
        while True:
            seen = await self.messages(user=user, channel=channel)
            fitting = [m for m in seen if wanted(m)]
            if fitting:
                return fitting[-1]
            if time.monotonic() > deadline:
                listed = "\n".join(f"- {m.author} {m.text[:200]!r} {m.labels()}" for m in seen[-10:])
                raise NotSeen(f"no such message within {within_seconds} s; the last ones:\n{listed or '(none)'}")
            await asyncio.sleep(0.03)

    async def views(self, *, user: str | None = None) -> list[Json]:
        """The open modals, bottom first."""
        return list((await self.get("slack/views", user=user))["stack"])

    async def home(self, *, user: str | None = None) -> Json | None:
        found = (await self.get("slack/views", user=user))["home"]
        return dict(found) if found is not None else None

    async def calls(self, *, since: int = 0, method: str | None = None) -> list[Json]:
        return list((await self.get("slack/calls", since=since, method=method))["calls"])

    async def calls_total(self) -> int:
        return int((await self.get("slack/calls", since=1 << 60))["total"])

    async def envelopes(self, *, since: int = 0) -> list[Json]:
        return list((await self.get("slack/envelopes", since=since))["envelopes"])

    async def connections(self) -> list[Json]:
        return list((await self.get("slack/connections"))["connections"])

    async def wait_for_connections(self, count: int, *, within_seconds: float = 30.0) -> None:
        """Until at least `count` Socket Mode connections are open; raises NotSeen."""
        deadline = time.monotonic() + within_seconds
        while len(open_now := await self.connections()) < count:
            if time.monotonic() > deadline:
                raise NotSeen(f"{len(open_now)} connections after {within_seconds} s, not {count}")
            await asyncio.sleep(0.02)

    # ---- fate

    async def sockets(
        self, do: str, *, count: int | None = None, connection: str | None = None, seconds: float | None = None
    ) -> None:
        """close, reset, finish, half_open, warning, refresh_requested, link_disabled, too_many_websockets (to open
        connections); reject_tickets, link_disabled_on_connect, duplicate_envelopes, withhold_hello (`count` times
        from now on); stall (for `seconds`), mute; heal. `seconds` else: between a disconnect frame and the close."""
        await self.post("slack/sockets", do=do, count=count, connection=connection, seconds=seconds)

    async def fault(
        self, method: str, kind: str, *, times: int = 1, error: str | None = None, seconds: float | None = None,
        **answer: Any,
    ) -> None:  # fmt: skip
        """error, delay, ratelimited, http_500, hang, post_then_timeout, drop, late, answer for the next `times` calls.

        For `answer`: status, body, content_type, headers, deed (do what was asked all the same).
        """
        await self.post("slack/faults", method=method, kind=kind, times=times, error=error, seconds=seconds, **answer)

    async def drop_metadata(self, drops: bool = True) -> None:
        """Whether the workspace forgets the metadata of messages."""
        await self.post("slack/faults", drops_metadata=drops)

    async def refuse_charts(self, refuses: bool = True) -> None:
        """Whether the workspace answers `invalid_blocks` to Slack's own charts."""
        await self.post("slack/faults", refuses_charts=refuses)

    async def change_channel(self, channel: str | None = None, **change: Any) -> None:
        """archived, name, private, with_app: what an owner of the channel does to it."""
        await self.post("slack/channel", channel=channel, **change)

    async def delete_message(self, message: SeenMessage) -> None:
        """An admin deletes it, whoever wrote it."""
        await self.post("slack/delete", channel=message.channel, ts=message.ts)

    async def clear_faults(self) -> None:
        await self.post("slack/faults", clear=True)

    async def rate_limits(self, enabled: bool) -> None:
        await self.post("slack/limits", enabled=enabled)

    async def reset_slack(self) -> None:
        await self.post("slack/reset")


async def _answer(response: aiohttp.ClientResponse) -> Json:
    body = await response.json(content_type=None)
    if response.status >= 400:
        raise SandboxRefused(f"{response.status}: {body.get('error') if isinstance(body, dict) else body}")
    return dict(body)


def _outcome(answer: Json) -> Outcome:
    return Outcome(
        acked=bool(answer["acked"]),
        ack_ms=answer["ack_ms"],
        error=answer["error"],
        payload=answer["payload"],
        envelope_id=answer["envelope_id"],
        sent=bool(answer["sent"]),
        errors=answer.get("errors", {}),
        still_open=bool(answer.get("still_open", False)),
    )


def _message(raw: Json) -> SeenMessage:
    return SeenMessage(
        ts=raw["ts"],
        channel=raw["channel"],
        author=raw["user"],
        text=raw["text"],
        ephemeral_to=raw.get("ephemeral_to"),
        thread_ts=raw.get("thread_ts"),
        edited="edited" in raw,
        raw=raw,
    )
