"""The price of a turn without Google: what it reads of the past, judges and stores. `python -m bench.turns [services]`

Services of a Valkey of their own, with a past: eight days of slices, two months of sums of days, a hundred turns.
Prints for each turn the processor time of this process, of the numerics worker and of the store, each a service.
"""

import argparse
import asyncio
import gc
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.fleet import Blocked
from bot.numerics import ProcessNumerics
from demo.valkey import EmbeddedValkey
from lumen.adapters.store import epoch
from lumen.adapters.store.alerts import RedisAlerts, RedisDays
from lumen.adapters.store.audit import RedisAudit
from lumen.adapters.store.connection import StoreClient, open_store
from lumen.adapters.store.controls import RedisControls
from lumen.adapters.store.leases import RedisLeases, RedisSlots
from lumen.adapters.store.proposals import RedisProposals
from lumen.adapters.store.scripts import key
from lumen.adapters.store.turns import RedisTurns
from lumen.exporters.assess import AssessmentSettings
from lumen.model.alert import Observation
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, LatencyDistribution, Snapshot, Spend, Window
from lumen.model.turn import Occasion, Turn
from lumen.policies.auto_apply import AutoApplySettings
from lumen.policies.guard import Automation
from lumen.policies.size import SizeLimits
from lumen.policies.ttl import TtlLimits
from lumen.ports.clock import no_fault
from lumen.ports.incidents import Look
from lumen.ports.store import Lease
from lumen.use_cases.acting import Acting
from lumen.use_cases.approvals import Approvals
from lumen.use_cases.auto_apply import AutoApplyRules
from lumen.use_cases.drift import Drift
from lumen.use_cases.evaluate import Evaluator, Policies
from lumen.use_cases.leases import Claims
from lumen.use_cases.restrictions import Restraints
from lumen.use_cases.turn import TurnRunner
from lumen.use_cases.turn_history import TurnHistory
from tests.snapshots import snapshot, ttl

HOUR = timedelta(hours=1)
START = datetime(2026, 3, 2, 10, 20, tzinfo=UTC)
PAST, DAYS, TURNS = timedelta(days=8), 60, 100
TICKS = os.sysconf("SC_CLK_TCK")
#: Each figure of a day and hour that a service has is its own.
CHANCE = random.Random(1)


@dataclass
class Standing:
    """A clock that is set."""

    time: datetime = START
    scale: float = 1.0

    def now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass
class Measured:
    """Stands where the Collector does: the same figures each hour."""

    clock: Standing

    def collection(self, _: Sequence[ServiceId]) -> "Measured":
        return self

    async def is_cut_off(self, _: ServiceId) -> bool:
        return False

    async def snapshot(self, service: ServiceId) -> Snapshot:
        now = self.clock.now()
        end = now.replace(minute=15)
        spend = Spend(100.0, True, 200.0, now)
        return replace(
            snapshot(spend=spend, ttl=ttl(300)), service=service, window=Window(end - HOUR, end), taken_at=now
        )


