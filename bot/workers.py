"""Work in the background of the bot: jobs that run when they are kicked, and what is approved, carried out.

Each knob is carried out by itself: a sweep of keys or a slow revision holds up no other approval.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import structlog

from bot.tracing import span
from lumen.model.messages import LumenError, OtherSchema, SomeFailed
from lumen.model.proposal import Knob, Proposal
from lumen.model.service import ServiceId
from lumen.use_cases.execution import Execution

log = structlog.get_logger()


@contextmanager
def guarded(event: str, **where: str) -> Iterator[None]:
    """Log what goes wrong inside as `event`, and go on: the next round tries again, and nothing else waits for it.

    A store that another version has brought into its layout is no trouble that passes: whoever runs here ends by it.
    """
    try:
        yield
    except OtherSchema:
        raise
    except SomeFailed as failed:
        for service, error in failed.failures.items():
            _tell(event, error, {**where, "service": service})
    except Exception as error:
        _tell(event, error, where)


def _tell(event: str, error: Exception, where: Mapping[str, str]) -> None:
    if isinstance(error, LumenError):
        log.error(event, code=error.reason.code, params=dict(error.reason.params), **where)
    else:
        log.error(event, exc_info=error, **where)


class Worker:
    """A job that runs when it is kicked, and at the latest every so often, one at a time.

    Kicks while it runs make it run once more; none is lost.
    """

    def __init__(self, name: str, at_least_every_seconds: float) -> None:
        self._name = name
        self._every_seconds = at_least_every_seconds
        self._kicked = asyncio.Event()

    def kick(self) -> None:
        """Run soon. Returns at once."""
        self._kicked.set()

    @property
    def is_kicked(self) -> bool:
        """Whether it runs once more as soon as it can."""
        return self._kicked.is_set()

    async def run(self, job: Callable[[], Awaitable[None]]) -> None:
        """Until cancelled."""
        while True:
            self._kicked.clear()
            with guarded("worker_failed", worker=self._name):
                await job()
            try:
                async with asyncio.timeout(self._every_seconds):  # `wait_for` may lose a cancellation on 3.11
                    await self._kicked.wait()
            except TimeoutError:
                continue


Place = tuple[ServiceId, Knob]


@dataclass(slots=True)
class _Work:
    """`is_followed`: another proposal of the knob was approved before this one's work had ended."""

    proposal_id: str
    task: "asyncio.Task[None]"
    is_followed: bool = False


class ExecutionPool:
    """One piece of work for each knob of each service at most; what fails is logged and found again in the next round.

    `ended` is called when one is over: there is something to show. `look_again` where another proposal of that knob
    was approved in its last moments; nothing else is begun again before the next round, for it would fail again.
    """

    def __init__(self, execution: Execution, ended: Callable[[], None], look_again: Callable[[], None]) -> None:
        self._execution = execution
        self._ended = ended
        self._look_again = look_again
        self._working: dict[Place, _Work] = {}

    async def begin(self, service: ServiceId) -> None:
        """Begin what is due and not under way. Returns at once. Raises StoreUnavailable."""
        for proposal in await self._execution.due(service):
            place = service, proposal.draft.change.knob
            before = self._working.get(place)
            if before is not None:
                before.is_followed = before.is_followed or before.proposal_id != proposal.id
                continue
            task = asyncio.create_task(self._carry_out(proposal), name=f"execute {proposal.id}")
            self._working[place] = _Work(proposal.id, task)
            task.add_done_callback(partial(self._over, place))

    @property
    def under_way(self) -> Sequence[Place]:
        """The places that are being worked on now."""
        return tuple(self._working)

    async def stop(self) -> None:
        """Cancel everything and wait until it has ended; another process, or the next start, goes on from there."""
        tasks = [work.task for work in self._working.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _carry_out(self, proposal: Proposal) -> None:
        knob = proposal.draft.change.knob.value
        with span("change", proposal=proposal.id, knob=knob), guarded("execution_waits", proposal=proposal.id):
            await self._execution.carry_out(proposal)

    def _over(self, place: Place, _task: "asyncio.Task[None]") -> None:
        work = self._working.pop(place)
        self._ended()
        if work.is_followed:
            self._look_again()
