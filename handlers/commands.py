"""`/lumen …`: acked before anything else, then parsed, asked of the use case, shown."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from handlers import command_types, parse
from handlers.blocks import answers as show
from handlers.blocks.card import Shown
from handlers.blocks.proposal import list_of
from handlers.blocks.report import report
from handlers.command_handlers import Explaining, Overriding, Services
from handlers.emergency import Emergencies
from handlers.incidents import Incidents
from handlers.people import Languages, person_of_command
from handlers.replies import Addressee, Answers, Background
from handlers.use_cases import Announcer, Approvals, Readouts, Ticker
from lumen.model.messages import LumenError, message
from lumen.model.service import Person, ServiceId
from lumen.wording.catalogue import Catalogue

_log = structlog.get_logger(__name__)

Ack = Callable[[], Awaitable[Any]]
Body = Mapping[str, Any]


class Commands:
    """Answers `/lumen`. `min_ttl_seconds` and `max_ttl_seconds` are only said in the help."""

    def __init__(
        self,
        services: Services,
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
        explaining: Explaining,
        min_ttl_seconds: int,
        max_ttl_seconds: int,
        support: str = "",
    ) -> None:
        """`support`: whom to ask about this installation, or empty."""
        self._support = support
        self._services = services
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
        self._explaining = explaining
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
        typed = parse.read(str(body.get("text") or ""), self._services.names)
        try:
            shown = await self._answered(words, typed, person_of_command(body), body)
        except LumenError as error:
            shown = show.failed(words, error, self._support)
        except Exception as error:
            _log.exception("command_failed", command=type(typed.command).__name__)
            shown = show.broken(words, error, self._support)
        await self._answers.tell(to, shown, share=typed.share)

    async def _answer_unknown(self, body: Body) -> None:
        to = _addressee(body)
        words = await self._languages.of(to.user_id)
        await self._answers.tell(to, show.said(words, message("command.unknown_slash")))

    async def _answered(  # noqa: PLR0911 - one return a command
        self, words: Catalogue, typed: command_types.Typed, person: Person, body: Body
    ) -> Shown:
        """What is of no service first; everything else says of which one it is, where there are several."""
        channel = str(body.get("channel_id", ""))
        match typed.command:
            case command_types.Help():
                return show.help_card(words, *self._ttl_range, self._support)
            case command_types.Misspelt(given, nearest):
                return show.misspelt(words, given, nearest)
            case command_types.Malformed(reason, remedy):
                return show.said(words, reason, remedy)
            case command_types.StatusAll():
                return await self._explaining.all(words, self._services.all)
            case command_types.ShowServices():
                return await self._services.listed(words, channel)
            case command_types.ChooseService(name):
                return await self._services.choose(words, channel, name, person, _app_id(body))
            case command:
                meant = await self._services.meant(typed.service, channel)
                return self._services.noted(
                    words, meant, await self._shown(words, command, meant.service, person, body)
                )

    async def _shown(  # noqa: PLR0911, PLR0912 - one return a command
        self, words: Catalogue, command: command_types.OfOneService, service: ServiceId, person: Person, body: Body
    ) -> Shown:
        readouts = self._readouts
        match command:
            case command_types.Status() | command_types.Report():
                whole = isinstance(command, command_types.Report)
                return report(words, await readouts.status(service), whole=whole)
            case command_types.Explain(subject):
                return await self._explaining.explained(words, service, subject)
            case command_types.ShowKnob(name, knob):
                return await self._explaining.knob(words, service, name, knob)
            case command_types.ShowDigest():
                return await self._explaining.digest(words, service)
            case command_types.ShowTtl():
                return show.ttl_card(words, await readouts.ttl(service))
            case command_types.ListApprovals():
                return list_of(words, (await readouts.status(service)).open_proposals)
            case command_types.History():
                return show.history_card(words, await readouts.history(service, 20))
            case command_types.Run():
                await self._ticker.ask(service, person)
                self._announcer.kick()
                return report(words, await readouts.status(service))
            case command_types.Propose(knob, wanted, existing):
                request_id = _request_id(body)
                made = await self._approvals.propose(service, knob, wanted, person, request_id, existing=existing)
                self._announcer.kick()
                return show.proposed(words, made)
            case command_types.Undo(proposal_id):
                made = await self._approvals.propose_undo(service, proposal_id, person, _request_id(body))
                self._announcer.kick()
                return show.proposed(words, made)
            case command_types.RollBack(revision):
                return await self._emergencies.rolled_back(words, service, person, revision, _request_id(body))
            case command_types.Pause(lasts, why):
                return await self._emergencies.paused(words, service, person, _app_id(body), lasts, why)
            case command_types.Resume():
                return await self._emergencies.resumed(words, service, person, _app_id(body))
            case command_types.ShowHeld():
                return await self._overriding.shown(words, service)
            case command_types.PinTtl(ttl_seconds, terms):
                return await self._overriding.pinned(
                    words, service, person, _app_id(body), ttl_seconds, terms, _request_id(body)
                )
            case command_types.LiftOverride():
                return await self._overriding.lifted(words, service, person, _app_id(body))
            case command_types.LockSize(terms):
                return await self._overriding.locked(words, service, person, _app_id(body), terms, _request_id(body))
            case command_types.UnlockSize():
                return await self._overriding.unlocked(words, service, person, _app_id(body))
            case command_types.Emergency():
                return await self._emergencies.explained(words, service)
            case (
                command_types.ShowSilences()
                | command_types.Silence()
                | command_types.Unsilence()
                | command_types.ShowIncident()
            ):
                return await self._of_alerts(words, command, service, person, _app_id(body))

    async def _of_alerts(
        self,
        words: Catalogue,
        command: command_types.OfAlerts,
        service: ServiceId,
        person: Person,
        app_id: str,
    ) -> Shown:
        incidents = self._incidents
        match command:
            case command_types.ShowSilences():
                return await incidents.silences(words, service)
            case command_types.Silence(what, lasts, why):
                return await incidents.silence(words, service, person, app_id, what, lasts, why)
            case command_types.Unsilence(what):
                return await incidents.unsilence(words, service, person, app_id, what)
            case command_types.ShowIncident(incident_id):
                return await incidents.timeline(words, service, incident_id)


def _addressee(body: Body) -> Addressee:
    return Addressee(str(body["user_id"]), str(body.get("channel_id", "")), str(body.get("response_url", "")))


def _app_id(body: Body) -> str:
    return str(body.get("api_app_id", ""))


def _request_id(body: Body) -> str:
    """The same for a command that Slack delivers twice: its trigger is made once."""
    return f"command:{body.get('trigger_id', '')}:{body['user_id']}"
