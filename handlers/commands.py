"""`/lumen …`: acked before anything else, then parsed, asked of the use case, shown."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from handlers import parse
from handlers.answering import Addressee, Answers
from handlers.background import Background
from handlers.catalogue import Catalogue
from handlers.emergencies import Emergencies
from handlers.incidents import Incidents
from handlers.overriding import Overriding
from handlers.parse import Command
from handlers.people import Languages, person_of_command
from handlers.use_cases import Announcer, Approvals, Readouts, Ticker
from handlers.views import answers as show
from handlers.views.card import Shown
from handlers.views.proposal import list_of
from handlers.views.report import report
from lumen.model.errors import LumenError
from lumen.model.message import message
from lumen.model.service import Person, ServiceId

_log = structlog.get_logger(__name__)

Ack = Callable[[], Awaitable[Any]]
Body = Mapping[str, Any]


class Commands:
    """Answers `/lumen` for one service. `min_ttl_seconds` and `max_ttl_seconds` are only said in the help."""

    def __init__(
        self,
        service: ServiceId,
        readouts: Readouts,
        approvals: Approvals,
        ticker: Ticker,
        answers: Answers,
        languages: Languages,
        background: Background,
        announcer: Announcer,
        emergencies: Emergencies,
        overriding: Overriding,
        incidents: Incidents,
        min_ttl_seconds: int,
        max_ttl_seconds: int,
        support: str = "",
    ) -> None:
        """`support`: whom to ask about this installation, or empty."""
        self._support = support
        self._service = service
        self._readouts = readouts
        self._approvals = approvals
        self._ticker = ticker
        self._answers = answers
        self._languages = languages
        self._background = background
        self._announcer = announcer
        self._emergencies = emergencies
        self._overriding = overriding
        self._incidents = incidents
        self._ttl_range = (min_ttl_seconds, max_ttl_seconds)

    async def on_command(self, ack: Ack, body: Body) -> None:
        """Bolt's listener: nothing stands between the envelope and its ack."""
        await ack()
        self._background.start(self.answer(body))

    async def on_unknown(self, ack: Ack, body: Body) -> None:
        """A slash command that the manifest does not name, yet Slack sends it here."""
        await ack()
        self._background.start(self._answer_unknown(body))

    async def answer(self, body: Body) -> None:
        """The whole of what follows the ack. Never raises."""
        to = _addressee(body)
        words = await self._languages.of(to.user_id)
        command = parse.parse(str(body.get("text") or ""))
        try:
            shown = await self._shown(words, command, person_of_command(body), body)
        except LumenError as error:
            shown = show.failed(words, error, self._support)
        except Exception as error:
            _log.exception("command_failed", command=type(command).__name__)
            shown = show.broken(words, error, self._support)
        await self._answers.tell(to, shown, share=getattr(command, "share", False))

    async def _answer_unknown(self, body: Body) -> None:
        to = _addressee(body)
        words = await self._languages.of(to.user_id)
        await self._answers.tell(to, show.said(words, message("command.unknown_slash")))

    async def _shown(  # noqa: PLR0911, PLR0912 - one return a command
        self, words: Catalogue, command: Command, person: Person, body: Body
    ) -> Shown:
        service, readouts = self._service, self._readouts
        match command:
            case parse.Help():
                return show.help_card(words, *self._ttl_range, self._support)
            case parse.Status() | parse.Report():
                return report(words, await readouts.status(service))
            case parse.ShowTtl():
                return show.ttl_card(words, await readouts.ttl(service))
            case parse.ListApprovals():
                return list_of(words, (await readouts.status(service)).open_proposals)
            case parse.History():
                return show.history_card(words, await readouts.history(service, 20))
            case parse.Run():
                await self._ticker.ask(service, person)
                self._announcer.kick()
                return report(words, await readouts.status(service))
            case parse.Propose(knob, wanted, existing):
                request_id = _request_id(body)
                made = await self._approvals.propose(service, knob, wanted, person, request_id, existing=existing)
                self._announcer.kick()
                return show.proposed(words, made)
            case parse.Undo(proposal_id):
                made = await self._approvals.propose_undo(service, proposal_id, person, _request_id(body))
                self._announcer.kick()
                return show.proposed(words, made)
            case parse.RollBack(revision):
                return await self._emergencies.rolled_back(words, service, person, revision, _request_id(body))
            case parse.Pause(lasts, why):
                return await self._emergencies.paused(words, service, person, _app_id(body), lasts, why)
            case parse.Resume():
                return await self._emergencies.resumed(words, service, person, _app_id(body))
            case parse.ShowHeld():
                return await self._overriding.shown(words, service)
            case parse.PinTtl(ttl_seconds, terms):
                return await self._overriding.pinned(
                    words, service, person, _app_id(body), ttl_seconds, terms, _request_id(body)
                )
            case parse.LiftOverride():
                return await self._overriding.lifted(words, service, person, _app_id(body))
            case parse.LockSize(terms):
                return await self._overriding.locked(words, service, person, _app_id(body), terms, _request_id(body))
            case parse.UnlockSize():
                return await self._overriding.unlocked(words, service, person, _app_id(body))
            case parse.Emergency():
                return await self._emergencies.explained(words, service)
            case parse.ShowSilences() | parse.Silence() | parse.Unsilence() | parse.ShowIncident():
                return await self._of_alerts(words, command, person, _app_id(body))
            case parse.Misspelt(given, nearest):
                return show.misspelt(words, given, nearest)
            case parse.Malformed(reason, remedy):
                return show.said(words, reason, remedy)

    async def _of_alerts(
        self,
        words: Catalogue,
        command: parse.ShowSilences | parse.Silence | parse.Unsilence | parse.ShowIncident,
        person: Person,
        app_id: str,
    ) -> Shown:
        service, incidents = self._service, self._incidents
        match command:
            case parse.ShowSilences():
                return await incidents.silences(words, service)
            case parse.Silence(what, lasts, why):
                return await incidents.silence(words, service, person, app_id, what, lasts, why)
            case parse.Unsilence(what):
                return await incidents.unsilence(words, service, person, app_id, what)
            case parse.ShowIncident(incident_id):
                return await incidents.timeline(words, service, incident_id)


def _addressee(body: Body) -> Addressee:
    return Addressee(str(body["user_id"]), str(body.get("channel_id", "")), str(body.get("response_url", "")))


def _app_id(body: Body) -> str:
    return str(body.get("api_app_id", ""))


def _request_id(body: Body) -> str:
    """The same for a command that Slack delivers twice: its trigger is made once."""
    return f"command:{body.get('trigger_id', '')}:{body['user_id']}"
