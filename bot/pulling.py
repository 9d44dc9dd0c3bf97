"""A worker that pulls: a few messages at a time, each held while it is worked on, and acknowledged when it is done."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from prometheus_client import Counter

from lumen.model.messages import LumenError
from lumen.ports.shards import Pulled, ShardQueue
from lumen.use_cases.shards import MOST_AT_ONCE, Outcome
from lumen.use_cases.triggers import Triggers

log = structlog.get_logger()

#: On the wall. A worker that died gives its messages back by silence, after so long; they are held anew thrice in it.
HELD = timedelta(seconds=30)
#: On the wall: what is under way at a stop has so long to end, then it is given back.
GRACE_SECONDS = 5.0
#: On the wall, between pulls that fail.
LEAST_WAIT_SECONDS, MOST_WAIT_SECONDS = 1.0, 30.0
#: They need not come again.
OVER = frozenset({Outcome.TAKEN, Outcome.KNOWN, Outcome.STALE, Outcome.IGNORED})


@dataclass(slots=True)
class Pulling:
    """As many lanes as a worker takes at once, each with one message."""

    queue: ShardQueue
    triggers: Triggers
    calls: Counter
    _working: set["asyncio.Task[None]"] = field(default_factory=set, init=False)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`: then what is under way is ended, or given back."""
        lanes = {asyncio.create_task(self._lane(), name=f"lane {number}") for number in range(MOST_AT_ONCE)}
        stopping = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait({*lanes, stopping}, return_when=asyncio.FIRST_COMPLETED)
            for lane in done - {stopping}:
                lane.result()
        finally:
            for lane in (*(lanes - self._working), stopping):
                lane.cancel()
            if self._working:
                await asyncio.wait(set(self._working), timeout=GRACE_SECONDS)
            for lane in lanes:
                lane.cancel()
            await asyncio.gather(*lanes, return_exceptions=True)

    async def _lane(self) -> None:
        wait_seconds = LEAST_WAIT_SECONDS
        while True:
            try:
                pulled = await self.queue.pull()
                wait_seconds = LEAST_WAIT_SECONDS
            except LumenError as error:
                log.warning("nothing_pulled", code=error.reason.code, params=dict(error.reason.params))
                await asyncio.sleep(wait_seconds)
                wait_seconds = min(2 * wait_seconds, MOST_WAIT_SECONDS)
                continue
            if pulled is not None:
                await self._work(pulled)

    async def _work(self, pulled: Pulled) -> None:
        lane = asyncio.current_task()
        assert lane is not None
        self._working.add(lane)
        holding, outcome = asyncio.create_task(self._hold(pulled.ack_id)), "cut short"
        try:
            outcome = await self._outcome(pulled)
        finally:
            holding.cancel()
            self.calls.labels("pull", outcome).inc()
            with suppress(LumenError):  # it comes again then, and finds its slots done
                await (self.queue.acknowledge if outcome in OVER else self._give_back)(pulled.ack_id)
            self._working.discard(lane)

    async def _outcome(self, pulled: Pulled) -> str:
        message = pulled.message
        try:
            outcome, _ = await self.triggers.take(message)
        except ValueError as error:
            log.warning("message_unreadable", id=message.id, detail=str(error)[:200])
            return "unreadable"
        except LumenError as error:
            log.error("shard_failed", id=message.id, code=error.reason.code, params=dict(error.reason.params))
            return "failed"
        return outcome

    async def _give_back(self, ack_id: str) -> None:
        await self.queue.hold(ack_id, timedelta())

    async def _hold(self, ack_id: str) -> None:
        while True:
            with suppress(LumenError):
                await self.queue.hold(ack_id, HELD)
            await asyncio.sleep(HELD.total_seconds() / 3)
