"""The Slack half of the composition root: clients, handlers, connection and outbox, joined once we know who we are."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.config import Settings
from bot.slack.connection import ConnectionState, SlackConnection
from bot.slack.envelopes import Envelopes
from bot.wiring.assembly import Lumen
from handlers.app import build_app
from handlers.buttons import Buttons
from handlers.command_handlers import Explaining, Overriding, Services
from handlers.commands import Commands
from handlers.emergency import Emergencies
from handlers.home import Screens
from handlers.incidents import Incidents
from handlers.outbox import OutboxWorker
from handlers.pending_replies import PendingRepliesWorker
from handlers.people import Identity, Languages, who_am_i
from handlers.permissions import Rights
from handlers.pictures import Pictures, Uploads
from handlers.poster import Poster
from handlers.render import Digests, Surfaces
from handlers.replies import Answers, Background
from handlers.web_api import asking_client, single_try_client, slack_session
from lumen.model.messages import NotPossible, message
from lumen.model.service import ServiceId
from lumen.wording.catalogue import Catalogue

log = structlog.get_logger()

#: Slack's words for a token that will not get better by waiting.
HOPELESS = frozenset({"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"})
RETRY_SECONDS = 5.0
#: How long a stop waits for answers that are on their way.
DRAIN_SECONDS = 3.0


class SlackSide:
    """Runs the Slack half. Turns go on without it, so a Slack that is down never stops a measurement."""

    def __init__(
        self,
        settings: Settings,
        lumen: Lumen,
        kick_execution: Callable[[], None],
        client: AsyncWebClient,
        posting: AsyncWebClient,
        session: aiohttp.ClientSession,
    ) -> None:
        self._settings = settings
        self._lumen = lumen
        self._kick_execution = kick_execution
        self._client = client
        self._posting = posting
        self._background = Background()
        self._languages = Languages(client, settings.lumen_locale)
        self._answers = Answers(session, client, settings.slack_channel)
        self._connection: SlackConnection | None = None
        words = Catalogue(settings.lumen_locale)
        turns, outbox = lumen.store.turns, lumen.store.outbox
        self._digests = Digests(lumen.readouts, turns, lumen.weeks, lumen.digest, lumen.auditing.head)
        self._pictures = Pictures(Uploads(posting, session), lumen.numerics, outbox)
        self.outbox = OutboxWorker(
            settings.services,
            outbox,
            lumen.store.leases,
            Surfaces(lumen.readouts, turns, self._digests, words, settings.oncall_group),
            self._pictures,
            Poster(posting),
            settings.slack_channel,
        )
        self._owed = PendingRepliesWorker(
            settings.services,
            lumen.store.pending_replies,
            lumen.store.leases,
            lumen.approvals,
            self._answers,
            self._languages,
        )

    async def run(self) -> None:
        """Until cancelled. Raises NotPossible for a token that Slack will never take."""
        identity = await self._introduce()
        self._connection = self._connect(identity)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._connection.run())
                group.create_task(self.outbox.run())
                group.create_task(self._owed.run())
        finally:
            await self._background.drain(DRAIN_SECONDS)

    def state(self) -> ConnectionState | None:
        """None before Slack said who we are."""
        return self._connection.state() if self._connection else None

    def kick(self, service: ServiceId) -> None:
        """The `Executor` of the handlers: something was approved, look now."""
        del service  # one worker looks after all services
        self._kick_execution()

    def _app_id(self) -> str:
        state = self.state()
        return state.app_id if state else ""

    async def _introduce(self) -> Identity:
        while True:
            try:
                return await who_am_i(self._client)
            except SlackApiError as error:
                said = str(error.response.get("error", ""))
                if said in HOPELESS:
                    raise NotPossible(
                        message("start.bot_token_refused", error=said), message("start.bot_token_remedy")
                    ) from error
                log.warning("slack_unreachable", error=said, retry_seconds=RETRY_SECONDS)
            except (SlackClientError, aiohttp.ClientError, OSError, TimeoutError) as error:
                log.warning("slack_unreachable", error=repr(error), retry_seconds=RETRY_SECONDS)
            await asyncio.sleep(RETRY_SECONDS)

    def _connect(self, identity: Identity) -> SlackConnection:
        settings, lumen = self._settings, self._lumen
        rights = Rights(self._client, settings.who_may_approve, identity.team_id, self._app_id)
        emergencies = Emergencies(
            lumen.emergency,
            lumen.readouts,
            rights,
            lumen.store.audit,
            self._answers,
            self._languages,
            self._background,
            self.outbox,
            settings.default_ttl_seconds,
            settings.support_contact,
        )
        who = settings.who_may_approve
        on_call = Rights(self._client, who.with_group(settings.oncall_group), identity.team_id, self._app_id)
        incidents = Incidents(
            lumen.called.silencing,
            lumen.called.calling,
            lumen.called.timelines,
            rights,
            on_call,
            lumen.store.audit,
            self._answers,
            self._languages,
            self._background,
            self.outbox,
            settings.support_contact,
        )
        commands = Commands(
            Services(lumen.choosing, rights, lumen.store.audit),
            lumen.readouts,
            lumen.approvals,
            lumen.turn_runner,
            self._answers,
            self._languages,
            self._background,
            self.outbox,
            emergencies,
            Overriding(lumen.overrides, lumen.readouts, rights, lumen.store.audit, self.outbox),
            incidents,
            Explaining(lumen.readouts, self._digests, self._pictures, lumen.looking),
            settings.min_ttl_seconds,
            settings.max_ttl_seconds,
            settings.support_contact,
        )
        screens = Screens(
            settings.services, lumen.readouts, self._client, self._answers, self._languages, self._background
        )
        buttons = Buttons(
            lumen.approvals,
            self,
            rights,
            lumen.store.audit,
            self._answers,
            self._languages,
            self._background,
            self.outbox,
            screens,
            lumen.store.pending_replies,
            settings.support_contact,
        )
        app = build_app(self._client, identity, commands, buttons, screens, emergencies, incidents)
        token = settings.slack_app_token.get_secret_value()
        return SlackConnection(self._posting, token, Envelopes(app, self._background))


@asynccontextmanager
async def open_slack(settings: Settings, lumen: Lumen, kick_execution: Callable[[], None]) -> AsyncIterator[SlackSide]:
    """The Slack half over one HTTP session."""
    async with slack_session() as session:
        token, url = settings.slack_bot_token.get_secret_value(), settings.slack_api_url
        asking, posting = asking_client(token, url, session), single_try_client(token, url, session)
        yield SlackSide(settings, lumen, kick_execution, asking, posting, session)
