"""Calls from outside: an hour that has come, and messages of Pub/Sub, each acted on once."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from lumen.model.service import ServiceId
from lumen.model.shard import TURN_TOPIC, shard_from
from lumen.model.turn import Turn
from lumen.ports.sources import Pushed
from lumen.ports.store import Inbox, Taken
from lumen.use_cases.billing import TakingNews
from lumen.use_cases.shards import Outcome, Shards
from lumen.use_cases.turn import TurnRunner

#: On the wall. Longer than a turn; a message that a process died over comes again after that.
HELD = timedelta(minutes=3)
#: On the wall. Pub/Sub keeps what is not acknowledged for at most 31 days.
REMEMBERED = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Triggers:
    """`services`: all that are watched; what came is remembered beside the first. `news` None: nobody reads budgets.

    Messages of a subscription to TURN_TOPIC ask for `shards`; None: no workers are set, and each asks for the turn.
    """

    inbox: Inbox
    runner: TurnRunner
    news: TakingNews | None
    services: Sequence[ServiceId]
    shards: Shards | None = None

    async def run(self, call_id: str) -> tuple[Outcome, Sequence[Turn]]:
        """The turns of this hour that nobody has made; none where they are made. `call_id`: the same is acted on once.

        Raises StoreUnavailable, OutcomeUnknown.
        """
        made: list[Turn] = []

        async def act() -> None:
            await self.runner.due(self.services, made.append, asked=True)

        return await self._once(f"run/{call_id}", act), made

    async def take(self, pushed: Pushed) -> tuple[Outcome, Sequence[Turn]]:
        """A message. Raises StoreUnavailable, OutcomeUnknown, SourceUnavailable: it may come again; ValueError: nobody
        can read it."""
        if pushed.subscription.rpartition("/")[2].startswith(TURN_TOPIC):
            if self.shards is None:
                return await self.run(pushed.id)
            return await self.shards.take(shard_from(pushed.data), pushed.published_at), ()
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
