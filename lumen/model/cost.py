"""The cost of an hour or a slice by the formula of docs/methods.md: an estimate, without discounts and free tiers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from lumen.model.service import ServiceId

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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


#: One period's, or a column of many.
Amount = TypeVar("Amount", float, "NDArray[np.float64]")


def cost_usd(
    prices: CostPrices,
    shape: InstanceShape,
    seconds: float,
    requests: Amount,
    billable_seconds: Amount,
    api_calls: Amount | None,
    cache_share: Amount,
) -> Amount:
    """A period of `seconds`: instances + requests + idle minimum instances + Redis + the calls that missed the cache.

    `api_calls` None: nobody counts them here, and the estimate is without them. Of these and of Redis it pays
    `cache_share` (0-1, `cache_shares`). Billable instance time excludes idle minimum instances, so what they do not
    work they idle.
    """
    left_seconds = shape.min_instances * seconds - billable_seconds
    idle_seconds = (left_seconds + abs(left_seconds)) / 2  # never less than none
    calls_usd = 0.0 if api_calls is None else api_calls * prices.api_call
    return (
        billable_seconds * (shape.vcpu * prices.vcpu_second + shape.gib * prices.gib_second)
        + idle_seconds * (shape.vcpu * prices.idle_vcpu_second + shape.gib * prices.idle_gib_second)
        + requests * prices.million_requests / 1_000_000
        + cache_share * (prices.redis_hour * seconds / HOUR_SECONDS + calls_usd)
    )


#: By service the name of the cache that it uses: services of the same name share one.
Caches = Mapping[ServiceId, str]


def sharing(service: ServiceId, caches: Caches) -> Sequence[ServiceId]:
    """All that use the cache that `service` uses, itself among them; it alone where nobody knows which that is."""
    cache = caches.get(service)
    return (service,) if cache is None else [one for one, name in caches.items() if name == cache]


def beside(services: Sequence[ServiceId], caches: Caches) -> Sequence[ServiceId]:
    """The others that share a cache with one of them."""
    theirs = {caches[service] for service in services if service in caches}
    asked = set(services)
    return [one for one, name in caches.items() if name in theirs and one not in asked]


def cache_shares(requests: Mapping[ServiceId, int | None], caches: Caches) -> Mapping[ServiceId, float]:
    """The share (0-1) of its cache that each service pays, by its requests; of one cache they are 1 together.

    A service without known requests pays nothing of it: its own cost is not known then, and the others' still is.
    """
    known: dict[ServiceId | str, dict[ServiceId, int]] = {}
    for service, count in requests.items():
        if count is not None:
            known.setdefault(caches.get(service, service), {})[service] = count
    shares: dict[ServiceId, float] = {}
    for counts in known.values():
        total = sum(counts.values())
        shares |= {service: count / total if total else 1 / len(counts) for service, count in counts.items()}
    return shares
