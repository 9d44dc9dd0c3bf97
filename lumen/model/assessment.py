"""How good it is: every figure explains itself by its parts."""

from dataclasses import dataclass
from enum import StrEnum

from lumen.model.message import Message
from lumen.model.nodata import NoData


class Verdict(StrEnum):
    """The word of a gate."""

    PASS = "PASS"
    WARN = "WARN"
    FAIL = "FAIL"
    NO_DATA = "NO_DATA"


@dataclass(frozen=True, slots=True)
class Part:
    """One ingredient of a score: the measured `value`, its `score` (0-100) and its `weight` (0-1)."""

    name: str
    value: float | NoData
    score: float | NoData
    weight: float


@dataclass(frozen=True, slots=True)
class Score:
    """A weighted mean of the parts that have data. `coverage` is the share of the weight that they carry."""

    value: float | NoData
    parts: tuple[Part, ...]
    coverage: float

    def contribution(self, part: Part) -> float | None:
        """The points that `part` gives to `value`; the contributions add up to it. None without data."""
        if isinstance(part.score, NoData) or self.coverage <= 0:
            return None
        return part.score * part.weight / self.coverage


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
