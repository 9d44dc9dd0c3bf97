"""A process of a fleet that makes each hour's turns, wired and woken as the bot is; without Slack, looks and Pub/Sub.

It says which part of the fleet is its own ("part", how many services), and each turn ("turn", slot, service).
"""

import asyncio
import sys

from bot.config import WithoutSlack, load_settings
from bot.run import WAKE_EVERY_SECONDS
from bot.timing import every
from bot.wiring.assembly import assemble
from bot.workers import Worker
from lumen.model.turn import Turn
from lumen.use_cases.membership import BEAT_EVERY_SECONDS


def _say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def _tell(turn: Turn) -> None:
    _say("turn", turn.slot.isoformat(), turn.snapshot.service.key)


async def main() -> None:
    """Until it is ended."""
    settings = load_settings(WithoutSlack)
    async with assemble(settings) as lumen:
        membership, runner = lumen.store.membership, lumen.rounds.turn_runner

        async def beat() -> None:
            await membership.beat(settings.services)
            _say("part", len(settings.services if membership.part is None else membership.part))

        async def wake() -> None:
            await runner.due(settings.services, _tell)

        await beat()
        beating = Worker("replicas", BEAT_EVERY_SECONDS).run(beat)
        await asyncio.gather(beating, every(WAKE_EVERY_SECONDS / lumen.store.clock.scale, wake))


if __name__ == "__main__":
    asyncio.run(main())
