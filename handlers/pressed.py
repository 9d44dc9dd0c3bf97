"""What follows the ack of a button that decides no proposal: one step, and an answer to whoever clicked."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from handlers.answering import Answers
from handlers.catalogue import Catalogue
from handlers.clicks import Click, addressee, read_click
from handlers.people import Languages
from handlers.views import answers as show
from handlers.views.card import Shown
from lumen.model.errors import LumenError
from lumen.model.message import message

_log = structlog.get_logger(__name__)


async def answer_click(
    body: Mapping[str, Any],
    step: Callable[[Catalogue, Click], Awaitable[Shown]],
    answers: Answers,
    languages: Languages,
    support: str,
) -> None:
    """Never raises: what `step` raises is said. `support`: whom to ask about this installation, or empty."""
    to = addressee(body)
    words = await languages.of(to.user_id)
    click = read_click(body)
    try:
        shown = show.said(words, message("slack.unknown_action")) if click is None else await step(words, click)
    except LumenError as error:
        shown = show.failed(words, error, support)
    except Exception as error:
        _log.exception("click_failed", action=click.action_id if click else "")
        shown = show.broken(words, error, support)
    await answers.tell(to, shown)
