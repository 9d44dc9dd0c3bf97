"""The simulated ION, five minutes at a time. It is told what to change, and shows what a real one would show.

Every random number belongs to a slice of a seed and not to the order of calls: two worlds of the same seed see the
same requests, the same bad luck and the same incidents, so they differ by what was done to them and by nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from lumen.model.alert import Observation
from lumen.model.incident import RevisionCount
from lumen.model.snapshot import SLICE_SECONDS
from lumen.verification.accesses import HeldKeys, Reported, hashes_of
from lumen.verification.cache import Cache, Instances, slice_usd
from lumen.verification.incidents import DAY, RELEASES, ROLLED_BACK, SimulatedIncident, Trouble
from lumen.verification.traffic import SECONDS_A_MONTH, Arrivals, Demand, Profile

#: The world begins on a Monday.
ORIGIN = datetime(2026, 11, 2, tzinfo=UTC)
SERVICE = "ion-api"
#: Latencies are log-normal around the profile's medians.
HIT_SIGMA, MODEL_SIGMA, UNCACHED_SIGMA, START_SIGMA = 0.35, 0.6, 0.4, 0.4
START_MS = 2000.0
NOT_FOUND_SHARE = 0.004
#: One point in so many does not come.
LOST_POINTS = 0.004
#: Other data may take all of the cache but for this many MB.
LEAST_ROOM_MB = 1.0
MB = 1 << 20


@dataclass(frozen=True, slots=True)
class WorldSlice:
    """The true events of one slice, and what of it is measured (`seen`)."""

    seen: Observation
    index: int
    revision: str
    requests: int
    errors_5xx: int
    hits: int
    lookups: int
    evictions: int
    cost_usd: float
    latencies_ms: NDArray[np.float32]
    #: What outdated answers cost beside the bill.
    stale_usd: float = 0.0
    #: Requests and 5xx of each revision that answered; empty where the measurements did not come.
    by_revision: tuple[RevisionCount, ...] = ()
    #: What the service reports of its lookups; None where nobody reads it.
    reported: Reported | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """The knobs of the world, and the keys that keep an older TTL for a while."""

    ttl_seconds: int
    cache_mb: int
    hold_back: HeldKeys | None = None


class World:
    """`step` once a slice. `fork` gives a second world that stands just where this one does."""

    def __init__(self, profile: Profile, incidents: Sequence[SimulatedIncident], demand: Demand) -> None:
        self.profile = profile
        self.incidents = tuple(sorted(incidents, key=lambda one: one.released))
        self.setting = Setting(profile.ttl_seconds, profile.cache_mb)
        self.index = 0
        self._demand = demand
        #: Starts of releases that traffic was taken from.
        self._left: frozenset[float] = frozenset()
        self._cache = Cache(profile.entry_mb * profile.stands_for)
        self._instances = Instances()
        #: Whether somebody reads what the service reports.
        self.reports = False

    @property
    def seconds(self) -> float:
        """Since the world began."""
        return float(self.index * SLICE_SECONDS)

    def fork(self) -> "World":
        """Requests are shared, everything else is its own."""
        other = World(self.profile, self.incidents, self._demand)
        other.setting, other.index, other._left = self.setting, self.index, self._left
        other._cache, other._instances = self._cache.fork(), self._instances
        return other

    def roll_back(self) -> bool:
        """Go back to the revision before the newest. Whether that ended anything: not every page is a release's."""
        newest, fails = self._newest(), self.release_fails()
        if newest is not None:
            self._left |= {newest.start}
            if newest.trouble in ROLLED_BACK and self.seconds < newest.end:
                self.end_now(newest)  # also what it would have come to
        return fails

    def release_fails(self) -> bool:
        """Whether the release that serves is at fault now."""
        newest = self._newest()
        return newest is not None and newest.trouble in ROLLED_BACK and newest.covers(self.seconds)

    def _newest(self) -> SimulatedIncident | None:
        """The newest release that traffic was not taken from."""
        return next((one for one in reversed(self.releases()) if one.start not in self._left), None)

    def end_now(self, incident: SimulatedIncident) -> None:
        """End an incident that somebody has mended."""
        at = self.seconds
        self.incidents = tuple(replace(one, end=at) if one == incident else one for one in self.incidents)

    def releases(self) -> tuple[SimulatedIncident, ...]:
        """All that have come so far, oldest first."""
        return tuple(one for one in self.incidents if one.trouble in RELEASES and one.released < self.seconds)

    def step(self) -> WorldSlice:
        """The next five minutes."""
        p, start, each = self.profile, self.seconds, self.profile.stands_for
        arrivals = self._demand.slice(self.index)
        dice = np.random.default_rng([p.seed, 5, self.index])
        looked = arrivals.keys >= 0
        hashes = hashes_of(arrivals.keys[looked])
        held = self._held(hashes, start)
        ages, evictions = self._look_up(arrivals, looked, held, start)
        hit = ages >= 0
        # Who gets an outdated answer asks again, past the cache.
        stale = hit & (dice.random(len(hit)) < 1 - np.exp(-np.maximum(ages, 0) / p.answer_life_seconds))
        again = int((stale & (dice.random(len(hit)) < p.asks_again)).sum())
        latencies = self._latencies(dice, looked, hit, again)
        times = np.append(arrivals.times, start + dice.random(again) * SLICE_SECONDS)
        failed, slower = self._release_effects(dice, times)
        latencies *= slower
        busy = float(latencies.sum()) / 1000 * each
        self._instances, cold = self._instances.after(busy, SLICE_SECONDS, restarted=self._released(start))
        waits = min(round(cold / each), len(latencies))
        latencies[dice.permutation(len(latencies))[:waits]] += START_MS * np.exp(dice.normal(0, START_SIGMA, waits))
        requests, misses = len(latencies) * each, int(looked.sum() - hit.sum()) * each
        work = slice_usd(busy, requests) + misses * p.model_call_usd
        cost = work + again * each * p.model_call_usd + self._standing_usd(start)
        found = WorldSlice(
            seen=Observation(ORIGIN + timedelta(seconds=start)),
            index=self.index,
            revision=self.revision(start),
            requests=requests,
            errors_5xx=int(failed.sum()),
            hits=int(hit.sum()) * each,
            lookups=int(looked.sum()) * each,
            evictions=evictions * each,
            cost_usd=cost,
            latencies_ms=latencies.astype(np.float32),
            stale_usd=int(stale.sum()) * each * p.stale_usd_per_1000 / 1000,
        )
        seen = self._measured(dice, found, work + self._cache_usd() if p.goes_by_estimate else cost)
        counts = self._counts(times, failed, found.seen.start) if seen.requests is not None else ()
        reported = self._reported(arrivals.times[looked], hashes, hit[looked], held) if self.reports else None
        found = replace(found, seen=seen, by_revision=counts, reported=reported)
        self.index += 1
        return found

    def revision(self, at: float) -> str:
        """The name of what serves: a rolled back release leaves the one before."""
        serving = 0
        for number, one in enumerate((one for one in self.incidents if one.trouble in RELEASES), 1):
            if one.released <= at and one.start not in self._left and (one.trouble is Trouble.RELEASE or at < one.end):
                serving = number
        return revision_name(serving)

    def _counts(self, times: NDArray[np.float64], failed: NDArray[np.int64], at: datetime) -> tuple[RevisionCount, ...]:
        """Requests and errors by revision, where a release (or its end) falls into the slice."""
        start, end = self.seconds, self.seconds + SLICE_SECONDS
        ours = [one for one in self.incidents if one.trouble in RELEASES]
        turns = sorted({start, *(t for one in ours for t in (one.released, one.end) if start < t < end)})
        found = []
        for since, until in zip(turns, [*turns[1:], end], strict=True):
            within = (times >= since) & (times < until)
            if within.any():
                requests, errors = int(within.sum()) * self.profile.stands_for, int(failed[within].sum())
                found.append(RevisionCount(at, self.revision(since), requests, errors))
        return tuple(found)

    def _held(self, hashes: NDArray[np.uint64], at: float) -> NDArray[np.bool_]:
        """Of each lookup whether its key keeps the old TTL."""
        hold = self.setting.hold_back
        if hold is None or at >= hold.until:
            return np.zeros(len(hashes), np.bool_)
        return np.array(hold.holds(hashes.tolist()), np.bool_)

    def _reported(
        self, times: NDArray[np.float64], hashes: NDArray[np.uint64], hit: NDArray[np.bool_], held: NDArray[np.bool_]
    ) -> Reported:
        p, day = self.profile, self.seconds // DAY
        at_ms = ((times - day * DAY) * 1000).astype(np.int64)
        size = round(p.entry_mb * MB)
        return Reported((ORIGIN + timedelta(days=day)).date(), at_ms, hashes, hit, held, size, p.stands_for)

    def _look_up(
        self, arrivals: Arrivals, looked: NDArray[np.bool_], held: NDArray[np.bool_], start: float
    ) -> tuple[NDArray[np.float64], int]:
        """Ages per request (-1: not from the cache), and evictions."""
        room = self._room_mb(start)
        end = start + SLICE_SECONDS
        evictions = self._cache.settle(start, room)
        times, keys = arrivals.times[looked].tolist(), arrivals.keys[looked].tolist()
        ttls = self._ttls(held)
        flush = self._current(Trouble.CACHE_FLUSHED, start)
        if flush is None:
            found = self._cache.look_up(times, keys, ttls, room)
            answers, evictions = found.ages, evictions + found.evictions
        else:
            answers, done = [], 0
            for upto in [*np.arange(start + flush.size, end, flush.size), end]:
                several = int(np.searchsorted(times, upto))
                piece = times[done:several], keys[done:several], ttls[done:several]
                answers += self._cache.look_up(*piece, room).ages
                self._cache.flush()
                done = several
        evictions += self._cache.settle(end, room)
        ages = np.full(len(looked), -1.0)
        ages[looked] = answers
        return ages, evictions

    def _ttls(self, held: NDArray[np.bool_]) -> list[float]:
        """The TTL that each lookup would write its key with."""
        setting = self.setting
        if setting.hold_back is None or not held.any():
            return [float(setting.ttl_seconds)] * len(held)
        return list(np.where(held, setting.hold_back.old_seconds, setting.ttl_seconds).astype(np.float64).tolist())

    def _room_mb(self, at: float) -> float:
        """The memory that other data leaves for answers."""
        room = self.setting.cache_mb - self.profile.other_data_mb
        squeeze = self._current(Trouble.CACHE_SQUEEZED, at)
        if squeeze is not None:
            usual = self.profile.cache_mb - self.profile.other_data_mb
            room = room - (1 - squeeze.size) * usual
            # Who fills the cache fills it whatever its size: other data grows into what it is given.
            room = min(room, squeeze.size * usual)
        return max(LEAST_ROOM_MB, room)

    def _latencies(
        self, dice: np.random.Generator, looked: NDArray[np.bool_], hit: NDArray[np.bool_], again: int
    ) -> NDArray[np.float64]:
        """Latencies in ms, of every request and then of those who ask again."""
        p = self.profile
        z = dice.normal(0, 1, len(hit) + again)
        slow = self._current(Trouble.MODEL_SLOW, float(self.index * SLICE_SECONDS))
        model_ms = p.model_ms * (slow.size if slow is not None else 1.0)
        model = p.hit_ms + model_ms * np.exp(MODEL_SIGMA * z)
        fast, bare = p.hit_ms * np.exp(HIT_SIGMA * z), p.uncached_ms * np.exp(UNCACHED_SIGMA * z)
        kinds = np.where(looked, np.where(hit, 0, 1), 2)
        kinds = np.append(kinds, np.ones(again, dtype=kinds.dtype))
        return np.asarray(np.choose(kinds, [fast, model, bare]), dtype=np.float64)

    def _release_effects(
        self, dice: np.random.Generator, times: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The failures among those that each request stands for, and the factor of the time that it takes."""
        # A few minutes are worse than others, so errors come in clumps.
        chance = np.full(len(times), self.profile.error_share * dice.gamma(2.0, 0.5))
        slower = np.ones(len(times))
        end = self.seconds + SLICE_SECONDS
        for one in self.incidents:
            if one.start >= end or one.end <= self.seconds:
                continue
            within = (times >= one.start) & (times < one.end)
            if one.trouble in {Trouble.BAD_RELEASE_ERRORS, Trouble.PLATFORM_ERRORS, Trouble.BLIP}:
                chance[within] += one.size
            elif one.trouble is Trouble.BAD_RELEASE_SLOW:
                slower[within] *= one.size
        return dice.binomial(self.profile.stands_for, np.minimum(chance, 1.0)), slower

    def _standing_usd(self, at: float) -> float:
        """Costs of the slice that do not depend on requests."""
        surge = self._current(Trouble.COST_SURGE, at)
        return self._cache_usd() + (surge.size * SLICE_SECONDS / 86_400 if surge is not None else 0.0)

    def _cache_usd(self) -> float:
        return self.setting.cache_mb * self.profile.cache_usd_per_mb_month * SLICE_SECONDS / SECONDS_A_MONTH

    def _measured(self, dice: np.random.Generator, found: WorldSlice, cost_usd: float) -> Observation:
        start = self.seconds
        if self._current(Trouble.BLIND, start) is not None or dice.random() < LOST_POINTS:
            return found.seen
        p50, p95, p99 = np.percentile(found.latencies_ms, (50, 95, 99)) if found.requests else (None, None, None)
        room_taken = self.setting.cache_mb - self._room_mb(start)
        return Observation(
            found.seen.start,
            requests=found.requests,
            errors_5xx=found.errors_5xx,
            errors_4xx=int(dice.binomial(found.requests - found.errors_5xx, NOT_FOUND_SHARE)),
            p50_ms=None if p50 is None else float(p50),
            p95_ms=None if p95 is None else float(p95),
            p99_ms=None if p99 is None else float(p99),
            hits=found.hits,
            misses=found.lookups - found.hits,
            evictions=found.evictions,
            memory_mb=room_taken + self._cache.used_mb,
            cost_usd=cost_usd,
            revision=found.revision,
        )

    def _current(self, trouble: Trouble, at: float) -> SimulatedIncident | None:
        return next((one for one in self.incidents if one.trouble is trouble and one.covers(at)), None)

    def _released(self, at: float) -> bool:
        """Whether a release (or a way back) starts its instances in this slice."""
        end = at + SLICE_SECONDS
        return any(
            at <= one.released < end or (one.trouble in ROLLED_BACK and at <= one.end < end)
            for one in self.incidents
            if one.trouble in RELEASES
        )


def revision_name(number: int) -> str:
    return f"ion-api-{41 + number:05d}"
