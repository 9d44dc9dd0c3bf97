"""A forecast: what other TTLs would do to the hit rate of the day to come, as the replay of the days before it says."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from math import erf, log, sqrt

from lumen.model.messages import NoData, with_remedy
from lumen.model.proposal import Change, Expectation, Knob, not_predictable, number

#: Within so much (a share of the hit rate, or of the uplift where that is more) a prediction counts as right.
TOLERANCE, RELATIVE_TOLERANCE = 0.01, 0.2
Z_90 = 1.645
#: From here on a confidence is called high, and medium.
HIGH, MEDIUM = 0.8, 0.5
DAYS_A_MONTH = 30


def confidence_of(uplift: float, half: float) -> float:
    """The chance that the error stays within a point, or a fifth of the uplift, for this half of a 90 % interval."""
    allowed = max(TOLERANCE, RELATIVE_TOLERANCE * abs(uplift))
    return erf(allowed / (half / Z_90) / sqrt(2)) if half > 0 else 1.0


def confidence_word(confidence: float) -> str:
    """`high`, `medium` or `low`."""
    return "high" if confidence >= HIGH else "medium" if confidence >= MEDIUM else "low"


@dataclass(frozen=True, slots=True)
class Replayed:
    """A day (or 24 hours): lookups and writes of all keys and the hit rate that was seen, and the `accesses` that were
    replayed. By TTL (s) the uplift, half of its 90 % interval for being of a sample, and how many times as much is
    cached at once as at the present TTL."""

    on: date
    lookups: float
    hit_rate: float
    accesses: int
    writes: float
    uplifts: Mapping[int, float]
    halves: Mapping[int, float]
    cached: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Step:
    """What a TTL would add to the hit rate (a share), with half of its 90 % interval."""

    ttl_seconds: int
    uplift: float
    half: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """Against `ttl_seconds`, which is in force. `hit_rate` and `lookups_a_day` as they were seen in the newest day;
    `days` and `accesses` are what it rests on; `steps` ascending, the TTL in force among them.

    `full_from`: the TTL after the last step, at which memory would not hold what is cached; None where it holds all.
    """

    ttl_seconds: int
    hit_rate: float
    lookups_a_day: float
    call_usd: float
    days: int
    accesses: int
    steps: tuple[Step, ...]
    full_from: int | None = None

    def at(self, ttl_seconds: int) -> Step | None:
        """As it was replayed; between two replayed ones by their line, and wider by all that may lie between them: a
        longer TTL never has more misses. None beyond them."""
        for step in self.steps:
            if step.ttl_seconds == ttl_seconds:
                return step
        for low, high in pairwise(self.steps):
            if low.ttl_seconds < ttl_seconds < high.ttl_seconds:
                share = log(ttl_seconds / low.ttl_seconds) / log(high.ttl_seconds / low.ttl_seconds)
                gap = high.uplift - low.uplift
                half = max(low.half, high.half) + max(share, 1 - share) * abs(gap)
                return Step(ttl_seconds, low.uplift + share * gap, half)
        return None

    def bounds(self, step: Step) -> tuple[float, float, float]:
        """Its uplift as low, middle and high: no hit rate is below 0 or above 1."""
        ends = (step.uplift + off for off in (-step.half, 0.0, step.half))
        low, middle, high = (min(max(one, -self.hit_rate), 1 - self.hit_rate) for one in ends)
        return low, middle, high

    def usd_a_month(self, uplift: float) -> float:
        """What a rise of the hit rate adds to the cost of a month: each miss is a call."""
        return -uplift * self.lookups_a_day * DAYS_A_MONTH * self.call_usd + 0.0

    def expectation(self, change: Change) -> Expectation | NoData:
        """What a change of the TTL would do, or why there is no figure for it."""
        if change.old != self.ttl_seconds:
            return NoData(*with_remedy("forecast.moved", ttl_seconds=self.ttl_seconds))
        wanted = number(change.new)
        step = self.at(wanted)
        if step is None and self.full_from is not None and wanted > self.steps[-1].ttl_seconds:
            return NoData(*with_remedy("forecast.full", ttl_seconds=wanted))
        if step is None:
            return NoData(*with_remedy("forecast.beyond", ttl_seconds=wanted))
        low, middle, high = self.bounds(step)
        usd = self.usd_a_month(high), self.usd_a_month(middle), self.usd_a_month(low)
        return Expectation((low, middle, high), usd, confidence_of(step.uplift, step.half), self.hit_rate)


#: The last turn was made before there were forecasts.
NEXT_TURN = NoData(*with_remedy("forecast.next_turn"))


def expectation_of(forecast: Forecast | NoData | None, change: Change) -> Expectation | NoData:
    """What is expected of a change, or why nothing is."""
    if change.knob is not Knob.TTL:
        return not_predictable(change.knob)
    if forecast is None:
        return NEXT_TURN
    return forecast if isinstance(forecast, NoData) else forecast.expectation(change)
