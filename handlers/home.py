"""Apart from the channel: the Details modal and App Home."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field

import structlog

from handlers.blocks import app_home, details
from handlers.blocks.card import Json, Shown
from handlers.blocks.explain_scores import explained
from handlers.blocks.hourly import WHY
from handlers.blocks.report import report
from handlers.clicks import Click, answer_click, answer_unknown, read_click
from handlers.people import Ack, Body, Request
from handlers.permissions import Permissions
from handlers.replies import Responder
from handlers.web_api import SlackApi, SlackTrouble, guarded
from lumen.model.answers import Glance, Readiness
from lumen.model.messages import LumenError, message
from lumen.model.service import ServiceId
from lumen.use_cases.fleet import Fleet
from lumen.use_cases.queries import Readouts
from lumen.wording.catalogue import Catalogue

_log = structlog.get_logger(__name__)

#: Lines of the audit among which those of one proposal are looked for.
HISTORY_BACK = 300
#: App Home follows what happens for so long after somebody opened it or clicked there.
FOLLOW_SECONDS = 600.0
LOOK_EVERY_SECONDS = 2.0
LOOK_SECONDS_A_SERVICE = 0.1
#: So many services are shown with all that is known of each.
IN_FULL = 5


#: What must work before Lumen is of use, and how it stands.
Health = Callable[[], Awaitable[Sequence[Readiness]]]


async def untold() -> Sequence[Readiness]:
    """Nothing, where nobody tells."""
    return ()


@dataclass(frozen=True, slots=True)
class Screens:
    """Only reads. `services` are those that App Home speaks of, at least one."""

    services: Sequence[ServiceId]
    readouts: Readouts
    fleet: Fleet
    name_of: Callable[[ServiceId], str]
    api: SlackApi
    responder: Responder
    permissions: Permissions
    health: Health = untold
    #: By user, on the loop's clock.
    _follow_until: dict[str, float] = field(default_factory=dict, init=False)

    async def on_details(self, ack: Ack, body: Body) -> None:
        """The button Details, on a card or in App Home."""
        await ack()
        click = read_click(body)
        if click is None:
            answer_unknown(self.responder, body)
        else:
            self.responder.background.start(self._open(click))

    async def on_more(self, ack: Ack, body: Body) -> None:
        """Why and Details of a report: an answer that the person alone sees."""
        await ack()
        answer_click(self.responder, body, self._more)

    async def on_home(self, ack: Ack, body: Body) -> None:
        """Somebody looks at App Home."""
        await ack()
        event = body["event"]
        if event.get("tab") == "home":
            self.responder.background.start(self.show_home(str(event["user"])))

    async def _more(self, request: Request, click: Click) -> Shown:
        """Of the newest turn, whichever report was clicked."""
        if click.action_id == WHY:
            return explained(request.words, None, await self.readouts.last(request.service))
        return report(request.words, await self.readouts.status(request.service))

    async def show_home(self, user_id: str) -> None:
        """Publish App Home as it is now, and for a while whenever something is another. Never raises."""
        is_followed = user_id in self._follow_until
        self._follow_until[user_id] = asyncio.get_running_loop().time() + FOLLOW_SECONDS
        with guarded("home_not_shown", user=user_id):
            state = await self._state()
            await self._publish(user_id)
            if not is_followed:
                self.responder.background.watch(self._follow(user_id, state))
            return
        if not is_followed:
            self._follow_until.pop(user_id, None)

    async def _follow(self, user_id: str, shown: Sequence[str]) -> None:
        """Slack does not tell when it is closed, nor does this replica alone do what it shows: so it looks."""
        clock = asyncio.get_running_loop()
        while clock.time() < self._follow_until[user_id]:
            await asyncio.sleep(max(LOOK_EVERY_SECONDS, LOOK_SECONDS_A_SERVICE * len(self.services)))
            with guarded("home_not_followed", user=user_id):
                state = await self._state()
                if state != shown:
                    await self._publish(user_id)
                    shown = state
        del self._follow_until[user_id]

    async def _state(self) -> Sequence[str]:
        ill = [one.name for one in await self.health() if not one.ready]
        if len(self.services) > IN_FULL:
            return [*ill, await self.fleet.state(self.services)]
        return [*ill, *[await self.readouts.state(service) for service in self.services]]

    async def _publish(self, user_id: str) -> None:
        view = await self._home(await self.responder.languages.of(user_id), user_id)
        await self.api.write("views.publish", {"user_id": user_id, "view": view})

    async def _home(self, words: Catalogue, user_id: str) -> Json:
        if len(self.services) > IN_FULL:
            seen = await self.fleet.glances(self.services)
            waiting = {one.last.service for one in seen if isinstance(one, Glance) and one.waiting}
            may_not = await self._may_not(user_id, waiting)
            return app_home.fleet_home(words, seen, self.name_of, await self.health(), may_not=may_not)
        may_not = await self._may_not(user_id, self.services)
        statuses = [await self.readouts.status(service) for service in self.services]
        several = self.services if len(statuses) > 1 else ()
        glances = [await self.readouts.glance(service) for service in several]
        return app_home.home(words, statuses, glances, await self.health(), may_not=may_not)

    async def _may_not(self, user_id: str, services: Iterable[ServiceId]) -> frozenset[ServiceId]:
        return frozenset([one for one in services if not await self.permissions.may(user_id, one)])

    async def _open(self, click: Click) -> None:
        """A loading view at once, for the trigger lives three seconds; then what is stored. Never raises."""
        languages = self.responder.languages
        try:
            loading = {"trigger_id": click.trigger_id, "view": details.loading(languages.default)}
            opened = await self.api.write("views.open", loading, patient=False)
            view_id = opened.text("view", "id")
            words = await languages.of(click.person.user_id)
            view = await self._details(words, click)
            await self.api.write("views.update", {"view_id": view_id, "view": view})
        except SlackTrouble as trouble:
            _log.warning("details_not_shown", user=click.person.user_id, error=trouble.error)
            told = message("slack.details_not_shown", error=trouble.error), message("slack.details_not_shown_remedy")
            await self.responder.send(click.to, *told)

    async def _details(self, words: Catalogue, click: Click) -> Json:
        try:
            stored = await self.readouts.proposal(click.service, click.proposal_id)
            if stored is None:
                return details.gone(words)
            if click.mark != stored.mark:
                return details.other(words, stored.id)
            return details.details(words, stored, await self.readouts.history(click.service, HISTORY_BACK))
        except LumenError as error:
            return details.failed(words, error)
        except Exception as error:
            _log.exception("details_broke", user=click.person.user_id)
            return details.broken(words, error)
