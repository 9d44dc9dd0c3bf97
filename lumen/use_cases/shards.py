"""Work that is shared over machines: who publishes a slot's shards, and what becomes of one that comes.

No message is remembered: the slot of each service is done once, whoever is asked for it how often (docs/adr/0025).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from lumen.model.service import ServiceId
from lumen.model.shard import Schedule, Shard, shards_of
from lumen.model.snapshot import SLICE
from lumen.ports.shards import ShardTopic
from lumen.use_cases.collect import INGEST_DELAY, window_before
from lumen.use_cases.leases import Claims, hour_of
from lumen.use_cases.turn import TURN_SCHEDULE
from lumen.use_cases.watch import WATCH_SCHEDULE

#: Does the work of some services, by schedule.
ByDuty = Mapping[Schedule, Callable[[Sequence[ServiceId]], Awaitable[None]]]
#: The slots' own names, as leases and slots know them.
SLOTS: Mapping[Schedule, str] = {Schedule.LOOK: WATCH_SCHEDULE, Schedule.TURN: TURN_SCHEDULE}
#: So many shards at once; a worker that has as many asks to be asked again.
MOST_AT_ONCE = 2
#: Of service time. A look that no worker has done so long after it was due is taken up by the bot.
LATE_LOOK = timedelta(seconds=150)


def slot_of(schedule: Schedule, now: datetime) -> datetime:
    """The slot that is to be done at `now`."""
    return hour_of(now) if schedule is Schedule.TURN else window_before(now, SLICE).end


def is_late(now: datetime) -> bool:
    """Whether the look that is to be done at `now` should have been done by a worker."""
    return now - slot_of(Schedule.LOOK, now) - INGEST_DELAY > LATE_LOOK


class Outcome(StrEnum):
    """The outcome of a call: acted on, known from before, in other hands or not to be done just now, of a slot that is
    over, more than this process takes at once, or none of Lumen's business."""

    TAKEN = "taken"
    KNOWN = "known"
    BUSY = "busy"
    STALE = "stale"
    FULL = "full"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Publishes the shards of all `services`."""

    topic: ShardTopic
    services: Sequence[ServiceId]

    async def publish(self, schedule: Schedule, slot: datetime) -> int:
        """So many. Raises SourceUnavailable."""
        shards = shards_of(schedule, slot, len(self.services))
        await self.topic.publish(shards)
        return len(shards)


@dataclass(slots=True)
class Shards:
    """Does the work of shards. `services`: all that this process knows; `do`: the work of some of them, by schedule.

    `dispatch`: publishes the shards of a message that names none, as the Scheduler's do.
    """

    claims: Claims
    services: Sequence[ServiceId]
    do: ByDuty
    dispatch: Dispatch
    _under_way: int = field(default=0, init=False)

    async def take(self, asked: Shard, published_at: datetime) -> Outcome:
        """Raises StoreUnavailable, OutcomeUnknown, SourceUnavailable: it may come again."""
        slot, now = asked.slot or slot_of(asked.schedule, published_at), self.claims.clock.now()
        current = slot_of(asked.schedule, now)
        if slot != current:  # one that is yet to come: another process's clock is ahead
            return Outcome.STALE if slot < current else Outcome.BUSY
        if asked.slot is None:
            await self.dispatch.publish(asked.schedule, slot)
            return Outcome.TAKEN
        mine = asked.mine(self.services)
        if not self._left(mine, asked.schedule, slot):
            return Outcome.KNOWN
        if self._under_way >= MOST_AT_ONCE:
            return Outcome.FULL
        self._under_way += 1
        try:
            await self.do[asked.schedule](mine)
        finally:
            self._under_way -= 1
        return Outcome.BUSY if self._left(mine, asked.schedule, slot) else Outcome.TAKEN

    def _left(self, services: Sequence[ServiceId], schedule: Schedule, slot: datetime) -> Sequence[ServiceId]:
        """In other hands, failed, or not begun: as far as this process knows."""
        return [one for one in services if self.claims.known_done.get((one, SLOTS[schedule])) != slot]


async def open_slots(
    claims: Claims, services: Sequence[ServiceId], schedule: Schedule, slot: datetime
) -> Sequence[ServiceId]:
    """Those whose slot nobody has done. Raises StoreUnavailable."""
    asked = [one for one in services if claims.known_done.get((one, SLOTS[schedule])) != slot]
    found = await asyncio.gather(*(claims.slots.last_done(one, SLOTS[schedule]) for one in asked))
    for service, done in zip(asked, found, strict=True):
        if done == slot:
            claims.known_done[service, SLOTS[schedule]] = slot
    return [service for service, done in zip(asked, found, strict=True) if done != slot]
