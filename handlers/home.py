"""Apart from the channel: the Details modal, App Home, and the answer to a mention."""

from collections.abc import Sequence
from dataclasses import dataclass

from slack_sdk.web.async_client import AsyncWebClient

from handlers.blocks import answers as show
from handlers.blocks import home, proposal
from handlers.blocks.card import Json
from handlers.clicks import Click, answer_unknown, read_click
from handlers.people import Ack, Addressee, Body
from handlers.replies import Responder
from handlers.web_api import guarded
from lumen.model.messages import LumenError, message
from lumen.model.service import ServiceId
from lumen.use_cases.queries import Readouts
from lumen.wording.catalogue import Catalogue

#: Lines of the audit among which those of one proposal are looked for.
HISTORY_BACK = 300


@dataclass(frozen=True, slots=True)
class Screens:
    """Only reads. `services` are those that App Home speaks of, at least one."""

    services: Sequence[ServiceId]
    readouts: Readouts
    client: AsyncWebClient
    responder: Responder

    async def on_details(self, ack: Ack, body: Body) -> None:
        """The button Details, on a card or in App Home."""
        await ack()
        click = read_click(body)
        if click is None:
            answer_unknown(self.responder, body)
        else:
            self.responder.background.start(self._open(click))

    async def on_home(self, ack: Ack, body: Body) -> None:
        """Somebody looks at App Home."""
        await ack()
        event = body["event"]
        if event.get("tab") == "home":
            self.responder.background.start(self.show_home(str(event["user"])))

    async def on_mention(self, ack: Ack, body: Body) -> None:
        """Somebody writes @Lumen: say where it listens."""
        await ack()
        event = body["event"]
        to = Addressee(str(event.get("user", "")), str(event.get("channel", "")), "")
        if to.user_id:
            self.responder.say(to, message("command.mention_hint"))

    async def show_home(self, user_id: str) -> None:
        """Publish App Home as it is now. Never raises."""
        words = await self.responder.languages.of(user_id)
        with guarded("home_not_shown", user=user_id):
            await self.client.views_publish(user_id=user_id, view=await self._home(words))

    async def _home(self, words: Catalogue) -> Json:
        statuses = [await self.readouts.status(service) for service in self.services]
        if len(statuses) == 1:
            return home.home(words, statuses)
        return home.home(words, statuses, [await self.readouts.glance(service) for service in self.services])

    async def _open(self, click: Click) -> None:
        """A loading view at once, for the trigger lives three seconds; then what is stored."""
        languages = self.responder.languages
        with guarded("details_not_shown", user=click.person.user_id):
            loading = proposal.loading(languages.default)
            opened = await self.client.views_open(trigger_id=click.trigger_id, view=loading)
            words = await languages.of(click.person.user_id)
            try:
                view = await self._details(words, click)
            except LumenError as error:
                await self.responder.replies.send(click.to, show.failed(words, error))
                return
            await self.client.views_update(view_id=opened["view"]["id"], view=view)

    async def _details(self, words: Catalogue, click: Click) -> Json:
        stored = await self.readouts.proposal(click.service, click.proposal_id)
        if stored is None:
            return proposal.gone(words)
        return proposal.details(words, stored, await self.readouts.history(click.service, HISTORY_BACK))
