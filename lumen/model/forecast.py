"""A forecast: what other TTLs would do to the hit rate of the day to come, as the replay of the days before it says."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise
from math import erf, hypot, log, sqrt

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


class Method(StrEnum):
    """The ways to compute a prediction."""

    REPLAY = "replay"
    REPLAY_LRU = "replay_lru"
    MISSES = "misses"


@dataclass(frozen=True, slots=True)
class Prices:
    """USD of a call, which each miss makes, and of an answer that is an hour old: in proportion of any other age."""

    call_usd: float
    stale_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of a TTL against the present one: what it adds to the hit rate (a share) and to the `staleness`, each with half
    of its 90 % interval for being of a sample; and how many times as much is cached at once.

    Staleness: how old answers from the cache are, in hours, over all lookups (an answer that is fetched counts 0).
    """

    uplift: float
    half: float = 0.0
    cached: float = 1.0
    staleness: float = 0.0
    staleness_half: float = 0.0


@dataclass(frozen=True, slots=True)
class Gain:
    """A rise of the hit rate (a share), with half of its 90 % interval for being of a sample."""

    uplift: float
    half: float = 0.0


@dataclass(frozen=True, slots=True)
class Bounded:
    """A day in the cache's own memory: seen less replayed misses (a share of the lookups), whether memory `binds`, and
    what other TTLs (s) and sizes (MB) add to the hit rate: those that hold enough entries to tell. `entries`: how many
    the present ones hold; `is_told`: whether that is enough; `explained`: the share of the memory in use that what was
    reported takes at most."""

    residual: float
    binds: bool
    at: Mapping[int, Gain]
    sizes: Mapping[int, Gain]
    entries: int = 0
    is_told: bool = True
    explained: float = 1.0


@dataclass(frozen=True, slots=True)
class SizeStep:
    """A size: its effect on the hit rate, with half of its 90 % interval, and its price of a month above that of the
    size in force."""

    size_mb: int
    uplift: float
    half: float
    added_usd: float


#: The last turn was made before sizes were predicted.
NO_SIZES = NoData(*with_remedy("forecast.no_sizes"))


@dataclass(frozen=True, slots=True)
class Replayed:
    """A day (or 24 hours): lookups and writes of all keys and the hit rate that was seen, the `accesses` that were
    replayed, the staleness at the present TTL, and what becomes of it at others (s)."""

    on: date
    lookups: float
    hit_rate: float
    accesses: int
    writes: float
    at: Mapping[int, Outcome]
    staleness: float = 0.0
    #: How many keys were asked for.
    keys: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """A TTL: its effect on the hit rate (a share) and on the staleness (hours a lookup), each with half of its 90 %
    interval; and how many times as much is cached at once."""

    ttl_seconds: int
    uplift: float
    half: float
    staleness: float = 0.0
    staleness_half: float = 0.0
    cached: float = 1.0


@dataclass(frozen=True, slots=True)
class BackTest:
    """A forecast of a day that is over: the uplift that it said of a TTL, with its 90 % interval, and what `came`."""

    on: date
    ttl_seconds: int
    low: float
    middle: float
    high: float
    came: float

    @property
    def is_within(self) -> bool:
        """Whether it lay in the interval."""
        return self.low <= self.came <= self.high


