"""The simulated service, drawn from a seed, and its requests, which are the same whatever Lumen does."""

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from lumen.model.history import SLICES_A_DAY
from lumen.model.snapshot import SLICE_SECONDS
from lumen.verification.incidents import SimulatedIncident, Trouble, log_uniform

Floats = NDArray[np.float64]
SECONDS_A_MONTH = 30 * 86_400
MOST_TOPICS = 60_000
FEWEST_TOPICS = 40
#: More requests a second are not simulated one by one.
MOST_PER_SECOND = 10.0
#: One service in so many answers questions whose answers change within minutes: long lives of keys hurt there.
FAST_CONTENT_SHARE = 0.1
#: Half of the services lose nothing by an outdated answer, half have a bill that Lumen sees; one in eight is for office
#: hours, one in four has a job that comes often.
STALE_COSTS_SHARE, STALE_USD_PER_1000 = 0.5, (0.02, 0.5)
#: Of those where it costs something, so many teams have said what.
TOLD_SHARE = 0.5
#: Of those where Lumen goes by its estimate, so many have a bill in won.
WON_SHARE = 0.5
ESTIMATED_SHARE, OFFICE_SHARE, CRON_SHARE = 0.5, 0.125, 0.25
CRON_MINUTES, CRON_DEMAND = (15, 30, 60), (0.3, 1.5)
HOLIDAYS = 0.03
#: Of the demand in office hours.
OUT_OF_OFFICE = 0.02
OFFICE_HALF_HOURS = 5
CACHE_SIZES_MB = (128, 256, 256, 256, 384, 512)
TTLS_SECONDS = (120, 180, 300, 300, 300, 420)


@dataclass(frozen=True, slots=True)
class Profile:
    """One service. Rates a second, times in seconds, money in USD, sizes in MB; shares are 0-1."""

    seed: int
    requests_per_second: float
    #: Of the day's mean: how far its wave swings, and at which hour (UTC) it peaks; weekends against weekdays.
    daily_swing: float
    peak_hour: float
    weekend: float
    #: Of the requests that ask the cache.
    cached_share: float
    topics: int
    zipf: float
    #: A topic is replaced by a new one after so long.
    topic_life_seconds: float
    #: An answer is out of date after about so long; who gets such a one asks again with this chance, past the cache.
    answer_life_seconds: float
    asks_again: float
    entry_mb: float
    other_data_mb: float
    cache_mb: int
    ttl_seconds: int
    hit_ms: float
    model_ms: float
    uncached_ms: float
    error_share: float
    model_call_usd: float
    budget_usd: float = 200.0
    cache_usd_per_mb_month: float = 0.0365625
    #: What a thousand outdated answers cost beside the bill: wrong orders, lost trust. Lumen cannot measure it.
    stale_usd_per_1000: float = 0.0
    #: 1: the team has told Lumen what age costs (STALENESS_COST_PER_1000), else 0.
    staleness_told: int = 0
    #: 1: what Lumen sees of the cost is its own estimate, for there is no bill, else 0.
    estimated_cost: int = 0
    #: 1: the bill comes in won. Lumen converts no amounts and goes by its estimate, else 0.
    billed_in_won: int = 0
    #: 1: people come in ten hours of working days around the peak, and hardly anybody else, else 0.
    office_hours: int = 0
    #: A job comes every so many minutes (0: none), in whose slices there is so much more demand, of the day's mean.
    cron_minutes: int = 0
    cron_share: float = 0.0
    #: Of the working days, those that are like a weekend.
    holidays: float = 0.0

    @property
    def goes_by_estimate(self) -> bool:
        """Whether Lumen sees no bill that it can count."""
        return bool(self.estimated_cost or self.billed_in_won)

    @property
    def stale_usd_at_an_hour(self) -> float:
        """The cost of an answer that is an hour old, as it may be out of date by then; age costs in proportion."""
        return self.stale_usd_per_1000 / 1000 * -math.expm1(-3600 / self.answer_life_seconds)

    @property
    def stands_for(self) -> int:
        """The requests that each simulated one stands for: a busy service is simulated by a sample of its topics."""
        return max(1, math.ceil(self.requests_per_second / MOST_PER_SECOND))


