"""The people who ask: who typed or clicked, the language that they read, and where they are answered.

What Slack is asked about them again and again: each question once at a time, answers kept for a while.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

import structlog

from handlers.web_api import NoAnswer, SlackApi, SlackTrouble
from lumen.model.messages import Message, message
from lumen.model.service import Person, ServiceId
from lumen.wording.catalogue import LOCALES, Catalogue

#: As Bolt hands them to a listener.
Ack = Callable[[], Awaitable[Any]]
Body = Mapping[str, Any]
#: In a body that was read late: the seconds for which it may have waited while this process was stopped.
LATE = "lumen_late_seconds"

#: How long a person's language is remembered.
FRESH_SECONDS = 600.0
#: After a look-up that failed Slack is left alone this long.
FAILED_SECONDS = 2.0
#: Somebody waits for it; what takes longer has failed.
WITHIN_SECONDS = 1.5
#: So many answers are kept.
REMEMBERED = 2000

T = TypeVar("T")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Addressee:
    """The person to answer and the channel. `response_url` takes 5 answers in 30 minutes.

    `thread`: the message under which they are answered; "" in the channel. `about`: the key of the service that a click
    was about, whose channel they are answered in where they clicked in none (App Home).
    """

    user_id: str
    channel: str
    response_url: str
    thread: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """The facts that come with every command and button. `words` speaks the person's language.

    `app_id`: the Slack app that it was sent to. `request_id` is the same however often Slack delivers it.
    """

    words: Catalogue
    service: ServiceId
    person: Person
    app_id: str
    request_id: str
    channel: str


def lateness(body: Body) -> Message | None:
    """The sentence for what came while this process was stopped, so that nobody expects it any more; else None."""
    seconds = body.get(LATE)
    return None if seconds is None else message("slack.came_late", seconds=float(seconds))


def person_of_command(body: Body) -> Person:
    """The person who typed a slash command."""
    return Person(str(body["user_id"]), str(body.get("user_name", "")), str(body.get("team_id", "")))


def person_of_event(body: Body, name: str) -> Person:
    """The person who mentioned the app, by the name that Slack told of them: an event has none."""
    event = body["event"]
    team = event.get("user_team") or event.get("team") or body.get("team_id", "")
    return Person(str(event["user"]), name, str(team))


def person_of_click(body: Body) -> Person:
    """The person who clicked. A guest of a shared channel carries a team of their own, which is what counts."""
    user = body["user"]
    team = user.get("team_id") or (body.get("team") or {}).get("id", "")
    return Person(str(user["id"]), str(user.get("username") or user.get("name") or ""), str(team))


@dataclass(frozen=True, slots=True)
class _Kept(Generic[T]):
    """`asked_at`: when it was asked for (monotonic seconds), which is the age that counts."""

    asked_at: float
    found: T | SlackTrouble


class LookUps(Generic[T]):
    """Keeps what Slack told for `fresh_seconds`, and that it told nothing for `FAILED_SECONDS`; never a task.

    One look-up serves everybody who asks meanwhile.
    """

    def __init__(
        self,
        ask: Callable[[str], Awaitable[T]],
        fresh_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._fresh_seconds = fresh_seconds
        self._monotonic = monotonic
        self._kept: dict[str, _Kept[T]] = {}
        self._asking: dict[str, asyncio.Task[T | SlackTrouble]] = {}

    async def of(self, key: str) -> T | SlackTrouble:
        """Takes at most `WITHIN_SECONDS`. Never raises: trouble is an answer, too."""
        kept = self._kept.get(key)
        if kept is not None and self._monotonic() - kept.asked_at <= self._lasts_seconds(kept):
            return kept.found
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.create_task(self._look_up(key))
            asking.add_done_callback(lambda _: self._asking.pop(key, None))
        return await asyncio.shield(asking)

    def _lasts_seconds(self, kept: _Kept[T]) -> float:
        return FAILED_SECONDS if isinstance(kept.found, SlackTrouble) else self._fresh_seconds

    async def _look_up(self, key: str) -> T | SlackTrouble:
        asked_at, found = self._monotonic(), await self._answered(key)
        if key not in self._kept and len(self._kept) >= REMEMBERED:
            self._kept.pop(next(iter(self._kept)))
        self._kept[key] = _Kept(asked_at, found)
        return found

    async def _answered(self, key: str) -> T | SlackTrouble:
        try:
            async with asyncio.timeout(WITHIN_SECONDS):
                return await self._ask(key)
        except TimeoutError:
            return NoAnswer(f"no answer in {WITHIN_SECONDS:g} s")
        except SlackTrouble as trouble:
            return trouble
        except Exception as error:
            _log.exception("look_up_broke")
            return NoAnswer(type(error).__name__)


class Languages:
    """The catalogue for each person; the workspace's default where Slack does not tell. `zone`: the channel's."""

    def __init__(self, api: SlackApi, default_locale: str, zone: ZoneInfo | None = None) -> None:
        self._api = api
        #: For everything that stands in the channel.
        self.default = Catalogue(default_locale, zone)
        self._catalogues = {locale: Catalogue(locale, zone) for locale in LOCALES}
        self._known: LookUps[tuple[Catalogue, str]] = LookUps(self._ask, FRESH_SECONDS)

    async def of(self, user_id: str) -> Catalogue:
        """Asks Slack (users.info) the first time: never call this before an ack. Never raises."""
        found = await self._known.of(user_id)
        return self.default if isinstance(found, SlackTrouble) else found[0]

    async def name(self, user_id: str) -> str:
        """As Slack tells it with the language; the id where it does not. Never raises."""
        found = await self._known.of(user_id)
        return user_id if isinstance(found, SlackTrouble) else found[1]

    async def _ask(self, user_id: str) -> tuple[Catalogue, str]:
        wanted = {"user": user_id, "include_locale": True}
        answer = await self._api.read("users.info", wanted, patient=False)
        answer.text("user", "id")
        words = self._catalogues.get(str(answer.maybe("user", "locale"))[:2], self.default)
        return words, str(answer.maybe("user", "name") or user_id)


@dataclass(frozen=True, slots=True)
class Identity:
    """The workspace and bot of the bot token. Clicks of others are refused.

    The app's own id is not here: Slack tells it in each connection's hello.
    """

    team_id: str
    bot_user_id: str
    bot_id: str


async def who_am_i(api: SlackApi) -> Identity:
    """auth.test. Raises SlackTrouble."""
    test = await api.write("auth.test", {})
    return Identity(test.text("team_id"), test.text("user_id"), str(test.maybe("bot_id") or ""))
