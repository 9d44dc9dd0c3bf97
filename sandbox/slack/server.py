"""Joins the parts of the Slack side; the one place that makes them. The composition root mounts it.

slack = SlackServer(clock=Clock(), manifest_path=Path("manifest.yaml"))
application = slack.application()          # or: slack.mount(an_application_of_yours)
…bind a loopback port…
slack.listen_at("http://127.0.0.1:8123")
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from sandbox.clock import Clock
from sandbox.slack.control import Control
from sandbox.slack.directory import Directory, standard_directory
from sandbox.slack.faults import MethodFaults
from sandbox.slack.feed import Feed
from sandbox.slack.guard import loopback_only
from sandbox.slack.interactions import Interactions
from sandbox.slack.journal import Journal
from sandbox.slack.manifest import load_manifest
from sandbox.slack.messages import Message, MessageLog, Timestamps
from sandbox.slack.modals import Modals
from sandbox.slack.pages import Pages
from sandbox.slack.payloads import Payloads
from sandbox.slack.posting import Posting
from sandbox.slack.ratelimit import RateLimits
from sandbox.slack.responseurls import ResponseUrls
from sandbox.slack.shown import Shown
from sandbox.slack.socketmode import SocketFaults, SocketHub
from sandbox.slack.triggers import Triggers
from sandbox.slack.views import Views
from sandbox.slack.webapi.chat import Chat
from sandbox.slack.webapi.conversations import Conversations
from sandbox.slack.webapi.dispatch import Dispatcher
from sandbox.slack.webapi.people import People
from sandbox.slack.webapi.reactions import Reactions
from sandbox.slack.webapi.session import Session
from sandbox.slack.webapi.viewmethods import ViewMethods
from sandbox.slack.wire import Json


@dataclass(frozen=True)
class SlackFacts:
    """The Slack part of the sandbox's ready line, for bots and tests."""

    bot_token: str
    app_token: str
    channel: str
    team_id: str
    app_id: str
    approver: str
    approver_group: str
    bystander: str


class SlackServer:
    """The workspace with all its addresses. `clock` stamps messages; `monotonic`: for Slack's own limits.

    `guide`: the page's first minute, a step each: title, look and button by language, and the `incident` or `command`
    that the button starts.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        guide: Sequence[Json] = (),
        manifest_path: Path | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base_url = ""
        manifest = load_manifest(manifest_path)
        directory = standard_directory(manifest.name)
        feed = Feed()
        journal = Journal(clock.seconds, feed)
        self.directory: Directory = directory
        self._channels_at_start = dict(directory.channels)
        self.log = MessageLog(directory, Timestamps(clock.seconds))
        self.limits = RateLimits(monotonic)
        self.faults = MethodFaults()
        self.triggers = Triggers(monotonic)
        self.views = Views(directory, feed, clock.seconds)
        self.hub = SocketHub(directory.app.id, journal, feed, monotonic)
        self.journal = journal
        posting = Posting(directory, self.log, self.faults)
        self.response_urls = ResponseUrls(monotonic, posting, self.log, self.base_url)
        self.shown = Shown(directory, manifest, self.log, self.views, self.hub, journal, clock, guide, self.base_url)
        self.interactions = Interactions(
            directory=directory,
            manifest=manifest,
            log=self.log,
            posting=posting,
            payloads=Payloads(directory, self.log, clock.seconds),
            hub=self.hub,
            triggers=self.triggers,
            response_urls=self.response_urls,
            views=self.views,
            modals=Modals(self.views),
            feed=feed,
        )
        self._feed = feed
        self._dispatcher = Dispatcher(directory, manifest, self.limits, self.faults, journal)
        for family in (
            Session(directory, self.hub, self.base_url),
            Chat(directory, manifest, self.log, posting, self.limits, self.base_url),
            Conversations(directory, manifest, self.log),
            People(directory, self.base_url),
            Reactions(directory, self.log),
            ViewMethods(directory, manifest, self.views, self.triggers),
        ):
            self._dispatcher.add(*family.methods())
        self._control = Control(
            directory, self.interactions, self.hub, self.faults, self.limits, self.response_urls, self.log,
            journal, self.shown, self.clear,
        )  # fmt: skip
        self._pages = Pages(directory, feed, journal, self.response_urls, self.shown, self.faults)
        self.log.on_change = self._message_changed
        self.log.on_removed = self._message_removed

    # ---- mounting

    def routes(self) -> list[web.RouteDef]:
        """Page, feed, Web API, Socket Mode, response_url, /control/slack/."""
        return [
            web.route("*", "/api/{method}", self._dispatcher.handle),
            web.get("/socket", self.hub.serve),
            *self._control.routes(),
            *self._pages.routes(),
        ]

    def mount(self, application: web.Application) -> None:
        """Add the routes to an application that has `loopback_only` among its middlewares."""
        application.add_routes(self.routes())
        application.on_shutdown.append(self._shut_down)

    def application(self) -> web.Application:
        """An application of its own, for running the Slack side alone."""
        application = web.Application(middlewares=[loopback_only], client_max_size=64 * 1024 * 1024)
        self.mount(application)
        return application

    def listen_at(self, base_url: str) -> None:
        """Say under which address the bound port is reached (no slash at the end); before any client comes."""
        self._base_url = base_url.rstrip("/")

    def base_url(self) -> str:
        return self._base_url

    def facts(self) -> SlackFacts:
        app, people = self.directory.app, self.directory.people
        return SlackFacts(
            bot_token=app.bot_token,
            app_token=app.app_token,
            channel=self.directory.home_channel,
            team_id=self.directory.team.id,
            app_id=app.id,
            approver=people[0],
            approver_group=next(iter(self.directory.groups)),
            bystander=people[1],
        )

    def clear(self) -> None:
        """As at the start: no messages, views or faults. Connections and the journal's counts stay."""
        self.directory.channels.clear()
        self.directory.channels.update(self._channels_at_start)
        self.log.clear()
        self.views.clear()
        self.faults.clear()
        self.response_urls.clear()
        self.interactions.forget()
        self.limits.enabled = True
        self.limits.forget()
        self.hub.faults = SocketFaults()

    async def _shut_down(self, _application: web.Application) -> None:
        await self.hub.close()

    # ---- what the page hears

    def _message_changed(self, message: Message) -> None:
        if self._feed.watched:
            event: Json = {"type": "message", "message": self.shown.message(message)}
            self._feed.publish(event, only_for=message.ephemeral_to)

    def _message_removed(self, message: Message) -> None:
        self._feed.publish({"type": "removed", "channel": message.channel, "ts": message.ts})
