"""Which way the TTL should go, and how far, as a table of rules (mission 4). The first rule that holds decides."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from lumen.model.message import Message, message
from lumen.model.proposal import Priority

#: From here on the memory binds: entries leave by eviction, so living longer cannot help them.
MANY_EVICTIONS_PER_HOUR = 100
#: Spending that grew by more than this share against the day before is rising.
RISING_COST = 0.02


class Strategy(StrEnum):
    """How bold a step is."""

    AGGRESSIVE = "AGGRESSIVE"
    MODERATE = "MODERATE"
    CONSERVATIVE = "CONSERVATIVE"
    HOLD = "HOLD"
    OVERRIDE = "OVERRIDE"


STEP_SECONDS = {Strategy.AGGRESSIVE: 300, Strategy.MODERATE: 120, Strategy.CONSERVATIVE: 60}


@dataclass(frozen=True, slots=True)
class TtlFigures:
    """What the rules look at. `cost_change` is a ratio against the day before, None when it is not known."""

    ttl_seconds: int
    hit_rate: float
    memory_ratio: float
    evictions_per_hour: float
    cost_change: float | None

    @property
    def cost_rises(self) -> bool:
        return self.cost_change is not None and self.cost_change > RISING_COST


@dataclass(frozen=True, slots=True)
class TtlRule:
    """`direction` is +1, 0 or -1; `code` names the reason, which may show every figure."""

    code: str
    holds: Callable[[TtlFigures], bool]
    direction: int
    strategy: Strategy
    priority: Priority

    def reason(self, figures: TtlFigures) -> Message:
        return message(
            f"policy.{self.code}",
            hit_rate=figures.hit_rate,
            memory_ratio=figures.memory_ratio,
            evictions_per_hour=figures.evictions_per_hour,
            cost_change=figures.cost_change or 0.0,
        )


def _memory_binds(f: TtlFigures) -> bool:
    return f.evictions_per_hour >= MANY_EVICTIONS_PER_HOUR


RULES = (
    TtlRule(
        "ttl_evictions_size_first",
        lambda f: f.hit_rate < 0.80 and _memory_binds(f),
        0, Strategy.HOLD, Priority.MEDIUM,
    ),
    TtlRule(
        "ttl_hit_rate_very_low",
        lambda f: f.hit_rate < 0.60 and f.memory_ratio <= 0.70,
        +1, Strategy.AGGRESSIVE, Priority.HIGH,
    ),
    TtlRule(
        "ttl_hit_rate_low",
        lambda f: f.hit_rate < 0.80 and f.memory_ratio <= 0.85,
        +1, Strategy.MODERATE, Priority.MEDIUM,
    ),
    TtlRule(
        "ttl_memory_full_size_first",
        lambda f: f.hit_rate < 0.80,
        0, Strategy.HOLD, Priority.MEDIUM,
    ),
    TtlRule(
        "ttl_memory_pressure",
        lambda f: f.memory_ratio > 0.85,
        -1, Strategy.CONSERVATIVE, Priority.MEDIUM,
    ),
    TtlRule(
        "ttl_many_hits_evictions",
        lambda f: f.hit_rate > 0.90 and _memory_binds(f),
        -1, Strategy.CONSERVATIVE, Priority.LOW,
    ),
    TtlRule(
        "ttl_evictions_hold",
        _memory_binds,
        0, Strategy.HOLD, Priority.LOW,
    ),
    TtlRule(
        "ttl_cost_rises",
        lambda f: f.cost_rises and f.hit_rate <= 0.90 and f.memory_ratio <= 0.85,
        +1, Strategy.MODERATE, Priority.LOW,
    ),
    TtlRule(
        "ttl_best_state",
        lambda _: True,
        0, Strategy.HOLD, Priority.LOW,
    ),
)  # fmt: skip


def rule_for(figures: TtlFigures) -> TtlRule:
    """The first rule that holds; the last one always does."""
    return next(rule for rule in RULES if rule.holds(figures))
