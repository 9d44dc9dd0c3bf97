"""A change that nobody was asked for, on real processes: a record, a countdown that outlives its bot, and its end."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from demo.world import World
from lumen.adapters.clock import ScaledClock
from lumen.adapters.store.connection import open_store
from lumen.adapters.store.leases import RedisLeases
from lumen.adapters.store.proposals import RedisProposals
from lumen.model.messages import message
from lumen.model.proposal import (
    NOT_PREDICTABLE,
    Change,
    Choice,
    Decision,
    Draft,
    Knob,
    Measured,
    MeasuredEffect,
    Origin,
    Priority,
    State,
    Verdict,
)
from lumen.model.service import Person, ServiceId
from lumen.use_cases.approvals import EXPIRES_IN
from sandbox.client import SandboxClient, SeenMessage
from tests.scenarios.test_loop import APPROVE, setting, shown, until
from tests.scenarios.test_rollback import REJECT, is_countdown, says

pytestmark = pytest.mark.prove
#: While an alert is open Lumen asks: the budget of the sandbox is spent late in a month.
TTL_UNASKED = {"AUTO_APPLY": "ttl", "AUTO_APPLY_AFTER": "20m", "TTL_ACTUATOR": "redis", "BUDGET_USD": "2000"}
LONGER = Change(Knob.TTL, 240, 300, "s")


class DaysAgo(ScaledClock):
    """The clock of the world, three days slow."""

    def now(self) -> datetime:
        return super().now() - timedelta(days=3)


async def a_record(world: World, helped: int) -> None:
    """So many changes to a longer TTL that somebody approved, and that were measured to help."""
    of, redis = world.addresses, open_store(world.state.url)
    service = ServiceId(of.project, of.region, of.service)
    clock = DaysAgo(world.clock.scale, datetime.fromisoformat(world.clock.origin))
    proposals, leases = RedisProposals(redis, clock), RedisLeases(redis)
    mina = Person(of.approver, "Mina", of.team_id)
    wanted = Draft(service, LONGER, "", Origin.POLICY, None, (), NOT_PREDICTABLE, Priority.MEDIUM, None, "")
    why = message("effect.points_kept", hours=24, points=10.0, low=5.0, high=15.0)
    lease = await leases.acquire(service, "execute:ttl", timedelta(minutes=1))
    assert lease is not None
    for n in range(helped):
        made = await proposals.propose(replace(wanted, request_id=f"seed{n}"), EXPIRES_IN)
        await proposals.decide(service, made.id, Decision(Choice.APPROVE, mina, f"seed{n}"))
        for state in (State.APPLYING, State.APPLIED):
            await proposals.advance(service, made.id, lease, state, None)
        effects = (MeasuredEffect("hit_rate_points", 0.1, 0.05, 0.15),)
        measured = Measured(24, clock.now(), Verdict.KEPT, why, effects, controlled=True)
        await proposals.advance(service, made.id, lease, State.KEPT, why, measured)
    await leases.release(service, lease)
    await redis.aclose()


async def a_countdown(slack: SandboxClient) -> SeenMessage:
    return await slack.wait_for_message(lambda m: is_countdown(m) and APPROVE in m.action_ids(), within_seconds=180)


async def test_a_record_a_countdown_and_an_applied_change(world: World, slack: SandboxClient) -> None:
    await a_record(world, 7)
    bot = world.start_bot(**TTL_UNASKED)
    card = await a_countdown(slack)
    assert "7 of 7 such changes helped" in card.text
    assert "by itself at" in card.text
    bot.kill()  # -9; the countdown is the store's
    assert setting(world) == {}
    world.start_bot("heir", **TTL_UNASKED)
    await says(slack, card, "· applied", within_seconds=180)
    told = (await shown(slack, card)).text
    assert "approved by the timer" in told
    assert "Nobody stopped it" in told
    assert setting(world)["version"] == "1"
    assert (await shown(slack, card)).action_ids() == ["proposal.undo", "proposal.details"]


async def test_rejected_it_asks_from_then_on(world: World, slack: SandboxClient) -> None:
    await a_record(world, 7)
    world.start_bot(**TTL_UNASKED)
    card = await a_countdown(slack)
    await slack.click(card, REJECT)
    await says(slack, card, "Rejected by")
    await slack.command("/lumen override")

    async def told() -> bool:
        return any("was rejected, taken back or harmful" in m.text for m in await slack.messages() if m.ephemeral_to)

    await until(told, 60, "what is done without asking is said")
    assert setting(world) == {}
