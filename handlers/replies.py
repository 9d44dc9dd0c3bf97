"""Answers to one person, or to the channel they asked in: response_url first, chat.postEphemeral where it is spent.

Work that goes on after the ack: kept alive, logged when it fails, waited for when the process stops.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
import structlog
from slack_sdk.web.async_client import AsyncWebClient

from handlers.blocks.card import Shown, illustrated
from handlers.web_api import NO_ANSWER

_log = structlog.get_logger(__name__)


#: An answer that is later than this helps nobody; response_url itself lives for 30 minutes.
ATTEMPTS = 4


REQUEST_SECONDS = 10.0


LONGEST_WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Addressee:
    """Where an answer goes. `response_url` takes 5 answers in 30 minutes."""

    user_id: str
    channel: str
    response_url: str


class Answers:
    """Never raises: an answer that cannot be delivered is logged. What was decided stands in the channel anyway."""

    def __init__(self, session: aiohttp.ClientSession, client: AsyncWebClient, home_channel: str) -> None:
        """`home_channel` is where a person is answered whose click came from no channel (App Home)."""
        self._session = session
        self._client = client
        self._home_channel = home_channel

    async def tell(self, to: Addressee, shown: Shown, *, share: bool = False) -> bool:
        """Whether it was delivered. Only `to` sees it, unless `share`. An ephemeral message that comes twice is no
        harm, so this retries."""
        if to.response_url and await self._respond(to, shown, share=share):
            return True
        try:
            blocks, channel = list(shown.blocks), to.channel or self._home_channel
            if share:
                await self._client.chat_postMessage(channel=channel, text=shown.text, blocks=blocks)
            else:
                await self._client.chat_postEphemeral(channel=channel, user=to.user_id, text=shown.text, blocks=blocks)
        except NO_ANSWER as error:
            if shown.picture is not None:
                return await self.tell(to, illustrated(shown, None), share=share)
            _log.warning("answer_undelivered", user=to.user_id, kind=type(error).__name__, error=str(error))
            return False
        return True

    async def _respond(self, to: Addressee, shown: Shown, *, share: bool) -> bool:
        payload: dict[str, Any] = {
            "response_type": "in_channel" if share else "ephemeral",
            "replace_original": False,
            "text": shown.text,
            "blocks": list(shown.blocks),
        }
        for attempt in range(ATTEMPTS):
            wait_seconds = await self._try(to.response_url, payload, attempt)
            if wait_seconds is None:
                return True
            if wait_seconds < 0 or wait_seconds > LONGEST_WAIT_SECONDS:
                return False
            await asyncio.sleep(wait_seconds)
        return False

    async def _try(self, url: str, payload: dict[str, Any], attempt: int) -> float | None:
        """None: delivered. Otherwise the seconds until another try is worth it; negative for never."""
        try:
            timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
            async with self._session.post(url, json=payload, timeout=timeout) as answer:
                if answer.status == 429:
                    return float(answer.headers.get("Retry-After", "1"))
                if answer.status >= 500:
                    return _backoff(attempt)
                return None if answer.status == 200 else -1.0
        except (aiohttp.ClientError, OSError, TimeoutError):
            return _backoff(attempt)


def _backoff(attempt: int) -> float:
    return float(0.2 * 2**attempt)


T = TypeVar("T")


class Background:
    """Holds on to its tasks: asyncio itself only keeps weak references to them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run `work`; a failure that nobody awaits is logged, never lost."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    @property
    def running(self) -> int:
        """How many pieces of work are under way."""
        return len(self._tasks)

    async def drain(self, timeout_seconds: float) -> None:
        """Let everything finish; what has not by then is cancelled."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=timeout_seconds)
        left = set(self._tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("background_work_failed", kind=type(error).__name__, exc_info=error)
