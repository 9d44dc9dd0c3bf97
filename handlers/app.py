"""Joins the listeners to one Bolt app. Everything that Slack may send is matched, so that nothing stays un-acked."""

import logging
import re
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.logger import get_bolt_logger
from slack_bolt.logger.messages import warning_client_prioritized_and_token_skipped

from handlers.blocks.control import END
from handlers.blocks.emergency import ACTIONS
from handlers.blocks.home import NEXT, PREVIOUS
from handlers.blocks.hourly import DETAILS as REPORT_DETAILS
from handlers.blocks.hourly import WHY
from handlers.blocks.incident import ACTIONS as OF_INCIDENTS
from handlers.blocks.proposal import CHOICES, DETAILS, SNOOZE
from handlers.buttons import Buttons
from handlers.clicks import claimed_surface, read_click
from handlers.commands import Commands
from handlers.emergency import Emergencies
from handlers.fleet import FleetAnswers
from handlers.home import Screens
from handlers.incidents import Incidents
from handlers.people import Ack, Body, Identity, lateness
from handlers.web_api import SlackApi
from lumen.model.messages import message
from lumen.ports.store import Surface

Listener = Callable[[Ack, Body], Awaitable[None]]
#: Ends a message of a channel that does not show its surface (any more).
Tidy = Callable[[Surface, str, Body], Coroutine[Any, Any, None]]
#: The one slash command of the manifest.
COMMAND = "/lumen"
#: Listeners call Slack by `SlackApi` alone; Bolt wants a token all the same.
_NOT_NEEDED = "xoxb-not-needed"
_ANYTHING = re.compile(".*", re.DOTALL)


def build_app(
    api: SlackApi,
    identity: Identity,
    commands: Commands,
    buttons: Buttons,
    screens: Screens,
    emergencies: Emergencies,
    incidents: Incidents,
    fleet: FleetAnswers,
    tidy: Tidy,
) -> AsyncApp:
    """A Bolt app for Socket Mode.

    `process_before_response`: Bolt then returns as soon as the listener does, instead of looking for the ack every
    10 ms (docs/adr/0012). What only HTTP needs (signatures, ssl_check, url_verification) is switched off.
    """

    async def authorize() -> AuthorizeResult:
        # Asked once at the start: the first click would otherwise wait for auth.test.
        return AuthorizeResult(
            enterprise_id=None,
            team_id=identity.team_id,
            bot_token=_NOT_NEEDED,
            bot_id=identity.bot_id,
            bot_user_id=identity.bot_user_id,
        )

    logger = get_bolt_logger(AsyncApp)
    logger.addFilter(_is_news)
    app = AsyncApp(
        name="lumen",
        logger=logger,
        client=api.sdk_client,
        authorize=authorize,
        process_before_response=True,
        request_verification_enabled=False,
        ssl_check_enabled=False,
        url_verification_enabled=False,
        attaching_function_token_enabled=False,
    )
    app.command(COMMAND)(commands.on_command)
    app.command(_ANYTHING)(commands.on_unknown)
    listeners = {
        **dict.fromkeys((*CHOICES, SNOOZE), buttons.on_decide),
        **dict.fromkeys(OF_INCIDENTS, incidents.on_button),
        **dict.fromkeys((*ACTIONS, END), emergencies.on_button),
        DETAILS: screens.on_details,
        **dict.fromkeys((WHY, REPORT_DETAILS), screens.on_more),
    }
    for action_id, listener in listeners.items():
        app.action(action_id)(_checked(listener, screens, tidy))
    for action_id in (PREVIOUS, NEXT):
        app.action(action_id)(fleet.on_page)
    app.action(_ANYTHING)(buttons.on_unknown)
    app.event("app_home_opened")(screens.on_home)
    app.event("app_mention")(commands.on_mention)
    for register in (app.view, app.shortcut, app.options, app.event):
        register(_ANYTHING)(_only_ack)
    return app


def _checked(listener: Listener, screens: Screens, tidy: Tidy) -> Listener:
    """Before any button: it came in time, of a service that is still watched. After it: an orphan is tidied away."""

    async def on_button(ack: Ack, body: Body) -> None:
        click, late = read_click(body), lateness(body)
        if click is not None and late is not None and click.action_id not in (DETAILS, WHY, REPORT_DETAILS):
            await ack()
            screens.responder.say(click.to, late, message("slack.came_late_remedy"))
        elif click is None or click.service in screens.services:
            await listener(ack, body)
        else:
            await ack()
            gone = message("slack.service_gone", service=click.service.name), message("slack.service_gone_remedy")
            screens.responder.say(click.to, *gone)
        surface = None if click is None else claimed_surface(click, body)
        if click is not None and surface is not None:
            screens.responder.background.watch(tidy(surface, click.to.channel, body["message"]))

    return on_button


def _is_news(record: logging.LogRecord) -> bool:
    """Bolt reads SLACK_BOT_TOKEN itself and warns that it will not use it: that is meant."""
    return record.msg != warning_client_prioritized_and_token_skipped()


async def _only_ack(ack: Ack, body: Body) -> None:  # noqa: ARG001 - Bolt's names
    """Nothing that this Lumen asked for; acked so that Slack does not show an error or send it again."""
    await ack()
