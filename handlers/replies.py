"""Replies to one person, or to the channel they asked in, and the background work that leads to them.

A reply goes to the response_url first, and by chat.postEphemeral where that is spent.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import aiohttp
import structlog

from handlers.blocks import answers as show
from handlers.blocks.card import Shown, with_note
from handlers.charts import INVALID_BLOCKS, Charts
from handlers.people import Addressee, Languages
from handlers.web_api import Answer, SlackApi, SlackRefused, SlackTrouble, retry_after_seconds
from lumen.model.messages import LumenError, Message, NotPermitted, message
from lumen.model.service import ServiceId
from lumen.ports.store import Leases
from lumen.wording.catalogue import Catalogue

_log = structlog.get_logger(__name__)

#: An answer that is later than this helps nobody; response_url itself lives for 30 minutes.
ATTEMPTS = 4
REQUEST_SECONDS = 10.0
LONGEST_WAIT_SECONDS = 60.0
#: On the wall: a second delivery comes within seconds.
ANSWERED_FOR = timedelta(minutes=2)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Replies:
    """Never raises: a reply that cannot be delivered is logged. What was decided stands in the channel anyway.

    `home_of`: the channel in which a person is answered whose click came from none (App Home), by the key of the
    service that it was about.
    """

    session: aiohttp.ClientSession
    api: SlackApi
    charts: Charts
    home_of: Callable[[str], str]

    async def send(self, to: Addressee, shown: Shown, *, share: bool = False, instead: str | None = None) -> bool:
        """Whether it was delivered. Only `to` sees it, unless `share`; `instead` of what `announce` has put there.

        Retries, for an ephemeral message that comes twice is no harm.
        """
        try:
            await self.charts.send(shown, lambda one: self._send(to, one, share=share, instead=instead))
        except SlackTrouble as error:
            _log.warning("reply_undelivered", user=to.user_id, kind=type(error).__name__, error=error.error)
            return False
        return True

    async def _send(self, to: Addressee, shown: Shown, *, share: bool, instead: str | None) -> None:
        if share and instead and await self._edited(to, shown, instead):
            return
        if not (to.response_url and await self._respond(to, shown, share=share, replaces=instead is not None)):
            await self._post(to, shown, share=share)

    async def announce(self, to: Addressee, shown: Shown, *, share: bool) -> str:
        """Say that the answer takes a while. The message to edit, "" where there is none that can be."""
        if share:
            with contextlib.suppress(SlackTrouble):
                return (await self._post(to, shown, share=True)).text("ts")
        if not (to.response_url and await self._respond(to, shown, share=False)):
            with contextlib.suppress(SlackTrouble):
                await self._post(to, shown, share=False)
        return ""

    async def _post(self, to: Addressee, shown: Shown, *, share: bool) -> Answer:
        said = {"channel": to.channel or self.home_of(to.about), "text": shown.text, "blocks": list(shown.blocks)}
        if to.thread:
            said["thread_ts"] = to.thread
        if share:
            return await self.api.write("chat.postMessage", said)
        return await self.api.write("chat.postEphemeral", said | {"user": to.user_id})

    async def _edited(self, to: Addressee, shown: Shown, ts: str) -> bool:
        said = {"channel": to.channel, "ts": ts, "text": shown.text, "blocks": list(shown.blocks)}
        try:
            await self.api.write("chat.update", said)
        except SlackTrouble as error:
            if error.error == INVALID_BLOCKS:
                raise
            _log.warning("reply_not_edited", user=to.user_id, error=error.error)
            return False
        return True

    async def _respond(self, to: Addressee, shown: Shown, *, share: bool, replaces: bool = False) -> bool:
        payload: dict[str, Any] = {
            "response_type": "in_channel" if share else "ephemeral",
            "replace_original": replaces,
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
            async with self.session.post(url, json=payload, timeout=timeout) as answer:
                if answer.status == 429:
                    return retry_after_seconds(answer.headers, untold=1.0)
                if answer.status >= 500:
                    return _backoff_seconds(attempt)
                if answer.status == 400 and INVALID_BLOCKS in await answer.text():
                    raise SlackRefused(INVALID_BLOCKS)
                return None if answer.status == 200 else -1.0
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            return _backoff_seconds(attempt)


def _backoff_seconds(attempt: int) -> float:
    return float(0.2 * 2**attempt)


class Background:
    """Work that goes on after the ack: kept alive, logged when it fails, waited for when the process stops.

    Holds on to its tasks, for asyncio itself only keeps weak references to them.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._watching: set[asyncio.Task[Any]] = set()

    def watch(self, work: Coroutine[Any, Any, None]) -> None:
        """Run what waits for something to happen: nobody waits for it when the process stops."""
        task = asyncio.create_task(work)
        self._watching.add(task)
        task.add_done_callback(self._done)

    def start(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run `work`; a failure that nobody awaits is logged, never lost."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    @property
    def running(self) -> int:
        """The number of tasks under way."""
        return len(self._tasks)

    async def drain(self, timeout_seconds: float) -> None:
        """Let everything finish; what has not by then is cancelled, and what only watches at once."""
        for task in self._watching:
            task.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=timeout_seconds)
        left = self._tasks | self._watching
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        self._watching.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("background_work_failed", kind=type(error).__name__, exc_info=error)


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Slack may deliver a click twice, to two replicas too: whoever is first with it answers."""

    leases: Leases

    async def is_first(self, service: ServiceId, click_id: str) -> bool:
        """True also where the store does not tell, for no click is silent. Never raises."""
        try:
            return await self.leases.acquire(service, f"answer/{click_id}", ANSWERED_FOR) is not None
        except LumenError:
            return True


@dataclass(frozen=True, slots=True)
class Responder:
    """Does what a person asks for after the ack, and answers them in their language.

    `kick_outbox` is called after each step, so that what it stored is shown at once. `support`: whom to ask about this
    installation, or empty.
    """

    replies: Replies
    languages: Languages
    background: Background
    kick_outbox: Callable[[], None]
    deliveries: Deliveries
    support: str = ""
    #: An answer that takes longer is announced.
    announce_after_seconds: float = 2.0
    #: What keeps the channel in which somebody asks from being told, and what mends it; None where nothing does.
    place_trouble: Callable[[str], Sequence[Message] | None] = lambda _: None

    def answer(
        self,
        to: Addressee,
        step: Callable[[Catalogue], Awaitable[Shown]],
        *,
        share: bool = False,
        anew: bool = False,
    ) -> None:
        """Take `step` in the background and send what it shows, or why it failed. Returns at once.

        `anew`: the address to answer at is of no message that could be lost by replacing it.
        """
        self.background.start(self._answer(to, step, share=share, anew=anew))

    def renew(self, to: Addressee, step: Callable[[Catalogue], Awaitable[Shown]]) -> None:
        """As `answer`, in place of the message that was clicked. Returns at once."""

        async def renewed() -> None:
            words = await self.languages.of(to.user_id)
            await self.replies.send(to, await self._shown(words, to, step), instead="")

        self.background.start(renewed())

    def say(self, to: Addressee, *sentences: Message) -> None:
        """Send sentences, from the background. Returns at once."""
        self.background.start(self.send(to, *sentences))

    def answer_once(
        self,
        service: ServiceId,
        click_id: str,
        to: Addressee,
        step: Callable[[Catalogue], Awaitable[Shown]],
        *,
        share: bool = False,
    ) -> None:
        """As `answer`, for a click or an event, which may be delivered twice: then the step is taken once."""

        async def first() -> None:
            if await self.deliveries.is_first(service, click_id):
                await self._answer(to, step, share=share, anew=False)

        self.background.start(first())

    async def send(self, to: Addressee, *sentences: Message) -> bool:
        """Whether they were delivered. Never raises."""
        words = await self.languages.of(to.user_id)
        return await self.replies.send(to, show.said(words, *sentences, *(self.place_trouble(to.channel) or ())))

    async def _answer(
        self, to: Addressee, step: Callable[[Catalogue], Awaitable[Shown]], *, share: bool, anew: bool
    ) -> None:
        """In the reader's language; what all may read, in the channel's."""
        words = self.languages.default if share else await self.languages.of(to.user_id)
        taking = self.background.start(self._shown(words, to, step))
        await asyncio.wait({taking}, timeout=self.announce_after_seconds)
        instead = None
        if not taking.done():
            working = show.said(words, message("command.working"))
            announced = await self.replies.announce(to, working, share=share)
            instead = announced if share or anew else None
        await self.replies.send(to, await taking, share=share, instead=instead)

    async def _shown(self, words: Catalogue, to: Addressee, step: Callable[[Catalogue], Awaitable[Shown]]) -> Shown:
        """What `step` shows, or why it failed."""
        try:
            shown = await step(words)
            self.kick_outbox()
        except NotPermitted as refused:
            shown = show.said(words, refused.reason, refused.remedy)
        except LumenError as error:
            shown = show.failed(words, error, self.support)
        except Exception as error:
            _log.exception("request_failed", user=to.user_id)
            shown = show.broken(words, error, self.support)
        for sentence in reversed(self.place_trouble(to.channel) or ()):
            shown = with_note(shown, words.say(sentence))
        return shown
