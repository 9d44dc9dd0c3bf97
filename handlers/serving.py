"""One task for each service that may have work, as long as it may: one question to the store for all that have none."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

import structlog

from lumen.model.messages import LumenError
from lumen.model.service import ServiceId
from lumen.use_cases.active import Active

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Serving:
    """Runs `serve`, which returns once `wants` says no. `also`: services that this process has something left to do
    for, whatever the store says. `begins` is told of every service that is looked at anew.
    """

    active: Active
    serve: Callable[[ServiceId], Awaitable[None]]
    also: Callable[[], Iterable[ServiceId]]
    begins: Callable[[ServiceId], None]
    #: On the wall.
    poll_seconds: float
    _wanted: frozenset[ServiceId] = field(default=frozenset(), init=False)
    _tasks: dict[ServiceId, "asyncio.Task[None]"] = field(default_factory=dict, init=False)
    _kicked: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _kicked_each: dict[ServiceId, asyncio.Event] = field(default_factory=dict, init=False)
    _beginnings: int = field(default=0, init=False)
    _is_away: bool = field(default=False, init=False)

    def kick(self) -> None:
        """Look now rather than at the next poll."""
        for kicked in (self._kicked, *self._kicked_each.values()):
            kicked.set()

    def wants(self, service: ServiceId) -> bool:
        """Whether it may have work still."""
        return service in self._wanted

    def looks(self, service: ServiceId) -> None:
        """What is marked from now on ends the next pause."""
        self._kicked_each[service].clear()

    async def pause(self, service: ServiceId, seconds: float) -> None:
        """For so long, or until somebody kicks."""
        await _kicked_within(self._kicked_each[service], seconds)

    async def run(self) -> None:
        """Until cancelled. A service that is slow holds up no other."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._kicked.clear()
                await self._look()
                for service in self._wanted:
                    if service not in self._tasks or self._tasks[service].done():
                        self._kicked_each[service] = asyncio.Event()
                        self._tasks[service] = group.create_task(self._serve(service))
                await _kicked_within(self._kicked, self.poll_seconds)

    async def _look(self) -> None:
        """While the store is away nobody is served anew, and those that are served find out by themselves."""
        try:
            active = await self.active.now()
        except LumenError as error:
            if not self._is_away:
                _log.warning("services_not_told", kind=type(error).__name__, error=str(error))
            self._is_away = True
            return
        self._is_away = False
        if self.active.beginnings != self._beginnings:
            self._beginnings = self.active.beginnings
            for service in self.active.services:
                self.begins(service)
        self._wanted = frozenset((*active, *self.also()))

    async def _serve(self, service: ServiceId) -> None:
        try:
            await self.serve(service)
        finally:
            self._tasks.pop(service, None)
            self._kicked_each.pop(service, None)


async def _kicked_within(kicked: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):  # `wait_for` may lose a cancellation on 3.11
            await kicked.wait()
    except TimeoutError:
        return
