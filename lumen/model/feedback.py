"""The feedback graph: which knob and which metric moves which metric, by how much, and how anybody knows.

Units by the target of an edge: `hit_rate` moves by shares of all lookups (0.05: five points), `cost_usd_a_month` by
USD, every other metric by ratios of itself (0.10: ten per cent more).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce

from lumen.model.forecast import DAYS_A_MONTH
from lumen.model.messages import Message, message
from lumen.model.proposal import Knob

HIT_RATE, CALLS, COST = "hit_rate", "calls", "cost_usd_a_month"
REQUESTS, P95 = "requests_per_hour", "p95_ms"
#: Below so many measured changes, and below so many days, nothing is drawn.
LEAST_CHANGES, LEAST_DAYS = 3, 7
#: How far a metric is moved where an edge begins at it: a point of the hit rate, a tenth of anything else.
STEPS = {HIT_RATE: 0.01}
USUAL_STEP = 0.1


def listed(named: Sequence[Message]) -> Message:
    """`a, b, c`. Raises TypeError for none."""
    return reduce(lambda left, right: message("graph.list", left=left, right=right), named)


def unit_of(metric: str) -> str:
    """`share` (of all lookups), `usd_a_month`, or `ratio` of itself."""
    return {HIT_RATE: "share", COST: "usd_a_month"}.get(metric, "ratio")


class By(StrEnum):
    """The evidence of an edge. COINCIDES and REGRESSION are no causes: drawn dashed, they decide nothing."""

    VERDICTS = "verdicts"
    REPLAY = "replay"
    IDENTITY = "identity"
    COINCIDES = "coincides"
    REGRESSION = "regression"


_DASHED = frozenset({By.COINCIDES, By.REGRESSION})
_KNOBS = frozenset(Knob)


@dataclass(frozen=True, slots=True)
class Edge:
    """A move of `source` by `step` moves `target` by `effect`, with its 90 % interval.

    `step` is in the `unit` of a knob, else as a target's. `rests_on`: measured changes for VERDICTS and COINCIDES,
    else days. `next_low` to `next_high`: where the effect of one more such change will lie, 90 % of the time.
    """

    source: str
    target: str
    by: By
    step: float
    effect: float
    low: float
    high: float
    rests_on: int
    unit: str = ""
    next_low: float | None = None
    next_high: float | None = None

    @property
    def is_of_knob(self) -> bool:
        """Whether a knob moves it, and not another metric."""
        return self.source in _KNOBS

    @property
    def is_of_changes(self) -> bool:
        """Whether it rests on changes, and not on days."""
        return self.by in (By.VERDICTS, By.COINCIDES)

    @property
    def is_dashed(self) -> bool:
        """Whether it says what went together, not what moved what."""
        return self.by in _DASHED

    @property
    def is_clear(self) -> bool:
        """Whether its interval leaves out that nothing moves."""
        return self.low > 0 or self.high < 0 or (self.by is By.IDENTITY and self.effect != 0)


@dataclass(frozen=True, slots=True)
class Level:
    """The cache over the newest `days` whole days that are known, from which identities are worked out.

    `call_usd`: what a call costs that misses the cache; 0 where there is no price.
    """

    hit_rate: float
    lookups_a_day: float
    days: int
    call_usd: float

    def after(self, edge: Edge) -> tuple[Edge, ...]:
        """The edges that follow one to the hit rate by arithmetic: each miss is a call, each call has its price.

        Empty for any other edge; without the cost where nothing has a price, without both where nothing misses.
        """
        if edge.target != HIT_RATE or self.hit_rate >= 1 or not self.lookups_a_day:
            return ()
        ends = edge.effect, edge.low, edge.high
        calls, most, least = (-_within(-self.hit_rate, one, 1 - self.hit_rate) / (1 - self.hit_rate) for one in ends)
        found = Edge(HIT_RATE, CALLS, By.IDENTITY, edge.effect, calls, least, most, self.days)
        if not self.call_usd:
            return (found,)
        month = self.lookups_a_day * (1 - self.hit_rate) * DAYS_A_MONTH * self.call_usd
        return found, Edge(CALLS, COST, By.IDENTITY, calls, month * calls, month * least, month * most, self.days)


def _within(low: float, value: float, high: float) -> float:
    return min(max(low, value), high)


@dataclass(frozen=True, slots=True)
class Feedback:
    """Of one service. `lacking`: what is not drawn, and what it still needs; `level` None where too little is known."""

    edges: tuple[Edge, ...]
    lacking: tuple[Message, ...]
    level: Level | None = None

    @property
    def nodes(self) -> Mapping[str, str]:
        """Each knob and metric that an edge touches, with which of the two it is."""
        named = dict.fromkeys(name for one in self.edges for name in (one.source, one.target))
        return {name: "knob" if name in _KNOBS else "metric" for name in named}

    @property
    def chains(self) -> tuple[tuple[Edge, ...], ...]:
        """Each edge from a knob with what follows it by arithmetic; those that decide something first."""
        found = sorted((one for one in self.edges if one.is_of_knob), key=lambda one: one.is_dashed)
        return tuple((one, *self._after(one)) for one in found)

    def usual(self) -> tuple[Edge, ...]:
        """The chain that a card tells of a change: what changes did, else what the replay says; of what is clear alone.

        Empty where there is none.
        """
        clear = [one for one in self.chains if one[0].is_clear and not one[0].is_dashed]
        return min(clear, key=lambda one: (one[0].target != HIT_RATE, one[0].by is not By.VERDICTS), default=())

    def _after(self, edge: Edge) -> tuple[Edge, ...]:
        return () if self.level is None or edge.is_dashed or not edge.is_clear else self.level.after(edge)
