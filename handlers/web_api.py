"""Slack's Web API: every call, and the one reader of every answer, whatever Slack or a proxy before it sends.

A call ends in an `Answer`, or in one of four kinds of trouble, and in nothing else:

    Unreachable     nothing happened: Slack was not reached, or asked to wait. Try again later.
    NoAnswer        it was sent and may have happened. Look whether it did before doing it again.
    CannotUpdate    Slack will not change this message any more.
    SlackRefused    anything else that Slack says no to; trying again at once changes nothing.

Nothing is sent twice here, except what Slack has refused because of its pace.
"""

import asyncio
import json
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import structlog
from slack_sdk.web.async_client import AsyncWebClient

from lumen.model.messages import LumenError

_log = structlog.get_logger(__name__)

#: Slack's word for "not now": it tells when, and calls of that method wait for it.
RATE_LIMITED = "ratelimited"
#: The methods that write into a channel.
POST, EDIT = "chat.postMessage", "chat.update"
#: Our word for an answer that is none of Slack's, or lacks what it must bring.
UNREADABLE = "unreadable answer"
REQUEST_SECONDS = 10.0
#: With a session of our own nothing else bounds a request.
TIMEOUT = aiohttp.ClientTimeout(total=15, connect=5)
#: So often one call waits for as long as Slack asks.
RATE_LIMIT_RETRIES = 3
#: Where Slack says "later" and not when; and what is believed at most.
RETRY_AFTER_SECONDS = 30.0
RETRY_AFTER_LONGEST_SECONDS = 600.0

#: Slack's words for a token that will not get better by waiting.
TOKEN_DEAD = frozenset(
    {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type"}
)
_CANNOT_UPDATE = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed", "is_inactive", "no_permission"}
)
#: Slack's own troubles: it may or may not have done it.
_TROUBLES = frozenset({"internal_error", "fatal_error", "request_timeout", "service_unavailable", "team_added_to_org"})


class SlackTrouble(Exception):
    """`error` is Slack's word, or the name of what broke. Never an address: that of a connection carries its ticket."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class Unreachable(SlackTrouble):
    """Nothing happened. `again_in_seconds`: where Slack said when to come back."""

    def __init__(self, error: str, again_in_seconds: float = 0.0) -> None:
        super().__init__(error)
        self.again_in_seconds = again_in_seconds


class NoAnswer(SlackTrouble):
    """It may have happened."""


class CannotUpdate(SlackTrouble):
    """This message stays as it is for ever."""


class SlackRefused(SlackTrouble):
    """A wrong channel, a missing scope, blocks that Slack does not take."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON object that says `ok`. What must be in it and is not, or is something else, raises NoAnswer."""

    data: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    def maybe(self, *path: str) -> Any:
        """Whatever stands there, or None."""
        found: Any = self.data
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        return found

    def text(self, *path: str) -> str:
        """A text that is not empty."""
        found = self.maybe(*path)
        if not isinstance(found, str) or not found:
            raise NoAnswer(UNREADABLE)
        return found

    def texts(self, *path: str) -> tuple[str, ...]:
        """A list of texts, which may be empty."""
        return tuple(self._each(str, path))

    def objects(self, *path: str) -> tuple[Mapping[str, Any], ...]:
        """A list of objects, which may be empty."""
        return tuple(self._each(dict, path))

    def _each(self, kind: type, path: tuple[str, ...]) -> list[Any]:
        found = self.maybe(*path)
        if not isinstance(found, list) or not all(isinstance(each, kind) for each in found):
            raise NoAnswer(UNREADABLE)
        return found


