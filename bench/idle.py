"""The commands that a whole bot sends to the store in a minute in which nothing is due. `python -m bench.idle 1 10 50`

The bot is a process of its own, with the sandbox's Slack and Google and a Valkey that counts. It is waited until its
first look and its turn are over and no service is changed any more; then a minute is counted in which no slot begins.
An incident that is open, or a proposal that waits for people, keeps its service among those that are asked.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.config import WithoutSlack, load_settings
from bot.run import SETTLE_EVERY_SECONDS, init_state
from bot.store import StateStore, open_checked_store
from demo.world import Clock, World
from lumen.model.messages import StoreUnavailable
from lumen.model.service import ServiceId
from lumen.model.shard import Schedule
from lumen.use_cases.shards import open_slots, slot_of

SIZES = (1, 10, 50)
MINUTE_SECONDS = 60.0
SETTLED_WITHIN_SECONDS = 1200.0
#: Settings by which the fleet's services have no incidents and no proposals.
CALM = {"OBSERVE_ONLY": "7d", "ALERT_HIT_RATE": "50%", "API_COST_PER_CALL": "0.01", "BUDGET_USD": "100000000"}
#: The counting itself.
NOT_COUNTED = frozenset({"info"})


@asynccontextmanager
async def whole_bot(world: World, count: int) -> AsyncIterator[tuple[StateStore, Sequence[ServiceId]]]:
    """One at work, and the store that it works on. It only observes, and finds nothing wrong."""
    names = ",".join(f"svc-{number:03d}" for number in range(1, count + 1))
    more = {"SERVICE_NAME": names, **CALM}
    os.environ.update(world.bot_environment(0, **more))
    settings = load_settings(WithoutSlack)
    await init_state(settings)
    await asyncio.to_thread(world.start_bot, **more)
    async with open_checked_store(settings) as store:
        yield store, settings.services


async def is_settled(store: StateStore, services: Sequence[ServiceId]) -> bool:
    """Whether no slot is open, none begins within the minute, and nothing is changed meanwhile."""
    now = store.clock.now()
    for schedule in Schedule:
        slot = slot_of(schedule, now)
        if slot_of(schedule, now + timedelta(seconds=MINUTE_SECONDS + 15)) != slot:
            return False
        if await open_slots(store.claims, services, schedule, slot):
            return False
    before = await store.hint.active()
    await asyncio.sleep(2 * SETTLE_EVERY_SECONDS)
    return before == await store.hint.active()


async def settled(store: StateStore, services: Sequence[ServiceId]) -> bool:
    """False, too, while the machine is so busy that the store does not answer in time."""
    with suppress(StoreUnavailable):
        return await is_settled(store, services)
    return False


async def commands(store: StateStore) -> Counter[str]:
    """All that the server has carried out so far."""
    told = await store.redis.info("commandstats")
    found = Counter({name.removeprefix("cmdstat_"): one["calls"] for name, one in told.items()})
    return Counter({name: count for name, count in found.items() if name not in NOT_COUNTED})


async def minute(count: int) -> int:
    clock = Clock(1.0, datetime.now(UTC).isoformat())
    with (
        tempfile.TemporaryDirectory(prefix="lumen-") as directory,
        World(Path(directory, "world"), clock, fleet=count, fleet_days=0.3, requests_per_second=0.5) as world,
    ):
        async with whole_bot(world, count) as (store, services):
            began = time.monotonic()
            while not await settled(store, services):
                if time.monotonic() - began > SETTLED_WITHIN_SECONDS:
                    raise SystemExit(f"never at idle: {await store.hint.active()}")
                await asyncio.sleep(5.0)
            settled_seconds = time.monotonic() - began
            before = await commands(store)
            await asyncio.sleep(MINUTE_SECONDS)
            spent = await commands(store) - before
            standing = len((await store.hint.active()).services)
            most = ", ".join(f"{calls} {name}" for name, calls in spent.most_common(6))
            sys.stdout.write(
                f"{count:4} services: {sum(spent.values()):5} commands a minute at idle ({most}); "
                f"{standing} with work; settled after {settled_seconds:.0f} s\n"
            )
            sys.stdout.flush()
            return sum(spent.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", type=int, nargs="*", default=SIZES)
    sizes = parser.parse_args().sizes
    spent = [asyncio.run(minute(count)) for count in sizes]
    sys.stdout.write(f"{spent[-1] / spent[0]:.2f} times as many with {sizes[-1]} services as with {sizes[0]} (bar 1)\n")


if __name__ == "__main__":
    main()