def draw_profile(seed: int) -> Profile:
    """Ranges are published in docs/verify.md; what follows from them is calibrated once, here."""
    dice = np.random.default_rng([seed, 1])
    rate = log_uniform(dice, 0.8, 3.0)
    cached = float(dice.uniform(0.75, 0.95))
    zipf = float(dice.uniform(0.7, 1.05))
    ttl = int(dice.choice(TTLS_SECONDS))
    wanted_hits = float(dice.uniform(0.50, 0.86))
    topics = _topics_for(rate * cached, ttl, zipf, wanted_hits)
    cache_mb = int(dice.choice(CACHE_SIZES_MB))
    used, others = float(dice.uniform(0.40, 1.05)), float(dice.uniform(0.05, 0.25))
    alive = float(_alive(popularity(topics, zipf), rate * cached, ttl).sum())
    fast = bool(dice.random() < FAST_CONTENT_SHARE)
    monthly_calls = rate * SECONDS_A_MONTH * (1 - cached * wanted_hits)
    return Profile(
        seed=seed,
        requests_per_second=rate,
        daily_swing=float(dice.uniform(0.2, 0.55)),
        peak_hour=float(dice.uniform(0, 24)),
        weekend=float(dice.uniform(0.65, 1.0)),
        cached_share=cached,
        topics=topics,
        zipf=zipf,
        topic_life_seconds=log_uniform(dice, 1.0, 10.0) * 86_400,
        answer_life_seconds=(log_uniform(dice, 8, 25) if fast else log_uniform(dice, 240, 6000)) * 60,
        asks_again=float(dice.uniform(0.5, 0.9)) if fast else float(dice.uniform(0.1, 0.4)),
        entry_mb=max(0.2, used - others) * cache_mb / alive,
        other_data_mb=others * cache_mb,
        cache_mb=cache_mb,
        ttl_seconds=ttl,
        hit_ms=log_uniform(dice, 15, 45),
        model_ms=log_uniform(dice, 120, 400),
        uncached_ms=log_uniform(dice, 30, 80),
        error_share=log_uniform(dice, 0.00005, 0.0005),
        model_call_usd=float(dice.uniform(70, 150)) / monthly_calls,
        **_circumstances(seed),
    )


class _Circumstances(TypedDict):
    stale_usd_per_1000: float
    staleness_told: int
    estimated_cost: int
    billed_in_won: int
    office_hours: int
    cron_minutes: int
    cron_share: float
    holidays: float


def _circumstances(seed: int) -> _Circumstances:
    """The circumstances that make one service harder to judge than another."""
    dice = np.random.default_rng([seed, 8])
    stale, estimated, office, cron = dice.random(4) < (STALE_COSTS_SHARE, ESTIMATED_SHARE, OFFICE_SHARE, CRON_SHARE)
    minutes, demand = int(dice.choice(CRON_MINUTES)), log_uniform(dice, *CRON_DEMAND)
    return {
        "stale_usd_per_1000": log_uniform(dice, *STALE_USD_PER_1000) if stale else 0.0,
        "staleness_told": int(stale and np.random.default_rng([seed, 15]).random() < TOLD_SHARE),
        "estimated_cost": int(estimated),
        "billed_in_won": int(estimated and np.random.default_rng([seed, 16]).random() < WON_SHARE),
        "office_hours": int(office),
        "cron_minutes": minutes if cron else 0,
        "cron_share": demand if cron else 0.0,
        "holidays": HOLIDAYS,
    }


def popularity(topics: int, zipf: float) -> Floats:
    """The share of the lookups of each topic, most asked first."""
    weights = np.arange(1, topics + 1, dtype=np.float64) ** -zipf
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _alive(shares: Floats, per_second: float, ttl_seconds: float) -> Floats:
    """Probability that each topic's answer is in the cache: absent for a gap on average, then there for its TTL."""
    asked = shares * per_second * ttl_seconds
    return np.asarray(asked / (1 + asked), dtype=np.float64)


def _topics_for(per_second: float, ttl_seconds: float, zipf: float, hit_rate: float) -> int:
    """Number of topics that makes the wanted hit rate at the mean demand."""
    low, high = float(np.log(FEWEST_TOPICS)), float(np.log(MOST_TOPICS))
    for _ in range(30):
        middle = (low + high) / 2
        shares = popularity(round(float(np.exp(middle))), zipf)
        if float((shares * _alive(shares, per_second, ttl_seconds)).sum()) > hit_rate:
            low = middle
        else:
            high = middle
    return round(float(np.exp(low)))


DAY_SECONDS = 86_400
#: Days are drawn whole; so many are kept.
DAYS_KEPT = 4
#: Standard deviation of the demand of an hour, and how long such a mood lasts.
MOOD = 0.08
MOOD_HOURS = 6.0
#: Demand of a single slice: gamma noise of this coefficient of variation.
SCATTER = 0.06
#: Topics of a rank are replaced at different times; keys of the same rank differ by this many in number.
GENERATIONS = 1_000_000


