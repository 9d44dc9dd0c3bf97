"""What people look at apart from the channel: the Details modal, App Home, and the answer to a mention."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from handlers.blocks import answers as show
from handlers.blocks import home, proposal
from handlers.blocks.card import Json
from handlers.clicks import Click, addressee, read_click
from handlers.people import Languages
from handlers.replies import Addressee, Answers, Background
from handlers.use_cases import Readouts
from handlers.web_api import NO_ANSWER
from lumen.model.messages import LumenError, message
from lumen.model.service import ServiceId
from lumen.wording.catalogue import Catalogue

_log = structlog.get_logger(__name__)

Ack = Callable[[], Awaitable[Any]]
Body = Mapping[str, Any]

#: Lines of the audit among which those of one proposal are looked for.
HISTORY_BACK = 300


class Screens:
    """Only reads. `services` are those that App Home speaks of, at least one."""

    def __init__(
        self,
        services: Sequence[ServiceId],
        readouts: Readouts,
        client: AsyncWebClient,
        answers: Answers,
        languages: Languages,
        background: Background,
    ) -> None:
        self._services = tuple(services)
        self._readouts = readouts
        self._client = client
        self._answers = answers
        self._languages = languages
        self._background = background

    async def on_details(self, ack: Ack, body: Body) -> None:
        """The button Details, on a card or in App Home."""
        await ack()
        click = read_click(body)
        self._background.start(self._unknown(body) if click is None else self._open(click))

    async def on_home(self, ack: Ack, body: Body) -> None:
        """Somebody looks at App Home."""
        await ack()
        event = body["event"]
        if event.get("tab") == "home":
            self._background.start(self.show_home(str(event["user"])))

    async def on_mention(self, ack: Ack, body: Body) -> None:
        """Somebody writes @Lumen: say where it listens."""
        await ack()
        event = body["event"]
        to = Addressee(str(event.get("user", "")), str(event.get("channel", "")), "")
        if to.user_id:
            self._background.start(self._hint(to))

    async def show_home(self, user_id: str) -> None:
        """Publish App Home as it is now. Never raises."""
        words = await self._languages.of(user_id)
        try:
            view = await self._home(words)
            await self._client.views_publish(user_id=user_id, view=view)
        except (LumenError, *NO_ANSWER) as error:
            _log.warning("home_not_shown", user=user_id, kind=type(error).__name__, error=str(error))

    async def _home(self, words: Catalogue) -> Json:
        statuses = [await self._readouts.status(service) for service in self._services]
        if len(statuses) == 1:
            return home.home(words, statuses)
        return home.home(words, statuses, [await self._readouts.glance(service) for service in self._services])

    async def _open(self, click: Click) -> None:
        """A loading view at once, for the trigger lives three seconds; then what is stored."""
        try:
            opened = await self._client.views_open(
                trigger_id=click.trigger_id, view=proposal.loading(self._languages.default)
            )
            words = await self._languages.of(click.person.user_id)
            stored = await self._readouts.proposal(click.service, click.proposal_id)
            if stored is None:
                view = proposal.gone(words)
            else:
                history = await self._readouts.history(click.service, HISTORY_BACK)
                view = proposal.details(words, stored, history)
            await self._client.views_update(view_id=opened["view"]["id"], view=view)
        except LumenError as error:
            words = await self._languages.of(click.person.user_id)
            await self._answers.tell(click.to, show.failed(words, error))
        except NO_ANSWER as error:
            _log.warning("details_not_shown", kind=type(error).__name__, error=str(error))

    async def _unknown(self, body: Body) -> None:
        to = addressee(body)
        words = await self._languages.of(to.user_id)
        await self._answers.tell(to, show.said(words, message("slack.unknown_action")))

    async def _hint(self, to: Addressee) -> None:
        words = await self._languages.of(to.user_id)
        await self._answers.tell(to, show.said(words, message("command.mention_hint")))
