"""Wire the check of a running service."""

from collections.abc import Callable

from lumen.adapters.cache.client import open_cache
from lumen.adapters.cache.contract_probe import ContractProbe
from lumen.adapters.clock import SystemClock
from lumen.model.contract_check import Observed
from lumen.ports.clock import Clock


async def observed(
    url: str, service: str, prefix: str, told: Callable[[str], None], clock: Clock | None = None
) -> Observed:
    """What the service does in the cache at `url`. Raises SourceUnavailable."""
    cache = open_cache(url)
    try:
        return await ContractProbe(cache, clock or SystemClock(), service, prefix).observe(told)
    finally:
        await cache.aclose()