@dataclass(frozen=True, slots=True)
class Arrivals:
    """One slice of five minutes, in order of time. `keys` is -1 where the cache is not asked."""

    times: NDArray[np.float64]
    keys: NDArray[np.int64]


class Demand:
    """Draws a day of requests at a time."""

    def __init__(self, profile: Profile, incidents: Sequence[SimulatedIncident], days: int) -> None:
        self._profile = profile
        self._flashes = [one for one in incidents if one.trouble is Trouble.FLASH]
        #: A sample of the topics, where each request stands for several.
        self._topics = max(min(profile.topics, FEWEST_TOPICS), profile.topics // profile.stands_for)
        self._popular = np.cumsum(popularity(self._topics, profile.zipf))
        holidays = np.random.default_rng([profile.seed, 10]).random(days + 2) < profile.holidays
        self._holidays = np.flatnonzero(holidays)
        self._mood = _mood(profile.seed, 24 * (days + 2))
        self._days: OrderedDict[int, list[Arrivals]] = OrderedDict()

    def slice(self, index: int) -> Arrivals:
        """The requests of slice `index` since the world began."""
        day, of_day = divmod(index, SLICES_A_DAY)
        if day not in self._days:
            self._days[day] = self._draw(day)
            while len(self._days) > DAYS_KEPT:
                self._days.popitem(last=False)
        return self._days[day][of_day]

    def per_second(self, at: NDArray[np.float64]) -> NDArray[np.float64]:
        """The mean rate at each instant (seconds since the world began, which was a Monday at midnight)."""
        p = self._profile
        angle = 2 * np.pi * (at / 3600 - p.peak_hour) / 24
        shape = 1 + p.daily_swing * np.cos(angle) + 0.2 * p.daily_swing * np.sin(2 * angle)
        day = at // DAY_SECONDS
        is_off = (day % 7 >= 5) | np.isin(day, self._holidays)
        shape *= np.where(is_off, p.weekend, 1.0)
        if p.office_hours:
            from_peak = np.abs((at / 3600 - p.peak_hour + 12) % 24 - 12)
            shape *= np.where((from_peak < OFFICE_HALF_HOURS) & ~is_off, 1.0, OUT_OF_OFFICE)
        if p.cron_minutes:
            shape += np.where(at % (p.cron_minutes * 60) < SLICE_SECONDS, p.cron_share, 0.0)
        shape *= np.exp(np.interp(at / 3600, np.arange(len(self._mood)), self._mood))
        for flash in self._flashes:
            shape *= np.where((at >= flash.start) & (at < flash.end), flash.size, 1.0)
        return np.asarray(p.requests_per_second * shape, dtype=np.float64)

    def _draw(self, day: int) -> list[Arrivals]:
        p = self._profile
        dice = np.random.default_rng([p.seed, 3, day])
        starts = day * DAY_SECONDS + np.arange(SLICES_A_DAY, dtype=np.float64) * SLICE_SECONDS
        noise = dice.gamma(SCATTER**-2, SCATTER**2, SLICES_A_DAY)
        counts = dice.poisson(self.per_second(starts + SLICE_SECONDS / 2) / p.stands_for * SLICE_SECONDS * noise)
        times = np.sort(np.repeat(starts, counts) + dice.random(counts.sum()) * SLICE_SECONDS)
        ranks = np.searchsorted(self._popular, dice.random(len(times)), side="right")
        ranks = np.minimum(ranks, self._topics - 1)
        life = p.topic_life_seconds
        generation = ((times + (ranks * 0.618034 % 1) * life) // life).astype(np.int64)
        keys = np.where(dice.random(len(times)) < p.cached_share, ranks + GENERATIONS * generation, -1)
        ends = np.cumsum(counts)
        return [Arrivals(times[e - n : e], keys[e - n : e]) for e, n in zip(ends, counts, strict=True)]


def _mood(seed: int, hours: int) -> NDArray[np.float64]:
    """Slow noise on the logarithm of demand."""
    memory = float(np.exp(-1 / MOOD_HOURS))
    values, value = np.empty(hours), 0.0
    for i, step in enumerate(np.random.default_rng([seed, 4]).normal(0, MOOD * np.sqrt(1 - memory**2), hours)):
        value = memory * value + step
        values[i] = value
    return values
