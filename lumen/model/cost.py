"""The cost of an hour or a slice by the formula of docs/methods.md: an estimate, without discounts and free tiers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lumen.model.service import ServiceId

HOUR_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class CostPrices:
    """USD. Cloud Run: request-based billing, tier 1 regions; idle = the rate of an idle minimum instance."""

    redis_hour: float
    api_call: float
    vcpu_second: float = 0.000024
    gib_second: float = 0.0000025
    idle_vcpu_second: float = 0.0000025
    idle_gib_second: float = 0.0000025
    million_requests: float = 0.40


@dataclass(frozen=True, slots=True)
class InstanceShape:
    """CPU and memory of one instance of a service, and how many of them are always kept.

    `since`: the service exists since then, where that is known.
    """

    vcpu: float
    gib: float
    min_instances: int
    since: datetime | None = None

    def existed(self, at: datetime) -> bool:
        """Whether it is known that there was such a service then."""
        return self.since is not None and self.since <= at


def cost_usd(
    prices: CostPrices,
    shape: InstanceShape,
    seconds: float,
    requests: int,
    billable_seconds: float,
    api_calls: int | None,
    cache_share: float,
) -> float:
    """A period of `seconds`: instances + requests + idle minimum instances + Redis + the calls that missed the cache.

    `api_calls` None: nobody counts them here, and the estimate is without them. Of these and of Redis it pays
    `cache_share` (0-1, `cache_shares`). Billable instance time excludes idle minimum instances, so what they do not
    work they idle.
    """
    idle_seconds = max(0.0, shape.min_instances * seconds - billable_seconds)
    return (
        billable_seconds * (shape.vcpu * prices.vcpu_second + shape.gib * prices.gib_second)
        + idle_seconds * (shape.vcpu * prices.idle_vcpu_second + shape.gib * prices.idle_gib_second)
        + requests * prices.million_requests / 1_000_000
        + cache_share * (prices.redis_hour * seconds / HOUR_SECONDS + (api_calls or 0) * prices.api_call)
    )


def cache_shares(requests: Mapping[ServiceId, int | None]) -> Mapping[ServiceId, float]:
    """The share (0-1) of the common cache that each service pays, by its requests; together they are 1.

    A service without known requests pays nothing of it: its own cost is not known then, and the others' still is.
    """
    known = {service: count for service, count in requests.items() if count is not None}
    total = sum(known.values())
    return {service: count / total if total else 1 / len(known) for service, count in known.items()}
