"""Turns at Slack: it takes about one message a second and channel, and so many edits a minute of the whole workspace.

Whoever is the most urgent goes first, then whoever waits the longest. What Slack refuses because of its pace closes the
one limit that it was about, for as long as Slack says.
"""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from handlers.web_api import EDIT, POST

#: Slack allows one message a second and channel.
PACE_SECONDS = 1.0
#: Edits are a method of tier 3: fifty a minute of the workspace, and some at once after a rest.
EDIT_PACES = 1.2
EDITS_AT_ONCE = 25
ROUNDING_SECONDS = 1e-6


class Urgency(IntEnum):
    """The order in which messages go out."""

    #: Calls of the people on call, and the first message of an incident.
    PAGE = 0
    #: Answers that all may read, proposals and incidents with their decisions and figures, notes in threads.
    CARD = 1
    #: Reports and digests.
    REPORT = 2


#: Urgency, and since when (monotonic seconds).
Rank = tuple[Urgency, float]


class Gate:
    """One limit: opens each `every_seconds`, and for `at_once` in a row after a rest."""

    def __init__(self, every_seconds: float, at_once: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._every_seconds = every_seconds
        self._slack_seconds = every_seconds * (at_once - 1)
        self._monotonic = monotonic
        #: When the last one that went would have gone, had each waited its turn.
        self._due = float("-inf")
        self._held_until = float("-inf")
        self._numbers = itertools.count()
        self._waiting: list[tuple[Rank, int, asyncio.Future[None]]] = []
        self._opening: asyncio.TimerHandle | None = None

    async def turn(self, rank: Rank) -> None:
        """Wait for it. Whoever stops waiting loses nothing: the same `rank` later stands where it stood."""
        if self.passes(rank):
            return
        mine = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (rank, next(self._numbers), mine))
        self._open()
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self.give_back()
            raise

    def passes(self, rank: Rank) -> bool:
        """Whether it is this one's turn at once; then it is taken."""
        ahead = next((other for other, _, future in self._waiting if not future.done()), None)
        if self._closed_seconds() > 0 or (ahead is not None and min(self._ranks()) <= rank):
            return False
        self._take()
        return True

    def give_back(self) -> None:
        """A turn was not used."""
        self._due -= self._every_seconds
        self._open()

    def hold(self, seconds: float) -> None:
        """Slack wants it closed for so long."""
        self._held_until = max(self._held_until, self._monotonic() + seconds)
        self._open()

    def _ranks(self) -> Sequence[Rank]:
        return [rank for rank, _, future in self._waiting if not future.done()]

    def _closed_seconds(self) -> float:
        seconds = max(self._held_until, self._due + self._every_seconds - self._slack_seconds) - self._monotonic()
        return seconds if seconds > ROUNDING_SECONDS else 0.0

    def _take(self) -> None:
        self._due = max(self._due + self._every_seconds, self._monotonic())

    def _open(self) -> None:
        """Let through whom it can, and come back for the next."""
        if self._opening is not None:
            self._opening.cancel()
            self._opening = None
        while self._waiting:
            if self._waiting[0][2].done():
                heapq.heappop(self._waiting)  # stopped waiting
            elif (closed_seconds := self._closed_seconds()) > 0:
                self._opening = asyncio.get_running_loop().call_later(closed_seconds, self._open)
                return
            else:
                self._take()
                heapq.heappop(self._waiting)[2].set_result(None)


@dataclass(slots=True)
class Turn:
    """The right to one call of `method`; what is not used is given back."""

    gate: Gate
    method: str
    is_used: bool = False

    def use(self, method: str) -> bool:
        """Whether it is for this method and was not used before; now it is."""
        if self.is_used or method != self.method:
            return False
        self.is_used = True
        return True

    def end(self) -> None:
        """Whoever took it is done."""
        if not self.is_used:
            self.is_used = True
            self.gate.give_back()


class Turns:
    """The limits of one workspace, each with those who wait for it.

    `pace_seconds`: between two messages of a channel.
    """

    def __init__(self, pace_seconds: float = PACE_SECONDS, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.pace_seconds = pace_seconds
        self._monotonic = monotonic
        self._gates: dict[str, Gate] = {}

    def gate(self, method: str, channel: str) -> Gate:
        """The limit of messages in `channel`, or of edits."""
        name = f"{method} {channel}" if method == POST else method
        if name not in self._gates:
            pace = self.pace_seconds
            every, at_once = (EDIT_PACES * pace, EDITS_AT_ONCE) if method == EDIT else (pace, 1)
            self._gates[name] = Gate(every, at_once, self._monotonic)
        return self._gates[name]

    async def take(self, method: str, channel: str, urgency: Urgency) -> None:
        """Wait for a turn, after those who wait already and are as urgent."""
        await self.gate(method, channel).turn((urgency, self._monotonic()))

    async def first(self, channel: str, wanted: Sequence[tuple[str, Rank]], within_seconds: float) -> "Turn | None":
        """The turn that comes first, of one call of each method at most; None where none comes within that time."""
        for method, rank in wanted:
            if self.gate(method, channel).passes(rank):
                return Turn(self.gate(method, channel), method)
        waits = [asyncio.create_task(self._turn(self.gate(method, channel), method, rank)) for method, rank in wanted]
        came: list[Turn] = []
        try:
            await asyncio.wait(waits, timeout=within_seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.add_done_callback(lambda done: None if done.cancelled() else came.append(done.result()))
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
            for turn in came[1:]:
                turn.end()
        return came[0] if came else None

    @staticmethod
    async def _turn(gate: Gate, method: str, rank: Rank) -> Turn:
        await gate.turn(rank)
        return Turn(gate, method)
