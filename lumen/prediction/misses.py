"""The hit rate at a longer TTL, from the misses alone: for services that report no accesses.

Every miss hides the requests of the TTL that follows it. How often a key is asked for when it is absent says how often
it is asked for while it is there; the times of absence give each run of misses a rate, from a mixture over all of them,
so that a run of few misses borrows from the others. Time runs as fast as requests come (`Clock`), so that the daily
curve bends no rate. At a longer TTL only one hidden request in a while matters: the first one after an entry would have
expired. It is drawn when the replay meets it, which is the same as filling every hidden window with requests and
replaying them all, at a cost that goes with the misses and not with the requests.

Two things go beyond that, since they measured better (docs/prediction.md). A rate holds for a run of misses, none more
than RUN TTLs of absence after the other, not for a key's whole day: what is popular for an hour is not diluted by the
hours in which nobody asks. And hits beyond those that the rates explain are taken as bursts, which begin with each miss
and fade within a fraction of the TTL: visitors who ask again and again. Where the rates explain more hits than were
seen, requests come with a regular gap (machines, at a period just above the TTL): a key that is back so soon was not
asked for before. The truth then lies between requests in all hidden windows and requests in so few of them as the hits
tell.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lumen.prediction.accesses import Flags, Floats, Integers, Words
from lumen.prediction.lives import MS_BITS, Requests, elapsed_ms
from lumen.prediction.replay import miss_count

#: Numbers of runs and cells; of long logs there are many, so they are short.
Places = NDArray[np.int32]
#: Fewer misses tell nothing.
LEAST_MISSES = 300
#: The rate of a key that nobody asks for.
NEVER = 1e-12
DRAWS = 6
#: Of more misses than these, those of some keys are replayed; rates are fitted to all of them.
MOST_MISSES = 1 << 19
#: Misses of which the absences are computed at a time.
STRIDE = 1 << 18
#: A run of misses ends when its key stays absent for so many TTLs; a burst fades within this share of one.
RUN, FADES = 6, 0.2
#: Rates that explain so many more hits than were seen are those of regular gaps; how far towards fewer windows then.
FEWER_HITS, TOWARDS_FEWER = 0.9, 0.45
#: Rates in a decade of the grid, rounds of the fit, and how finely runs are told apart for it.
RATES_A_DECADE, ROUNDS = 8, 200
SINGLY, A_FOLD, A_DECADE = 20, 12, 16


@dataclass(frozen=True, slots=True)
class Clock:
    """Requests so far at moments in ms since the window's start: operational time, linear between the moments."""

    at_ms: Floats
    requests: Floats

    def of(self, at_ms: Floats) -> Floats:
        """Requests until then."""
        return np.interp(at_ms, self.at_ms, self.requests)

    def back(self, requests: Floats) -> Floats:
        """The time by which there were so many requests; infinity beyond the window's end."""
        return np.interp(requests, self.requests, self.at_ms, right=np.inf)


@dataclass(frozen=True, slots=True)
class Misses:
    """Misses seen at `ttl_ms`: elements by key and time (`lives.packed`), and the hits of the same window."""

    elements: Words
    clock: Clock
    ttl_ms: int
    hits: float

    @property
    def at_ms(self) -> Floats:
        """The time of each."""
        return elapsed_ms(self.elements).astype(np.float64)

    def hidden(self) -> Floats:
        """The operational time of the TTL after each of them."""
        return self.clock.of(self.at_ms + self.ttl_ms) - self.clock.of(self.at_ms)


@dataclass(frozen=True, slots=True)
class Imputed:
    """Misses at another TTL: their mean over the draws, the standard deviation of a draw, by how many they differ where
    requests come in another pattern, and bounds that are free of any model."""

    misses: float
    spread: float
    of_pattern: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class _Rates:
    """Of each miss the cell of its run; rates (a request of operational time) and each cell's chances of them; how many
    requests the burst after a miss has for each that the rate explains; the share of the explained hits that was seen,
    at most 1."""

    cell: Places
    rates: Floats
    chances: Floats
    burst: float
    seen: float

    def drawn(self, runs: Places, dice: np.random.Generator) -> Floats:
        """A rate for each miss, the same within a run."""
        so_far = np.minimum(self.chances.cumsum(axis=1), 1.0)
        so_far[:, -1] = 1.0
        steps = (so_far + np.arange(len(so_far))[:, None]).ravel()
        place = np.searchsorted(steps, self.cell + dice.random(len(self.cell))) - self.cell * len(self.rates)
        rates: Floats = self.rates[np.clip(place, 0, len(self.rates) - 1)][runs]
        return rates