@dataclass(frozen=True, slots=True)
class Forecast:
    """Against `ttl_seconds`, which is in force. `hit_rate` and `lookups_a_day` as they were seen in the newest day;
    `days` and `accesses` are what it rests on; `steps` ascending, the TTL in force among them.

    `full_from`: the TTL after the last step, at which memory would not hold what is cached; None where it holds all.
    `staleness`: of the newest day (`Outcome`); `stale_usd`: what an answer costs that is an hour old.
    `sizes` at this TTL, or why nothing is known of them. `back_tests`: forecasts of the days before, the newest ten.
    `keys`: how many were asked for in the newest day; 0: nobody knows.
    """

    ttl_seconds: int
    hit_rate: float
    lookups_a_day: float
    call_usd: float
    days: int
    accesses: int
    steps: tuple[Step, ...]
    full_from: int | None = None
    staleness: float = 0.0
    stale_usd: float = 0.0
    back_tests: tuple[BackTest, ...] = ()
    method: Method = Method.REPLAY
    sizes: tuple[SizeStep, ...] | NoData = NO_SIZES
    keys: int = 0

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
                staler, more = high.staleness - low.staleness, high.cached - low.cached
                stale_half = max(low.staleness_half, high.staleness_half) + max(share, 1 - share) * abs(staler)
                staleness, cached = low.staleness + share * staler, low.cached + share * more
                return Step(ttl_seconds, low.uplift + share * gap, half, staleness, stale_half, cached)
        return None

    def bounds(self, step: Step) -> tuple[float, float, float]:
        """Its uplift as low, middle and high: no hit rate is below 0 or above 1."""
        ends = (step.uplift + off for off in (-step.half, 0.0, step.half))
        low, middle, high = (min(max(one, -self.hit_rate), 1 - self.hit_rate) for one in ends)
        return low, middle, high

    def hit_rates(self, step: Step) -> tuple[float, float, float]:
        """The hit rate at it, as low, middle and high."""
        low, middle, high = (self.hit_rate + uplift for uplift in self.bounds(step))
        return low, middle, high

    @property
    def lookups_a_month(self) -> float:
        return self.lookups_a_day * DAYS_A_MONTH

    def calls_a_month(self, step: Step) -> tuple[float, float, float]:
        """The calls that it adds in a month, as low, middle and high: each miss is a call."""
        least, middle, most = (-uplift * self.lookups_a_month + 0.0 for uplift in reversed(self.bounds(step)))
        return least, middle, most

    def stale_usd_a_month(self, step: Step) -> float:
        """The cost of older answers in a month (USD)."""
        return step.staleness * self.lookups_a_month * self.stale_usd

    def usd_a_month(self, step: Step) -> tuple[float, float, float]:
        """The cost that it adds in a month, as low, middle and high: its calls, and the age of answers."""
        least, calls, most = (calls * self.call_usd for calls in self.calls_a_month(step))
        middle = calls + self.stale_usd_a_month(step)
        aged = step.staleness_half * self.lookups_a_month * self.stale_usd
        return middle - hypot(calls - least, aged), middle, middle + hypot(most - calls, aged)

    @property
    def cheapest(self) -> Step:
        """The step that costs least in the middle, the shortest of those; the present one where none saves."""
        return min(self.steps, key=lambda step: (self.usd_a_month(step)[1], step.ttl_seconds))

    def expectation(self, change: Change) -> Expectation | NoData:
        """The effect of a change of the TTL, or why there is no figure for it."""
        if change.old != self.ttl_seconds:
            return NoData(*with_remedy("forecast.moved", ttl_seconds=self.ttl_seconds))
        wanted = number(change.new)
        step = self.at(wanted)
        if step is None and self.method is Method.MISSES and wanted < self.ttl_seconds:
            return NoData(*with_remedy("forecast.needs_accesses"))
        if step is None and self.full_from is not None and wanted > self.steps[-1].ttl_seconds:
            return NoData(*with_remedy("forecast.full", ttl_seconds=wanted))
        if step is None:
            return NoData(*with_remedy("forecast.beyond", ttl_seconds=wanted))
        confidence = confidence_of(step.uplift, step.half)
        stale_usd = self.stale_usd_a_month(step)
        calls = self.calls_a_month(step)
        return Expectation(self.bounds(step), self.usd_a_month(step), confidence, self.hit_rate, calls, stale_usd)

    def size_step(self, size_mb: int) -> SizeStep | None:
        """As it was replayed; None for a size that was not."""
        found = () if isinstance(self.sizes, NoData) else self.sizes
        return next((one for one in found if one.size_mb == size_mb), None)

    def of_size(self, change: Change) -> Expectation | NoData:
        """The effect of a change of the size: its calls and its price; or why there is no figure for it."""
        if isinstance(self.sizes, NoData):
            return self.sizes
        step = self.size_step(number(change.new))
        if step is None or self.size_step(number(change.old)) is None:
            return NoData(*with_remedy("forecast.other_size", size_mb=number(change.new)))
        as_ttl = Step(self.ttl_seconds, step.uplift, step.half)
        calls = self.calls_a_month(as_ttl)
        low, middle, high = (one * self.call_usd + step.added_usd for one in calls)
        confidence = confidence_of(step.uplift, step.half)
        return Expectation(self.bounds(as_ttl), (low, middle, high), confidence, self.hit_rate, calls)


#: The last turn was made before there were forecasts.
NEXT_TURN = NoData(*with_remedy("forecast.next_turn"))


def expectation_of(forecast: Forecast | NoData | None, change: Change) -> Expectation | NoData:
    """The expected effect of a change, or why none is."""
    if change.knob not in (Knob.TTL, Knob.CACHE_SIZE):
        return not_predictable(change.knob)
    if forecast is None:
        return NEXT_TURN
    if isinstance(forecast, NoData):
        return forecast
    return forecast.expectation(change) if change.knob is Knob.TTL else forecast.of_size(change)
