"""What a scenario may say: from what to what the simulated world makes sense, and is done within minutes."""

from collections.abc import Mapping
from typing import NamedTuple

from lumen.verification.incident import Trouble


class Range(NamedTuple):
    """Both ends are allowed."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


_SHARE = Range(0.0, 1.0)
_SOME = Range(0.0001, 1.0)
_TIMES = Range(0.1, 20.0)

#: Of the fields of `Profile`, in its units. A TTL as the service takes it, a cache as the policies may set it.
SERVICE: Mapping[str, Range] = {
    "requests_per_second": Range(0.001, 10.0),
    "daily_swing": Range(0.0, 0.8),
    "peak_hour": Range(0.0, 24.0),
    "weekend": Range(0.0, 2.0),
    "cached_share": _SHARE,
    "topics": Range(1, 1_000_000),
    "zipf": Range(0.0, 3.0),
    "topic_life_seconds": Range(60.0, 1e9),
    "answer_life_seconds": Range(1.0, 1e9),
    "asks_again": _SHARE,
    "entry_mb": Range(0.0001, 1024.0),
    "other_data_mb": Range(0.0, 1024.0),
    "cache_mb": Range(10, 1024),
    "ttl_seconds": Range(60, 3600),
    "hit_ms": Range(0.1, 60_000.0),
    "model_ms": Range(0.1, 60_000.0),
    "uncached_ms": Range(0.1, 60_000.0),
    "error_share": _SHARE,
    "model_call_usd": Range(0.0, 10.0),
    "budget_usd": Range(1.0, 1e6),
    "cache_usd_per_mb_month": Range(0.0, 10.0),
}
#: Of the `size` of each trouble.
SIZES: Mapping[Trouble, Range] = {
    Trouble.BAD_RELEASE_ERRORS: _SOME,
    Trouble.BAD_RELEASE_SLOW: _TIMES,
    Trouble.PLATFORM_ERRORS: _SOME,
    Trouble.MODEL_SLOW: _TIMES,
    Trouble.CACHE_SQUEEZED: _SOME,
    Trouble.CACHE_FLUSHED: Range(1.0, 86_400.0),
    Trouble.COST_SURGE: Range(0.01, 1e6),
    Trouble.FLASH: _TIMES,
    Trouble.BLIP: _SOME,
    Trouble.BLIND: Range(1.0, 1.0),
    Trouble.RELEASE: Range(1.0, 1.0),
}
