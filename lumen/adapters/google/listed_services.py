"""The Cloud Run services of a project and region: one ListServices for all who ask within a moment.

A turn asks for each service's environment, a look for the shapes of instances; the answer is the same for all.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from google.cloud.run_v2 import ListServicesRequest, ServicesAsyncClient

from lumen.adapters.google import service_fields as reader
from lumen.adapters.google.clients import Patience
from lumen.adapters.google.errors import RUN, reading
from lumen.ports.clock import Clock

MOST_PAGES = 50
NOW = timedelta(0)

Place = tuple[str, str]  # project, region
Listed = Mapping[str, Any]  # by short name, each a `Service` (proto-plus)


async def all_of(pager: Any, items: str) -> list[Any]:
    """The items of at most `MOST_PAGES` pages: a server may hand out page tokens for ever."""
    found: list[Any] = []
    pages = 0
    async for page in pager.pages:
        found.extend(getattr(page, items))
        pages += 1
        if pages >= MOST_PAGES:
            break
    return found


@dataclass(frozen=True, slots=True)
class ListedServices:
    """`clock` None: only those who ask at the same time share an answer."""

    services: ServicesAsyncClient
    patience: Patience
    clock: Clock | None = None
    _asking: "dict[Place, asyncio.Task[Listed]]" = field(default_factory=dict, init=False)
    _kept: dict[Place, tuple[datetime, Listed]] = field(default_factory=dict, init=False)

    async def of(self, place: Place, within: timedelta = NOW) -> Listed:
        """As it was asked for no longer ago than `within`, of service time. Raises SourceUnavailable."""
        kept = self._kept.get(place)
        if kept is not None and self.clock is not None and NOW <= self.clock.now() - kept[0] < within:
            return kept[1]
        task = self._asking.get(place)
        if task is None:
            task = asyncio.create_task(self._ask(place))
            self._asking[place] = task
            task.add_done_callback(lambda done: self._answered(place, done))
        return await asyncio.shield(task)

    def changed(self, place: Place) -> None:
        """Lumen changes a service there: what was asked for before that is not told any more."""
        self._kept.pop(place, None)
        self._asking.pop(place, None)

    async def _ask(self, place: Place) -> Listed:
        (project, region), asked_at = place, self.clock.now() if self.clock is not None else None
        with reading(RUN, f"services in {region}", project):
            async with asyncio.timeout(self.patience.whole_seconds):
                pager = await self.services.list_services(
                    ListServicesRequest(parent=f"projects/{project}/locations/{region}"), **self.patience.options
                )
                listed = {reader.short(one.name): one for one in await all_of(pager, "services")}
        if asked_at is not None and self._asking.get(place) is asyncio.current_task():
            self._kept[place] = asked_at, listed
        return listed

    def _answered(self, place: Place, done: "asyncio.Task[Listed]") -> None:
        if self._asking.get(place) is done:
            del self._asking[place]
        if not done.cancelled():
            done.exception()  # seen, also when everybody who asked has meanwhile gone
