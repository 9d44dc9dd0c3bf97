"""Slack's Web API: clients, and calls that are made once each, with every failure put in one of four kinds.

    Unreachable     nothing happened: Slack was not reached, or asked to wait. Try again later.
    NoAnswer        it was sent and may have happened. Look whether it did before doing it again.
    CannotUpdate    Slack will not change this message any more.
    SlackRefused    anything else that Slack says no to; trying again at once changes nothing.

Retries are set here alone. The SDK's own are off: its connection-error retry would post a message twice.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from lumen.model.messages import LumenError

_log = structlog.get_logger(__name__)

#: Slack's word for "not now": it tells when, and calls of that method wait for it.
RATE_LIMITED = "ratelimited"
REQUEST_SECONDS = 10.0

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


class SlackCalls:
    """`client` must come without retry handlers. `patient`: a method that Slack wants no call of is waited for."""

    def __init__(self, client: AsyncWebClient, *, patient: bool = True) -> None:
        if client.retry_handlers:
            raise ValueError("the outbox needs a client without retries: one of them would post a message twice")
        self._client = client
        self._patient = patient
        self._held_until: dict[str, float] = {}

    async def read(self, method: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """A call with its arguments in the address. Raises the four kinds."""
        return await self._once(method, http_verb="GET", params=dict(arguments))

    async def write(self, method: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """A call with its arguments as JSON. Raises the four kinds."""
        return await self._once(method, json=dict(arguments))

    async def _once(self, method: str, **how: Any) -> Mapping[str, Any]:
        """A 429 holds this method back for as long as Slack asks."""
        held_seconds = max(0.0, self._held_until.get(method, 0.0) - time.monotonic())
        if held_seconds and not self._patient:
            raise Unreachable(RATE_LIMITED)
        await asyncio.sleep(held_seconds)
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                answer = await self._client.api_call(method, **how)
        except SlackApiError as error:
            raise self._sorted(method, error) from error
        except aiohttp.ClientConnectorError as error:
            raise Unreachable(type(error).__name__) from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise NoAnswer(type(error).__name__) from error
        data: Mapping[str, Any] = answer.data  # type: ignore[assignment]
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


#: Whatever keeps a Web API call from being answered: Slack says no, or is not there. (aiohttp's own is no OSError.)
NO_ANSWER = (SlackClientError, aiohttp.ClientError, OSError, TimeoutError)
#: What may fail at any time for no fault of Lumen's own.
_FORESEEN = (LumenError, SlackTrouble, *NO_ANSWER)


@contextmanager
def guarded(event: str, **about: object) -> Iterator[None]:
    """Go on whatever fails inside, logged as `event`: Slack and the store in a line, all else with its traceback."""
    try:
        yield
    except _FORESEEN as error:
        _log.warning(event, kind=type(error).__name__, error=str(error), **about)
    except Exception:
        _log.exception(event, **about)


#: With a session of our own the SDK applies no timeout, so the session carries it.
TIMEOUT = aiohttp.ClientTimeout(total=15, connect=5)
RATE_LIMIT_RETRIES = 3


def slack_session() -> aiohttp.ClientSession:
    """One for the whole process: without it the SDK opens a new one for every call."""
    return aiohttp.ClientSession(timeout=TIMEOUT)


def asking_client(token: str, base_url: str, session: aiohttp.ClientSession) -> AsyncWebClient:
    """For calls that may be sent again: a 429 is waited out up to three times."""
    client = single_try_client(token, base_url, session)
    client.retry_handlers = [AsyncRateLimitErrorRetryHandler(max_retry_count=RATE_LIMIT_RETRIES)]
    return client


def single_try_client(token: str, base_url: str, session: aiohttp.ClientSession) -> AsyncWebClient:
    """For the outbox and for tickets: every failure comes back at once, and is judged there."""
    client = AsyncWebClient(token=token, base_url=base_url, session=session, retry_handlers=[])
    client.retry_handlers = []
    if base_url.startswith("http://"):
        # Loopback (bot.config allows no other plain address): a proxy of the environment cannot know it.
        client.proxy = None
    return client
