"""The people who ask: who typed or clicked, the language that they read, and where they are answered."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from handlers.web_api import NO_ANSWER
from lumen.model.service import Person, ServiceId
from lumen.wording.catalogue import LOCALES, Catalogue

#: As Bolt hands them to a listener.
Ack = Callable[[], Awaitable[Any]]
Body = Mapping[str, Any]

#: A person's language is asked for once an hour at most; so many people are remembered.
FRESH_SECONDS = 3600.0
REMEMBERED = 2000


@dataclass(frozen=True, slots=True)
class Addressee:
    """The person to answer and the channel. `response_url` takes 5 answers in 30 minutes."""

    user_id: str
    channel: str
    response_url: str


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


def person_of_command(body: Body) -> Person:
    """The person who typed a slash command."""
    return Person(str(body["user_id"]), str(body.get("user_name", "")), str(body.get("team_id", "")))


def person_of_click(body: Body) -> Person:
    """The person who clicked. A guest of a shared channel carries a team of their own, which is what counts."""
    user = body["user"]
    team = user.get("team_id") or (body.get("team") or {}).get("id", "")
    return Person(str(user["id"]), str(user.get("username") or user.get("name") or ""), str(team))


class Languages:
    """The catalogue for each person; the workspace's default where Slack does not tell."""

    def __init__(self, client: AsyncWebClient, default_locale: str) -> None:
        self._client = client
        #: For everything that stands in the channel.
        self.default = Catalogue(default_locale)
        self._catalogues = {locale: Catalogue(locale) for locale in LOCALES}
        self._known: dict[str, tuple[float, Catalogue]] = {}

    async def of(self, user_id: str) -> Catalogue:
        """Asks Slack (users.info) the first time: never call this before an ack. Never raises."""
        known = self._known.get(user_id)
        now = time.monotonic()
        if known is not None and now - known[0] <= FRESH_SECONDS:
            return known[1]
        catalogue = await self._ask(user_id)
        if catalogue is None:
            return self.default  # a language is never worth a failed answer; the next one asks again
        if len(self._known) >= REMEMBERED:
            self._known.pop(next(iter(self._known)))
        self._known[user_id] = (now, catalogue)
        return catalogue

    async def _ask(self, user_id: str) -> Catalogue | None:
        try:
            answer = await self._client.users_info(user=user_id, include_locale=True)
        except NO_ANSWER:
            return None
        user: Mapping[str, Any] = answer.get("user") or {}
        return self._catalogues.get(str(user.get("locale", ""))[:2], self.default)


@dataclass(frozen=True, slots=True)
class Identity:
    """The workspace and bot of the bot token. Clicks of others are refused.

    The app's own id is not here: Slack tells it in each connection's hello.
    """

    team_id: str
    bot_user_id: str
    bot_id: str


async def who_am_i(client: AsyncWebClient) -> Identity:
    """auth.test. Raises what the SDK raises (SlackApiError for a bad token)."""
    test = await client.auth_test()
    return Identity(str(test["team_id"]), str(test["user_id"]), str(test.get("bot_id", "")))
