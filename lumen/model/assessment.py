"""How good it is: every figure explains itself by its parts."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from lumen.model.message import Message
from lumen.model.nodata import NoData

#: Weights are sums of decimals: 0.30 + 0.25 + 0.20 must count as 75 %.
ROUNDING = 1e-9


class Verdict(StrEnum):
    """The word of a gate."""

    PASS = "PASS"
    WARN = "WARN"
    FAIL = "FAIL"
    NO_DATA = "NO_DATA"


@dataclass(frozen=True, slots=True)
class Part:
    """One ingredient of a score: the measured `value`, its `score` (0-100) and its `weight` (0-1).

    `certain`: the points of it that hold whatever its own missing parts turn out to be; None means all of `score`.
    """

    name: str
    value: float | NoData
    score: float | NoData
    weight: float
    certain: float | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """A weighted mean of the parts that have data. `coverage` is the share of the weight that they carry."""

    value: float | NoData
    parts: tuple[Part, ...]
    coverage: float

    def contribution(self, part: Part) -> float | None:
        """The points that `part` gives to `value`; the contributions add up to it. None without data."""
        if isinstance(part.score, NoData) or isinstance(self.value, NoData):
            return None
        return part.score * part.weight / self.coverage

    @property
    def floor(self) -> float:
        """The points that are certain: what is missing counts as 0. It never rises when data goes missing."""
        return sum(
            (part.score if part.certain is None else part.certain) * part.weight
            for part in self.parts
            if not isinstance(part.score, NoData)
        )

    @staticmethod
    def of(parts: Iterable[Part], *, least_coverage: float, too_little: NoData) -> "Score":
        """The mean of `parts` (weights are made to add up to 1) over those that have data.

        `too_little` stands for the value when they carry less than `least_coverage` of the weight, or nothing.
        """
        given = tuple(parts)
        total = math.fsum(part.weight for part in given)
        shares = tuple(replace(part, weight=part.weight / total) for part in given)
        known = [(part.score, part.weight) for part in shares if not isinstance(part.score, NoData)]
        coverage = min(1.0, math.fsum(weight for _, weight in known))
        if not known or coverage < least_coverage - ROUNDING:
            return Score(too_little, shares, coverage)
        mean = math.fsum(score * weight for score, weight in known) / math.fsum(weight for _, weight in known)
        return Score(min(100.0, max(0.0, mean)), shares, coverage)


@dataclass(frozen=True, slots=True)
class Objective:
    """One SLO: `good_ratio` of `valid` events against `target`; `score` = 100 min(1, allowed bad / observed bad)."""

    name: str
    target: float
    good_ratio: float | NoData
    valid: int
    met: bool | None
    alert: bool
    score: float | NoData
    shown: Message


@dataclass(frozen=True, slots=True)
class SloAssessment:
    objectives: tuple[Objective, ...]
    compliance: Score
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class RoiAssessment:
    """`roi` is a ratio: 20.3675 means 2036.75 %. Money is over 30 days."""

    savings_usd: float | NoData
    cost_usd: float
    roi: float | NoData
    score: float | NoData
    verdict: Verdict
    shown: Message


@dataclass(frozen=True, slots=True)
class MaturityAssessment:
    score: Score
    level: int | None
    verdict: Verdict


class RhythmState(StrEnum):
    RESONANT = "RESONANT"
    DISSONANT = "DISSONANT"
    CHAOTIC = "CHAOTIC"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class RhythmAssessment:
    """Does spending follow the pulse of the service? Figures are None while the state is UNKNOWN."""

    state: RhythmState
    reason: Message
    coherence: float | None
    phase: float | None
    entropy: float | None
    budget_share: float | None
    forecast_usd: float | None


class CacheHealth(StrEnum):
    OPTIMAL = "OPTIMAL"
    GOOD = "GOOD"
    DEGRADED = "DEGRADED"
    POOR = "POOR"
    FAILED = "FAILED"
    NO_DATA = "NO_DATA"


class CacheAction(StrEnum):
    INCREASE_TTL = "INCREASE_TTL"
    DECREASE_TTL = "DECREASE_TTL"
    SCALE_UP = "SCALE_UP"
    SCALE_DOWN = "SCALE_DOWN"
    MAINTAIN = "MAINTAIN"


class Grade(StrEnum):
    """The columns of mission 3.5."""

    GOOD = "good"
    WATCH = "watch"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class CacheFinding:
    """One row of the cache table: its figure and grade, or why there is none."""

    name: str
    value: float | NoData
    grade: Grade | None


@dataclass(frozen=True, slots=True)
class CacheAssessment:
    health: CacheHealth
    action: CacheAction
    findings: tuple[CacheFinding, ...]
    #: Why this health, and why this action.
    health_reason: Message
    action_reason: Message


class HealthLevel(StrEnum):
    EXCELLENT = "EXCELLENT"
    GOOD = "GOOD"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"
    NO_DATA = "NO_DATA"


@dataclass(frozen=True, slots=True)
class UnifiedGate:
    """The one gate score (v1.7). `partial`: computed from what there is, and nothing automatic from it."""

    score: Score
    partial: bool
    health: HealthLevel
    health_reason: Message
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Assessment:
    slo: SloAssessment
    roi: RoiAssessment
    maturity: MaturityAssessment
    rhythm: RhythmAssessment
    cache: CacheAssessment
    gate: UnifiedGate