class Fleet:
    """A TurnRunner with all that stands around it."""

    def __init__(self, redis: StoreClient, services: Sequence[ServiceId]) -> None:
        self.redis, self.services, self.clock, self.numerics = redis, services, Standing(), ProcessNumerics()
        self.slots = RedisSlots(redis)
        self.alerts, self.days, self.turns = RedisAlerts(redis, self.clock), RedisDays(redis), RedisTurns(redis)
        self.leases = RedisLeases(redis)
        proposals = RedisProposals(redis, self.clock)
        claims = Claims(self.leases, self.slots, self.clock)
        restraints = Restraints(RedisControls(redis, self.clock), self.clock, Automation(), {})
        evaluator = Evaluator(
            TurnHistory(self.alerts, self.days, self.turns, self.numerics, services),
            dict.fromkeys(services, AssessmentSettings()),
            Policies(
                {one: {} for one in services},
                dict.fromkeys(services, TtlLimits()),
                dict.fromkeys(services, SizeLimits()),
            ),
            restraints,
            proposals,
            self.alerts,
        )
        self.runner = TurnRunner(
            Measured(self.clock),  # type: ignore[arg-type]  # stands where the Collector does
            Drift(proposals, claims, Acting(restraints), self.turns, RedisAudit(redis, self.clock), {}, no_fault),
            evaluator,
            AutoApplyRules(AutoApplySettings(), restraints, proposals, self.alerts, self.clock),
            Approvals(proposals, {}, restraints),
            claims,
            self.turns,
        )

    async def live(self) -> None:
        """The first service has its past, and then its turns; all others a copy of it."""
        await epoch.init(self.redis, self.services, self.clock)
        first, *others = self.services
        lease = await self.slots.claim(first, "watch", START, HOUR, START + HOUR)
        assert lease is not None
        await self._remember(first, lease)
        (made,) = await self.runner.extra_turns((first,))
        for back in range(TURNS, 0, -1):
            await self.turns.save(_earlier(made, back * HOUR), None, "")
        for name in ("observations", "standing", "days", "turns", "turn-order"):
            asked = self.redis.execute_command("DUMP", key(first, name), NEVER_DECODE=True)  # type: ignore[no-untyped-call]
            kept = await asked
            for other in others:
                await self.redis.restore(key(other, name), 0, kept, replace=True)

    async def _remember(self, service: ServiceId, lease: Lease) -> None:
        after = START.replace(minute=15) - timedelta(days=DAYS)
        self.alerts = RedisAlerts(self.redis, self.clock, keep_slices=round(PAST / SLICE))
        seen = [_slice(after + nth * SLICE) for nth in range(round(timedelta(days=DAYS) / SLICE))]
        assert await self.alerts.look(service, lease, Look(None, seen, ()))

    async def turn(self) -> None:
        """Of every service, and what it cost."""
        blocked, used, worker, store = Blocked(), time.process_time(), worker_seconds(), await self.store_seconds()
        blocked.begin()
        await self.runner.due(self.services, lambda _: None)
        used, worker = time.process_time() - used, worker_seconds() - worker
        scripts, busy = (now - before for now, before in zip(await self.store_seconds(), store, strict=True))
        count = len(self.services)
        sys.stdout.write(
            f"{count:4} services: {1000 * used / count:6.1f} ms of CPU each, numerics {1000 * worker / count:6.1f} ms, "
            f"store {1000 * busy / count:5.2f} ms in {scripts / count:.1f} scripts; "
            f"loop held up {1000 * blocked.longest:3.0f} ms\n"
        )
        sys.stdout.flush()

    async def store_seconds(self) -> tuple[float, float]:
        """Scripts so far, and the time that they took."""
        stats = await self.redis.info("commandstats")
        both = [stats[one] for one in ("cmdstat_evalsha", "cmdstat_eval") if one in stats]
        return sum(one["calls"] for one in both), sum(one["usec"] for one in both) / 1e6


def _slice(start: datetime) -> Observation:
    requests, bounds = CHANCE.randrange(500, 1500), tuple(10.0 * 1.4**nth for nth in range(20))
    latency = LatencyDistribution(bounds, (0, *(CHANCE.randrange(1, 100) for _ in bounds)))
    errors, hits = CHANCE.randrange(3), round(requests * 0.7)
    return Observation(
        start, requests, errors, 5, 40.0, 120.5, 300.25, hits, requests - hits, 0, 180.5, 0.0123, "r1", latency
    )


def _earlier(turn: Turn, by: timedelta) -> Turn:
    at, window = turn.started_at - by, turn.snapshot.window
    seen = replace(turn.snapshot, taken_at=at, window=Window(window.start - by, window.end - by))
    return replace(turn, id=at.isoformat(), occasion=Occasion.SLOT, slot=turn.slot - by, started_at=at, snapshot=seen)


def worker_seconds() -> float:
    """Processor time of the children of this process, the store apart, those that have ended among them."""
    found, mine = sum(os.times()[2:4]), os.getpid()
    for each in Path("/proc").iterdir():
        try:
            fields = (each / "stat").read_text().rsplit(") ", 1)[1].split() if each.name.isdigit() else []
            if fields and int(fields[1]) == mine and b"valkey" not in (each / "cmdline").read_bytes():
                found += (int(fields[11]) + int(fields[12])) / TICKS
        except OSError:
            continue  # it has just ended
    return found


async def measure(url: str, count: int) -> None:
    services = [ServiceId("project", "region", f"svc-{nth:04}") for nth in range(count)]
    redis = open_store(url, answer_seconds=20.0, connect_seconds=20.0)
    fleet = Fleet(redis, services)
    try:
        await fleet.live()
        for _ in range(3):
            fleet.clock.time += HOUR
            await fleet.turn()
    finally:
        fleet.numerics.close()
        await redis.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("services", type=int, nargs="?", default=50)
    count = parser.parse_args().services
    with tempfile.TemporaryDirectory(prefix="lumen-") as folder, EmbeddedValkey(Path(folder)) as store:
        gc.freeze()  # as the command line does after its imports
        asyncio.run(measure(store.url, count))


if __name__ == "__main__":
    main()
