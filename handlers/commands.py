"""`/lumen …` and `@Lumen …`: acked before anything else, then parsed, handled by the handler of its type, answered."""

import html
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import get_args

from handlers import command_types, parse
from handlers.blocks import answers as show
from handlers.blocks.card import Shown
from handlers.command_handlers import Services, Table
from handlers.fleet import FleetAnswers
from handlers.people import Ack, Addressee, Body, Request, lateness, person_of_command, person_of_event
from handlers.replies import Responder
from lumen.model.messages import message
from lumen.model.service import ServiceId
from lumen.wording.catalogue import Catalogue

_MENTION = re.compile(r"<@[UW][A-Z0-9]+(?:\|[^>]*)?>")


class Commands:
    """Answers `/lumen`.

    `handlers`: for each type of command that speaks of one service. `ttl_ranges`: from and to in seconds, for the
    help.
    """

    def __init__(
        self,
        responder: Responder,
        services: Services,
        fleet: FleetAnswers,
        handlers: Table,
        ttl_ranges: Mapping[ServiceId, tuple[int, int]],
    ) -> None:
        lacking = set(get_args(command_types.OfOneService)) - set(handlers)
        if lacking:
            raise ValueError(f"no handler for {sorted(each.__name__ for each in lacking)}")
        self._responder = responder
        self._services = services
        self._of_service = handlers
        self._ttl_ranges = ttl_ranges
        self._general: Table = {
            command_types.Help: self._help,
            command_types.Misspelt: self._misspelt,
            command_types.Malformed: self._malformed,
            **services.handlers,
            **fleet.general,
        }
        self._of_channel = fleet.of_channel

    async def on_command(self, ack: Ack, body: Body) -> None:
        """Bolt's listener: nothing stands between the envelope and its ack."""
        await ack()
        typed, to = parse.read(str(body.get("text") or ""), self._services.names), _addressee(body)
        if not self._came_late(body, typed, to):
            self._responder.answer(
                to, lambda words: self._answered(typed, self._request(body, words)), share=typed.share, anew=True
            )

    async def on_mention(self, ack: Ack, body: Body) -> None:
        """Somebody writes @Lumen: the same commands; a question, or nothing more, gets the status."""
        await ack()
        event = body["event"]
        if not event.get("user") or event.get("bot_id"):
            return
        text = html.unescape(_MENTION.sub(" ", str(event.get("text") or ""))).strip()
        typed = parse.read(text, self._services.names) if text else command_types.Typed(command_types.Ask())
        to = Addressee(str(event["user"]), str(event.get("channel", "")), "", str(event.get("thread_ts") or ""))
        if not self._came_late(body, typed, to):
            # Slack may deliver an event again, to another connection too.
            self._responder.answer_once(
                self._services.all[0], _event_id(body), to, self._step(typed, body, to), share=typed.share
            )

    def _step(self, typed: command_types.Typed, body: Body, to: Addressee) -> Callable[[Catalogue], Awaitable[Shown]]:
        async def step(words: Catalogue) -> Shown:
            person = person_of_event(body, await self._responder.languages.name(to.user_id))
            app_id, service = str(body.get("api_app_id", "")), self._services.all[0]
            request = Request(words, service, person, app_id, _event_id(body), to.channel)
            return await self._answered(typed, request)

        return step

    def _came_late(self, body: Body, typed: command_types.Typed, to: Addressee) -> bool:
        """Whether it was read too late to be done; that is said."""
        late = lateness(body)
        if late is None or not isinstance(typed.command, command_types.Changing):
            return False
        self._responder.say(to, late, message("slack.came_late_remedy"))
        return True

    async def on_unknown(self, ack: Ack, body: Body) -> None:
        """A slash command that the manifest does not name, yet Slack sends it here."""
        await ack()
        self._responder.say(_addressee(body), message("command.unknown_slash"))

    async def _answered(self, typed: command_types.Typed, request: Request) -> Shown:
        """Commands of no service first; every other answer says of which service it is, where there are several."""
        command = typed.command
        if isinstance(command, command_types.StatusAll) and typed.service:
            command = command_types.StatusAll(f"{command.wanted} {typed.service}".strip())
        general = self._general.get(type(command))
        if general is not None:
            return await general(request, command)
        meant = await self._services.meant(typed.service, request.channel)
        of_channel = self._of_channel.get(type(command))
        if of_channel is not None and self._services.is_open(meant, request.channel):
            return await of_channel(request, command)
        shown = await self._of_service[type(command)](replace(request, service=meant.service), command)
        return self._services.noted(request.words, meant, shown, request.channel)

    def _request(self, body: Body, words: Catalogue) -> Request:
        return Request(
            words=words,
            service=self._services.all[0],
            person=person_of_command(body),
            app_id=str(body.get("api_app_id", "")),
            # The same for a command that Slack delivers twice: its trigger is made once.
            request_id=f"command:{body.get('trigger_id', '')}:{body['user_id']}",
            channel=str(body.get("channel_id", "")),
        )

    async def _help(self, request: Request, command: command_types.Help) -> Shown:
        ranges = {self._ttl_ranges[service] for service in self._services.here(request.channel)}
        ttl_range = ranges.pop() if len(ranges) == 1 else None
        if command.about:
            return show.help_of(request.words, command.about, ttl_range)
        return show.help_card(request.words, ttl_range, self._responder.support)

    async def _misspelt(self, request: Request, command: command_types.Misspelt) -> Shown:
        return show.misspelt(request.words, command.given, command.nearest)

    async def _malformed(self, request: Request, command: command_types.Malformed) -> Shown:
        return show.said(request.words, command.reason, command.remedy)


def _addressee(body: Body) -> Addressee:
    return Addressee(str(body["user_id"]), str(body.get("channel_id", "")), str(body.get("response_url", "")))


def _event_id(body: Body) -> str:
    """The same however often Slack delivers it."""
    event = body["event"]
    return f"mention:{event.get('channel', '')}:{event.get('ts', '')}:{event['user']}"
