"""The whole Slack side of the bot over a running sandbox Slack, joined to whatever use cases a test brings."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.slack.connection import SlackConnection
from bot.slack.envelopes import Envelopes
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
from handlers.use_cases import (
    Approvals,
    Calling,
    Choosing,
    Days,
    Emergency,
    Executor,
    Looking,
    Overrides,
    Readouts,
    Silencing,
    Ticker,
    Timelines,
    Weeks,
)
from handlers.web_api import asking_client, single_try_client, slack_session
from lumen.model.service import Approvers, ServiceId
from lumen.ports.clock import Numerics
from lumen.ports.store import Audit, Leases, Outbox, PendingReplies, Turns

#: A stop waits this long for clicks that are being decided and answers that are under way.
DRAIN_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class SlackSide:
    """`connection.state()` and `outbox.trouble` are for /readyz, the metrics and doctor."""

    identity: Identity
    connection: SlackConnection
    outbox: OutboxWorker
    owed: PendingRepliesWorker
    background: Background

    async def run(self) -> None:
        """Serve until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.connection.run())
            group.create_task(self.outbox.run())
            group.create_task(self.owed.run())


@asynccontextmanager
async def open_slack_side(
    *,
    bot_token: str,
    app_token: str,
    api_url: str,
    channel: str,
    approvers: Approvers,
    locale: str,
    services: Sequence[ServiceId],
    choosing: Choosing,
    days: Days,
    weeks: Weeks,
    numerics: Numerics,
    looking: Looking,
    min_ttl_seconds: int,
    max_ttl_seconds: int,
    readouts: Readouts,
    approvals: Approvals,
    executor: Executor,
    ticker: Ticker,
    emergency: Emergency,
    overrides: Overrides,
    silencing: Silencing,
    calling: Calling,
    timelines: Timelines,
    leases: Leases,
    outbox: Outbox,
    turns: Turns,
    audit: Audit,
    owed: PendingReplies,
    oncall: str = "",
) -> AsyncIterator[SlackSide]:
    """Asks Slack who we are first. Raises SlackApiError (a bad token, a missing scope), aiohttp.ClientError.

    `api_url` ends with a slash; `services` are what App Home speaks of.
    """
    async with slack_session() as session:
        asking = asking_client(bot_token, api_url, session)
        identity = await who_am_i(asking)
        background = Background()
        answers = Answers(session, asking, channel)
        languages = Languages(asking, locale)
        posting = single_try_client(bot_token, api_url, session)
        digests = Digests(readouts, turns, weeks, days)
        pictures = Pictures(Uploads(posting, session), numerics, outbox)
        worker = OutboxWorker(
            services,
            outbox,
            leases,
            Surfaces(readouts, turns, digests, languages.default, oncall),
            pictures,
            Poster(posting),
            channel,
        )
        rights = Rights(asking, approvers, identity.team_id, lambda: connection.state().app_id)
        emergencies = Emergencies(
            emergency, readouts, rights, audit, answers, languages, background, worker, safe_ttl_seconds=300
        )
        on_call = Rights(asking, approvers.with_group(oncall), identity.team_id, lambda: connection.state().app_id)
        incidents = Incidents(
            silencing, calling, timelines, rights, on_call, audit, answers, languages, background, worker
        )
        commands = Commands(
            Services(choosing, rights, audit),
            readouts,
            approvals,
            ticker,
            answers,
            languages,
            background,
            worker,
            emergencies,
            Overriding(overrides, readouts, rights, audit, worker),
            incidents,
            Explaining(readouts, digests, pictures, looking),
            min_ttl_seconds,
            max_ttl_seconds,
        )
        screens = Screens(services, readouts, asking, answers, languages, background)
        buttons = Buttons(approvals, executor, rights, audit, answers, languages, background, worker, screens, owed)
        app = build_app(asking, identity, commands, buttons, screens, emergencies, incidents)
        envelopes = Envelopes(app, background)
        connection = SlackConnection(single_try_client(app_token, api_url, session), app_token, envelopes)
        giving = PendingRepliesWorker(services, owed, leases, approvals, answers, languages)
        try:
            yield SlackSide(identity, connection, worker, giving, background)
        finally:
            await background.drain(DRAIN_SECONDS)
