"""The Slack half of the composition root: clients, handlers, connection and outbox, joined once we know who we are."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from zoneinfo import ZoneInfo

import aiohttp
import structlog

from bot.config import Settings
from bot.service_settings import each
from bot.slack.connection import ConnectionState, SlackConnection
from bot.slack.envelopes import Envelopes
from bot.wiring.parts import Lumen
from handlers.app import build_app
from handlers.buttons import Buttons
from handlers.charts import Charts
from handlers.command_handlers import Overriding, Proposing, Questions, Services
from handlers.commands import Commands
from handlers.contacts import Contact, Contacts
from handlers.emergency import Emergencies
from handlers.fleet import FleetAnswers
from handlers.home import Health, Screens, untold
from handlers.incidents import Incidents
from handlers.outbox import OutboxWorker
from handlers.pending_replies import PendingRepliesWorker
from handlers.people import Identity, Languages, who_am_i
from handlers.permissions import Permissions
from handlers.poster import Poster
from handlers.render import Digests, MessageRenderer
from handlers.replies import Background, Deliveries, Replies, Responder
from handlers.web_api import TOKEN_DEAD, SlackApi, SlackTrouble, guarded, slack_session
from lumen.model.messages import NotPossible, message
from lumen.model.service import Approvers, ServiceId
from lumen.use_cases.controlling import Ending
from lumen.use_cases.turn import AskedTurns
from lumen.wording.catalogue import Catalogue

log = structlog.get_logger()

RETRY_SECONDS = 5.0
#: How often Slack is asked whether it still takes the bot token.
TOKEN_EVERY_SECONDS = 60.0
#: How long a stop waits for answers that are on their way.
DRAIN_SECONDS = 3.0


def contacts_of(settings: Settings) -> Contacts:
    """Of each service, as the settings say."""
    return Contacts(
        {
            service: Contact(
                channel=own.slack_channel,
                approvers=own.who_may_approve,
                on_call=settings.on_call_of(service),
                oncall=own.oncall_group,
                runbook=own.runbook_url,
                labels=settings.labels[service],
            )
            for service, own in settings.watched.items()
        }
    )


class SlackSide:
    """Runs the Slack half. Turns go on without it, so a Slack that is down never stops a measurement."""

    def __init__(
        self,
        settings: Settings,
        lumen: Lumen,
        kick_execution: Callable[[], None],
        session: aiohttp.ClientSession,
    ) -> None:
        self._settings = settings
        self._lumen = lumen
        self._contacts = contacts_of(settings)
        self._kick_execution = kick_execution
        tokens = settings.slack_bot_token, settings.slack_app_token
        self._api, self._app_level = (SlackApi(t.get_secret_value(), settings.slack_api_url, session) for t in tokens)
        self._connection: SlackConnection | None = None
        zone = ZoneInfo(settings.digest_timezone)
        words, turns = Catalogue(settings.lumen_locale, zone), lumen.store.turns
        self._digests = Digests(
            reader=lumen.answers.digests,
            days=lumen.rounds.digest,
            fleet=lumen.answers.fleet,
            contacts=self._contacts,
            head=lumen.answers.auditing.head,
        )
        charts = Charts()
        self.outbox = OutboxWorker(
            active=lumen.active,
            outbox=lumen.store.outbox,
            leases=lumen.store.leases,
            renderer=MessageRenderer(
                readouts=lumen.answers.readouts,
                turns=turns,
                digests=self._digests,
                words=words,
                contacts=self._contacts,
                escalation=settings.oncall_escalation,
            ),
            poster=Poster(self._api, charts=charts),
            channel_of=self._contacts.channel_of,
        )
        self.responder = Responder(
            replies=Replies(session, self._api, charts, self._home_of),
            languages=Languages(self._api, settings.lumen_locale, zone),
            background=Background(),
            kick_outbox=self.outbox.kick,
            deliveries=Deliveries(lumen.store.leases),
            support=settings.support_contact,
            place_trouble=self.outbox.place_trouble,
        )
        self.pending_replies = PendingRepliesWorker(
            active=lumen.active,
            pending=lumen.store.pending_replies,
            leases=lumen.store.leases,
            approvals=lumen.changes.approvals,
            responder=self.responder,
        )

    async def run(self, health: Health = untold) -> None:
        """Until cancelled. `health`: what App Home tells of it.

        Raises NotPossible for a token that Slack will never take.
        """
        identity = await self._introduce()
        self._connection = self._connect(identity, health)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._connection.run())
                group.create_task(self.outbox.run())
                group.create_task(self.pending_replies.run())
                group.create_task(self._ask_after_token())
        finally:
            await self.responder.background.drain(DRAIN_SECONDS)

    async def _ask_after_token(self) -> None:
        """A token that is revoked shows within a minute, also while there is nothing to say."""
        while True:
            await asyncio.sleep(TOKEN_EVERY_SECONDS)
            with guarded("token_not_asked_after"):
                await self._api.write("auth.test", {}, patient=False)

    def state(self) -> ConnectionState | None:
        """None before Slack said who we are."""
        if self._connection is None:
            return None
        state = self._connection.state()
        return replace(state, token_refused=self._api.token_refused or state.token_refused)

    def _app_id(self) -> str:
        state = self.state()
        return state.app_id if state else ""

    async def _introduce(self) -> Identity:
        while True:
            try:
                return await who_am_i(self._api)
            except SlackTrouble as trouble:
                if trouble.error in TOKEN_DEAD:
                    refused = message("start.bot_token_refused", error=trouble.error)
                    raise NotPossible(refused, message("start.bot_token_remedy")) from trouble
                log.warning("slack_unreachable", error=trouble.error, retry_seconds=RETRY_SECONDS)
            await asyncio.sleep(RETRY_SECONDS)

    def _connect(self, identity: Identity, health: Health) -> SlackConnection:
        settings, lumen, responder = self._settings, self._lumen, self.responder
        readouts, changes = lumen.answers.readouts, lumen.changes
        permissions = self._permissions(identity, self._contacts.approvers_of)
        services = Services(lumen.answers.choosing, readouts, permissions, self._contacts)
        questions = Questions(
            readouts=readouts,
            digests=self._digests,
            looking=lumen.answers.looking,
            graphs=lumen.answers.graphs,
        )
        asked = AskedTurns(lumen.rounds.turn_runner, lumen.store.audit)
        proposing = Proposing(approvals=changes.approvals, readouts=readouts, ask_turn=asked.ask)
        overriding = Overriding(overrides=changes.overrides, readouts=readouts, permissions=permissions)
        emergencies = Emergencies(
            emergency=changes.emergency,
            readouts=readouts,
            permissions=permissions,
            responder=responder,
            ending=Ending(
                controls=lumen.store.controls,
                emergency=changes.emergency,
                overrides=changes.overrides,
                silencing=lumen.called.silencing,
                choosing=lumen.answers.choosing,
            ),
        )
        incidents = Incidents(
            silencing=lumen.called.silencing,
            calling=lumen.called.calling,
            timelines=lumen.called.timelines,
            labelling=lumen.called.labelling,
            readouts=readouts,
            permissions=permissions,
            on_call=self._permissions(identity, self._contacts.on_call_of),
            responder=responder,
        )
        fleet = FleetAnswers(lumen.answers.fleet, self._contacts, self._digests, responder)
        screens = Screens(
            services=settings.services,
            readouts=readouts,
            fleet=lumen.answers.fleet,
            name_of=self._contacts.name_of,
            api=self._api,
            responder=responder,
            permissions=permissions,
            health=health,
        )
        buttons = Buttons(
            approvals=changes.approvals,
            kick_execution=self._kick_execution,
            permissions=permissions,
            responder=responder,
            screens=screens,
            pending=lumen.store.pending_replies,
            outbox=lumen.store.outbox,
        )
        commands = Commands(
            responder=responder,
            services=services,
            fleet=fleet,
            handlers={
                **questions.handlers,
                **proposing.handlers,
                **overriding.handlers,
                **emergencies.handlers,
                **incidents.handlers,
            },
            ttl_ranges=each(settings.watched, lambda one: (one.min_ttl_seconds, one.max_ttl_seconds)),
        )
        tidy = self.outbox.tidy
        app = build_app(self._api, identity, commands, buttons, screens, emergencies, incidents, fleet, tidy)
        return SlackConnection(self._app_level, Envelopes(app, responder.background))

    def _home_of(self, about: str) -> str:
        channel = self._contacts.channel_of(ServiceId.from_key(about)) if about else ""
        return channel or self._contacts.home_channel

    def _permissions(self, identity: Identity, approvers_of: Callable[[ServiceId], Approvers]) -> Permissions:
        return Permissions(
            api=self._api,
            approvers_of=approvers_of,
            team_id=identity.team_id,
            app_id=self._app_id,
            audit=self._lumen.store.audit,
        )


@asynccontextmanager
async def open_slack(settings: Settings, lumen: Lumen, kick_execution: Callable[[], None]) -> AsyncIterator[SlackSide]:
    """The Slack half over one HTTP session."""
    async with slack_session() as session:
        yield SlackSide(settings, lumen, kick_execution, session)
