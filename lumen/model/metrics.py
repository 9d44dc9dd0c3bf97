"""Custom metrics as they are published: names, units, points (docs/metrics.md)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lumen.model.service import ServiceId

#: Written for every service at every look that Lumen makes: who misses it knows that Lumen is dead.
HEARTBEAT = "lumen_heartbeat"
#: Proposals of the last seven days, by their knob and what became of them.
ACTIONS = "lumen_actions"

#: What is published (docs/metrics.md), and its unit in Monitoring's notation: shares
#: in per cent, 1 for plain numbers.
UNITS = {
    "maturity_score": "1",
    "roi_percentage": "%",
    "slo_availability": "%",
    "cache_hit_rate": "%",
    "cost_per_request": "{USD}",
    "unified_gate_score": "1",
    "cache_ttl_seconds": "s",
    "cache_ttl_recommended_seconds": "s",
    "cache_memory_ratio": "1",
    "slo_compliance": "1",
    "system_health": "1",
    "cache_health": "1",
    "cost_rhythm": "1",
    "cost_coherence": "1",
    "cost_phase": "1",
    "cost_entropy": "1",
    "error_budget_availability": "%",
    "error_budget_latency_p95": "%",
    "error_budget_latency_p99": "%",
    "error_budget_error_rate": "%",
    "error_budget_cache_hit_rate": "%",
    ACTIONS: "1",
    HEARTBEAT: "1",
}
#: The labels of those metrics that have some.
LABELS = {ACTIONS: ("knob", "outcome")}


@dataclass(frozen=True, slots=True)
class Published:
    """One point of one gauge, in the unit of UNITS; `labels` are those of LABELS."""

    service: ServiceId
    name: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)
