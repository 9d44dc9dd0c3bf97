"""Calls from outside: an hour that has come, and messages of Pub/Sub, each acted on once."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from lumen.model.service import ServiceId
from lumen.model.turn import Turn
from lumen.ports.sources import Pushed
from lumen.ports.store import Inbox, Taken
from lumen.use_cases.billing import TakingNews
from lumen.use_cases.turn import TurnRunner

#: Every message of a subscription to this topic asks for the hour's turn.
TURN_TOPIC = "feedback-loop-trigger"
#: On the wall. Longer than a turn; a message that a process died over comes again after that.
HELD = timedelta(minutes=3)
#: On the wall. Pub/Sub keeps what is not acknowledged for at most 31 days.
REMEMBERED = timedelta(days=31)


class Outcome(StrEnum):
    """The outcome of a call: acted on, known from before, in other hands just now, or none of Lumen's business."""

    TAKEN = "taken"
    KNOWN = "known"
    BUSY = "busy"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Triggers:
    """`services`: all that are watched; what came is remembered beside the first. `news` None: nobody reads budgets."""

    inbox: Inbox
    runner: TurnRunner
    news: TakingNews | None
    services: Sequence[ServiceId]

    async def run(self, call_id: str) -> tuple[Outcome, Sequence[Turn]]:
        """The turns of this hour that nobody has made; none where they are made. `call_id`: the same is acted on once.

        Raises StoreUnavailable, OutcomeUnknown.
        """
        made: list[Turn] = []

        async def act() -> None:
            await self.runner.due(self.services, made.append)

        return await self._once(f"run/{call_id}", act), made

    async def take(self, pushed: Pushed) -> tuple[Outcome, Sequence[Turn]]:
        """A message. Raises StoreUnavailable, OutcomeUnknown: it may come again."""
        if pushed.subscription.rpartition("/")[2].startswith(TURN_TOPIC):
            return await self.run(pushed.id)
        news, notice = self.news, pushed.notice
        if news is None or notice is None:
            return Outcome.IGNORED, ()

        async def act() -> None:
            await news.remember([notice], pushed.subscription)

        return await self._once(f"news/{pushed.id}", act), ()

    async def _once(self, message_id: str, act: Callable[[], Awaitable[None]]) -> Outcome:
        home = self.services[0]
        taken = await self.inbox.take(home, message_id, HELD)
        if taken is not Taken.OK:
            return Outcome.KNOWN if taken is Taken.DONE else Outcome.BUSY
        try:
            await act()
        except Exception:
            await self.inbox.give_back(home, message_id)
            raise
        await self.inbox.done(home, message_id, REMEMBERED)
        return Outcome.TAKEN
