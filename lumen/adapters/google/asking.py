"""The pages of a query to Cloud Monitoring: each within the budget that all processes share, and asked again where
Google says that the quota is used up all the same (others use the project, too)."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from google.api_core import exceptions
from google.cloud.monitoring_v3 import ListTimeSeriesRequest, MetricServiceAsyncClient
from google.rpc.error_details_pb2 import RetryInfo

from lumen.adapters.google.clients import Patience
from lumen.ports.sources import Asking, QueryBudget

#: A page that Google refuses for its quota is asked for so often in all.
MOST_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Pages:
    """Of one query. What is waited for the budget does not count for `limit`, the time that all may take."""

    client: MetricServiceAsyncClient
    patience: Patience
    budget: QueryBudget
    asking: Asking
    limit: asyncio.Timeout

    async def of(self, request: ListTimeSeriesRequest) -> AsyncIterator[Any]:
        """One after another. Raises what the client raises, and SourceUnavailable."""
        while True:
            page = await self._page(request)
            yield page
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def _page(self, request: ListTimeSeriesRequest) -> Any:
        refused: exceptions.ResourceExhausted | None = None
        for _ in range(MOST_ATTEMPTS):
            await self._wait(refused)
            try:
                pager = await self.client.list_time_series(request, **self.patience.options)
                return await anext(aiter(pager.pages))
            except exceptions.ResourceExhausted as error:
                refused = error
        assert refused is not None
        raise refused

    async def _wait(self, refused: exceptions.ResourceExhausted | None) -> None:
        """Raises SourceUnavailable where there is no room for long, and `refused` where Google asks for too much."""
        loop = asyncio.get_running_loop()
        left = (self.limit.when() or loop.time()) - loop.time()
        self.limit.reschedule(None)
        try:
            if refused is not None and not await self.budget.pause(delay_seconds(refused)):
                raise refused
            await self.budget.take(self.asking)
        finally:
            if not self.limit.expired():
                self.limit.reschedule(loop.time() + left)


def delay_seconds(error: exceptions.ResourceExhausted) -> float | None:
    """How long Google asks to wait; None where it does not say."""
    for detail in error.details:
        if isinstance(detail, RetryInfo):
            return float(detail.retry_delay.ToTimedelta().total_seconds())
    return None