def read_answer(status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """Any status, any headers, any bytes. Raises one of the four kinds where it is no answer that says `ok`."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        data = None
    word = data.get("error") if isinstance(data, dict) else None
    if status == 429 or word in (RATE_LIMITED, "rate_limited"):
        raise Unreachable(RATE_LIMITED, retry_after_seconds(headers))
    if not isinstance(data, dict) or not isinstance(word, str | None) or (not word and data.get("ok") is not True):
        raise NoAnswer(UNREADABLE if status == 200 else f"http {status}")
    if data.get("ok") is True and status == 200:
        return Answer(data, headers)
    if status >= 500 or word in _TROUBLES or not word:
        raise NoAnswer(word or f"http {status}")
    raise CannotUpdate(word) if word in _CANNOT_UPDATE else SlackRefused(word)


def retry_after_seconds(headers: Mapping[str, str], untold: float = RETRY_AFTER_SECONDS) -> float:
    """`Retry-After` in seconds, within reason; `untold` where it is missing, empty, a date or anything else."""
    told = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    try:
        seconds = float(told)
    except ValueError:
        seconds = untold
    return min(RETRY_AFTER_LONGEST_SECONDS, max(0.0, seconds if math.isfinite(seconds) else untold))


class SlackApi:
    """Calls in the name of one token.

    What Slack refuses because of its pace holds back that method for all callers; a message, its channel alone.
    """

    def __init__(self, token: str, base_url: str, session: aiohttp.ClientSession) -> None:
        self._token = token.strip()
        self._base_url = base_url.rstrip("/") + "/"
        self._session = session
        #: The SDK's, without a token: for Bolt and the connections, which make no calls by themselves.
        self.sdk_client = _sdk_client(self._base_url, session)
        self._held_until: dict[str, float] = {}
        #: Slack's word where it takes the token no more, until it does again; else empty.
        self.token_refused = ""

    async def read(self, method: str, arguments: Mapping[str, Any], *, patient: bool = True) -> Answer:
        """A call with its arguments in the address. Raises the four kinds."""
        params = {name: _in_address(value) for name, value in arguments.items()}
        return await self._ask(method, method, patient, verb="GET", params=params)

    async def write(self, method: str, arguments: Mapping[str, Any], *, patient: bool = True) -> Answer:
        """A call with its arguments as JSON. Raises the four kinds."""
        limit = f"{method} {arguments.get('channel', '')}" if method == POST else method
        return await self._ask(method, limit, patient, verb="POST", json=dict(arguments))

    async def _ask(self, method: str, limit: str, patient: bool, verb: str, **how: Any) -> Answer:
        """Who is not patient hears at once that Slack wants to wait. `limit`: what that holds back."""
        for tries_left in range(RATE_LIMIT_RETRIES if patient else 0, -1, -1):
            held_seconds = max(0.0, self._held_until.get(limit, 0.0) - time.monotonic())
            if held_seconds and not patient:
                raise Unreachable(RATE_LIMITED, held_seconds)
            await asyncio.sleep(held_seconds)
            try:
                return await self._once(method, verb, **how)
            except Unreachable as trouble:
                if trouble.error != RATE_LIMITED:
                    raise
                self._held_until[limit] = time.monotonic() + trouble.again_in_seconds
                if not tries_left:
                    raise
        raise AssertionError("the last try returns or raises")

    async def _once(self, method: str, verb: str, **how: Any) -> Answer:
        headers = {"Authorization": f"Bearer {self._token}"}
        told = await self._sent(verb, self._base_url + method, headers=headers, **how)
        try:
            answer = read_answer(*told)
        except SlackRefused as refused:
            if refused.error in TOKEN_DEAD:
                self.token_refused = refused.error
            raise
        self.token_refused = ""
        return answer

    async def _sent(self, verb: str, url: str, **how: Any) -> tuple[int, Mapping[str, str], bytes]:
        try:
            async with (
                asyncio.timeout(REQUEST_SECONDS),
                self._session.request(
                    verb, url, proxy=self.sdk_client.proxy, timeout=TIMEOUT, allow_redirects=False, **how
                ) as answer,
            ):
                return answer.status, answer.headers, await answer.read()
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
            raise Unreachable(type(error).__name__) from error
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise NoAnswer(type(error).__name__) from error


def _in_address(value: Any) -> str:
    return ("1" if value else "0") if isinstance(value, bool) else str(value)


def _sdk_client(base_url: str, session: aiohttp.ClientSession) -> AsyncWebClient:
    client = AsyncWebClient(base_url=base_url, session=session, retry_handlers=[])
    if base_url.startswith("http://"):
        # Loopback (bot.config allows no other plain address): a proxy of the environment cannot know it.
        client.proxy = None
    return client


def slack_session() -> aiohttp.ClientSession:
    """One for the whole process."""
    return aiohttp.ClientSession(timeout=TIMEOUT)


@contextmanager
def guarded(event: str, **about: object) -> Iterator[None]:
    """Go on whatever fails inside, logged as `event`: Slack and the store in a line, all else with its traceback."""
    try:
        yield
    except (LumenError, SlackTrouble) as error:
        _log.warning(event, kind=type(error).__name__, error=str(error), **about)
    except Exception:
        _log.exception(event, **about)
