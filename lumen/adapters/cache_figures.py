"""Figures of the cache as INFO and Monitoring give them, before the reader puts them together."""

from dataclasses import dataclass

from lumen.model.messages import NoData


@dataclass(frozen=True, slots=True)
class Counters:
    """Over `seconds`, which may be less than the window where data has only just begun. Each stands alone."""

    seconds: float
    hits: int | NoData
    misses: int | NoData
    evictions: int | NoData


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """MB of 2**20 bytes."""

    used_mb: float | NoData
    max_mb: float | NoData


@dataclass(frozen=True, slots=True)
class Latency:
    """The 95th percentile of one small command, and its source: "latencystats" or "probe"."""

    p95_ms: float
    source: str