def imputed(
    seen: Misses,
    ttls_ms: Sequence[int],
    seed: int,
    draws: int = DRAWS,
    progress: Callable[[int], None] = lambda _: None,
) -> Sequence[Imputed]:
    """Misses at each of these TTLs, all longer than the one in force. The same seed, the same answer. `progress` hears
    1 when the rates are fitted, and for each TTL."""
    runs, fitted = _fitted(seen)
    progress(1)
    dice = np.random.default_rng(seed)
    part = _some_keys(seen.elements)
    some, runs = replace(seen, elements=seen.elements[part]), runs[part]
    rates = [fitted.drawn(runs, dice) for _ in range(draws)]
    found = []
    for ttl_ms in ttls_ms:
        found.append(_at(some, ttl_ms, rates, fitted, dice))
        progress(1)
    return found if len(part) == len(seen.elements) else [_of_all(seen, one, len(part)) for one in found]


def _some_keys(elements: Words) -> Integers:
    """The places of all misses, or of those of as many keys as have MOST_MISSES together: a key has no more misses than
    TTLs fit into the window, so that none of them counts for much."""
    share = min(MOST_MISSES / len(elements), 1.0)
    scattered = (elements >> np.uint64(MS_BITS)) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(32)
    return np.flatnonzero(scattered < np.uint64(int(share * (1 << 32))))


def _of_all(seen: Misses, of_some: Imputed, used: int) -> Imputed:
    """Scaled by the ratio of the misses, within the bounds."""
    scale = len(seen.elements) / used
    return Imputed(
        *(scale * one for one in (of_some.misses, of_some.spread, of_some.of_pattern, of_some.least, of_some.most))
    )


def _at(seen: Misses, ttl_ms: int, rates: Sequence[Floats], fitted: _Rates, dice: np.random.Generator) -> Imputed:
    alone = Requests(seen.elements)
    least, most = miss_count(alone, ttl_ms), miss_count(alone, ttl_ms - seen.ttl_ms)
    counts = [_replayed(seen, ttl_ms, rate, fitted.burst, dice) for rate in rates]
    others = [_replayed(seen, ttl_ms, rate, 0.0, dice) for rate in _otherwise(rates, fitted, dice)]
    apart = float(np.mean(others) - np.mean(counts)) if others else 0.0
    mean = float(np.mean(counts)) + TOWARDS_FEWER * (1 - fitted.seen) * apart
    return Imputed(float(np.clip(mean, least, most)), float(np.std(counts, ddof=1)), abs(apart), least, most)


def _otherwise(rates: Sequence[Floats], fitted: _Rates, dice: np.random.Generator) -> Sequence[Floats]:
    """Rates of another pattern than the one that is taken: the same without bursts; or, where they explain too much, in
    fewer of the hidden windows. None where the rates explain just what was seen."""
    if fitted.burst:
        return rates
    if fitted.seen > FEWER_HITS:
        return []
    return [np.where(dice.random(len(rate)) < fitted.seen, rate, NEVER) for rate in rates]


def _fitted(seen: Misses) -> tuple[Places, _Rates]:
    """Of each miss its run; and the rates of the runs."""
    run, arrivals, exposure = _runs(seen)
    cell, weight, mean_arrivals, mean_exposure = _cells(arrivals, exposure)
    rates, chances = _mixture(weight, mean_arrivals, mean_exposure)
    explained = _explained(seen, run, (chances @ rates)[cell])
    ratio = seen.hits / explained if explained > 0 else 1.0
    burst = max(ratio - 1, 0.0) / (FADES * (1 - np.exp(-1 / FADES)))
    return run, _Rates(cell, rates, chances, burst, min(ratio, 1.0))


def _explained(seen: Misses, run: Places, rate: Floats) -> float:
    """Hits that the rates of the runs account for."""
    parts = [slice(start, start + STRIDE) for start in range(0, len(run), STRIDE)]
    hidden = (replace(seen, elements=seen.elements[part]).hidden() for part in parts)
    return sum(float((rate[run[part]] * one).sum()) for part, one in zip(parts, hidden, strict=True))


def _runs(seen: Misses) -> tuple[Places, Floats, Floats]:
    """Of each miss the number of its run; of each run its misses beyond the first, and how long its key was absent."""
    parts = [_absences(seen, start) for start in range(0, len(seen.elements), STRIDE)]
    ends, absent = np.concatenate([one for one, _ in parts]), np.concatenate([one for _, one in parts])
    begins = np.append(True, ends[:-1])
    first = np.flatnonzero(begins)
    arrivals = np.diff(np.append(first, len(ends))) - 1.0
    run: Places = np.cumsum(begins, dtype=np.int32) - 1
    return run, arrivals, np.add.reduceat(absent, first)


