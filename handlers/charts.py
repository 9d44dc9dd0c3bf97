"""Messages with Slack's own charts, and what becomes of them in a workspace that does not take any."""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from handlers.blocks.card import Shown, without_charts
from handlers.web_api import SlackRefused

_log = structlog.get_logger(__name__)

#: Slack's word for blocks that it does not take, whatever is wrong with them.
INVALID_BLOCKS = "invalid_blocks"
#: For so long a workspace is taken to be without charts.
WITHOUT_SECONDS = 24 * 3600.0

T = TypeVar("T")


class Charts:
    """Sends each message as it is, or with its charts in words where the workspace takes none.

    Each process finds that out for itself, with one refused call a day; nothing is lost with it.
    """

    def __init__(self) -> None:
        self._without_until = 0.0

    async def send(self, shown: Shown, send: Callable[[Shown], Awaitable[T]]) -> T:
        """`send` the message, and once more without charts where Slack refuses its blocks.

        That alone says nothing against charts: only if the second one is taken was it them. Raises what `send` raises.
        """
        if not shown.charts:
            return await send(shown)
        if time.monotonic() < self._without_until:
            return await send(without_charts(shown))
        try:
            return await send(shown)
        except SlackRefused as refused:
            if refused.error != INVALID_BLOCKS:
                raise
        sent = await send(without_charts(shown))
        self._without_until = time.monotonic() + WITHOUT_SECONDS
        _log.warning("charts_refused", again_in_seconds=WITHOUT_SECONDS)
        return sent
