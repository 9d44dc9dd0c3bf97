"""What Slack is asked about people again and again: each question once at a time, answers kept for a while."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from handlers.web_api import NoAnswer, SlackTrouble

_log = structlog.get_logger(__name__)

#: After a look-up that failed Slack is left alone this long.
FAILED_SECONDS = 2.0
#: Somebody waits for it; what takes longer has failed.
WITHIN_SECONDS = 1.5
#: So many answers are kept.
REMEMBERED = 2000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Kept(Generic[T]):
    """`asked_at`: when it was asked for (monotonic seconds), which is the age that counts."""

    asked_at: float
    found: T | SlackTrouble


class LookUps(Generic[T]):
    """Keeps what Slack told for `fresh_seconds`, and that it told nothing for `FAILED_SECONDS`; never a task.

    One look-up serves everybody who asks meanwhile.
    """

    def __init__(
        self,
        ask: Callable[[str], Awaitable[T]],
        fresh_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._fresh_seconds = fresh_seconds
        self._monotonic = monotonic
        self._kept: dict[str, _Kept[T]] = {}
        self._asking: dict[str, asyncio.Task[T | SlackTrouble]] = {}

    async def of(self, key: str) -> T | SlackTrouble:
        """Takes at most `WITHIN_SECONDS`. Never raises: trouble is an answer, too."""
        kept = self._kept.get(key)
        if kept is not None and self._monotonic() - kept.asked_at <= self._lasts_seconds(kept):
            return kept.found
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.create_task(self._look_up(key))
            asking.add_done_callback(lambda _: self._asking.pop(key, None))
        return await asyncio.shield(asking)

    def _lasts_seconds(self, kept: _Kept[T]) -> float:
        return FAILED_SECONDS if isinstance(kept.found, SlackTrouble) else self._fresh_seconds

    async def _look_up(self, key: str) -> T | SlackTrouble:
        asked_at, found = self._monotonic(), await self._answered(key)
        if key not in self._kept and len(self._kept) >= REMEMBERED:
            self._kept.pop(next(iter(self._kept)))
        self._kept[key] = _Kept(asked_at, found)
        return found

    async def _answered(self, key: str) -> T | SlackTrouble:
        try:
            async with asyncio.timeout(WITHIN_SECONDS):
                return await self._ask(key)
        except TimeoutError:
            return NoAnswer(f"no answer in {WITHIN_SECONDS:g} s")
        except SlackTrouble as trouble:
            return trouble
        except Exception as error:
            _log.exception("look_up_broke")
            return NoAnswer(type(error).__name__)
