"""Assessments of a service: scores, objectives and verdicts, each explained by its parts."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from lumen.model.messages import Message, NoData, with_remedy

#: Weights are sums of decimals: 0.30 + 0.25 + 0.20 must count as 75 %.
ROUNDING = 1e-9

#: ROI as a ratio: above the first PASS, above the second WARN.
ROI_PASS = 5.0
ROI_WARN = 3.0
#: Maturity: from the first on PASS, from the second on WARN.
MATURITY_PASS = 60.0
MATURITY_WARN = 40.0


class GateVerdict(StrEnum):
    """The verdict of a gate."""

    PASS = "PASS"
    WARN = "WARN"
    FAIL = "FAIL"
    NO_DATA = "NO_DATA"


@dataclass(frozen=True, slots=True)
class Part:
    """One ingredient of a score: the measured `value`, its `score` (0-100) and its `weight` (0-1).

    A weight of 0 is a part that does not apply now: it is shown, and counts neither as known nor as missing.
    `most`: what the part could score at most, where it has missing parts of its own; None means `score`.
    """

    name: str
    value: float | NoData
    score: float | NoData
    weight: float
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """The points that are certain: a weighted sum in which a part without data gives none.

    So a score never rises when data goes missing, whatever the part would have said. `most` is what it could be at
    most; `coverage` the share of the weight that has data.
    """

    value: float | NoData
    parts: tuple[Part, ...]
    coverage: float

    def contribution(self, part: Part) -> float | None:
        """The points that `part` gives to `value`; the contributions add up to it. None without data."""
        if isinstance(part.score, NoData) or isinstance(self.value, NoData):
            return None
        return part.score * part.weight

    @property
    def most(self) -> float:
        """The score if everything that is missing were at its best."""
        found = math.fsum(
            (100.0 if isinstance(part.score, NoData) else part.score if part.most is None else part.most) * part.weight
            for part in self.parts
        )
        return min(100.0, found)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing, neither a part nor a part of a part."""
        return not isinstance(self.value, NoData) and self.most <= self.value + ROUNDING

    @property
    def of_known(self) -> float | NoData:
        """The mean over the parts that have data, as if the others were like them: for reading, never for judging."""
        if isinstance(self.value, NoData) or self.coverage <= 0:
            return self.value
        return min(100.0, self.value / self.coverage)

    @staticmethod
    def of(parts: Iterable[Part], *, least_coverage: float, too_little: NoData) -> "Score":
        """The certain points of `parts` (weights are made to add up to 1).

        `too_little` stands for the value when they carry less than `least_coverage` of the weight, or nothing.
        """
        given = tuple(parts)
        total = math.fsum(part.weight for part in given) or 1.0
        shares = tuple(replace(part, weight=part.weight / total) for part in given)
        known = [(part.score, part.weight) for part in shares if not isinstance(part.score, NoData)]
        coverage = min(1.0, math.fsum(weight for _, weight in known))
        if not known or coverage < least_coverage - ROUNDING:
            return Score(too_little, shares, coverage)
        points = math.fsum(score * weight for score, weight in known)
        return Score(min(100.0, max(0.0, points)), shares, coverage)


@dataclass(frozen=True, slots=True)
class PartMove:
    """Points that one part gave to a score in the turn before and gives now; None where it had no data."""

    name: str
    before: float | None
    now: float | None

    @property
    def points(self) -> float:
        """Points by which it moved the score: a part that went missing takes its points with it."""
        return (self.now or 0.0) - (self.before or 0.0)


@dataclass(frozen=True, slots=True)
class ScoreMove:
    """The change of a score since the turn that began at `since`: the moves of its parts add up to its own.

    `score` is gate, slo or maturity; a side without a score is None.
    """

    score: str
    since: datetime
    before: float | None
    now: float | None
    parts: tuple[PartMove, ...]


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

    @property
    def verdict(self) -> GateVerdict:
        """FAIL where it alerts, WARN where it is only missed."""
        if self.met is None:
            return GateVerdict.NO_DATA
        if self.met:
            return GateVerdict.PASS
        return GateVerdict.FAIL if self.alert else GateVerdict.WARN

    @property
    def burn(self) -> float | NoData | None:
        """The burn rate: the bad share over the share that the target allows; None where it allows none."""
        if isinstance(self.good_ratio, NoData):
            return self.good_ratio
        return (1 - self.good_ratio) / (1 - self.target) if self.target < 1 else None


NO_PACE = NoData(*with_remedy("budget.no_pace"))


@dataclass(frozen=True, slots=True)
class ErrorBudget:
    """The error budget of one objective over `window_days`, counted in events of the known slices alone.

    `allowed` bad events of `valid` ones, counted over `known_days`.
    """

    name: str
    target: float
    window_days: int
    known_days: float
    valid: int
    bad: int
    allowed: float
    #: The share that is left: 1 untouched, 0 spent, negative overspent. NoData below 75 % of the window.
    remaining: float | NoData
    #: The same over the days that are known, however few; NoData below one day.
    remaining_of_known: float | NoData
    shown: Message
    #: How many times faster than the target allows it is spent today and yesterday (UTC).
    burn: float | NoData = NO_PACE
    #: In how many days it is spent if each goes like these; None: never, spent already, or not known.
    lasts_days: float | None = None
    #: Of one that is spent: in how many days something is left again. None: never, not spent, or not known.
    back_days: float | None = None


@dataclass(frozen=True, slots=True)
class SloAssessment:
    objectives: tuple[Objective, ...]
    compliance: Score
    verdict: GateVerdict
    budgets: tuple[ErrorBudget, ...] = ()


@dataclass(frozen=True, slots=True)
class RoiAssessment:
    """`roi` is a ratio: 20.3675 means 2036.75 %. Money is over 30 days.

    `assumed`: which prices are defaults that nobody has set; None where it rests on none.
    """

    savings_usd: float | NoData
    cost_usd: float
    roi: float | NoData
    score: float | NoData
    verdict: GateVerdict
    shown: Message
    assumed: Message | None = None


@dataclass(frozen=True, slots=True)
class MaturityAssessment:
    score: Score
    level: int | None
    verdict: GateVerdict


class RhythmState(StrEnum):
    RESONANT = "RESONANT"
    DISSONANT = "DISSONANT"
    CHAOTIC = "CHAOTIC"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class RhythmAssessment:
    """The cost rhythm: spending against demand (docs/scores.md). Figures are None while the state is UNKNOWN.

    `assumed`: which of the prices that costs are estimated with nobody has set; None: all are set.
    """

    state: RhythmState
    reason: Message
    coherence: float | None = None
    phase: float | None = None
    entropy: float | None = None
    budget_share: float | None = None
    forecast_usd: float | None = None
    assumed: Message | None = None


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
    """The columns of the cache table (docs/scores.md, Cache)."""

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
    """The one gate score. `partial`: computed from a part of the figures, and nothing automatic is done on it."""

    score: Score
    partial: bool
    health: HealthLevel
    health_reason: Message
    verdict: GateVerdict


@dataclass(frozen=True, slots=True)
class Assessment:
    slo: SloAssessment
    roi: RoiAssessment
    maturity: MaturityAssessment
    rhythm: RhythmAssessment
    cache: CacheAssessment
    gate: UnifiedGate


@dataclass(frozen=True, slots=True)
class Before:
    """Figures of the turn that began at `since` that have no points to move. `roi` is a ratio, None if not known."""

    since: datetime
    health: HealthLevel
    roi: float | None
    rhythm: RhythmState
    cache: CacheHealth
