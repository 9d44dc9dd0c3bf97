"""Turns at Slack: the most urgent first, then the longest waiting; one limit holds up no other."""

import asyncio
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.pacing import EDITS_AT_ONCE, Gate, Rank, Turns, Urgency
from handlers.web_api import EDIT, POST

TICK = 0.002
RANKS = st.tuples(st.sampled_from(Urgency), st.integers(0, 3).map(float))


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


async def passed(ranks: list[Rank]) -> list[Rank]:
    """The order in which they came, who all waited before the gate opened."""
    came: list[Rank] = []
    clock = Clock()
    gate = Gate(0.0, 1, clock)

    async def one(rank: Rank) -> None:
        await gate.turn(rank)
        came.append(rank)

    gate.hold(3600)
    waits = [asyncio.create_task(one(rank)) for rank in ranks]
    await asyncio.sleep(0)
    clock.now += 3600
    gate.hold(0)
    await asyncio.gather(*waits)
    return came


@settings(max_examples=25, deadline=None)
@given(st.lists(RANKS, max_size=6))
def test_the_most_urgent_goes_first_and_then_the_longest_waiting(ranks: list[Rank]) -> None:
    assert asyncio.run(passed(ranks)) == sorted(ranks)


async def test_a_lone_message_waits_for_nothing() -> None:
    clock = Clock()
    turns = Turns(1.0, clock)
    rank = Urgency.REPORT, clock.now
    assert await turns.first("C1", [(POST, rank)], 0.0) is not None
    assert await turns.first("C2", [(POST, rank)], 0.0) is not None
    assert await turns.first("C1", [(POST, rank)], 0.0) is None  # the second one in that second
    clock.now += 1.0
    assert await turns.first("C1", [(POST, rank)], 0.0) is not None


async def test_edits_are_counted_for_the_whole_workspace_and_some_go_at_once() -> None:
    clock, edits = Clock(), 0
    turns = Turns(1.0, clock)
    while await turns.first(f"C{edits}", [(EDIT, (Urgency.CARD, clock.now))], 0.0) is not None:
        edits += 1
    assert edits == EDITS_AT_ONCE
    assert await turns.first("C1", [(POST, (Urgency.CARD, clock.now))], 0.0) is not None


async def test_what_slack_holds_up_is_that_limit_alone_and_the_urgent_one_goes_on() -> None:
    turns, rank = Turns(TICK), (Urgency.CARD, 0.0)
    turns.gate(POST, "C1").hold(3600)
    assert await turns.first("C1", [(POST, rank)], TICK) is None
    assert await turns.first("C2", [(POST, rank)], TICK) is not None
    came = await turns.first("C1", [(POST, (Urgency.PAGE, 0.0)), (EDIT, rank)], TICK)
    assert came is not None
    assert came.method == EDIT


async def test_whoever_gives_up_or_does_not_use_it_takes_nothing_from_the_next() -> None:
    clock = Clock()
    gate = Gate(1.0, 1, clock)
    await gate.turn((Urgency.CARD, 0.0))
    waits = [asyncio.create_task(gate.turn((Urgency.PAGE, 0.0))) for _ in range(2)]
    await asyncio.sleep(0)
    waits[0].cancel()
    gate.give_back()
    await waits[1]
    assert not gate.passes((Urgency.PAGE, 0.0))
