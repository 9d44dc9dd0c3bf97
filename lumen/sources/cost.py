"""What an hour or a slice costs, by the formula of docs/methods.md: an estimate, without discounts and free tiers."""

from dataclasses import dataclass

HOUR_SECONDS = 3600.0
#: A month as price lists mean it.
MONTH_HOURS = 730.0


@dataclass(frozen=True, slots=True)
class Prices:
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
    """What one instance of a service has, and how many of them are always kept."""

    vcpu: float
    gib: float
    min_instances: int


def hour_cost_usd(
    prices: Prices, shape: InstanceShape, requests: int, billable_seconds: float, api_calls: int | None
) -> float:
    """One hour of one service (`cost_usd`)."""
    return cost_usd(prices, shape, HOUR_SECONDS, requests, billable_seconds, api_calls)


def cost_usd(
    prices: Prices, shape: InstanceShape, seconds: float, requests: int, billable_seconds: float, api_calls: int | None
) -> float:
    """A period of `seconds`: instances + requests + idle minimum instances + Redis + the calls that missed the cache.

    `api_calls` None: nobody counts them here, and the estimate is without them.
    Billable instance time excludes idle minimum instances, so what they do not work they idle.
    """
    idle_seconds = max(0.0, shape.min_instances * seconds - billable_seconds)
    return (
        billable_seconds * (shape.vcpu * prices.vcpu_second + shape.gib * prices.gib_second)
        + idle_seconds * (shape.vcpu * prices.idle_vcpu_second + shape.gib * prices.idle_gib_second)
        + requests * prices.million_requests / 1_000_000
        + prices.redis_hour * seconds / HOUR_SECONDS
        + (api_calls or 0) * prices.api_call
    )