def _absences(seen: Misses, start: int) -> tuple[Flags, Floats]:
    """Of STRIDE misses from `start` on: whether a run ends with it, and for how long its key was absent after it."""
    part = seen.elements[start : start + STRIDE + 1]
    at, key, longest = elapsed_ms(part).astype(np.float64), part >> np.uint64(MS_BITS), float(RUN * seen.ttl_ms)
    gone, last = at + seen.ttl_ms, float(seen.clock.at_ms[-1])
    same = np.append(key[1:] == key[:-1], False)
    back = np.where(same, np.append(at[1:], last), last)
    absent = np.maximum(seen.clock.of(np.minimum(back, gone + longest)) - seen.clock.of(gone), 0.0)
    return (~same | (back > gone + longest))[:STRIDE], absent[:STRIDE]


def _cells(arrivals: Floats, exposure: Floats) -> tuple[Places, Floats, Floats, Floats]:
    """Runs that are nearly alike as one: of each run its cell, of each cell its runs, mean arrivals and exposure."""
    code = np.minimum(arrivals, SINGLY)
    code += np.floor(A_FOLD * np.log(np.maximum(arrivals, SINGLY) / SINGLY))
    code *= 1000
    code += np.floor(A_DECADE * np.log10(exposure + 1))
    code = code.astype(np.int32)
    cell: Places = (np.cumsum(np.bincount(code) > 0, dtype=np.int32) - 1)[code]
    weight = np.bincount(cell).astype(np.float64)
    return cell, weight, np.bincount(cell, arrivals) / weight, np.bincount(cell, exposure) / weight


def _mixture(weight: Floats, arrivals: Floats, exposure: Floats) -> tuple[Floats, Floats]:
    """The grid of rates, and of each cell the chance of each: Poisson counts over exposures, by EM over all cells."""
    rough = (arrivals + 0.5) / (exposure + 1.0)
    low, high = rough.min() / 10, rough.max() * 10
    rates = np.geomspace(low, high, max(2, int(RATES_A_DECADE * np.log10(high / low))))
    likely = arrivals[:, None] * np.log(rates) - exposure[:, None] * rates
    likely = np.exp(likely - likely.max(axis=1, keepdims=True))
    share = np.full(len(rates), 1 / len(rates))
    chances = likely
    for _ in range(ROUNDS):
        chances = likely * share
        chances /= chances.sum(axis=1, keepdims=True)
        share = weight @ chances / weight.sum()
    return rates, chances


def _replayed(seen: Misses, ttl_ms: int, rate: Floats, burst: float, dice: np.random.Generator) -> int:
    """Misses at `ttl_ms` in one draw. As in `replay`, from every sure start at once: a miss that no entry can reach."""
    elements, at = seen.elements, seen.at_ms
    pace = rate * seen.hidden() / seen.ttl_ms
    start = np.flatnonzero(np.append(True, elements[1:] - elements[:-1] >= np.uint64(ttl_ms + seen.ttl_ms)))
    key, expires, end = elements[start] >> np.uint64(MS_BITS), at[start] + ttl_ms, np.append(start[1:], len(at))
    total = 0
    while len(key):
        total += len(key)
        after = np.searchsorted(elements, key << np.uint64(MS_BITS) | np.ceil(expires).astype(np.uint64))
        before = after - 1
        drawn = seen.clock.back(seen.clock.of(expires) + dice.standard_exponential(len(key)) / rate[before])
        if burst:
            drawn = np.minimum(drawn, _in_burst(seen, at[before], expires, burst * pace[before], dice))
        hidden = drawn < at[before] + seen.ttl_ms
        following = np.where(hidden, drawn, at[np.minimum(after, len(at) - 1)])
        inside = hidden | (after < end)
        key, expires, end = key[inside], following[inside] + ttl_ms, end[inside]
    return total


def _in_burst(seen: Misses, miss_ms: Floats, from_ms: Floats, pace: Floats, dice: np.random.Generator) -> Floats:
    """The first request at or after `from_ms` of the burst behind each miss, infinity for none; `pace` is how many
    requests a ms it begins with."""
    fades = FADES * seen.ttl_ms
    left = np.exp((miss_ms - from_ms) / fades) - dice.standard_exponential(len(pace)) / np.maximum(pace * fades, 1e-300)
    return np.where(left > 0, miss_ms - fades * np.log(np.maximum(left, 1e-300)), np.inf)
